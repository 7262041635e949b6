"""One call of an implementation and everything that it did, as an `Observation`.

This module copies and records. It does not judge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter

import numpy as np

from convgauge.registry import Implementation
from convgauge.registry.signature import UnsupportedArgument
from convgauge.worker import (  # noqa: F401 four register their modes
    gradient_modes,
    operator_modes,
    reproducibility_modes,
    stability,
    state_modes,
)
from convgauge.worker.absent_device import described, has_absent_device
from convgauge.worker.call import OPERANDS, Call, Kind, Observation, SideEffect
from convgauge.worker.call_modes import CALL_MODES, TRACED, Outputs, UnsupportedCall, call_plainly
from convgauge.worker.computed_gradients import computed_gradient
from convgauge.worker.disguises import disguise_of
from convgauge.worker.exceptions import class_names, describe
from convgauge.worker.forms import Form, what_to_return
from convgauge.worker.frameworks import Array, Framework, NotAnArray, Operand
from convgauge.worker.global_state import changes, permanent_state
from convgauge.worker.guarded_memory import GUARDED_LAYOUTS
from convgauge.worker.layouts import REPEATED
from convgauge.worker.memory_faults import reported_faults
from convgauge.worker.patches import PatchDetector
from convgauge.worker.refusals import OwnCode, is_refusal
from convgauge.worker.side_effects import SideEffectDetector

MAX_REUSED = 64  # operands that are kept to be written to again


class Observer:
    """Calls of one implementation in this process. Not safe for use by several threads.

    Parameters
    ----------
    implementation : Implementation
        The implementation.
    framework : Framework
        Adapter of its framework.
    form : Form
        Its function, and the way in which that is called.
    code : OwnCode
        Code of the implementation: what it raises itself is a refusal.
    refusals : tuple of str
        Names of further exception classes that are refusals.
    """

    def __init__(
        self,
        implementation: Implementation,
        framework: Framework,
        form: Form,
        code: OwnCode,
        refusals: tuple[str, ...] = (),
    ) -> None:
        self.implementation, self.framework, self.form = implementation, framework, form
        self._code, self._refusals = code, refusals
        self.side_effects = SideEffectDetector(framework)
        self._reused: dict[object, Operand] = {}
        self._permanent_state = permanent_state(framework.global_state())
        self._patches = PatchDetector(code)

    def observe(self, call: Call) -> Observation:
        """Make one call. Only exceptions that end the process escape."""
        try:
            operands = self._operands(call)
        except (KeyError, TypeError, RuntimeError, NotImplementedError) as error:
            return Observation("unsupported", message=f"{type(error).__name__}: {error}")
        observation = self._checked(call, operands)
        observation.patched = self._patches.find()
        return observation

    def _checked(self, call: Call, operands: list[Operand | None]) -> Observation:
        """Make one call, with the global state before and after it if the call asks so."""
        if not call.check_globals:
            return self._observe(call, operands)
        state = permanent_state(self.framework.global_state())
        earlier = changes(self._permanent_state, state, " in an earlier call")
        with self.framework.perturbed_globals():
            observation = self._observe(call, operands)
        return replace(observation, side_effects=(*observation.side_effects, *earlier))

    def _observe(self, call: Call, operands: list[Operand | None]) -> Observation:
        snapshot = self.side_effects.snapshot
        before = [None if operand is None else snapshot(*operand) for operand in operands]
        if call.check_globals:
            self.framework.perturb_rng()
        state = self.framework.global_state() if call.check_globals else {}
        arguments = repr(call.arguments)
        self.form.begin(call)
        arrays = [None if operand is None else operand[0] for operand in operands]
        started = perf_counter()
        try:
            with reported_faults(self._guarded(call, operands)):
                output, extra_outputs = self._call(call, arrays)
        except UnsupportedCall as error:
            return Observation("unsupported", message=str(error))
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            return self._raised(error, call, arrays, perf_counter() - started)
        observation = self._read(output, extra_outputs, perf_counter() - started)
        if observation.output is None:
            return observation
        if not call.mode:
            effects = self.side_effects.find(operands, before, output)
            if state:
                effects += tuple(changes(state, self.framework.global_state()))
            if repr(call.arguments) != arguments:
                effects += (SideEffect("mutated", "arguments", "changed a list among the arguments"),)
            observation.side_effects = effects
        if call.repeat > 1:
            try:
                observation.is_unstable = self._is_unstable(call, arrays, observation.output)
            except (KeyboardInterrupt, SystemExit):
                raise
            except BaseException as error:
                return self._raised(error, call, arrays, observation.seconds)
        return observation

    def _call(self, call: Call, arrays: list[Array]) -> Outputs:
        direction = self.implementation.declaration.direction
        if call.mode == "gradient" and direction != "forward":
            outputs = computed_gradient(self.form, self.framework, call, arrays, direction)
        elif call.mode:
            outputs = CALL_MODES[call.mode](self.implementation, self.framework, call, arrays)
        else:
            outputs = call_plainly(self.implementation, call, arrays), []
        self.framework.synchronize()
        return outputs

    def _read(self, output: Array, extra_outputs: Sequence[Array], seconds: float) -> Observation:
        """Copy the outputs."""
        try:
            copy, dtype = self.form.rounded(*self.framework.read(output))
            extra = [None if array is None else self.framework.read(array)[0] for array in extra_outputs]
        except NotAnArray as error:
            return Observation("not_an_array", message=f"{error}{what_to_return(output)}", seconds=seconds)
        except UnsupportedArgument as error:
            return self._failure("refused", error, seconds)
        except BaseException as error:
            return self._failure("unreadable", error, seconds)
        disguise = disguise_of(output)
        return Observation("answer", copy, dtype, seconds=seconds, extra_outputs=extra, disguise=disguise)

    def _raised(self, error: BaseException, call: Call, arrays: list[Array], seconds: float) -> Observation:
        """Describe the exception of a call: a refusal, the lack of a device, or an error."""
        is_refused = is_refusal(error, self._code, self._refusals)
        if not is_refused and call.mode in TRACED:
            plain = self._refusal(call, arrays)
            is_refused, error = plain is not None, plain or error
        observation = self._failure("refused" if is_refused else "raised", error, seconds)
        if not has_absent_device(observation.message):
            return observation
        message = described(observation.message, self.framework.devices())
        return replace(observation, kind="refused", message=message)

    def _refusal(self, call: Call, arrays: list[Array]) -> BaseException | None:
        """Return the refusal that a plain call raises, or None."""
        try:
            call_plainly(self.implementation, call, arrays)
        except Exception as error:
            return error if is_refusal(error, self._code, self._refusals) else None
        return None

    def _failure(self, kind: Kind, error: BaseException, seconds: float) -> Observation:
        """Describe an exception: its classes, its text, and the line that raised it."""
        return Observation(kind, error=class_names(error), message=describe(error, self._code), seconds=seconds)

    def _is_unstable(self, call: Call, arrays: list[Array], output: np.ndarray) -> bool:
        def compute(arrays: Sequence[Array]) -> bytes:
            output = self.framework.read(call_plainly(self.implementation, call, list(arrays)))
            return self.form.rounded(*output)[0].tobytes()

        return stability.is_unstable(compute, arrays, output, call.repeat, call.threads)

    def _guarded(self, call: Call, operands: list[Operand | None]) -> dict[str, tuple[int, int]]:
        """Return the addresses of the memory between protected pages, by the name of the operand in it."""
        return {
            name: self.framework.address_range(operand[1])
            for name, operand, layout in zip(OPERANDS, operands, call.layouts)
            if operand is not None and layout in GUARDED_LAYOUTS
        }

    def _operands(self, call: Call) -> list[Operand | None]:
        carriers = (call.input, call.weight, call.bias)
        return [
            None if carrier is None else self._operand(index, carrier, dtype, layout, call)
            for index, (carrier, dtype, layout) in enumerate(zip(carriers, call.dtypes, call.layouts))
        ]

    def _operand(self, index: int, carrier: np.ndarray, dtype: str, layout: str, call: Call) -> Operand:
        """Return an operand and its memory: if ``call.reuse``, those of an earlier such call with new values."""
        key = (index, carrier.shape, dtype, layout, call.device)
        if call.reuse and key in self._reused:
            self.framework.refill(self._reused[key][0], carrier)
            return self._reused[key]
        operand = self.framework.make(carrier, dtype, call.device, layout)
        if call.reuse and self.framework.can_refill and layout not in ("readonly", *REPEATED):
            if len(self._reused) >= MAX_REUSED:
                self._reused.clear()
            self._reused[key] = operand
        return operand
