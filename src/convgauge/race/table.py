"""Terminal output of a race; plain lines if the output is not a terminal."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from convgauge.layers.sets import Layer, LayerSet
from convgauge.race import scaling
from convgauge.race.floors import FAST_ALGORITHMS
from convgauge.race.formats import format_ratio, format_seconds
from convgauge.race.standings import Standing, standings
from convgauge.results import LimitRecord, TimingRecord
from convgauge.text import counted

PLAIN_WIDTH = 160
"""Columns of a table that is not printed on a terminal."""

MIN_BUSY = 0.05
"""Part of the time taken by other programs from which the heading of a race states it."""

_COLOURS = {
    "faster": "green",
    "slower": "yellow",
    "wrong": "red",
    "failed": "red",
    "implausible": "red",
    "undecided": "cyan",
}


def _size(value: int | None) -> str:
    if value is None:
        return "?"
    return f"{value / 2**20:.1f} MiB"


def _show(console: Console, grid: Table) -> None:
    """Print a table, at its full width if there is no window that would cut it off."""
    if console.is_terminal:
        console.print(grid)
    else:
        width = max(console.width, PLAIN_WIDTH)
        Console(file=console.file, quiet=console.quiet, width=width, color_system=None).print(grid)


def print_limits(console: Console, records: Sequence[LimitRecord]) -> None:
    """Print the limits of the machine in one line."""
    parts = [
        f"{record.what} {record.value / 1e9:.1f} G{record.unit}"
        + (f" ({record.dtype})" if record.what == "matmul" else "")
        for record in records
    ]
    threads = records[0].threads if records else 1
    console.print(f"machine, {counted(threads, 'thread')}: {', '.join(parts)}", highlight=False)


def print_race(console: Console, heading: str, layer: Layer, records: Sequence[TimingRecord]) -> None:
    """Print the race on one layer as a table, and the reasons below it."""
    noise = next((record.noise for record in records if record.noise is not None), None)
    facts = f"{layer.problem}, {layer.problem.flops / 1e9:.3g} GFLOP, ×{layer.count}"
    facts += f", noise {noise:.2%}" if noise is not None else ""
    busy = max((record.busy for record in records), default=0.0)
    facts += f", machine {busy:.0%} busy with other work (taken out)" if busy >= MIN_BUSY else ""
    console.print(f"\n[bold]{heading}[/bold]  {facts}", highlight=False, soft_wrap=True)
    grid = Table(box=None, padding=(0, 1), show_header=True, header_style="dim")
    for title in ("implementation", "time", "GFLOP/s", "ratio [interval]", "verdict", "rounds", "memory", "prepare"):
        grid.add_column(title, justify="left" if title in ("implementation", "verdict") else "right", no_wrap=True)
    for record in records:
        grid.add_row(*_cells(record))
    _show(console, grid)
    for record in records:
        if record.reason:
            console.print(Text(f"   {record.implementation}: {record.reason}", style="dim"), soft_wrap=True)


def print_explanations(console: Console, explanations: Mapping[str, str]) -> None:
    """Print the explanations of implementations that choose a method for a layer, by label."""
    for label, text in explanations.items():
        first, *rest = text.splitlines()
        console.print(Text("\n".join([f"   {label} chose {first}", *(f"   {line}" for line in rest)])), soft_wrap=True)


def _cells(record: TimingRecord) -> list[str]:
    colour = _COLOURS.get(record.verdict, "")
    text = record.verdict.replace("_", " ")
    verdict = f"[{colour}]{text}[/{colour}]" if colour else text
    if not record.seconds:
        return [record.implementation, "–", "–", "–", verdict, "0", _size(record.peak_bytes), ""]
    time = statistics.median(record.seconds)
    return [
        record.implementation,
        format_seconds(time),
        f"{record.flops / time / 1e9:.3g}" + ("*" if has_effective_rate(record.algorithm) else ""),
        format_ratio(record.ratio, record.low, record.high),
        verdict,
        str(len(record.seconds)),
        _size(record.peak_bytes),
        format_seconds(record.prepare_seconds) if record.prepare_seconds is not None else "",
    ]


def has_effective_rate(algorithm: str) -> bool:
    """Return True if the algorithm computes fewer products than its rate counts: FFT, Winograd, Strassen."""
    return algorithm.startswith(FAST_ALGORITHMS)


def print_standings(console: Console, records: Sequence[TimingRecord], layer_set: LayerSet) -> None:
    """Print the summary of a layer set: mean ratio, coverage and network total of each implementation."""
    rows = standings(records)
    if not rows:
        return
    grid = Table(
        title=f"\n{layer_set.title or layer_set.name}: {len(layer_set.layers)} distinct of {layer_set.calls} layers"
    )
    for title in ("implementation", "threads", "mean ratio", "ranked", "network total", "verdicts"):
        grid.add_column(title, justify="left" if title in ("implementation", "verdicts") else "right")
    for standing in rows:
        grid.add_row(*_standing_cells(standing))
    _show(console, grid)
    if any(has_effective_rate(record.algorithm) for record in records):
        console.print(
            "* effective: counts the products of the definition, of which this algorithm makes fewer", style="dim"
        )


def _standing_cells(standing: Standing) -> list[str]:
    total = "–"
    if standing.total_seconds is not None and standing.total_ratio is not None:
        part = "" if standing.complete else f", {standing.ranked_calls} of {standing.calls} layers"
        low, high = standing.total_interval or (None, None)
        ratio = format_ratio(standing.total_ratio, low, high)
        total = f"{format_seconds(standing.total_seconds)} ({ratio}×{part})"
    return [
        standing.implementation,
        str(standing.threads),
        format_ratio(standing.mean_ratio, standing.low, standing.high),
        f"{standing.ranked} of {standing.layers}",
        total,
        ", ".join(f"{count} {verdict}" for verdict, count in standing.verdicts.items()),
    ]


def print_scaling(console: Console, records: Sequence[TimingRecord]) -> None:
    """Print the growth of time along the axis of each sweep, and the crossovers; nothing without a sweep."""
    curves = scaling.curves(records)
    if not curves:
        return
    grid = Table(title=f"\ntime grows as a power of {curves[0].axis}")
    for title in ("implementation", "threads", "from", "to", "exponent [interval]"):
        grid.add_column(title, justify="left" if title == "implementation" else "right")
    for curve in curves:
        ends = [f"{point.value}: {format_seconds(point.seconds)}" for point in (curve.points[0], curve.points[-1])]
        exponent = curve.exponent
        power = format_ratio(exponent.value, exponent.low, exponent.high) if exponent else "–"
        grid.add_row(curve.implementation, str(curve.threads or "–"), *ends, power)
    _show(console, grid)
    for crossover in scaling.crossovers(records):
        interval = f"{crossover.value:.3g} [{crossover.low:.3g}, {crossover.high:.3g}]"
        console.print(
            f"{crossover.axis} {interval}: {crossover.below} is faster below, {crossover.above} above",
            highlight=False,
            soft_wrap=True,
        )
