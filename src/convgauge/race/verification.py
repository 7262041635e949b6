"""Verification of outputs before, in and after the timing of a race.

Two kinds of operands show two kinds of fault. Integers whose sums are exact show any fault of geometry, and a direct
algorithm must meet them to the last bit. Gaussian operands show operands or sums that are narrowed. The exact outputs
are computed once for a problem and shared by all contestants.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from functools import cache

import numpy as np

from convgauge.problem import Problem
from convgauge.race.contestant import CallRequest, Contestant, Withdrawn
from convgauge.race.lanes import Lane, lane_of, lanes, root_mean_square, typical_error
from convgauge.race.workload import Drawn, Workload
from convgauge.reference import accuracy, compare
from convgauge.reference.operands import Array
from convgauge.worker.messages import TimedOutput

PEAK = 8.0
"""Largest error, in multiples of the allowed root mean square: the largest of 10^12 Gaussian numbers is 7."""

MAX_INDICES = 64
"""Number of input elements of an operand set whose sign the timed calls may change."""


@dataclass(frozen=True)
class ExpectedCall:
    """Request of a call and its exact output; ``is_exact`` operands are integers."""

    request: CallRequest
    expected: Array
    is_exact: bool


@dataclass(frozen=True)
class BeforeTiming:
    """Results of the checks before the timing: seconds of the first and of the last, the lane, and the typical error.

    The error is relative to the root mean square of the output.
    """

    first_s: float
    last_s: float
    lane: Lane
    error: float


class Verification:
    """Verification of contestants on one workload; ``seed`` makes its operands differ from those of other races."""

    def __init__(self, work: Workload, seed: int) -> None:
        self.work, self.seed = work, seed
        self.lanes = lanes(work)
        self.call = cache(self._call)

    def _call(self, family: str, number: int) -> ExpectedCall:
        return expected_call(self.work, self.work.draw(family, self.seed * 1000 + number), is_exact=family == "exact")

    def draw(self) -> None:
        """Compute the operands and outputs of all checks, so that several contestants may be checked at once."""
        for family, number in (*self.work.early, self.work.late):
            self.call(family, number)

    def before(self, contestant: Contestant) -> BeforeTiming:
        """Check a contestant before it is timed. Raises `Withdrawn` if an output is wrong."""
        seconds, lane, error = [], self.lanes[0], 0.0
        for family, number in self.work.early:
            started = time.perf_counter()
            call = self.call(family, number)
            observation = contestant.call(call.request)
            output = self.work.result(observation)
            if family == "gaussian" and output is not None:
                error = _typical_error(call, output)
                lane = lane_of(self.work, error) or self.lanes[0]
            when = f"before the timing, {family} operands"
            self._require_right(contestant, call, output, observation.dtype, lane, when)
            seconds.append(time.perf_counter() - started)
        return BeforeTiming(seconds[0], seconds[-1], lane, error)

    def after(self, contestant: Contestant, lane: Lane) -> None:
        """Check a contestant on operands that no earlier call had. Raises `Withdrawn` if the output is wrong."""
        family, number = self.work.late
        call = self.call(family, number)
        observation = contestant.call(call.request)
        when = f"after the timing, {family} operands"
        self._require_right(contestant, call, self.work.result(observation), observation.dtype, lane, when)

    def timed(self, contestant: Contestant, call: ExpectedCall, timed: TimedOutput, lane: Lane) -> None:
        """Check an output that was computed during the timing. Raises `Withdrawn` if it is wrong."""
        when = "in the timing (an answer kept from an earlier call?)"
        self._require_right(contestant, call, timed.output, timed.dtype, lane, when)

    def _require_right(
        self, contestant: Contestant, call: ExpectedCall, output: Array | None, dtype: str, lane: Lane, when: str
    ) -> None:
        reason = find_fault(self.work.problem, call, output, dtype, contestant.declared_grade, lane)
        if reason:
            raise Withdrawn("wrong", f"{when}: {reason}")

    def sets(self, count: int) -> list[Drawn]:
        """Draw the operand sets that timed calls rotate through."""
        return [self.work.draw(self.work.family, self.seed * 1000 + 100 + number) for number in range(count)]


def expected_call(work: Workload, drawn: Drawn, *, is_exact: bool) -> ExpectedCall:
    """Return a call on operands with its exact answer."""
    return ExpectedCall(CallRequest(work, drawn), work.answer(drawn), is_exact)


def flipped(work: Workload, drawn: Drawn, index: tuple[int, ...] | None) -> ExpectedCall:
    """Return a timed call: operands with the sign of one element of the changing array changed, and the answer."""
    changing = drawn.changing.copy()
    if index is not None:
        changing[index] = -changing[index]
    return expected_call(work, drawn.with_changing(changing), is_exact=work.is_integer)


def readable_indices(work: Workload, drawn: Drawn, seed: int) -> list[tuple[int, ...]]:
    """Return up to `MAX_INDICES` indices of elements of the changing array that some answer reads, and not nearly 0."""
    problem, array = work.problem, drawn.changing
    if not array.size or not math.prod(problem.output_shape):
        return []
    random = np.random.default_rng(seed)
    reached = _reached if work.wanted else _read
    rows, columns = (reached(problem, axis) for axis in (0, 1))
    if not rows.size or not columns.size:
        return []
    count = 4 * MAX_INDICES
    index = (
        random.integers(array.shape[0], size=count),
        random.integers(array.shape[1], size=count),
        random.choice(rows, count),
        random.choice(columns, count),
    )
    large = np.stack(index, axis=1)[np.abs(array[index]) >= 0.5]
    return list(dict.fromkeys(tuple(int(i) for i in row) for row in large))[:MAX_INDICES]


def _taps(problem: Problem, axis: int) -> Array:
    """Return the input row (axis 0) or column (axis 1) under each tap of each output."""
    starts = np.arange(problem.output_size[axis]) * problem.stride[axis] - problem.pads[axis][0]
    return starts[:, None] + np.arange(problem.kernel[axis]) * problem.dilation[axis]


def _inside(problem: Problem, axis: int, taps: Array) -> Array:
    return (taps >= 0) & (taps < (problem.height, problem.width)[axis])


def _read(problem: Problem, axis: int) -> Array:
    """Return the rows (axis 0) or columns (axis 1) of the input that some output reads."""
    taps = _taps(problem, axis)
    return np.unique(taps[_inside(problem, axis, taps)])


def _reached(problem: Problem, axis: int) -> Array:
    """Return the rows (axis 0) or columns (axis 1) of the output of which some tap is not in the padding."""
    return np.flatnonzero(_inside(problem, axis, _taps(problem, axis)).any(axis=1))


def find_fault(
    problem: Problem, call: ExpectedCall, output: Array | None, dtype: str, declared_grade: str, lane: Lane
) -> str:
    """Return a sentence on the fault of an output, or "" if it is right.

    Parameters
    ----------
    problem : Problem
        Problem of the race.
    call : ExpectedCall
        Call with its exact output.
    output : numpy.ndarray or None
        Output in its carrier dtype.
    dtype : str
        Name of the output's dtype.
    declared_grade : {"A", "B", "C"}
        Grade that the contestant declares.
    lane : Lane
        Precision that was measured.
    """
    size = root_mean_square(call.expected) if call.expected.size else 0.0
    allowed = 0.0 if call.is_exact and not lane.name else lane.allowed * size
    tolerance = PEAK * allowed + (accuracy.integer_tolerance(problem, declared_grade) if call.is_exact else 0.0)
    fault = compare.check_output(output, dtype, call.expected, problem.dtype, tolerance)
    if fault is not None and fault.index:
        within = f" (allowed: {tolerance:.3g})" if tolerance else ""
        return f"{fault.message}, first output{list(fault.index)}: got {fault.got}, expected {fault.expected}{within}"
    if fault is not None or output is None:
        return fault.message if fault else "there is no output"
    if call.is_exact or not output.size:
        return ""
    error = root_mean_square(output.astype(call.expected.dtype) - call.expected)
    if error <= allowed:
        return ""
    return f"the error's root mean square is {error:.3g}, more than the {allowed:.3g} allowed: precision was lost"


def _typical_error(call: ExpectedCall, output: Array) -> float:
    """Return the typical error of an output; infinite if its shape is wrong."""
    return typical_error(output, call.expected) if output.shape == call.expected.shape else math.inf
