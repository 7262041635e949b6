"""Races: standings, and the page that shows them."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import msgspec
import pytest

from convgauge import report, results
from convgauge.report import model, speed
from convgauge.report.charts import life_charts, race_charts, sweep_charts
from support.html_page import Page
from support.records import run, timing, write_run


def test_means_count_covered_layers_and_totals_need_all_of_them() -> None:
    records = [
        timing("base", "p", 1.0, "baseline", count=2),
        timing("base", "q", 1.0, "baseline", base=10.0),
        timing("a", "p", 4.0, "slower", count=2),
        timing("a", "q", 1.0, "same", base=10.0),
        timing("b", "p", 0.5, "faster", count=2),
        timing("b", "q", None, "wrong"),
    ]
    (race,) = speed.race_tables(model.gather([run(*records)]))
    standings = {standing.implementation: standing for standing in race.standings}
    assert standings["a"].mean_ratio == pytest.approx(2.0)
    assert standings["a"].total == pytest.approx(2 * 4 + 10)
    assert standings["b"].mean_ratio == pytest.approx(0.5)
    assert (standings["b"].ranked, standings["b"].total) == (1, None)
    assert race.virtual_best == pytest.approx(2 * 0.5 + 10)
    assert standings["a"].regret == pytest.approx(18 / 11 - 1)
    assert standings["b"].regret == pytest.approx(0)
    assert race.names[-1] == "b", "whole coverage comes first"
    assert standings["b"].verdict_counts == [("faster", 1), ("wrong", 1)]
    assert race.layers[0].fastest == "b"


def with_lives(*factors: float, between: float = 0.02, sampling: float = 0.01) -> list[results.TimingRecord]:
    """Return the baseline's timing and one of a kernel whose lives have these ratios to it."""
    lives, seconds = [2] * len(factors), [1.0] * 2 * len(factors)
    base = msgspec.structs.replace(
        timing("base", "p", 1.0, "baseline"), lives=lives, seconds=seconds, control_seconds=seconds, control_lives=lives
    )
    other = msgspec.structs.replace(
        timing("a", "p", 2.0, "slower"), lives=lives, seconds=[factor for factor in factors for _ in range(2)],
        between=between, sampling=sampling, low=1.9, high=2.1,
    )  # fmt: skip
    return [base, other]


def test_lives_are_points_with_the_interval_and_the_larger_variance() -> None:
    (race,) = speed.race_tables(model.gather([run(*with_lives(1.98, 2.0, 2.0, 2.02))]))
    ((layer, figure),) = life_charts.figures(race)
    assert layer.problem == "p"
    assert "processes 2 %" in figure
    low, high = map(float, re.findall(r'class="interval" d="M(\d+) 14H(\d+)"', figure)[0])
    points = list(itertools.accumulate(map(int, re.findall(r"m(\d+) 0z", figure))))
    assert low < min(points) < max(points) < high
    assert len(points) == 3, "two of the lives are equal"
    assert points[1] == pytest.approx((life_charts.LEFT + 760 - life_charts.RIGHT) / 2, abs=1)
    assert "sampling 2 %" in life_charts.larger_variance(with_lives(2.0, between=0.01, sampling=0.02)[1])


def test_runs_without_lives_have_no_figure_of_them(tmp_path: Path) -> None:
    records = [timing("base", "p", 1.0, "baseline"), timing("a", "p", 2.0, "slower")]
    (race,) = speed.race_tables(model.gather([run(*records)]))
    assert life_charts.figures(race) == []
    page = report.build([write_run(tmp_path / "run.jsonl", *records)], tmp_path / "site").with_name("speed.html")
    assert "Lives and intervals" not in page.read_text()
    path = write_run(tmp_path / "lives.jsonl", *with_lives(1.98, 2.02))
    assert "Lives of p" in report.build([path], tmp_path / "other").with_name("speed.html").read_text()


def test_a_wrong_implementation_is_shown_as_wrong_and_never_with_a_ratio(tmp_path: Path) -> None:
    records = timing("base", "p", 1.0, "baseline"), timing("wrong", "p", None, "wrong")
    path = write_run(tmp_path / "run.jsonl", *records)
    text = Page(report.build([path], tmp_path / "site").with_name("speed.html")).text
    assert "1 wrong" in text
    assert "0 of 1 layers" in text
    assert "wrong – 0 of 1 layers" in text, "it has no ratio"


def test_what_is_not_ranked_is_listed_with_its_reason(tmp_path: Path) -> None:
    slow = msgspec.structs.replace(timing("slow", "p", None, "declined"), reason="needs <stride> 1")
    (race,) = speed.race_tables(model.gather([run(timing("base", "p", 1.0, "baseline"), slow)]))
    assert race.unranked == [("slow", "declined", "needs <stride> 1", ["p"])]


def test_the_frontier_joins_those_that_none_beats_in_both() -> None:
    points = [(1.0, 0.5), (0.8, 0.9), (2.0, 0.4), (2.5, 0.45), (0.9, 0.95), (1.0, 0.6)]
    assert race_charts.unbeaten(points) == [(0.8, 0.9), (1.0, 0.5), (2.0, 0.4)]
    (race,) = speed.race_tables(
        model.gather([run(timing("base", "p", 1.0, "baseline"), timing("a", "p", 2.0, "slower"))])
    )
    figure = race_charts.frontier(race, {"base": 0.5, "a": 0.1})
    assert "a: margin 0.1, 2.00×" in figure
    assert re.search(r'class="front" d="M[^L"]*L[^L"]*"', figure)
    assert race_charts.frontier(race, {"base": 0.5}) == ""


def test_a_sweep_is_drawn_with_its_powers_and_where_the_fastest_changes(site: Path) -> None:
    (first, *_) = sweep_charts.sweeps(model.gather([results.read(site.parent / "whole.jsonl")]))
    assert first.curves[0].implementation == "windows_05", "the fastest at the end"
    power = {curve.implementation: curve.exponent.value for curve in first.curves if curve.exponent}
    assert power["direct_00"] == pytest.approx(2.0, abs=0.02)
    assert power["windows_05"] == pytest.approx(1.0, abs=0.02)
    (lead,) = first.leads
    assert (lead.below, lead.above) == ("direct_00", "windows_05")
    assert lead.value == pytest.approx(8 * 6**1.0, rel=0.05), "6 (8 / size) is 1 there"
    assert len(first.crossovers) > len(first.leads)
    text = Page(site / "speed.html").text
    assert re.search(r"direct_00 is faster up to 4\d(\.\d)? \(between [\d.]+ and [\d.]+\), then windows_05 is", text)
    assert re.search(r"direct_00 [\d.]+ ns at 8 [\d.]+ µs at 128 2\.0", text), "times at both ends, and the power"
    figure = sweep_charts.draw(first)
    assert figure.count('class="ring"') == 1
    assert figure.count('class="line') == 6


def test_a_sweep_counts_in_no_network(site: Path) -> None:
    report = model.gather([results.read(site.parent / "whole.jsonl")])
    assert [race.is_sweep for race in speed.race_tables(report)] == [False, True]
    assert "23 of 23 layers" in Page(site / "index.html").text
