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

from convgauge.dtypes import DTYPES
from convgauge.problem import Problem
from convgauge.race.contestant import CallRequest, Contestant, Withdrawn
from convgauge.race.lanes import Lane, lane_of, lanes, root_mean_square, typical_error
from convgauge.reference import accuracy, compare, operands, oracle
from convgauge.reference.operands import Array, Operands
from convgauge.worker.call import Observation
from convgauge.worker.messages import TimedOutput

PEAK = 8.0
"""Largest error, in multiples of the allowed root mean square: the largest of 10^12 Gaussian numbers is 7."""

MAX_INDICES = 64
"""Number of input elements of an operand set whose sign the timed calls may change."""

_LATE = ("exact", 2)


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
    """Verification of contestants on one problem; ``seed`` makes its operands differ from those of other races."""

    def __init__(self, problem: Problem, seed: int) -> None:
        self.problem, self.seed = problem, seed
        self.lanes = lanes(problem)
        self.call = cache(self._call)

    def _call(self, family: str, number: int) -> ExpectedCall:
        headroom = accuracy.integer_headroom(self.problem) if family == "exact" else 1.0
        drawn = operands.draw(self.problem, family, self.seed * 1000 + number, headroom)
        return ExpectedCall(CallRequest(self.problem, drawn), oracle.answer(self.problem, drawn), family == "exact")

    @property
    def family(self) -> str:
        """Family of the operands that are timed: Gaussian, or exact for integer dtypes."""
        return "exact" if DTYPES[self.problem.dtype].kind == "i" else "gaussian"

    @property
    def _early(self) -> list[tuple[str, int]]:
        return list(dict.fromkeys([(self.family, 1), ("exact", 0)]))

    def draw(self) -> None:
        """Compute the operands and outputs of all checks, so that several contestants may be checked at once."""
        for family, number in (*self._early, _LATE):
            self.call(family, number)

    def before(self, contestant: Contestant) -> BeforeTiming:
        """Check a contestant before it is timed. Raises `Withdrawn` if an output is wrong."""
        seconds, lane, error = [], self.lanes[0], 0.0
        for family, number in self._early:
            started = time.perf_counter()
            call = self.call(family, number)
            observation = contestant.call(call.request)
            if family == "gaussian" and observation.output is not None:
                error = _typical_error(call, observation.output)
                lane = lane_of(self.problem, error) or self.lanes[0]
            self._require_right(contestant, call, observation, lane, f"before the timing, {family} operands")
            seconds.append(time.perf_counter() - started)
        return BeforeTiming(seconds[0], seconds[-1], lane, error)

    def after(self, contestant: Contestant, lane: Lane) -> None:
        """Check a contestant on operands that no earlier call had. Raises `Withdrawn` if the output is wrong."""
        call = self.call(*_LATE)
        observation = contestant.call(call.request)
        self._require_right(contestant, call, observation, lane, f"after the timing, {_LATE[0]} operands")

    def timed(self, contestant: Contestant, call: ExpectedCall, timed: TimedOutput, lane: Lane) -> None:
        """Check an output that was computed during the timing. Raises `Withdrawn` if it is wrong."""
        self._require_right(contestant, call, timed, lane, "in the timing (an answer kept from an earlier call?)")

    def _require_right(
        self, contestant: Contestant, call: ExpectedCall, output: Observation | TimedOutput, lane: Lane, when: str
    ) -> None:
        grade = contestant.declared_grade
        reason = find_fault(self.problem, call, output.output, output.dtype, grade, lane)
        if reason:
            raise Withdrawn("wrong", f"{when}: {reason}")

    def sets(self, count: int) -> list[Operands]:
        """Draw the operand sets that timed calls rotate through."""
        return [operands.draw(self.problem, self.family, self.seed * 1000 + 100 + n) for n in range(count)]


def flipped(problem: Problem, operand_set: Operands, index: tuple[int, ...] | None) -> ExpectedCall:
    """Return a timed call: an operand set with the sign of one input element changed, and its exact output."""
    input = operand_set.input.copy()
    if index is not None:
        input[index] = -input[index]
    changed = Operands(input, operand_set.weight, operand_set.bias)
    is_exact = DTYPES[problem.dtype].kind == "i"
    return ExpectedCall(CallRequest(problem, changed), oracle.answer(problem, changed), is_exact)


def readable_indices(problem: Problem, operand_set: Operands, seed: int) -> list[tuple[int, ...]]:
    """Return up to `MAX_INDICES` indices of input elements that some output reads and that are not nearly 0."""
    if not operand_set.input.size or not math.prod(problem.output_shape):
        return []
    random = np.random.default_rng(seed)
    rows, columns = (_read(problem, axis) for axis in (0, 1))
    if not rows.size or not columns.size:
        return []
    count = 4 * MAX_INDICES
    index = (
        random.integers(problem.batch, size=count),
        random.integers(problem.in_channels, size=count),
        random.choice(rows, count),
        random.choice(columns, count),
    )
    large = np.stack(index, axis=1)[np.abs(operand_set.input[index]) >= 0.5]
    return list(dict.fromkeys(tuple(int(i) for i in row) for row in large))[:MAX_INDICES]


def _read(problem: Problem, axis: int) -> Array:
    """Return the rows (axis 0) or columns (axis 1) of the input that some output reads."""
    starts = np.arange(problem.output_size[axis]) * problem.stride[axis] - problem.pads[axis][0]
    read = starts[:, None] + np.arange(problem.kernel[axis]) * problem.dilation[axis]
    return np.unique(read[(read >= 0) & (read < (problem.height, problem.width)[axis])])


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
