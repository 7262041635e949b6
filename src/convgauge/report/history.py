"""Results of implementations from run to run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

from convgauge.report import formatting
from convgauge.report.change import Change
from convgauge.report.diff import spec_changes
from convgauge.report.model import UNCHECKED, ImplementationEntry, Report, gather
from convgauge.report.speed import RaceTable, race_tables
from convgauge.results import Run


@dataclass
class RunSummary:
    """Result of one run for one implementation.

    ``coverage`` is in percent, and ``mean`` is the geometric mean of its ratios in ``race``.
    """

    verdict: str
    coverage: float | None
    grade: str
    faults: int
    mean: float | None
    race: str = ""


@dataclass
class Timeline:
    """Runs of one environment, oldest first, with the results of each implementation and the changes at each run."""

    environment: str
    runs: list[Run]
    rows: dict[str, list[RunSummary | None]]
    changes: list[list[Change]]


def timelines(report: Report) -> list[Timeline]:
    """Return a timeline per environment in which an implementation was judged, or timed, more than once."""
    repeated = (environment for environment in report.environments if len(environment.runs) > 1)
    candidates = (_timeline(environment.name, environment.runs) for environment in repeated)
    return [timeline for timeline in candidates if any(_is_repeated(row) for row in timeline.rows.values())]


def _is_repeated(row: list[RunSummary | None]) -> bool:
    summaries = [summary for summary in row if summary is not None]
    races = Counter(summary.race for summary in summaries if summary.mean is not None)
    return sum(s.verdict != UNCHECKED for s in summaries) > 1 or any(count > 1 for count in races.values())


def _timeline(name: str, runs: list[Run]) -> Timeline:
    rows: dict[str, list[RunSummary | None]] = {}
    for index, run in enumerate(runs):
        report = gather([run])
        races = race_tables(report)
        for entry in report.present:
            summary = _summary(entry, races)
            if summary is not None:
                rows.setdefault(entry.name, [None] * len(runs))[index] = summary
    changes = [[], *([*spec_changes(old, new)] for old, new in pairwise(runs))]
    shown = [[change for change in between if change.kind in ("broke", "fixed")] for between in changes]
    return Timeline(name, runs, dict(sorted(rows.items())), shown)


def _summary(entry: ImplementationEntry, races: list[RaceTable]) -> RunSummary | None:
    """Return the result of a run, or None if the run only declares the implementation."""
    means = ((s.mean_ratio, race.title) for race in races for s in race.standings if s.implementation == entry.name)
    mean, race = next(means, (None, ""))
    if not entry.specs and mean is None:
        return None
    return RunSummary(formatting.line(entry.verdict), entry.coverage, entry.grade, entry.faults, mean, race)
