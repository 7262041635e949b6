"""Causes as the page of an implementation shows them: sentences, pictures, and links to the specs' faults."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from convgauge.conformance.cause_text import extent, headline, remark_sentence
from convgauge.conformance.example_sentence import example_sentence
from convgauge.report.charts import picture
from convgauge.report.model import ImplementationEntry, SpecEntry
from convgauge.results import CauseRecord


@dataclass
class ShownCause:
    """One cause: its record, its extent and its smallest case in words, the case's picture, and its specs."""

    record: CauseRecord
    extent: str
    smallest: str
    grids: list[picture.Grid]
    specs: list[SpecEntry]


@dataclass
class Diagnosis:
    """Causes of one implementation; ``others`` name no mechanism, and ``left`` are specs without any cause."""

    remark: str
    headline: str
    causes: list[ShownCause]
    others: list[ShownCause]
    left: list[SpecEntry]


def diagnosis_of(entry: ImplementationEntry, specs: Iterable[SpecEntry]) -> Diagnosis | None:
    """Return the causes of an implementation; None if nothing failed, or if no run diagnosed its failures."""
    if not entry.causes and not (entry.verdict == "wrong" and entry.unexplained):
        return None
    by_id = {spec.id: spec for spec in specs}
    in_causes = {spec for cause in entry.causes for spec in cause.specs}
    left = [spec for spec in entry.unexplained if spec not in in_causes]
    noun = "failing spec" if entry.verdict == "wrong" else "unmet spec"
    return Diagnosis(
        "" if entry.judgement is None else remark_sentence(entry.judgement),
        headline(entry.specs, entry.causes, noun),
        [_shown(cause, by_id) for cause in entry.named_causes],
        [_shown(cause, by_id) for cause in entry.causes if not cause.mechanism],
        [by_id[spec] for spec in left],
    )


def _shown(cause: CauseRecord, by_id: dict[str, SpecEntry]) -> ShownCause:
    case = cause.counterexample
    return ShownCause(
        cause,
        extent(cause),
        example_sentence(case) if case else "",
        picture.grids(case) if case else [],
        [by_id[spec] for spec in cause.specs],
    )


def short_text(causes: Sequence[CauseRecord]) -> str:
    """Return the first cause and the number of the others: "bias: not added, and 1 more cause"."""
    if not causes:
        return ""
    others = len(causes) - 1
    further = "" if not others else f", and {others} more cause{'s' if others > 1 else ''}"
    return f"{causes[0].sentence}{further}"
