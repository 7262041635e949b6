"""Other forms of the same facts: a Markdown summary, badges, JUnit XML, CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from xml.etree import ElementTree

from convgauge.report import formatting, ranking, speed
from convgauge.report.model import INCOMPLETE, Entry, Report, gather
from convgauge.results import Run, SpecRecord
from convgauge.terms import FAULTS
from convgauge.text import escape_controls

COLOURS = {
    "conformant": "brightgreen",
    "conformant with declines": "green",
    INCOMPLETE: "lightgrey",
    "nonconformant": "red",
    "unjudged": "orange",
}


def badge(run: Run, implementation: str) -> dict[str, Any]:
    """One implementation's badge, in the form that shields.io reads from an endpoint. Raises `KeyError`."""
    for entry in gather([run]).entries:
        if entry.name == implementation:
            return badge_of(entry)
    raise KeyError(implementation)


def badge_of(entry: Entry) -> dict[str, Any]:
    message = f"{entry.verdict} · {entry.grade}" if entry.grade else entry.verdict
    colour = COLOURS.get(entry.verdict, "lightgrey")
    return {"schemaVersion": 1, "label": "convgauge", "message": message, "color": colour}


# --- Markdown --------------------------------------------------------------------------------------------------------


def markdown(runs: Sequence[Run]) -> str:
    """A summary for a CI job's page: verdicts, who is fast on what, each failing spec with how to reproduce it."""
    report = gather(runs)
    lines = ["# Convolution conformance", "", *(_about(run) for run in runs), ""]
    lines += [
        f"> **Incomplete**: {_escape(_file(run))} was cut off; what follows is what it had."
        for run in runs
        if run.footer is None
    ]
    lines += ["", *_table(report), "", *ranking.markdown(report, _escape)]
    for entry in report.present:
        lines += _faults(entry)
    for entry in report.absent:
        lines.append(f"- {_escape(entry.title)} is absent: {_escape(entry.about.absent)}")
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines).strip()) + "\n"


def _about(run: Run) -> str:
    header = run.header
    versions = ", ".join(f"{name} {version}" for name, version in header.versions.items())
    kind = [f"{header.profile} profile" * bool(header.profile), f"{header.tier} tier" * bool(header.tier)]
    said = [f"convgauge {header.suite}", *kind, f"seed {header.seed}", header.machine.processor, versions]
    return f"- {_escape(', '.join(filter(None, said)))}"


def _file(run: Run) -> str:
    return run.path.replace("\\", "/").rpartition("/")[2]


def _table(report: Report) -> Iterator[str]:
    means = {(r.environment, s.name): (r, s) for r in reversed(speed.races(report)) for s in r.standings}
    yield "| implementation | verdict | grade | cases | declined | faults | time ÷ baseline |"
    yield "|---|---|:-:|--:|--:|--:|--:|"
    for entry in report.present:
        faults = sum(count for status, count in entry.counts().items() if status in FAULTS)
        ratio = "–"
        if (entry.environment, entry.name) in means:
            race, standing = means[entry.environment, entry.name]
            ratio = f"{formatting.ratio(standing.mean)} ({standing.covered} of {len(race.layers)} layers)"
        counts = (f"{count:,}" for count in (entry.executed, entry.declined, faults))
        cells = (_escape(entry.title), _escape(entry.verdict), _escape(entry.grade) or "–", *counts, ratio)
        yield f"| {' | '.join(cells)} |"


def _faults(entry: Entry, most: int = 20) -> Iterator[str]:
    broken = [record for record in entry.specs if record.status in FAULTS]
    if not broken:
        return
    yield f"## {_escape(entry.title)}: {formatting.plural(len(broken), 'fault')}"
    yield ""
    for record in broken[:most]:
        case = record.counterexample
        where = f" {_escape(record.dtype)}" if record.dtype else ""
        said = case.message if case else record.reason
        yield f"- **{_escape(record.spec)}**{where} {formatting.label(record.status)}" + (
            f": {_escape(said)}" if said else ""
        )
        if case and case.reproduce:
            yield f"  {_code(case.reproduce)}"
    if len(broken) > most:
        yield f"- and {len(broken) - most:,} more"
    yield ""


def _escape(text: str) -> str:
    """Text that Markdown and HTML take for text."""
    text = formatting.line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]|#~])", r"\\\1", text)


def _code(text: str) -> str:
    """A code span, fenced by one backtick more than it holds in a row."""
    text = formatting.line(text)
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence} {text} {fence}"


# --- JUnit -----------------------------------------------------------------------------------------------------------

_JUNIT = {
    **dict.fromkeys(("failed", "vacuous", "xpassed"), "failure"),
    **dict.fromkeys(("errored", "crashed", "timed_out"), "error"),
    **dict.fromkeys(("declined", "skipped", "xfailed"), "skipped"),
}
"""What the format has for each status; it knows four, so that the status itself is the element's type."""


def junit(runs: Sequence[Run]) -> str:
    """The results as JUnit XML, as CI systems show it: a suite an implementation, a test a result.

    A recommended spec's fault is a skipped test, since it does not turn the verdict. A run that was cut off has a suite
    of its own with an error, so that what is missing is not taken for passed.
    """
    report = gather(runs)
    suites = ElementTree.Element("testsuites", name="convgauge")
    for entry in report.present:
        if entry.specs:
            suites.append(_suite(entry.title, [_test(entry, record) for record in entry.specs]))
    for run in report.runs:
        if run.footer is None:
            test = ElementTree.Element("testcase", classname=_xml(formatting.line(_file(run))), name="whole")
            ElementTree.SubElement(test, "error", type="incomplete", message="the run was cut off")
            suites.append(_suite(_file(run), [test]))
    ElementTree.indent(suites)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _suite(name: str, tests: Sequence[ElementTree.Element]) -> ElementTree.Element:
    def count(kind: str) -> str:
        return str(sum(test.find(kind) is not None for test in tests))

    counts = {"failures": count("failure"), "errors": count("error"), "skipped": count("skipped")}
    suite = ElementTree.Element("testsuite", {"name": _xml(formatting.line(name)), "tests": str(len(tests)), **counts})
    suite.extend(tests)
    return suite


def _test(entry: Entry, record: SpecRecord) -> ElementTree.Element:
    where = "-".join(filter(None, (record.dtype, record.device)))
    about = {"classname": f"{entry.title}.{record.chapter}", "name": f"{record.spec}[{where}]"}
    about = {name: _xml(formatting.line(value)) for name, value in about.items()}
    test = ElementTree.Element("testcase", about, time=f"{record.seconds:.3f}")
    kind = _JUNIT.get(record.status, "")
    if kind in ("failure", "error") and record.level != "required":
        kind = "skipped"
    if kind:
        case = record.counterexample
        said = record.reason or (case.message if case else "") or formatting.label(record.status)
        made = ElementTree.SubElement(test, kind, type=record.status, message=_xml(formatting.line(said)))
        made.text = _xml(escape_controls("\n".join(filter(None, (record.sentence, case.reproduce if case else "")))))
    return test


def _xml(text: str) -> str:
    """Text without the two characters that XML forbids and `escape_controls` lets be."""
    return text.replace("\ufffe", "?").replace("\uffff", "?")


# --- CSV -------------------------------------------------------------------------------------------------------------


def verdicts_csv(report: Report) -> str:
    rows = (
        (e.environment, e.name, e.about.framework, e.about.algorithm, e.verdict, e.grade, e.executed, e.declined)
        for e in report.entries
    )
    return _csv(
        ("environment", "implementation", "framework", "algorithm", "verdict", "grade", "executed", "declined"), rows
    )


def results_csv(report: Report) -> str:
    columns = ("chapter", "spec", "level", "dtype", "device", "status", "cases", "margin", "reason", "note")
    rows = (
        (e.environment, e.name, *(getattr(s, column) for column in columns)) for e in report.entries for s in e.specs
    )
    return _csv(("environment", "implementation", *columns), rows)


def timings_csv(report: Report) -> str:
    columns = ("prepare_seconds", "peak_bytes", "flops", "reason")
    head = (
        "environment", "layers", "threads", "operands", "layer", "problem", "count", "implementation", "verdict",
        "ratio", "low", "high", "median_seconds", "noise", "baseline", *columns,
    )  # fmt: skip
    rows = (
        (
            race.environment, race.layers_name, race.threads, race.operands, layer.label, layer.problem, layer.count,
            t.implementation, t.verdict, t.ratio, t.low, t.high, speed.median(t) if t.seconds else None, t.noise,
            t.baseline, *(getattr(t, column) for column in columns),
        )
        for race in speed.races(report)
        for layer in race.layers
        for t in layer.cells.values()
    )  # fmt: skip
    return _csv(head, rows)


def _csv(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return file.getvalue()


def _cell(value: object) -> object:
    """A spreadsheet runs text that begins like a formula: a leading apostrophe makes it text."""
    if not isinstance(value, str):
        return value
    value = formatting.line(value)
    return f"'{value}" if value.startswith(("=", "+", "-", "@")) else value
