"""How time grows along a sweep's axis, and where one implementation overtakes another. Pure functions of records.

A sweep's records are those of a layer set called ``scaling:AXIS`` (`sweeps`): one problem of which one dimension grows.
"""

from __future__ import annotations

import math
import statistics as middle
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

from convgauge.layers.sweeps import NAMED, value_of
from convgauge.race import statistics as stats
from convgauge.results import TimingRecord
from convgauge.terms import RANKED


@dataclass(frozen=True)
class Point:
    """One place on an axis: seconds of a call with their interval (None where there is none)."""

    value: int
    seconds: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Exponent:
    """Time grows as the axis's value to the power ``value``; interval None where points are too few for one."""

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
    """Up to ``value`` of the axis ``below`` is the faster of the two, from there on ``above`` is.

    ``low`` and ``high`` bound the place: up to ``low`` the one, and from ``high`` on the other, is surely the faster.
    All three lie between the two values measured that show it, interpolated on logarithmic scales.
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
    """Whether a record belongs to a sweep."""
    return record.layers.startswith(NAMED)


def curves(records: Iterable[TimingRecord]) -> list[Curve]:
    """Each ranked implementation's curve, by axis. Seconds are the baseline's median times the ratio and its ends."""
    found = []
    for sweep in _sweeps(records):
        base = {
            value: middle.median(one.seconds)
            for ran in sweep.ran.values()
            for value, one in ran.items()
            if one.verdict == "baseline"
        }
        for name, ran in sweep.ran.items():
            points = tuple(_point(value, one, base[value]) for value, one in sorted(ran.items()) if value in base)
            found.append(Curve(sweep.axis, name, sweep.threads, sweep.operands, points, exponent(points)))
    return found


def crossovers(records: Iterable[TimingRecord]) -> list[Crossover]:
    """Where of two implementations now the one, now the other is surely the faster, for all pairs of each sweep.

    At each value measured the two are compared round by round, with intervals of `stats.ERROR_RATE` for the whole axis.
    """
    found = []
    for sweep in _sweeps(records):
        for first, second in combinations(sweep.ran, 2):
            for below, places in _changes(_compared(sweep.ran[first], sweep.ran[second])):
                names = (first, second) if below else (second, first)
                found.append(Crossover(sweep.axis, sweep.threads, sweep.operands, *names, *places))
    return found


@dataclass
class _Sweep:
    """One axis: each implementation's ranked records by value. ``threads`` is 0 where they are the axis."""

    axis: str
    threads: int
    operands: str
    ran: dict[str, dict[int, TimingRecord]]


def _sweeps(records: Iterable[TimingRecord]) -> list[_Sweep]:
    found: dict[tuple[str, int, str], _Sweep] = {}
    for one in filter(is_sweep, records):
        if one.verdict not in RANKED or not one.seconds or one.ratio is None:
            continue
        axis = one.layers.removeprefix(NAMED)
        key = axis, 0 if axis == "threads" else one.threads, one.operands
        ran = found.setdefault(key, _Sweep(*key, {})).ran
        ran.setdefault(one.implementation, {})[value_of(axis, one.problem, one.threads)] = one
    return list(found.values())


def _point(value: int, one: TimingRecord, base: float) -> Point:
    assert one.ratio is not None
    return Point(value, base * one.ratio, base * one.low if one.low else None, base * one.high if one.high else None)


# --- exponents -------------------------------------------------------------------------------------------------------


def exponent(points: Sequence[Point]) -> Exponent | None:
    """The median slope between two points on logarithmic scales, with the interval that inverts Kendall's test.

    (Theil 1950; Sen 1968, *Journal of the American Statistical Association* 63.) It asks that points scatter about one
    line, so where a curve bends the interval spans its slopes, from the flat part on, where any call costs as much.
    It misses the slope with probability `stats.ERROR_RATE` at most; five points are the fewest for one.
    """
    slopes = sorted(
        math.log(later.seconds / one.seconds) / math.log(later.value / one.value)
        for one, later in combinations(points, 2)
    )
    if not slopes:
        return None
    left_out = inversions_rank(len(points), stats.ERROR_RATE)
    if left_out < 0:
        return Exponent(middle.median(slopes), None, None)
    return Exponent(middle.median(slopes), slopes[left_out], slopes[-1 - left_out])


def inversions_rank(count: int, error: float) -> int:
    """The largest d for which orders of ``count`` with at most d inversions have twice a probability <= ``error``.

    So many slopes an interval leaves out at each end; -1 where it leaves none.
    """
    ways = [1]  # of orders of so many by their inversions: one more element may stand before any number of the others
    for size in range(2, count + 1):
        longest = len(ways) + size - 1
        ways = [sum(ways[max(0, place - size + 1) : place + 1]) for place in range(longest)]
    tail, rank = 0, -1
    while rank + 1 < len(ways) and 2 * (tail + ways[rank + 1]) <= error * math.factorial(count):
        rank += 1
        tail += ways[rank]
    return rank


# --- crossovers ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Pair:
    """The first's time over the second's at one value, all logarithms; ``sign`` 1 or -1 where the first is slower or
    faster beyond the noise, 0 where that is open."""

    place: float
    ratio: float
    low: float
    high: float
    sign: int


def _compared(first: dict[int, TimingRecord], second: dict[int, TimingRecord]) -> list[_Pair]:
    shared = sorted(first.keys() & second.keys())
    found = []
    for value in shared:
        one, other = first[value], second[value]
        seen = stats.ratio(one.seconds, other.seconds, stats.ERROR_RATE / len(shared))
        if seen.low is not None and seen.high is not None:
            sign = {"slower": 1, "faster": -1}.get(stats.verdict(seen, one.noise or 0.0), 0)
            ratio, low, high = map(math.log, (seen.value, seen.low, seen.high))
            found.append(_Pair(math.log(value), ratio, low, high, sign))
    return found


def _changes(pairs: Sequence[_Pair]) -> Iterator[tuple[bool, tuple[float, float, float]]]:
    """For each change of sides: whether the first was the faster below it, and (value, low, high) of where it is."""
    decided = [place for place, pair in enumerate(pairs) if pair.sign]
    for start, end in pairwise(decided):
        part = pairs[start : end + 1]
        if part[0].sign == part[-1].sign:
            continue
        below = part[0].sign < 0
        near, far = ("high", "low") if below else ("low", "high")  # the end of the interval that reaches 0 first
        value = middle.median(_zeros(part, "ratio"))
        yield below, (math.exp(value), math.exp(_zeros(part, near)[0]), math.exp(_zeros(part, far)[-1]))


def _zeros(pairs: Sequence[_Pair], what: str) -> list[float]:
    """Where the line through a field of ``pairs`` crosses 0; at least one, as its ends differ in sign."""
    found = []
    for one, later in pairwise(pairs):
        a, b = getattr(one, what), getattr(later, what)
        if (a < 0) != (b < 0):
            found.append(one.place + (later.place - one.place) * a / (a - b))
    return found
