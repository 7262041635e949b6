"""What the terminal shows of a race. Plain lines in a pipe."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from convgauge.layers.sets import Layer, LayerSet
from convgauge.race import scaling
from convgauge.race.standings import Standing, standings
from convgauge.results import LimitRecord, TimingRecord

_COLOURS = {"faster": "green", "slower": "yellow", "wrong": "red", "failed": "red", "undecided": "cyan"}


def seconds(value: float) -> str:
    """A duration with three digits and its unit: "1.53 ms"."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value * 1e9:.3g} ns"


def _size(value: int | None) -> str:
    if value is None:
        return "?"
    return f"{value / 2**20:.1f} MiB"


def _ratio(value: float | None, low: float | None, high: float | None) -> str:
    if value is None:
        return "–"
    interval = f" [{low:.3g}, {high:.3g}]" if low is not None and high is not None else ""
    return f"{value:.3g}{interval}"


def _show(console: Console, grid: Table) -> None:
    """A table as wide as it needs to be where nobody's window cuts it off."""
    if console.is_terminal:
        console.print(grid)
    else:
        Console(file=console.file, quiet=console.quiet, width=max(console.width, 160), color_system=None).print(grid)


def print_limits(console: Console, records: Sequence[LimitRecord]) -> None:
    """One line of what the machine can do."""
    parts = [
        f"{record.what} {record.value / 1e9:.1f} G{record.unit}"
        + (f" ({record.dtype})" if record.what == "matmul" else "")
        for record in records
    ]
    threads = records[0].threads if records else 1
    console.print(f"machine, {threads} thread{'s' * (threads > 1)}: {', '.join(parts)}", highlight=False)


def print_race(console: Console, heading: str, layer: Layer, records: Sequence[TimingRecord]) -> None:
    """One layer's race."""
    noise = next((record.noise for record in records if record.noise is not None), None)
    facts = f"{layer.problem}, {layer.problem.flops / 1e9:.3g} GFLOP, ×{layer.count}"
    facts += f", noise {noise:.2%}" if noise is not None else ""
    busy = max((record.busy for record in records), default=0.0)
    facts += f", machine {busy:.0%} busy with other work (taken out)" if busy >= 0.05 else ""
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


def print_explanations(console: Console, said: Mapping[str, str]) -> None:
    """What implementations say that they did on a layer, and why."""
    for label, text in said.items():
        first, *rest = text.splitlines()
        console.print(Text("\n".join([f"   {label} chose {first}", *(f"   {line}" for line in rest)])), soft_wrap=True)


def _cells(record: TimingRecord) -> list[str]:
    colour = _COLOURS.get(record.verdict, "")
    shown = f"[{colour}]{record.verdict}[/{colour}]" if colour else record.verdict
    if not record.seconds:
        return [record.implementation, "–", "–", "–", shown, "0", _size(record.peak_bytes), ""]
    time = statistics.median(record.seconds)
    return [
        record.implementation,
        seconds(time),
        f"{record.flops / time / 1e9:.3g}" + ("*" if effective(record.algorithm) else ""),
        _ratio(record.ratio, record.low, record.high),
        shown,
        str(len(record.seconds)),
        _size(record.peak_bytes),
        seconds(record.prepare_seconds) if record.prepare_seconds is not None else "",
    ]


def effective(algorithm: str) -> bool:
    """Whether a rate counts products that the algorithm does not make one by one: FFT, Winograd, Strassen."""
    return algorithm.startswith(("fft", "winograd", "strassen"))


def print_standings(console: Console, records: Sequence[TimingRecord], layer_set: LayerSet) -> None:
    """The layer set's summary: mean ratio, coverage, network total."""
    found = standings(records)
    if not found:
        return
    grid = Table(
        title=f"\n{layer_set.title or layer_set.name}: {len(layer_set.layers)} distinct of {layer_set.calls} layers"
    )
    for title in ("implementation", "threads", "mean ratio", "ranked", "network total", "verdicts"):
        grid.add_column(title, justify="left" if title in ("implementation", "verdicts") else "right")
    for one in found:
        grid.add_row(*_standing_cells(one))
    _show(console, grid)
    if any(effective(record.algorithm) for record in records):
        console.print(
            "* effective: counts the products of the definition, of which this algorithm makes fewer", style="dim"
        )


def _standing_cells(one: Standing) -> list[str]:
    total = "–"
    if one.total_seconds is not None and one.total_ratio is not None:
        part = "" if one.complete else f", {one.ranked_calls} of {one.calls} layers"
        total = f"{seconds(one.total_seconds)} ({one.total_ratio:.3g}×{part})"
    verdicts = ", ".join(f"{count} {verdict}" for verdict, count in one.verdicts.items())
    mean = _ratio(one.mean_ratio, one.low, one.high)
    return [one.implementation, str(one.threads), mean, f"{one.ranked} of {one.layers}", total, verdicts]


def print_scaling(console: Console, records: Sequence[TimingRecord]) -> None:
    """What sweeps show: how time grows with the axis, and who overtakes whom where. Nothing where there is no sweep."""
    found = scaling.curves(records)
    if not found:
        return
    grid = Table(title=f"\ntime grows as a power of {found[0].axis}")
    for title in ("implementation", "threads", "from", "to", "exponent [interval]"):
        grid.add_column(title, justify="left" if title == "implementation" else "right")
    for curve in found:
        ends = [f"{point.value}: {seconds(point.seconds)}" for point in (curve.points[0], curve.points[-1])]
        power = curve.exponent
        shown = _ratio(power.value, power.low, power.high) if power else "–"
        grid.add_row(curve.implementation, str(curve.threads or "–"), *ends, shown)
    _show(console, grid)
    for one in scaling.crossovers(records):
        console.print(
            f"{one.axis} {one.value:.3g} [{one.low:.3g}, {one.high:.3g}]: {one.below} is faster below,"
            f" {one.above} above",
            highlight=False,
            soft_wrap=True,
        )  # fmt: skip
