"""Right on this very problem? Outputs before, in and after the timing are held against the oracle.

Two kinds of operands, for two kinds of fault: integers whose sums are exact show any fault of geometry and must be
met to the last bit by a direct algorithm; Gaussian ones show operands or sums narrowed on the way. The oracle's
answers are computed once for a problem and shared by all contestants.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from convgauge.dtypes import DTYPES
from convgauge.problem import Problem
from convgauge.race.contestant import Contestant, Out, Request
from convgauge.reference import accuracy, operands, oracle
from convgauge.reference.operands import Array, Operands
from convgauge.worker.call import Observation

ALLOWANCE = 16.0
"""How many times the error of a plain sum is allowed on Gaussian operands.

Winograd's F(4x4, 3x3) was measured at 3 to 4 times it. Operands rounded to TF32 err by 0.8 * 2**-11 of the output's
root mean square: more than ALLOWANCE times a float32 sum's error up to some 900,000 products.
"""

PEAK = 8.0
"""The largest error may be this many times the allowed root mean square: a Gaussian's largest of 10^12 is 7."""

PLACES = 64
"""How many input elements of an operand set the timed calls may change."""

_LATE = ("exact", 2)
_LOWER = {"float64": 2.0**-24, "float32": 2.0**-11, "float16": 2.0**-11, "bfloat16": 2.0**-8}


@dataclass(frozen=True)
class Case:
    """A call's request and its exact answer; ``exact`` operands are integers."""

    request: Request
    expected: Array
    exact: bool


class Verification:
    """What is to be right on one problem. ``seed`` makes its operands differ from any other race's."""

    def __init__(self, problem: Problem, seed: int) -> None:
        self.problem, self.seed = problem, seed
        self.case = cache(self._case)

    def _case(self, family: str, number: int) -> Case:
        headroom = accuracy.integer_headroom(self.problem) if family == "exact" else 1.0
        drawn = operands.draw(self.problem, family, self.seed * 1000 + number, headroom)
        return Case(Request(self.problem, drawn), oracle.answer(self.problem, drawn), family == "exact")

    @property
    def family(self) -> str:
        """The operands that are timed: Gaussian, or integers for integer dtypes."""
        return "exact" if DTYPES[self.problem.dtype].kind == "i" else "gaussian"

    @property
    def _early(self) -> list[tuple[str, int]]:
        return list(dict.fromkeys([("exact", 0), (self.family, 1)]))

    def draw(self) -> None:
        """Have the operands and answers of all checks ready, so that several contestants may be checked at once."""
        for family, number in (*self._early, _LATE):
            self.case(family, number)

    def before(self, contestant: Contestant) -> float:
        """Check a contestant before it is timed; the seconds of the last check, preparation included. Raises `Out`."""
        seconds = 0.0
        for family, number in self._early:
            started = time.perf_counter()
            self._check(contestant, family, number, "before the timing")
            seconds = time.perf_counter() - started
        return seconds

    def after(self, contestant: Contestant) -> None:
        """Check a contestant on operands that it has not seen. Raises `Out`."""
        self._check(contestant, *_LATE, "after the timing")

    def _check(self, contestant: Contestant, family: str, number: int, when: str) -> None:
        case = self.case(family, number)
        seen = contestant.call(case.request)
        complaint = judge(self.problem, case, seen, contestant.promise)
        if complaint:
            raise Out("wrong", f"{when}, {family} operands: {complaint}")

    def timed(self, contestant: Contestant, case: Case, output: Array, dtype: str) -> None:
        """Check an output that was computed inside the timing. Raises `Out`."""
        complaint = judge(self.problem, case, Observation("answer", output, dtype), contestant.promise)
        if complaint:
            raise Out("wrong", f"in the timing (an answer kept from an earlier call?): {complaint}")

    def sets(self, count: int) -> list[Operands]:
        """The operand sets that timed calls rotate through."""
        return [operands.draw(self.problem, self.family, self.seed * 1000 + 100 + n) for n in range(count)]


def flipped(problem: Problem, set_: Operands, place: tuple[int, ...] | None) -> Case:
    """The case of a timed call: ``set_`` with the sign of the input element at ``place`` flipped."""
    input = set_.input.copy()
    if place is not None:
        input[place] = -input[place]
    changed = Operands(input, set_.weight, set_.bias)
    return Case(Request(problem, changed), oracle.answer(problem, changed), DTYPES[problem.dtype].kind == "i")


def places(problem: Problem, set_: Operands, seed: int) -> list[tuple[int, ...]]:
    """Up to `PLACES` indices of input elements that matter: read by some output, and not nearly 0."""
    if not set_.input.size or not math.prod(problem.output_shape):
        return []
    random = np.random.default_rng(seed)
    rows, columns = (_read(problem, axis) for axis in (0, 1))
    if not rows.size or not columns.size:
        return []
    count = 4 * PLACES
    index = (
        random.integers(problem.batch, size=count),
        random.integers(problem.in_channels, size=count),
        random.choice(rows, count),
        random.choice(columns, count),
    )
    found = [tuple(int(i) for i in one) for one in np.stack(index, axis=1)[np.abs(set_.input[index]) >= 0.5]]
    return list(dict.fromkeys(found))[:PLACES]


def _read(problem: Problem, axis: int) -> Array:
    """Which rows (axis 0) or columns (1) of the input some output reads."""
    starts = np.arange(problem.output_size[axis]) * problem.stride[axis] - problem.pads[axis][0]
    read = starts[:, None] + np.arange(problem.kernel[axis]) * problem.dilation[axis]
    return np.unique(read[(read >= 0) & (read < (problem.height, problem.width)[axis])])


def judge(problem: Problem, case: Case, seen: Observation, promise: str) -> str:
    """What is wrong with an answer; "" where nothing is."""
    if seen.output is None or seen.shape != problem.output_shape:
        return f"the output's shape is {seen.shape}, not {problem.output_shape}"
    if seen.dtype != problem.dtype:
        return f"the output's dtype is {seen.dtype}, not {problem.dtype}"
    return _values(problem, case, seen.output, promise) if seen.output.size else ""


def _values(problem: Problem, case: Case, output: Array, promise: str) -> str:
    with np.errstate(invalid="ignore", over="ignore"):
        error = np.abs(output.astype(case.expected.dtype) - case.expected).astype(np.float64)
    error[~np.isfinite(error)] = np.inf
    if case.exact:
        return _pointed(output, case.expected, error, accuracy.integer_tolerance(problem, promise))
    allowed = allowed_error(problem, promise) * _root_mean_square(case.expected)
    complaint = _pointed(output, case.expected, error, PEAK * allowed)
    if complaint:
        return complaint
    found = _root_mean_square(error)
    if found > allowed:
        return f"the error's root mean square is {found:.3g}, more than the {allowed:.3g} allowed: precision was lost"
    return ""


def allowed_error(problem: Problem, promise: str) -> float:
    """The root mean square error allowed on Gaussian operands, as a part of the output's root mean square.

    Adding K products of variance s^2 one after the other rounds sums of variance k s^2, each by a uniform error of
    variance u^2 k s^2 / 3: u^2 s^2 K^2 / 6 in all, and the products' own roundings K u^2 s^2 / 3. Divided by the
    output's K s^2 that is u^2 (K + 2) / 6. `accuracy.transform_terms` are added for fast algorithms, and ALLOWANCE
    multiplies its root; a narrower output type adds its own rounding, twice where there is a bias. An implementation
    that promises only C is held to the unit roundoff of the lower precision.
    """
    dtype = DTYPES[problem.dtype]
    u = DTYPES[dtype.accumulator].roundoff if promise != "C" else _LOWER.get(problem.dtype, dtype.roundoff)
    terms = problem.reduction + 2 + accuracy.transform_terms(problem)
    computed = ALLOWANCE * u * math.sqrt(terms / 6)
    return computed + (2 * dtype.roundoff if dtype.accumulator != dtype.name else 0.0)


def _root_mean_square(values: Array) -> float:
    return float(np.sqrt(np.mean(np.abs(values) ** 2, dtype=np.float64)))


def _pointed(output: Array, expected: Array, error: Array, tolerance: float) -> str:
    """A sentence that names the first output that is off by more than ``tolerance``; "" where none is."""
    mask = ~(error <= tolerance)
    if not mask.any():
        return ""
    index = tuple(int(i) for i in np.argwhere(mask)[0])
    within = f" (allowed: {tolerance:.3g})" if tolerance else ""
    return (
        f"{int(mask.sum())} of {mask.size} outputs are wrong, first output{list(index)}:"
        f" got {_number(output[index])}, expected {_number(expected[index])}{within}"
    )


def _number(value: Any) -> str:
    return f"{value:.9g}" if value.dtype.kind in "fiu" else str(value)
