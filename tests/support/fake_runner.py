"""Runner without a process: a function computes the output, and streams are counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from convgauge.problem import Problem
from convgauge.reference import oracle
from convgauge.reference.operands import Operands
from convgauge.worker.call import Call, Description, Observation

Kernel = Callable[[Call], "np.ndarray[Any, Any] | Observation"]


class FakeRunner:
    """Runner that makes calls in the test's own process and fails if a stream is opened while another is open."""

    def __init__(self, kernel: Kernel, grade: str = "", dtypes: tuple[str, ...] = ("float32",)) -> None:
        self.kernel = kernel
        self.description = Description("fake", "numpy", "direct", grade, dtypes, (), ("cpu",), {})
        self.calls: list[Call] = []
        self.is_streaming = False

    def stream(self, calls: Iterable[tuple[Any, Call]]) -> Iterator[tuple[Any, Observation]]:
        assert not self.is_streaming, "a stream is nested in another"
        self.is_streaming = True
        try:
            for token, call in calls:
                self.calls.append(call)
                result = self.kernel(call)
                yield token, result if isinstance(result, Observation) else Observation("answer", result, "float32")
        finally:
            self.is_streaming = False

    def observe(self, call: Call) -> Observation:
        """Make one call."""
        ((_, observation),) = self.stream([(None, call)])
        return observation

    def second(self) -> FakeRunner:
        """Return this runner: there is no process."""
        return self

    def can_fork(self) -> bool:
        """Return True: a runner is made at once."""
        return True

    def fresh(self) -> AbstractContextManager[FakeRunner]:
        """Return a context with a second runner."""
        return nullcontext(self.second())

    def new_process(self) -> AbstractContextManager[FakeRunner | None]:
        """Return a context with None: there is no process."""
        return nullcontext(None)

    def fork(self) -> bool:
        """Return False: there is no process."""
        return False

    def end(self) -> None:
        """Do nothing: there is no process."""

    def wait_ready(self) -> None:
        """Return at once: there is no process."""

    def cancel(self) -> None:
        """Do nothing: there is no process."""

    def close(self) -> None:
        """Do nothing: there is no process."""


def problem_of(call: Call) -> Problem:
    """Return the problem of a valid call."""
    fields = {name: call.arguments[name] for name in ("stride", "padding", "dilation", "groups")}
    (n, c, h, w), (o, _, *kernel) = call.input.shape, call.weight.shape
    return Problem(n, c, h, w, o, tuple(kernel), **fields, bias=call.bias is not None)


def exact_output(call: Call) -> np.ndarray[Any, Any]:
    """Compute a correct output in float64 and round it to float32."""
    operands = Operands(call.input, call.weight, call.bias)
    with np.errstate(over="ignore"):
        return oracle.answer(problem_of(call), operands).astype(np.float32)


def fft_output(call: Call) -> np.ndarray[Any, Any]:
    """Compute an output with the error of a Fourier transform: NaN spreads over the output, small outputs are lost."""
    output = exact_output(call)
    with np.errstate(all="ignore"):
        noise = np.float32(2.0**-22) * np.abs(output).max(initial=0)
        spread: np.ndarray[Any, Any] = output + noise + 0 * output.sum(dtype=np.float32)
    return spread
