"""Races in Markdown: every implementation's mean over every layer set, and which algorithm wins on what layers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from convgauge.problem import Problem, ProblemError
from convgauge.report import formatting, speed
from convgauge.report.model import Report

Escape = Callable[[str], str]

KINDS: dict[str, Callable[[Problem], bool]] = {
    "depthwise": lambda p: p.groups > 1 and p.groups == p.in_channels,
    "grouped": lambda p: p.groups > 1,
    "pointwise": lambda p: p.kernel == (1, 1),
    "kernel of 15 and more": lambda p: max(p.kernel) >= 15,
    "dilated": lambda p: max(p.dilation) > 1,
    "stride > 1": lambda p: max(p.stride) > 1,
    "3×3": lambda p: p.kernel == (3, 3),
    "other": lambda p: True,
}
"""Kinds of layers, on each of which another algorithm is at home; a layer is of the first that fits."""


def kind(text: str) -> str:
    """The kind of a problem's text; ``other`` where it does not read."""
    try:
        problem = Problem.parse(text)
    except ProblemError:
        return "other"
    return next(name for name, fits in KINDS.items() if fits(problem))


def markdown(report: Report, escape: Escape) -> Iterator[str]:
    """The lines of both tables; none where nothing was timed. ``escape`` makes any text safe for a cell."""
    found = [race for race in speed.races(report) if race.standings]
    if not found:
        return
    titles = _titles(found)
    yield "## Speed"
    yield ""
    yield "Geometric mean of time ÷ baseline over the layers ranked, without preparing; the most memory a call adds."
    yield ""
    yield from _means(report, found, titles, escape)
    yield ""
    yield "## Which algorithm wins where"
    yield ""
    yield "For each kind of layer, how many layers each algorithm is fastest on, and who implements it."
    yield ""
    yield from _winners(found, titles, escape)
    yield ""


def _titles(races: Sequence[speed.Race]) -> list[str]:
    """A race's layer set, or all that tells it from the others where two race over one."""
    names = Counter(race.layers_name for race in races)
    return [race.layers_name if race.layers_name and names[race.layers_name] == 1 else race.title for race in races]


def _means(report: Report, races: Sequence[speed.Race], titles: Sequence[str], escape: Escape) -> Iterator[str]:
    yield _row(["implementation", "algorithm", *map(escape, titles), "memory"])
    yield f"|---|---|{'--:|' * (len(races) + 1)}"
    standings = [{standing.name: standing for standing in race.standings} for race in races]
    for entry in report.present:
        mine = [
            some.get(entry.name) if race.environment == entry.environment else None
            for race, some in zip(races, standings, strict=True)
        ]
        met = [standing for standing in mine if standing is not None]
        if not met:
            continue
        peak = max((standing.peak for standing in met if standing.peak is not None), default=None)
        memory = "–" if peak is None else f"{peak / 2**20:.1f} MiB"
        algorithm = entry.about.algorithm or next((one.algorithm for one in entry.timings if one.algorithm), "–")
        yield _row([escape(entry.title), escape(algorithm), *map(_mean, mine), memory])


def _mean(standing: speed.Standing | None) -> str:
    if standing is None or standing.mean is None:
        return "–"
    return f"{formatting.ratio(standing.mean)} ({standing.covered} of {standing.sums.layers})"


def _winners(races: Sequence[speed.Race], titles: Sequence[str], escape: Escape) -> Iterator[str]:
    yield _row(["kind of layer", *map(escape, titles)])
    yield f"|---|{'---|' * len(races)}"
    won = [_wins(race) for race in races]
    for name in KINDS:
        cells = [some.get(name, Counter()) for some in won]
        if any(cells):
            yield _row([name, *(", ".join(_win(*one, escape) for one in cell.most_common()) or "–" for cell in cells)])


def _wins(race: speed.Race) -> dict[str, Counter[tuple[str, str]]]:
    """By kind of layer, how many are won by each algorithm and implementation."""
    found: dict[str, Counter[tuple[str, str]]] = {}
    for layer in race.layers:
        name = layer.fastest
        if name:
            found.setdefault(kind(layer.problem), Counter())[layer.cells[name].algorithm, name] += 1
    return found


def _win(who: tuple[str, str], layers: int, escape: Escape) -> str:
    algorithm, name = map(escape, who)
    return f"{algorithm} {layers} ({name})" if algorithm else f"{name} {layers}"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
