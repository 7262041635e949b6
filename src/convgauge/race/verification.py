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
from convgauge.reference import accuracy, compare, operands, oracle
from convgauge.reference.operands import Array, Operands

ALLOWANCE = 16.0
"""Largest root mean square error on Gaussian operands, in multiples of a plain sum's.

Winograd's F(4x4, 3x3) was measured at 3 to 4 times it. Operands rounded to TF32 err by 0.8 * 2**-11 of the output's
root mean square: more than ALLOWANCE times a float32 sum's error up to about 900,000 products.
"""

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


class Verification:
    """Verification of contestants on one problem; ``seed`` makes its operands differ from those of other races."""

    def __init__(self, problem: Problem, seed: int) -> None:
        self.problem, self.seed = problem, seed
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
        return list(dict.fromkeys([("exact", 0), (self.family, 1)]))

    def draw(self) -> None:
        """Compute the operands and outputs of all checks, so that several contestants may be checked at once."""
        for family, number in (*self._early, _LATE):
            self.call(family, number)

    def before(self, contestant: Contestant) -> tuple[float, float]:
        """Check a contestant before it is timed.

        Returns
        -------
        tuple of float
            Seconds of the first check and of the last one, preparation included.

        Raises
        ------
        Withdrawn
            If an output is wrong.
        """
        seconds = []
        for family, number in self._early:
            started = time.perf_counter()
            self._check(contestant, family, number, "before the timing")
            seconds.append(time.perf_counter() - started)
        return seconds[0], seconds[-1]

    def after(self, contestant: Contestant) -> None:
        """Check a contestant on operands that no earlier call had. Raises `Withdrawn` if the output is wrong."""
        self._check(contestant, *_LATE, "after the timing")

    def _check(self, contestant: Contestant, family: str, number: int, when: str) -> None:
        call = self.call(family, number)
        observation = contestant.call(call.request)
        reason = find_fault(self.problem, call, observation.output, observation.dtype, contestant.declared_grade)
        if reason:
            raise Withdrawn("wrong", f"{when}, {family} operands: {reason}")

    def timed(self, contestant: Contestant, call: ExpectedCall, output: Array, dtype: str) -> None:
        """Check an output that was computed during the timing. Raises `Withdrawn` if it is wrong."""
        reason = find_fault(self.problem, call, output, dtype, contestant.declared_grade)
        if reason:
            raise Withdrawn("wrong", f"in the timing (an answer kept from an earlier call?): {reason}")

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


def find_fault(problem: Problem, call: ExpectedCall, output: Array | None, dtype: str, declared_grade: str) -> str:
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
    """
    allowed = 0.0
    tolerance = accuracy.integer_tolerance(problem, declared_grade)
    if not call.is_exact and call.expected.size:
        allowed = allowed_error(problem, declared_grade) * _root_mean_square(call.expected)
        tolerance = PEAK * allowed
    fault = compare.check_output(output, dtype, call.expected, problem.dtype, tolerance)
    if fault is not None and fault.index:
        within = f" (allowed: {tolerance:.3g})" if tolerance else ""
        return f"{fault.message}, first output{list(fault.index)}: got {fault.got}, expected {fault.expected}{within}"
    if fault is not None or output is None:
        return fault.message if fault else "there is no output"
    if call.is_exact or not output.size:
        return ""
    error = _root_mean_square(output.astype(call.expected.dtype) - call.expected)
    if error <= allowed:
        return ""
    return f"the error's root mean square is {error:.3g}, more than the {allowed:.3g} allowed: precision was lost"


def allowed_error(problem: Problem, declared_grade: str) -> float:
    """Return the root mean square error allowed on Gaussian operands, as a part of the output's root mean square.

    Adding K products of variance s^2 one after the other rounds sums of variance k s^2, each by a uniform error of
    variance u^2 k s^2 / 3: u^2 s^2 K^2 / 6 together, and the products' own roundings K u^2 s^2 / 3. Divided by the
    output's K s^2 that is u^2 (K + 2) / 6. `accuracy.transform_terms` are added for fast algorithms, and ALLOWANCE
    multiplies its root; a narrower output type adds its own rounding, twice if there is a bias. An implementation
    that declares grade C is held to the unit roundoff of the lower precision.
    """
    dtype = DTYPES[problem.dtype]
    u = DTYPES[dtype.accumulator].roundoff
    if declared_grade == "C":
        u = accuracy.LOWER_ROUNDOFF.get(problem.dtype, dtype.roundoff)
    terms = problem.reduction + 2 + accuracy.transform_terms(problem)
    computed = ALLOWANCE * u * math.sqrt(terms / 6)
    return computed + (2 * dtype.roundoff if dtype.accumulator != dtype.name else 0.0)


def _root_mean_square(values: Array) -> float:
    return float(np.sqrt(np.mean(np.abs(values) ** 2, dtype=np.float64)))
