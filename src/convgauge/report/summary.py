"""Markdown summary of runs, for the page of a CI job."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from convgauge.conformance.cause_text import extent, headline, remark_sentence
from convgauge.conformance.example_sentence import example_sentence
from convgauge.conformance.report_order import report_order
from convgauge.report import formatting, ranking
from convgauge.report.model import ImplementationEntry, Report, gather
from convgauge.report.speed import overall_standings, race_tables
from convgauge.results import Run
from convgauge.terms import FAULTS

MAX_FAULTS = 20
"""Faults of one implementation that are listed."""

MAX_LIMITS = 10
"""Limits of one implementation that are listed."""


def markdown(runs: Sequence[Run]) -> str:
    """Return verdicts, causes of failures, speed, and each failing spec with the command that reproduces it."""
    report = gather(runs)
    lines = ["# Convolution conformance", "", *(_description(run) for run in runs), ""]
    lines += [
        f"> **Incomplete**: {escape(run.name)} was cut off: later results are missing."
        for run in runs
        if run.footer is None
    ]
    lines += ["", *_table(report), "", *ranking.markdown(report, escape)]
    for entry in report.present:
        lines += [*_causes(entry), *_limits(entry), *_faults(entry)]
    for entry in report.absent:
        lines.append(f"- {escape(entry.title)} is absent: {escape(entry.about.absent)}")
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines).strip()) + "\n"


def _description(run: Run) -> str:
    header = run.header
    versions = ", ".join(f"{name} {version}" for name, version in header.versions.items())
    kind = [f"{header.profile} profile" * bool(header.profile), f"{header.tier} tier" * bool(header.tier)]
    parts = [f"convgauge {header.suite}", *kind, f"seed {header.seed}", header.machine.processor, versions]
    return f"- {escape(', '.join(filter(None, parts)))}"


def _table(report: Report) -> Iterator[str]:
    standings = overall_standings(race_tables(report))
    yield "| implementation | verdict | coverage | strict | grade | cases | faults | time ÷ baseline |"
    yield "|---|---|--:|:-:|:-:|--:|--:|--:|"
    for entry in report.present:
        ratio = "–"
        if (entry.environment, entry.name) in standings:
            race, standing = standings[entry.environment, entry.name]
            ratio = f"{formatting.ratio(standing.mean_ratio)} ({standing.ranked} of {len(race.layers)} layers)"
        facts = (
            formatting.coverage(entry.coverage),
            formatting.strictness(entry.is_strict),
            escape(entry.grade) or "–",
        )
        counts = (f"{count:,}" for count in (entry.executed, entry.faults))
        cells = (escape(entry.title), escape(entry.verdict), *facts, *counts, ratio)
        yield f"| {' | '.join(cells)} |"


def _causes(entry: ImplementationEntry) -> Iterator[str]:
    """Yield a section with the causes of an implementation's failures, the one that explains the most first."""
    if not entry.named_causes:
        return
    yield f"## {escape(entry.title)}: {formatting.plural(len(entry.named_causes), 'cause')}"
    yield ""
    if entry.judgement is not None and entry.judgement.remark:
        yield escape(remark_sentence(entry.judgement))
    yield escape(headline(entry.specs, entry.causes))
    yield ""
    for number, cause in enumerate(entry.named_causes, start=1):
        yield f"{number}. **{escape(cause.sentence)}**: {escape(extent(cause))}"
        if cause.counterexample is not None:
            yield f"   smallest: {escape(example_sentence(cause.counterexample))}"
        if cause.reproduce:
            yield f"   {_code(cause.reproduce)}"
    yield ""


def _limits(entry: ImplementationEntry) -> Iterator[str]:
    """Yield a section with the valid problems that an implementation does not answer."""
    if not entry.limits:
        return
    yield f"## {escape(entry.title)}: not answered"
    yield ""
    yield from (f"- {escape(limit)}" for limit in entry.limits[:MAX_LIMITS])
    if len(entry.limits) > MAX_LIMITS:
        yield f"- and {len(entry.limits) - MAX_LIMITS:,} more"
    yield ""


def _faults(entry: ImplementationEntry) -> Iterator[str]:
    broken = sorted((record for record in entry.specs if record.status in FAULTS), key=report_order)
    if not broken:
        return
    yield f"## {escape(entry.title)}: {formatting.plural(len(broken), 'fault')}"
    yield ""
    for record in broken[:MAX_FAULTS]:
        case = record.counterexample
        dtype = f" {escape(record.dtype)}" if record.dtype else ""
        message = escape(case.message if case else record.reason)
        label = formatting.label(record.status)
        yield f"- **{escape(record.spec)}**{dtype} {label}" + (f": {message}" if message else "")
        if case and case.reproduce:
            yield f"  {_code(case.reproduce)}"
    if len(broken) > MAX_FAULTS:
        yield f"- and {len(broken) - MAX_FAULTS:,} more"
    yield ""


def escape(text: str) -> str:
    """Return text without any markup of Markdown or HTML."""
    text = formatting.line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]|#~])", r"\\\1", text)


def _code(text: str) -> str:
    """Return a code span, fenced by one backtick more than the text has in a row."""
    text = formatting.line(text)
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence} {text} {fence}"
