"""Text of a run for a terminal: the report of a spec, and the verdicts with their causes at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convgauge.conformance.declared import idle_conditions
from convgauge.conformance.limits import with_cases
from convgauge.conformance.report_order import report_order
from convgauge.conformance.verdict import fails
from convgauge.conformance.verdict_text import MAX_LIMITS, JudgedImplementation, result_lines, shortened
from convgauge.domain import hints
from convgauge.request import Verbosity
from convgauge.results import Counterexample, Footer, Judgement, SpecRecord
from convgauge.terms import FAULTS, STRICTNESS_FAULTS, Requirement, reaches
from convgauge.text import escape_controls

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

    from convgauge.conformance.suite import Suite
    from convgauge.conformance.targets import Target

MAX_PRINTED_CHARS = 600
"""Characters that are shown of what an implementation printed during the call of a counterexample."""

MAX_RECOMMENDED = 3
"""Recommended specs that a line names."""

LOWEST_WITH_DETAILS = -1
"""Verbosity of pytest below which only verdicts are printed: that of -q twice, which a check's own -q stands for."""

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


def is_shown(record: SpecRecord, require: Requirement) -> bool:
    """Return True if the report of a spec is shown: it is not met, also if it is recommended only."""
    return record.status in FAULTS or fails(record, require)


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


def show_summary(suite: Suite, terminal: TerminalReporter, verbosity: Verbosity = Verbosity.FAULTS) -> None:
    """Write the verdicts, their causes, and what to note about them, with the terminal reporter of pytest."""
    if suite.footer is None:
        path = suite.recorder.path
        if path is not None:
            terminal.write_line(f"{path} is incomplete; to continue: the same command with --resume {path}")
        return
    if verbosity is Verbosity.EVERY_SPEC:
        _show_reports(terminal, suite)
    if verbosity is not Verbosity.VERDICTS:
        terminal.section("verdicts", sep="=")
    for name, target in suite.targets.items():
        if target.absent:
            terminal.write_line(escape_controls(f"{name}: absent, {target.absent}"))
    if verbosity is not Verbosity.VERDICTS:
        _show_notes(suite, terminal)
        _show_counts(suite.footer, terminal)
    _show_warnings(suite, suite.footer, terminal)
    for name, judgement in suite.footer.verdicts.items():
        _show_verdict(suite, name, judgement, verbosity, terminal)


def verbosity_of(level: int) -> Verbosity:
    """Return the amount of text for pytest's verbosity: -v counts up from 0, and -q counts down."""
    if level < LOWEST_WITH_DETAILS:
        return Verbosity.VERDICTS
    return Verbosity.EVERY_SPEC if level > 0 else Verbosity.FAULTS


def _show_counts(footer: Footer, terminal: TerminalReporter) -> None:
    rate = footer.cases / max(footer.elapsed, 1e-9)
    terminal.write_line(f"{footer.cases} cases in {footer.elapsed:.1f} s ({rate:.0f} a second)")


def _show_verdict(
    suite: Suite, name: str, judgement: Judgement, verbosity: Verbosity, terminal: TerminalReporter
) -> None:
    require = suite.request.require
    is_reached = reaches(judgement.verdict, require)
    recorder, findings = suite.recorder, suite.diagnoses.findings.get(name)
    records = [record for record in recorder.records if record.implementation == name]
    causes = findings.causes if findings is not None else []
    about = recorder.introductions.get(name)
    judged = JudgedImplementation(name, judgement, records, about, causes, has_findings=findings is not None)
    first, *others = result_lines(judged, require, verbosity)
    terminal.write_line(first, green=is_reached, red=not is_reached, bold=True)
    for line in others:
        terminal.write_line(line)


def _show_reports(terminal: TerminalReporter, suite: Suite) -> None:
    """Show the report of each spec that is not met, the most informative first."""
    if terminal.config.option.tbstyle == "no":
        return
    records = [record for record in suite.recorder.records if is_shown(record, suite.request.require)]
    if records:
        terminal.section("FAILURES", sep="=")
    for record in sorted(records, key=report_order):
        names = "-".join(filter(None, (record.implementation, record.dtype, record.device)))
        terminal.section(escape_controls(f"{record.spec}[{names}]"), sep="_")
        terminal.write_line(report_text(record, suite.request.require))


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


def _show_notes(suite: Suite, terminal: TerminalReporter) -> None:
    """Show recommended specs that are not met, and hints about declared domains."""
    recommended: dict[str, list[str]] = {}
    for record in suite.recorder.records:
        if record.level == "recommended" and record.status in (*FAULTS, *STRICTNESS_FAULTS):
            recommended.setdefault(record.implementation, []).append(f"{record.spec} {record.status.replace('_', ' ')}")
    for name, specs in recommended.items():
        line = f"{name}: recommended, not required: {shortened(list(dict.fromkeys(specs)), MAX_RECOMMENDED, ', ')}"
        terminal.write_line(escape_controls(line), yellow=True)
    for name, target in suite.targets.items():
        _show_domain(suite, name, target, terminal)


def _show_warnings(suite: Suite, footer: Footer, terminal: TerminalReporter) -> None:
    """Show what a verdict must not be read without: unexpected passes, defects of the suite, a narrowed run."""
    for record in suite.recorder.records:
        if record.status == "xpassed":
            terminal.write_line(escape_controls(f"{record.spec}: {record.reason}"), red=True)
    for test in suite.internal_errors:
        terminal.write_line(f"{test} did not come to a verdict: a defect of the suite itself, see above", red=True)
    if footer.cases == 0:
        terminal.write_line(NOTHING_EXECUTED, red=True)
    if suite.request.selection:
        terminal.write_line(escape_controls(f"selected: {suite.request.selection}; the verdict holds for this part"))
