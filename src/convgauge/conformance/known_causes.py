"""Causes that are known while the specs of a suite are judged one by one, as tests of a project."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from convgauge.conformance.cause_text import cause_lines, extent, headline, remark_sentence
from convgauge.conformance.causes import failing_specs, named
from convgauge.text import escape_controls

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _pytest.terminal import TerminalReporter

    from convgauge.conformance.suite import Suite
    from convgauge.results import CauseRecord, SpecRecord

GROWTH = 1.5
"""Factor by which the number of failing specs grows between two diagnoses: a hundred failing tests make 12 of them."""

_instances: list[KnownCauses] = []


class KnownCauses:
    """Causes of the failures of a suite with one implementation, from what has been judged so far.

    Parameters
    ----------
    suite
        The suite.
    """

    def __init__(self, suite: Suite) -> None:
        self._suite = suite
        (self._name,) = suite.targets
        self._due = 1
        _instances.append(self)

    def text(self, record: SpecRecord) -> str:
        """Return the lines that head the message of a failing spec; "" if nothing is known."""
        failing = failing_specs(self._suite.recorder.records)
        if record.spec not in failing:
            return ""
        if len(failing) >= self._due:
            self._due = math.ceil(len(failing) * GROWTH)
            self._suite.diagnose(self._name)
        known = self._causes()
        causes = [cause for cause in known if record.spec in cause.specs]
        lines = [f"cause: {cause.sentence} ({extent(cause)}, so far)" for cause in causes]
        if not causes and known:
            lines = [f"not examined yet; so far known of other specs: {known[0].sentence} ({extent(known[0])})"]
        return escape_controls("\n".join(lines))

    def _causes(self) -> list[CauseRecord]:
        findings = self._suite.diagnoses.findings.get(self._name)
        return [] if findings is None else named(findings.causes)

    def summary(self) -> Iterator[str]:
        """Yield the lines on all failures at the end of a session; none if nothing failed."""
        records = self._suite.recorder.records
        if not failing_specs(records):
            return
        findings = self._suite.diagnose(self._name)
        judgement = self._suite.judgement(self._name)
        causes = [] if findings is None else findings.causes
        sentences = filter(None, (remark_sentence(judgement), headline(records, causes)))
        yield escape_controls(f"{self._name}: {judgement.verdict}. {' '.join(sentences)}")
        yield from cause_lines(judgement, records, causes)


def show_summaries(terminal: TerminalReporter) -> None:
    """Write the causes of all suites of this process that failed."""
    summaries = [lines for known in _instances if (lines := list(known.summary()))]
    if summaries:
        terminal.section("causes of failing specs", sep="=")
    for lines in summaries:
        for line in lines:
            terminal.write_line(line)
