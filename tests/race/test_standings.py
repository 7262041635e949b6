"""Tests of means and totals over a layer set, on records with given ratios."""

from __future__ import annotations

from typing import Any

import pytest

from convgauge.race.standings import standings
from convgauge.results import TimingRecord
from convgauge.terms import RaceVerdict


def record(
    name: str, problem: str, verdict: RaceVerdict, ratio: float | None, count: int = 1, **more: Any
) -> TimingRecord:
    values: dict[str, Any] = {
        "seconds": [1e-3, 2e-3, 30e-3] if ratio is not None else [],
        "low": ratio and ratio * 0.9,
        "high": ratio and ratio * 1.1,
        "prepare_seconds": None,
        "peak_bytes": None,
        "flops": 10,
        "baseline": "base",
        "layers": "net",
        **more,
    }
    return TimingRecord(implementation=name, problem=problem, verdict=verdict, ratio=ratio, count=count, **values)


RECORDS = [
    record("base", "p", "baseline", 1.0, count=3),
    record("base", "q", "baseline", 1.0, seconds=[4e-3]),
    record("half", "p", "faster", 0.5, count=3),
    record("half", "q", "slower", 2.0),
    record("part", "p", "wrong", None, count=3),
    record("part", "q", "slower", 3.0),
    record("none", "p", "declined", None, count=3),
    record("none", "q", "absent", None),
]


def test_the_mean_is_geometric_and_the_total_weighted_by_multiplicity() -> None:
    base, half, *_ = standings(RECORDS)
    assert (base.implementation, base.mean_ratio, base.total_ratio) == ("base", 1, 1)
    assert base.total_seconds == pytest.approx(3 * 2e-3 + 4e-3)
    assert half.mean_ratio == pytest.approx(1.0)
    assert half.total_seconds == pytest.approx(3 * 2e-3 * 0.5 + 4e-3 * 2)
    assert half.total_ratio == pytest.approx(11 / 10)
    assert half.low == pytest.approx(0.9)
    assert half.high == pytest.approx(1.1)
    assert half.complete


def test_the_interval_of_the_total_sums_the_ends_and_needs_all_of_them() -> None:
    _, half, *_ = standings(RECORDS)
    assert half.total_interval == pytest.approx((0.9 * 1.1, 1.1 * 1.1))
    undecided = [record("half", "q", "undecided", 2.0) if r is RECORDS[3] else r for r in RECORDS]
    assert standings(undecided)[1].total_interval == half.total_interval, "an undecided layer has a ratio"
    open_ended = [record("half", "q", "slower", 2.0, low=None) if r is RECORDS[3] else r for r in RECORDS]
    assert standings(open_ended)[1].total_interval is None


def test_layers_that_were_not_ranked_reduce_coverage_alone() -> None:
    by_name = {standing.implementation: standing for standing in standings(RECORDS)}
    part = by_name["part"]
    assert (part.ranked, part.layers, part.ranked_calls, part.calls) == (1, 2, 1, 4)
    assert part.mean_ratio == pytest.approx(3)
    assert part.total_ratio == pytest.approx(3), "against the baseline on the same layers"
    assert not part.complete
    assert part.verdicts == {"wrong": 1, "slower": 1}
    none = by_name["none"]
    assert (none.mean_ratio, none.total_seconds, none.total_ratio, none.ranked) == (None, None, None, 0)


def test_a_layer_without_an_interval_leaves_the_mean_without_one() -> None:
    (_, standing) = standings([*RECORDS[:1], record("few", "p", "undecided", 2.0, count=3, low=None, high=None)])
    assert (standing.mean_ratio, standing.low, standing.high) == (2.0, None, None)


def test_layer_sets_and_thread_counts_have_standings_of_their_own() -> None:
    more = [record("base", "p", "baseline", 1.0, threads=2), record("base", "p", "baseline", 1.0, layers="other")]
    names = [standing.implementation for standing in standings([*RECORDS, *more])]
    assert names.count("base") == 3
    assert standings([]) == []
