"""Races in Markdown: the mean of every implementation over every layer set, and the fastest by kind of layer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from convgauge.problem import PROBLEM_KINDS, Problem, ProblemError, ProblemKind
from convgauge.report import formatting
from convgauge.report.model import Report
from convgauge.report.speed import RaceTable, StandingRow, race_tables

Escape = Callable[[str], str]


def kind(text: str) -> ProblemKind:
    """Return the kind of a problem from its text; ``other`` if the text is not a problem."""
    try:
        return Problem.parse(text).kind
    except ProblemError:
        return "other"


def markdown(report: Report, escape: Escape) -> Iterator[str]:
    """Yield the lines of both tables, or nothing if no implementation was timed; ``escape`` is applied to names."""
    races = [race for race in race_tables(report) if race.standings]
    if not races:
        return
    titles = _titles(races)
    yield "## Speed"
    yield ""
    yield "Geometric mean of time ÷ baseline over the ranked layers, without preparing; largest extra memory of a call."
    yield ""
    yield from _means(report, races, titles, escape)
    yield ""
    yield "## Fastest algorithm by kind of layer"
    yield ""
    yield "For each kind of layer, the number of layers on which each algorithm is the fastest, and its implementation."
    yield ""
    yield from _fastest(races, titles, escape)
    yield ""


def _titles(races: Sequence[RaceTable]) -> list[str]:
    """Return the layer set of each race, or its whole title if several races are over one layer set."""
    names = Counter(race.layers_name for race in races)
    return [race.layers_name if race.layers_name and names[race.layers_name] == 1 else race.title for race in races]


def _means(report: Report, races: Sequence[RaceTable], titles: Sequence[str], escape: Escape) -> Iterator[str]:
    yield _row(["implementation", "algorithm", *map(escape, titles), "memory"])
    yield f"|---|---|{'--:|' * (len(races) + 1)}"
    by_race = [{(race.environment, standing.implementation): standing for standing in race.standings} for race in races]
    for entry in report.present:
        standings = [by_name.get((entry.environment, entry.name)) for by_name in by_race]
        if not any(standings):
            continue
        peak = max((s.peak for s in standings if s is not None and s.peak is not None), default=None)
        memory = "–" if peak is None else f"{peak / 2**20:.1f} MiB"
        timed = (timing.algorithm for timing in entry.timings if timing.algorithm)
        algorithm = entry.about.algorithm or next(timed, "–")
        yield _row([escape(entry.title), escape(algorithm), *map(_mean, standings), memory])


def _mean(standing: StandingRow | None) -> str:
    if standing is None or standing.mean_ratio is None:
        return "–"
    return f"{formatting.ratio(standing.mean_ratio)} ({standing.ranked} of {standing.layers})"


def _fastest(races: Sequence[RaceTable], titles: Sequence[str], escape: Escape) -> Iterator[str]:
    yield _row(["kind of layer", *map(escape, titles)])
    yield f"|---|{'---|' * len(races)}"
    by_race = [_count_fastest(race) for race in races]
    for name in PROBLEM_KINDS:
        counts = [by_kind.get(name, Counter()) for by_kind in by_race]
        if any(counts):
            cells = (", ".join(_entry(*item, escape) for item in count.most_common()) or "–" for count in counts)
            yield _row([name, *cells])


def _count_fastest(race: RaceTable) -> dict[str, Counter[tuple[str, str]]]:
    """Return the number of layers on which each algorithm and implementation is the fastest, by kind of layer."""
    counts: dict[str, Counter[tuple[str, str]]] = {}
    for layer in race.layers:
        name = layer.fastest
        if name:
            counts.setdefault(kind(layer.problem), Counter())[layer.cells[name].algorithm, name] += 1
    return counts


def _entry(key: tuple[str, str], layers: int, escape: Escape) -> str:
    algorithm, name = map(escape, key)
    return f"{algorithm} {layers} ({name})" if algorithm else f"{name} {layers}"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
