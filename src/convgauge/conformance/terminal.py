"""What a run of the specification prints at its end: a verdict for each implementation, and what to note."""

from __future__ import annotations

from typing import Any

from convgauge.conformance.session import Session
from convgauge.results import Judgement
from convgauge.terms import FAULTS
from convgauge.text import escape_controls


def show(session: Session, terminal: Any) -> None:
    """Write the verdicts through pytest's own terminal reporter."""
    if session.footer is None:
        if session.output is not None:
            terminal.write_line(
                f"{session.output} is incomplete; to go on: the same command with --resume {session.output}"
            )
        return
    _told(terminal)
    terminal.section("verdicts", sep="=")
    for name, target in session.targets.items():
        if target.absent:
            terminal.write_line(escape_controls(f"{name}: absent, {target.absent}"))
    for name, one in session.footer.verdicts.items():
        good = one.verdict.startswith("conformant")
        terminal.write_line(verdict(name, one), green=good, red=not good, bold=True)
    _advisory(session, terminal)
    for test in session.broken:
        terminal.write_line(f"{test} did not come to a verdict: a defect of the suite itself, see above", red=True)
    footer = session.footer
    if footer.cases == 0:
        terminal.write_line(
            "nothing was executed, so nothing is shown to be right: check -k, --dtype, --device and --profile", red=True
        )
    terminal.write_line(
        f"{footer.cases} cases in {footer.elapsed:.1f} s ({footer.cases / max(footer.elapsed, 1e-9):.0f} a second)"
    )


def verdict(name: str, one: Judgement) -> str:
    """One implementation's line."""
    counts = ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in one.specs.items())
    return (
        f"{escape_controls(name)}: {one.verdict}, accuracy grade {one.grade or 'none'}; {one.executed} cases judged"
        f" ({one.declined} declined); specs: {counts or 'none'}"
    )


def _told(terminal: Any) -> None:
    """Show the faults that pytest does not, since it knows only failures by name."""
    reports = [report for status in FAULTS if status != "failed" for report in terminal.stats.get(status, [])]
    if reports and terminal.config.option.tbstyle != "no":
        terminal.section("ERRORS, CRASHES AND TIME-OUTS", sep="=")
        for report in reports:
            terminal.section(report.head_line or report.nodeid, sep="_")
            terminal.write_line(str(report.longrepr))


def _advisory(session: Session, terminal: Any) -> None:
    for record in session.records:
        if record.level == "recommended" and record.status in FAULTS:
            terminal.write_line(
                f"{escape_controls(record.implementation)}: recommended, not required: {record.spec} {record.status}",
                yellow=True,
            )
        if record.status == "xpassed":
            terminal.write_line(escape_controls(f"{record.spec}: {record.reason}"), red=True)
