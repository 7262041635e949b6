"""A subject: an implementation ready to be called, and all that one call did.

This module runs where the implementation runs. It calls, watches and copies; it judges nothing.
"""

from __future__ import annotations

import random
import sys
import time
import traceback
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from convgauge.problem import Problem
from convgauge.registry import Implementation
from convgauge.worker import call_modes
from convgauge.worker.frameworks import Framework, NotAnArray, framework

CONTIGUOUS = ("contiguous", "contiguous", "contiguous")
EARLIER = 3  # outputs that are kept and looked at again: a kernel may turn over a few buffers
LARGE = 1 << 20  # bytes of an output that is not kept
SWITCH = 1e-6  # seconds after which a thread gives way to others: at the usual 5 ms a short call is rarely cut in two
KEPT = 64  # operands that are kept to be filled anew


Kind = Literal[
    "answer", "raised", "declined", "unsupported", "not_an_array", "unreadable", "crashed", "timed_out", "not_called"
]
"""Result of a call. "declined": NotImplementedError was raised. "unsupported": the framework cannot make the layout,
dtype or call mode. "not_an_array": the output is not an array of the framework. "unreadable": the output is such an
array, and reading it fails. "crashed" and "timed_out": the process ended or did not reply. "not_called": the call was
not made, because the process had ended too often."""


@dataclass
class Call:
    """One call to make: carriers of the operands, their dtypes and layouts, and the keyword arguments as they are.

    ``prepared`` is the problem's text when the call is to go through ``prepare``. ``watch`` asks for global state
    to be compared as well. ``reuse`` writes the operands into the arrays of an earlier such call, so that the same
    objects at the same addresses have new content. ``mode`` names another way to make the call (see
    `convgauge.worker.call_modes`), ``upstream`` the further operand and ``wanted`` the choice that some of them take.
    """

    input: Any
    weight: Any
    bias: Any
    arguments: Mapping[str, Any]
    dtypes: tuple[str, str, str] = ("float32", "float32", "float32")
    layouts: tuple[str, str, str] = CONTIGUOUS
    device: str = "cpu"
    prepared: str = ""
    watch: bool = False
    repeat: int = 1
    threads: int = 1
    reuse: bool = False
    mode: str = ""
    upstream: Any = None
    wanted: str = ""


@dataclass
class Observation:
    """All that one call did.

    ``kind`` is one of `Kind`. ``output`` is a copy in its carrier. ``error`` holds the
    exception's class names, most derived first; ``message`` its text. ``impurities`` are sentences: what the call
    touched that was not its own. ``extra`` holds what a call's mode gives beside its output, None where nothing came.
    """

    kind: Kind
    output: np.ndarray | None = None
    dtype: str = ""
    error: tuple[str, ...] = ()
    message: str = ""
    impurities: tuple[str, ...] = ()
    unstable: bool = False
    seconds: float = 0.0
    printed: str = ""
    extra: list[np.ndarray | None] = field(default_factory=list)

    @property
    def shape(self) -> tuple[int, ...]:
        return () if self.output is None else self.output.shape


@dataclass
class Description:
    """What a subject says of itself once loaded."""

    name: str
    framework: str
    algorithm: str
    grade: str
    dtypes: tuple[str, ...]
    layouts: tuple[str, ...]
    devices: tuple[str, ...]
    versions: Mapping[str, str]
    declines: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    summary: str = ""
    prepares: bool = False
    calibrates: bool = False
    explains: bool = False


@dataclass
class _Snapshot:
    """An array at one moment: the window on its memory, the span and content of that, and the array's form."""

    window: Any
    span: tuple[int, int]
    content: bytes
    form: tuple[Any, ...] = ()

    def shares(self, span: tuple[int, int]) -> bool:
        """Whether its memory is among the bytes of ``span``."""
        return span[0] < self.span[1] and self.span[0] < span[1]


class Subject:
    """An implementation called in this process."""

    def __init__(self, implementation: Implementation) -> None:
        self.implementation = implementation
        self.framework: Framework = framework(implementation.declaration.framework)
        self._earlier: deque[_Snapshot] = deque(maxlen=EARLIER)
        self._kept: dict[Any, tuple[Any, Any]] = {}
        self._settings = self.framework.settings()

    def describe(self) -> Description:
        said = self.implementation.declaration
        return Description(
            name=said.name,
            framework=said.framework,
            algorithm=said.algorithm,
            grade=said.grade,
            dtypes=tuple(d for d in self.framework.dtypes if not said.dtypes or d in said.dtypes),
            layouts=self.framework.layouts,
            devices=self.framework.devices(),
            versions={said.framework: self.framework.version(), "numpy": np.__version__},
            declines=dict(said.declines),
            source=said.source,
            summary=said.summary,
            prepares=self.implementation.prepared is not None,
            calibrates=self.implementation.calibrated is not None,
            explains=self.implementation.explained is not None,
        )

    def observe(self, call: Call) -> Observation:
        """Make one call and say what it did. Only what ends the process escapes."""
        try:
            operands = [
                self._made(place, carrier, dtype, layout, call)
                for place, (carrier, dtype, layout) in enumerate(
                    zip((call.input, call.weight, call.bias), call.dtypes, call.layouts)
                )
            ]
        except (KeyError, TypeError, RuntimeError, NotImplementedError) as error:
            return Observation("unsupported", message=f"{type(error).__name__}: {error}")
        if not call.watch:
            return self._observed(call, operands)
        earlier = _changed(self._settings, self.framework.settings(), " in an earlier call")
        with self.framework.unsettled():
            seen = self._observed(call, operands)
        return replace(seen, impurities=(*seen.impurities, *earlier))

    def _observed(self, call: Call, operands: list[Any]) -> Observation:
        before = [None if made is None else self._snapshot(*made) for made in operands]
        if call.watch:
            self.framework.stir()
        state = self.framework.state() if call.watch else {}
        said = repr(call.arguments)
        arrays = [None if made is None else made[0] for made in operands]
        started = time.perf_counter()
        further: list[Any] = []
        try:
            if call.mode:
                output, further = call_modes.MODES[call.mode](self.implementation, self.framework, call, arrays)
            else:
                output = self._call(call, arrays)
            self.framework.synchronize()
        except call_modes.Unsupported as error:
            return Observation("unsupported", message=str(error))
        except NotImplementedError as error:
            return self._raised("declined", error, started)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            return self._raised("raised", error, started)
        seconds = time.perf_counter() - started
        try:
            copy, dtype = self.framework.read(output)
            extra = [None if one is None else self.framework.read(one)[0] for one in further]
        except NotAnArray as error:
            return Observation("not_an_array", message=str(error), seconds=seconds)
        except BaseException as error:
            return self._raised("unreadable", error, started)
        impurities: tuple[str, ...] = ()
        if not call.mode:
            given = self._snapshot(output, output)
            impurities = self._impurities(operands, before, state, output, given)
            if repr(call.arguments) != said:
                impurities += ("changed a list among the arguments",)
            self._remember(given)
        unstable = call.repeat > 1 and self._unstable(call, arrays, copy)
        return Observation(
            "answer", copy, dtype, impurities=impurities, unstable=unstable, seconds=seconds, extra=extra
        )

    def _made(self, place: int, carrier: Any, dtype: str, layout: str, call: Call) -> Any:
        """An operand and its memory; for ``reuse``, those of the last such call, filled anew."""
        if carrier is None:
            return None
        key = (place, carrier.shape, dtype, layout, call.device)
        if call.reuse and key in self._kept:
            self.framework.refill(self._kept[key][0], carrier)
            return self._kept[key]
        made = self.framework.make(carrier, dtype, call.device, layout)
        if call.reuse and self.framework.refills and layout not in ("broadcast", "readonly"):
            if len(self._kept) >= KEPT:
                self._kept.clear()
            self._kept[key] = made
        return made

    def _call(self, call: Call, arrays: list[Any]) -> Any:
        if not call.prepared:
            return self.implementation(*arrays, **call.arguments)
        assert self.implementation.prepared is not None
        run = self.implementation.prepared(Problem.parse(call.prepared), arrays[1], arrays[2])
        return run(arrays[0])

    def _raised(self, kind: Kind, error: BaseException, started: float) -> Observation:
        names = tuple(cls.__name__ for cls in type(error).__mro__ if cls not in (object, BaseException))
        try:
            text = str(error)
        except BaseException:
            text = "(its message cannot be read)"
        where = traceback.extract_tb(error.__traceback__)
        place = f" ({where[-1].filename.rpartition('/')[2]}:{where[-1].lineno})" if len(where) > 2 else ""
        return Observation(kind, error=names, message=text[:2000] + place, seconds=time.perf_counter() - started)

    # --- purity ---

    def _snapshot(self, operand: Any, memory: Any) -> _Snapshot:
        window = self.framework.window(memory)
        span, content = self.framework.span(memory), self.framework.bytes_of(window)
        return _Snapshot(window, span, content, self.framework.form(operand))

    def _impurities(
        self,
        operands: list[Any],
        before: list[_Snapshot | None],
        state: dict[str, Any],
        output: Any,
        given: _Snapshot,
    ) -> tuple[str, ...]:
        framework, span = self.framework, given.span
        found = ["gave back an output whose elements share memory"] if framework.repeats(output) else []
        if framework.swapped(output) and not any(framework.swapped(made[0]) for made in operands if made is not None):
            found.append("gave back an output in another byte order than the operands'")
        for name, made, old in zip(("input", "weight", "bias"), operands, before):
            if made is None or old is None:
                continue
            if framework.bytes_of(old.window) != old.content:
                found.append(f"wrote to the {name}'s memory")
            if framework.form(made[0]) != old.form:
                found.append(f"changed the {name}'s shape, strides or flags")
            if old.shares(span):
                found.append(f"output shares memory with the {name}")
        where, wanted = framework.place(output), framework.place(operands[0][0])
        if where != wanted:
            found.append(f"put the output on {where}, not on {wanted} where the input is")
        if state:
            after = framework.state()
            found += _changed(state, after)
        for earlier in self._earlier:
            if earlier.shares(span):
                found.append("output shares memory with an earlier output")
            elif framework.bytes_of(earlier.window) != earlier.content:
                found.append("an earlier output changed after it was given back")
            else:
                continue
            break
        return tuple(found)

    def _remember(self, given: _Snapshot) -> None:
        """Keep an output to look at again after later calls, unless it is large."""
        if len(given.content) < LARGE:
            self._earlier.append(given)
        else:
            self._earlier.clear()

    def _unstable(self, call: Call, arrays: list[Any], first: np.ndarray) -> bool:
        """Whether any of ``call.repeat`` - 1 further calls, on ``call.threads`` threads at once, differs in a bit."""
        from concurrent.futures import ThreadPoolExecutor
        from threading import Barrier

        def again(_: int) -> bytes:
            return self.framework.read(self._call(call, arrays))[0].tobytes()

        if call.threads == 1:
            return any(again(i) != first.tobytes() for i in range(call.repeat - 1))

        variants = [arrays, [-arrays[0], *arrays[1:]], [arrays[0], -arrays[1], *arrays[2:]]]
        if arrays[2] is not None:
            variants.append([*arrays[:2], -arrays[2]])
        # a kernel's globals would mix up the operands of calls at the same time
        expected = [self.framework.read(self._call(call, one))[0].tobytes() for one in variants]
        together = Barrier(call.threads)

        def differs(thread: int) -> bool:
            together.wait()
            for place in range(thread, call.repeat - 1, call.threads):
                output = self._call(call, variants[place % len(variants)])
                if self.framework.read(output)[0].tobytes() != expected[place % len(variants)]:
                    return True
            return False

        interval = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH)
        try:
            with ThreadPoolExecutor(call.threads) as pool:
                return any(list(pool.map(differs, range(call.threads))))
        finally:
            sys.setswitchinterval(interval)


def _changed(before: dict[str, Any], after: dict[str, Any], when: str = "") -> list[str]:
    """A sentence for each part of the global state that is not what it was."""
    return [f"changed {what}{when}" for what in before if before[what] != after.get(what)]


def seed_everything(seed: int) -> None:
    """Start the global random generators from ``seed``, so that an implementation that uses them repeats itself."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
