"""How implementations fared from run to run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

from convgauge.report import formatting, speed
from convgauge.report.diff import Change, specs
from convgauge.report.model import UNCHECKED, Entry, Report, gather
from convgauge.results import Run
from convgauge.terms import FAULTS


@dataclass
class Moment:
    """One run's word on one implementation. ``mean`` is the geometric mean of its ratios in its widest ``race``."""

    verdict: str
    grade: str
    faults: int
    mean: float | None
    race: str = ""


@dataclass
class Timeline:
    """One environment's runs, oldest first, what each says of each implementation, and what changed at each."""

    environment: str
    runs: list[Run]
    rows: dict[str, list[Moment | None]]
    changes: list[list[Change]]


def timeline(report: Report) -> list[Timeline]:
    """A timeline for each environment in which one implementation was judged, or timed, more than once."""
    found = (
        _of(environment.name, environment.runs) for environment in report.environments if len(environment.runs) > 1
    )
    return [one for one in found if any(_repeated(row) for row in one.rows.values())]


def _repeated(row: list[Moment | None]) -> bool:
    met = [moment for moment in row if moment is not None]
    races = Counter(moment.race for moment in met if moment.mean is not None)
    return sum(m.verdict != UNCHECKED for m in met) > 1 or any(count > 1 for count in races.values())


def _of(name: str, runs: list[Run]) -> Timeline:
    rows: dict[str, list[Moment | None]] = {}
    for place, run in enumerate(runs):
        alone = gather([run])
        races = speed.races(alone)
        for entry in alone.present:
            moment = _moment(entry, races)
            if moment is not None:
                rows.setdefault(entry.name, [None] * len(runs))[place] = moment
    changes = [[], *([*specs(old, new)] for old, new in pairwise(runs))]
    kept = [[c for c in these if c.kind in ("broke", "fixed")] for these in changes]
    return Timeline(name, runs, dict(sorted(rows.items())), kept)


def _moment(entry: Entry, races: list[speed.Race]) -> Moment | None:
    """None where the run only names the implementation."""
    mean, race = next(
        ((s.mean, race.title) for race in races for s in race.standings if s.name == entry.name), (None, "")
    )
    if not entry.specs and mean is None:
        return None
    faults = sum(count for status, count in entry.counts().items() if status in FAULTS)
    return Moment(formatting.line(entry.verdict), entry.grade, faults, mean, race)
