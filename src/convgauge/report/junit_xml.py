"""Results as JUnit XML."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from convgauge.conformance.cause_text import cause_lines, extent, headline
from convgauge.conformance.verdict import fails
from convgauge.report import formatting
from convgauge.report.model import ImplementationEntry, gather
from convgauge.results import Run, SpecRecord
from convgauge.terms import REQUIREMENTS, Requirement
from convgauge.text import escape_controls

_ELEMENTS = {
    **dict.fromkeys(("failed", "vacuous", "xpassed", "answered_invalid"), "failure"),
    **dict.fromkeys(("errored", "crashed", "timed_out"), "error"),
    **dict.fromkeys(("refused", "declined", "skipped", "xfailed"), "skipped"),
}
"""Element of each status but ``passed``; the format has only these three, so the status is the element's type."""


def junit(runs: Sequence[Run]) -> str:
    """Return the results as JUnit XML, with a suite per implementation and a test per result.

    A fault that the requirement of the runs does not count is a skipped test: that of a recommended spec, and an
    answered invalid call unless the verdict must be conformant. Unanswered cases fail if it must be complete. A run
    that was cut off has a suite with an error, so that missing results are not mistaken for passed ones.
    """
    report = gather(runs)
    require = _requirement(runs)
    suites = ElementTree.Element("testsuites", name="convgauge")
    for entry in report.present:
        if entry.specs:
            suite = _suite(entry.title, [_test(entry, record, require) for record in entry.specs])
            if entry.causes:
                ElementTree.SubElement(suite, "system-out").text = _xml(_diagnosis(entry))
            suites.append(suite)
    for run in report.runs:
        if run.footer is None:
            name = run.name
            test = ElementTree.Element("testcase", classname=_xml(formatting.line(name)), name="whole")
            ElementTree.SubElement(test, "error", type="incomplete", message="the run was cut off")
            suites.append(_suite(name, [test]))
    ElementTree.indent(suites)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _requirement(runs: Sequence[Run]) -> Requirement:
    """Return the strongest requirement of the runs."""
    requirements: list[Requirement] = [run.header.require for run in runs]
    return max(requirements, key=REQUIREMENTS.index, default="correct")


def _suite(name: str, tests: Sequence[ElementTree.Element]) -> ElementTree.Element:
    def count(kind: str) -> str:
        return str(sum(test.find(kind) is not None for test in tests))

    counts = {"failures": count("failure"), "errors": count("error"), "skipped": count("skipped")}
    suite = ElementTree.Element("testsuite", {"name": _xml(formatting.line(name)), "tests": str(len(tests)), **counts})
    suite.extend(tests)
    return suite


def _test(entry: ImplementationEntry, record: SpecRecord, require: Requirement) -> ElementTree.Element:
    dtype = "-".join(filter(None, (record.dtype, record.device)))
    names = {"classname": f"{entry.title}.{record.chapter}", "name": f"{record.spec}[{dtype}]"}
    names = {attribute: _xml(formatting.line(value)) for attribute, value in names.items()}
    test = ElementTree.Element("testcase", names, time=f"{record.seconds:.3f}")
    kind = _ELEMENTS.get(record.status, "")
    if not fails(record, require):
        kind = "skipped" if kind else ""
    elif kind != "error":
        kind = "failure"
    if kind:
        case = record.counterexample
        message = record.reason or (case.message if case else "") or formatting.label(record.status)
        child = ElementTree.SubElement(test, kind, type=record.status, message=_xml(formatting.line(message)))
        lines = (record.sentence, *_causes(entry, record), case.reproduce if case else "")
        child.text = _xml(escape_controls("\n".join(filter(None, lines))))
    return test


def _causes(entry: ImplementationEntry, record: SpecRecord) -> list[str]:
    """Return a line for each cause of a spec's failure."""
    return [f"cause: {cause.sentence} ({extent(cause)})" for cause in entry.named_causes if record.spec in cause.specs]


def _diagnosis(entry: ImplementationEntry) -> str:
    """Return the headline and the lines of an implementation's causes."""
    judged = entry.judgement
    lines = [] if judged is None else cause_lines(judged, entry.specs, entry.causes, shows_all=True)
    return "\n".join([escape_controls(headline(entry.specs, entry.causes)), *lines])


def _xml(text: str) -> str:
    """Return text without the two characters that XML forbids and `escape_controls` does not replace."""
    return text.replace("\ufffe", "?").replace("\uffff", "?")
