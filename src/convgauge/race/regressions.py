"""Regressions of an implementation against an earlier version of it."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

from convgauge.race.formats import format_ratio, format_seconds
from convgauge.race.standings import standings
from convgauge.results import TimingRecord
from convgauge.text import counted


def regressions(records: Iterable[TimingRecord], margin: float) -> list[TimingRecord]:
    """Return the records whose whole interval is above the margin; 0.02 is 2 %."""
    return [record for record in records if record.verdict == "slower" and (record.low or 0.0) > 1 + margin]


def summary(records: Sequence[TimingRecord], margin: float) -> str:
    """Return a sentence on the number of layers on which an implementation became slower or faster than the margin."""
    slower = regressions(records, margin)
    faster = [record for record in records if record.verdict == "faster" and (record.high or 1.0) < 1 / (1 + margin)]
    raced = [record for record in records if record.verdict != "baseline"]
    decided = [record for record in raced if record.verdict in ("faster", "same", "slower")]
    return (
        f"slower by more than {margin:.1%} on {counted(len(slower), 'layer')}, faster on {len(faster)}, within it on"
        f" {len(decided) - len(slower) - len(faster)}, without a verdict on {len(raced) - len(decided)}"
    )


def markdown(records: Sequence[TimingRecord], margin: float) -> str:
    """Return a race against a baseline as Markdown for a pull request: the summary, a table of layers, and totals."""
    before = {
        (record.threads, record.problem): statistics.median(record.seconds)
        for record in records
        if record.verdict == "baseline" and record.seconds
    }
    raced = [record for record in records if record.verdict != "baseline"]
    baseline = next((record.baseline for record in records), "")
    verdict = "**Regression**" if regressions(records, margin) else "No regression"
    lines = [f"{verdict} against `{baseline}`: {summary(records, margin)}.", ""]
    lines += ["| layer | problem | before | ratio [interval] | verdict |", "| --- | --- | ---: | ---: | --- |"]
    for record in raced:
        seconds = before.get((record.threads, record.problem))
        cells = [
            record.layer or "–",
            f"`{record.problem}`",
            format_seconds(seconds) if seconds is not None else "–",
            format_ratio(record.ratio, record.low, record.high),
            f"{record.verdict}: {record.reason}" if record.reason else record.verdict,
        ]
        lines.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    for standing in standings(records):
        if "baseline" not in standing.verdicts and standing.mean_ratio is not None:
            mean = format_ratio(standing.mean_ratio, standing.low, standing.high)
            lines += ["", f"`{standing.implementation}`: mean ratio {mean} on {standing.ranked} of {standing.layers}."]
    return "\n".join(lines) + "\n"
