"""Text of a run for a terminal: the report of a spec, and the verdicts at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convgauge.conformance.declared import idle_conditions
from convgauge.conformance.limits import with_cases
from convgauge.conformance.verdict import fails
from convgauge.conformance.verdict_text import MAX_LIMITS, detail_lines, shortened, verdict_line
from convgauge.domain import hints
from convgauge.results import Counterexample, Footer, Judgement, SpecRecord
from convgauge.terms import FAULTS, STRICTNESS_FAULTS, UNANSWERED, Requirement, reaches
from convgauge.text import escape_controls

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

    from convgauge.conformance.suite import Suite
    from convgauge.conformance.targets import Target

MAX_PRINTED_CHARS = 600
"""Characters that are shown of what an implementation printed during the call of a counterexample."""

NOTHING_EXECUTED = "nothing was executed, so nothing is shown to be right: check -k, --dtype, --device and --profile"


# --- one spec --------------------------------------------------------------------------------------------------------


def report_text(record: SpecRecord, require: Requirement = "correct") -> str:
    """Return the report of one spec: its sentence, the counterexample, and the command that runs it again."""
    counterexample = record.counterexample
    if record.status not in FAULTS and fails(record, require) and counterexample is None:
        return escape_controls("\n".join(_unanswered_lines(record, require)))
    if counterexample is None or record.status in ("passed", "xpassed"):
        return escape_controls("; ".join(filter(None, (record.reason, record.note))))
    expected = f", as expected: {record.reason}" if record.status == "xfailed" else ""
    lines = [
        f"{record.implementation}: {record.spec} ({record.level}) {record.status} in {record.dtype} on {record.device}"
        + expected,
        f"  {record.sentence}",
        *_counterexample_lines(counterexample),
        f"  cases     {_counts(record) or 'none: the implementation was given up before its first case'}",
        f"  again     {counterexample.reproduce}",
    ]
    return escape_controls("\n".join(lines))


def _unanswered_lines(record: SpecRecord, require: Requirement) -> list[str]:
    reasons = [with_cases(reason, count) for reason, count in record.refusals.items()]
    return [
        f"{record.implementation}: {record.spec} ({record.level}) has unanswered cases in {record.dtype} on"
        f" {record.device}, and the verdict must be {require}",
        f"  {record.sentence}",
        f"  cases     {_counts(record)}",
        f"  refused   {shortened(reasons, MAX_LIMITS, '; ')}",
    ]


def _counts(record: SpecRecord) -> str:
    return ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in record.outcomes.items())


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
    _show_notes(suite, suite.footer, terminal)
    elapsed_s = suite.footer.elapsed
    rate = suite.footer.cases / max(elapsed_s, 1e-9)
    terminal.write_line(f"{suite.footer.cases} cases in {elapsed_s:.1f} s ({rate:.0f} a second)")
    if suite.request.selection:
        terminal.write_line(escape_controls(f"selected: {suite.request.selection}; the verdict holds for this part"))
    for name, judgement in suite.footer.verdicts.items():
        _show_verdict(suite, name, judgement, terminal)


def _show_verdict(suite: Suite, name: str, judgement: Judgement, terminal: TerminalReporter) -> None:
    require = suite.request.require
    is_reached = reaches(judgement.verdict, require)
    terminal.write_line(verdict_line(name, judgement, require), green=is_reached, red=not is_reached, bold=True)
    records = [record for record in suite.recorder.records if record.implementation == name]
    for line in detail_lines(judgement, records, suite.recorder.introductions.get(name)):
        terminal.write_line(line)


def _show_faults(terminal: TerminalReporter) -> None:
    """Show the faults whose statuses pytest does not have, since it shows failures only."""
    statuses = (*FAULTS, *STRICTNESS_FAULTS, *UNANSWERED)
    reports = [each for name in statuses if name != "failed" for each in terminal.stats.get(name, []) if each.failed]
    if reports and terminal.config.option.tbstyle != "no":
        terminal.section("ERRORS, CRASHES, TIME-OUTS AND REFUSALS", sep="=")
        for report in reports:
            terminal.section(report.head_line or report.nodeid, sep="_")
            terminal.write_line(str(report.longrepr))


def _show_domain(suite: Suite, name: str, target: Target, terminal: TerminalReporter) -> None:
    """Show hints about the declared domain, and its conditions that excluded no case, after a whole run."""
    records = [record for record in suite.recorder.records if record.implementation == name]
    if suite.request.selection or suite.selection.shard.of or not records:
        return
    for hint in hints(target.declared):
        terminal.write_line(escape_controls(f"{name}: {hint}"), yellow=True)
    for condition in idle_conditions(target.declared, records):
        line = f"{name}: {condition} of its declared domain excludes none of the cases"
        terminal.write_line(escape_controls(line), yellow=True)


def _show_notes(suite: Suite, footer: Footer, terminal: TerminalReporter) -> None:
    for record in suite.recorder.records:
        if record.level == "recommended" and record.status in (*FAULTS, *STRICTNESS_FAULTS):
            status = record.status.replace("_", " ")
            terminal.write_line(
                f"{escape_controls(record.implementation)}: recommended, not required: {record.spec} {status}",
                yellow=True,
            )
        if record.status == "xpassed":
            terminal.write_line(escape_controls(f"{record.spec}: {record.reason}"), red=True)
    for name, target in suite.targets.items():
        _show_domain(suite, name, target, terminal)
    for test in suite.internal_errors:
        terminal.write_line(f"{test} did not come to a verdict: a defect of the suite itself, see above", red=True)
    if footer.cases == 0:
        terminal.write_line(NOTHING_EXECUTED, red=True)
