"""Growth of time along a sweep's axis, and crossovers of implementations. Pure functions of records.

The records of a sweep are those of a layer set called ``scaling:AXIS`` (`sweeps`): one dimension of one problem grows.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Literal

from convgauge.layers.sweeps import NAMED, value_of
from convgauge.race import statistics as stats
from convgauge.results import TimingRecord
from convgauge.terms import RANKED

ERROR_RATE = 0.05
"""Probability that an exponent's interval misses it, or that any ratio of an axis is outside its own."""


@dataclass(frozen=True)
class Point:
    """Seconds of one call at one value of an axis, with their interval (None if there is none)."""

    value: int
    seconds: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Exponent:
    """Power of the axis's value by which time grows; the interval is None if points are too few for one."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Curve:
    """One implementation along an axis; ``exponent`` is None for fewer than two points."""

    axis: str
    implementation: str
    threads: int
    operands: str
    points: tuple[Point, ...]
    exponent: Exponent | None


@dataclass(frozen=True)
class Crossover:
    """Value of an axis up to which ``below`` is the faster of two implementations, and above which ``above`` is.

    ``low`` and ``high`` bound the value: up to ``low`` the one, and from ``high`` the other, is faster by more than the
    noise. All three are between the two measured values that show the change, interpolated on logarithmic scales.
    """

    axis: str
    threads: int
    operands: str
    below: str
    above: str
    value: float
    low: float
    high: float


def is_sweep(record: TimingRecord) -> bool:
    """Return True if a record belongs to a sweep."""
    return record.layers.startswith(NAMED)


def curves(records: Iterable[TimingRecord]) -> list[Curve]:
    """Return the curve of each ranked implementation, by axis.

    Seconds are the baseline's median times the ratio and the ends of its interval.
    """
    result = []
    for sweep in _sweeps(records):
        base = {
            value: statistics.median(record.seconds)
            for timings in sweep.timings.values()
            for value, record in timings.items()
            if record.verdict == "baseline"
        }
        for name, timings in sweep.timings.items():
            points = tuple(
                _point(value, record, base[value]) for value, record in sorted(timings.items()) if value in base
            )
            result.append(Curve(sweep.axis, name, sweep.threads, sweep.operands, points, exponent(points)))
    return result


def crossovers(records: Iterable[TimingRecord]) -> list[Crossover]:
    """Return the crossovers of all pairs of implementations in each sweep.

    A crossover is between two values at which different implementations are faster by more than the noise. At each
    measured value the two are compared round by round, with intervals of `ERROR_RATE` for the whole axis.
    """
    result = []
    for sweep in _sweeps(records):
        for first, second in combinations(sweep.timings, 2):
            for first_is_below, values in _changes(_compared(sweep.timings[first], sweep.timings[second])):
                names = (first, second) if first_is_below else (second, first)
                result.append(Crossover(sweep.axis, sweep.threads, sweep.operands, *names, *values))
    return result


@dataclass
class _Sweep:
    """Ranked records of one axis by implementation and value; ``threads`` is 0 if threads are the axis."""

    axis: str
    threads: int
    operands: str
    timings: dict[str, dict[int, TimingRecord]]


def _sweeps(records: Iterable[TimingRecord]) -> list[_Sweep]:
    sweeps: dict[tuple[str, int, str], _Sweep] = {}
    for record in filter(is_sweep, records):
        if record.verdict not in RANKED or not record.seconds or record.ratio is None:
            continue
        axis = record.layers.removeprefix(NAMED)
        conditions = record.operands if record.direction == "forward" else f"{record.operands} {record.direction}"
        key = axis, 0 if axis == "threads" else record.threads, conditions
        timings = sweeps.setdefault(key, _Sweep(*key, {})).timings
        value = value_of(axis, record.problem, record.threads)
        timings.setdefault(record.implementation, {})[value] = record
    return list(sweeps.values())


def _point(value: int, record: TimingRecord, base: float) -> Point:
    assert record.ratio is not None
    low, high = (base * end if end else None for end in (record.low, record.high))
    return Point(value, base * record.ratio, low, high)


# --- exponents -------------------------------------------------------------------------------------------------------


def exponent(points: Sequence[Point]) -> Exponent | None:
    """Return the median slope between two points on logarithmic scales.

    The interval inverts Kendall's test. It misses the slope with probability `ERROR_RATE` or less, if the points
    scatter about one line. If the curve bends, the interval spans its slopes, including the flat part in which every
    call costs the same. Five points are the fewest for an interval.

    Returns
    -------
    Exponent or None
        None for fewer than two points.

    Source
    ------
    Theil 1950; Sen 1968, *Journal of the American Statistical Association* 63.
    """
    slopes = sorted(
        math.log(second.seconds / first.seconds) / math.log(second.value / first.value)
        for first, second in combinations(points, 2)
    )
    if not slopes:
        return None
    omitted = inversions_rank(len(points), ERROR_RATE)
    if omitted < 0:
        return Exponent(statistics.median(slopes), None, None)
    return Exponent(statistics.median(slopes), slopes[omitted], slopes[-1 - omitted])


def inversions_rank(count: int, error: float) -> int:
    """Return how many slopes an interval omits at each end.

    It is the largest d for which the orders of ``count`` elements with d inversions or fewer have twice a probability
    <= ``error``; -1 if there is none.
    """
    ways = [1]  # orders by their inversions: each further element may stand before any number of the others
    for size in range(2, count + 1):
        longest = len(ways) + size - 1
        ways = [sum(ways[max(0, inversions - size + 1) : inversions + 1]) for inversions in range(longest)]
    tail, rank = 0, -1
    while rank + 1 < len(ways) and 2 * (tail + ways[rank + 1]) <= error * math.factorial(count):
        rank += 1
        tail += ways[rank]
    return rank


# --- crossovers ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Pair:
    """Time of the first implementation over the second's at one value of the axis; all numbers are logarithms.

    ``sign`` is 1 or -1 if the first is slower or faster by more than the noise, and 0 if that is undecided.
    """

    axis_value: float
    ratio: float
    low: float
    high: float
    sign: int


_Bound = Literal["ratio", "low", "high"]


def _compared(first: dict[int, TimingRecord], second: dict[int, TimingRecord]) -> list[_Pair]:
    shared = sorted(first.keys() & second.keys())
    pairs = []
    for value in shared:
        lives = [
            stats.life_ratio(*pair)
            for pair in zip(first[value].samples_by_life, second[value].samples_by_life, strict=False)
        ]
        estimate = stats.ratio(lives, ERROR_RATE / len(shared))
        if estimate.low is not None and estimate.high is not None:
            sign = {"slower": 1, "faster": -1}.get(stats.verdict(estimate), 0)
            ratio, low, high = map(math.log, (estimate.value, estimate.low, estimate.high))
            pairs.append(_Pair(math.log(value), ratio, low, high, sign))
    return pairs


def _changes(pairs: Sequence[_Pair]) -> Iterator[tuple[bool, tuple[float, float, float]]]:
    """Yield for each change of sign: True if the first is the faster below it, and (value, low, high) of the axis."""
    decided = [index for index, pair in enumerate(pairs) if pair.sign]
    for start, end in pairwise(decided):
        part = pairs[start : end + 1]
        if part[0].sign == part[-1].sign:
            continue
        first_is_below = part[0].sign < 0
        near: _Bound = "high" if first_is_below else "low"  # the end of the interval that reaches 0 first
        far: _Bound = "low" if first_is_below else "high"
        value = statistics.median(_zeros(part, "ratio"))
        yield first_is_below, (math.exp(value), math.exp(_zeros(part, near)[0]), math.exp(_zeros(part, far)[-1]))


def _zeros(pairs: Sequence[_Pair], bound: _Bound) -> list[float]:
    """Return where the line through a field of ``pairs`` crosses 0; at least once, because its ends differ in sign."""
    zeros = []
    for left, right in pairwise(pairs):
        a, b = getattr(left, bound), getattr(right, bound)
        if (a < 0) != (b < 0):
            zeros.append(left.axis_value + (right.axis_value - left.axis_value) * a / (a - b))
    return zeros
