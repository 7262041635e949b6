"""Means and totals over a layer set, on records made by hand."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from convgauge.layers.sets import LayerSet
from convgauge.race import table
from convgauge.race.standings import standings
from convgauge.results import TimingRecord


def record(name: str, problem: str, verdict: str, ratio: float | None, count: int = 1, **more: object) -> TimingRecord:
    values: dict = {
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
    assert (half.low, half.high) == (pytest.approx(0.9), pytest.approx(1.1))
    assert half.complete


def test_what_was_not_ranked_costs_coverage_and_counts_nowhere_else() -> None:
    by_name = {one.implementation: one for one in standings(RECORDS)}
    part = by_name["part"]
    assert (part.ranked, part.layers, part.ranked_calls, part.calls) == (1, 2, 1, 4)
    assert part.mean_ratio == pytest.approx(3)
    assert part.total_ratio == pytest.approx(3), "against the baseline on the same layers"
    assert not part.complete
    assert part.verdicts == {"wrong": 1, "slower": 1}
    none = by_name["none"]
    assert (none.mean_ratio, none.total_seconds, none.total_ratio, none.ranked) == (None, None, None, 0)


def test_a_layer_without_an_interval_leaves_the_mean_without_one() -> None:
    (_, one) = standings([*RECORDS[:1], record("few", "p", "undecided", 2.0, count=3, low=None, high=None)])
    assert (one.mean_ratio, one.low, one.high) == (2.0, None, None)


def test_layer_sets_and_thread_counts_stand_apart() -> None:
    more = [record("base", "p", "baseline", 1.0, threads=2), record("base", "p", "baseline", 1.0, layers="other")]
    found = standings([*RECORDS, *more])
    assert len([one for one in found if one.implementation == "base"]) == 3
    assert standings([]) == []


def test_a_quiet_console_is_quiet_in_a_pipe_too() -> None:
    for quiet in (False, True):
        file = io.StringIO()
        table.print_standings(Console(file=file, quiet=quiet), RECORDS, LayerSet("net", ()))
        assert bool(file.getvalue()) is not quiet
