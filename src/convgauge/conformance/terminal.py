"""Text of a run for a terminal: the report of a spec, and the verdicts at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convgauge.results import Counterexample, Footer, Judgement, SpecRecord
from convgauge.terms import FAULTS, reaches
from convgauge.text import escape_controls

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

    from convgauge.conformance.suite import Suite

MAX_PRINTED_CHARS = 600
"""Characters that are shown of what an implementation printed during the call of a counterexample."""

NOTHING_EXECUTED = "nothing was executed, so nothing is shown to be right: check -k, --dtype, --device and --profile"


# --- one spec --------------------------------------------------------------------------------------------------------


def report_text(record: SpecRecord) -> str:
    """Return the report of one spec: its sentence, the counterexample, and the command that runs it again."""
    counterexample = record.counterexample
    if counterexample is None or record.status in ("passed", "xpassed"):
        return escape_controls("; ".join(filter(None, (record.reason, record.note))))
    expected = f", as expected: {record.reason}" if record.status == "xfailed" else ""
    lines = [
        f"{record.implementation}: {record.spec} ({record.level}) {record.status} in {record.dtype} on {record.device}"
        + expected,
        f"  {record.sentence}",
        *_counterexample_lines(counterexample),
        f"  cases     {', '.join(f'{count} {name}' for name, count in record.outcomes.items())}",
        f"  again     {counterexample.reproduce}",
    ]
    return escape_controls("\n".join(lines))


def _counterexample_lines(example: Counterexample) -> list[str]:
    lines = [
        f"  problem   {example.problem}" + (f"  called with {example.arguments}" if example.arguments else ""),
        f"  operands  {example.operands}, seed {example.seed}, layouts {'/'.join(example.layouts)}",
        f"  {example.message}",
    ]
    if example.index:
        index = tuple(example.index)
        lines.append(f"  first at  {index}: got {example.got}, expected {example.expected} (within {example.bound})")
    elif example.got:
        lines.append(f"  got {example.got}, expected {example.expected}")
    if example.printed.strip():
        printed = example.printed.strip()[-MAX_PRINTED_CHARS:]
        lines.append("  printed   " + printed.replace("\n", "\n            "))
    return lines


# --- the end of a run ------------------------------------------------------------------------------------------------


def verdict_line(name: str, judgement: Judgement) -> str:
    """Return the line of one implementation."""
    counts = ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in judgement.specs.items())
    return (
        f"{escape_controls(name)}: {judgement.verdict}, accuracy grade {judgement.grade or 'none'};"
        f" {judgement.executed} cases judged ({judgement.declined} declined); specs: {counts or 'none'}"
    )


def show_summary(suite: Suite, terminal: TerminalReporter) -> None:
    """Write the verdicts, and what to note about them, with the terminal reporter of pytest."""
    if suite.footer is None:
        path = suite.recorder.path
        if path is not None:
            terminal.write_line(f"{path} is incomplete; to continue: the same command with --resume {path}")
        return
    _show_faults(terminal)
    terminal.section("verdicts", sep="=")
    for name, target in suite.targets.items():
        if target.absent:
            terminal.write_line(escape_controls(f"{name}: absent, {target.absent}"))
    for name, judgement in suite.footer.verdicts.items():
        is_reached = reaches(judgement.verdict, suite.request.require)
        terminal.write_line(verdict_line(name, judgement), green=is_reached, red=not is_reached, bold=True)
    _show_notes(suite, suite.footer, terminal)
    elapsed_s = suite.footer.elapsed
    rate = suite.footer.cases / max(elapsed_s, 1e-9)
    terminal.write_line(f"{suite.footer.cases} cases in {elapsed_s:.1f} s ({rate:.0f} a second)")


def _show_faults(terminal: TerminalReporter) -> None:
    """Show the faults whose statuses pytest does not have, since it shows failures only."""
    reports = [report for status in FAULTS if status != "failed" for report in terminal.stats.get(status, [])]
    if reports and terminal.config.option.tbstyle != "no":
        terminal.section("ERRORS, CRASHES AND TIME-OUTS", sep="=")
        for report in reports:
            terminal.section(report.head_line or report.nodeid, sep="_")
            terminal.write_line(str(report.longrepr))


def _show_notes(suite: Suite, footer: Footer, terminal: TerminalReporter) -> None:
    for name, introduction in suite.recorder.introductions.items():
        if introduction.adaptations:
            terminal.write_line(escape_controls(f"{name}: adapted: {'; '.join(introduction.adaptations)}"))
    for record in suite.recorder.records:
        if record.level == "recommended" and record.status in FAULTS:
            terminal.write_line(
                f"{escape_controls(record.implementation)}: recommended, not required: {record.spec} {record.status}",
                yellow=True,
            )
        if record.status == "xpassed":
            terminal.write_line(escape_controls(f"{record.spec}: {record.reason}"), red=True)
    for test in suite.internal_errors:
        terminal.write_line(f"{test} did not come to a verdict: a defect of the suite itself, see above", red=True)
    if footer.cases == 0:
        terminal.write_line(NOTHING_EXECUTED, red=True)
