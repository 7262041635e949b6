"""The results on the page of one implementation: failures, each listed once, and reasons of other statuses."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from convgauge.report.charts import margins, picture
from convgauge.report.model import ImplementationEntry, SpecEntry
from convgauge.results import SpecRecord
from convgauge.terms import FAULTS, GRAVITY, Status

MAX_PICTURES = 25
"""Counterexamples drawn on one page; the others are described in words."""


@dataclass
class SpecRow:
    """One spec of one implementation: its records by dtype and device."""

    spec: SpecEntry
    records: list[SpecRecord]

    @property
    def worst(self) -> Status:
        """Gravest status."""
        return min((record.status for record in self.records), key=GRAVITY.index)

    @property
    def margin(self) -> float | None:
        """Largest margin."""
        return margins.largest(self.records)


@dataclass
class Failure:
    """One failing spec of one implementation: its records, the case to show, and other specs with the same reason."""

    spec: SpecEntry
    records: list[SpecRecord]
    shown: SpecRecord
    grids: list[picture.Grid]
    equal_specs: list[SpecEntry]


@dataclass
class ChapterRows:
    """One implementation's specs of one chapter."""

    name: str
    rows: list[SpecRow]

    @property
    def records(self) -> list[SpecRecord]:
        """Records of all its specs."""
        return [record for row in self.rows for record in row.records]


def by_chapter(rows: Sequence[SpecRow]) -> list[ChapterRows]:
    """Return the rows by chapter, in the order of their first rows."""
    chapters: dict[str, list[SpecRow]] = defaultdict(list)
    for row in rows:
        chapters[row.spec.chapter].append(row)
    return [ChapterRows(name, rows) for name, rows in chapters.items()]


def failures(rows: Sequence[SpecRow], statuses: Sequence[Status] = FAULTS) -> list[Failure]:
    """Return the failures, gravest first; a spec with the reason of an earlier failure is listed with that failure.

    ``statuses`` are those of the records that are failures.
    """
    by_reason: dict[tuple[str, str], Failure] = {}
    for row in sorted((row for row in rows if row.worst in statuses), key=_urgency):
        records = [record for record in row.records if record.status in statuses]
        shown = min(records, key=_size)
        key = (shown.status, shown.reason or row.spec.id)
        if key in by_reason:
            by_reason[key].equal_specs.append(row.spec)
        else:
            case = shown.counterexample if len(by_reason) < MAX_PICTURES else None
            by_reason[key] = Failure(row.spec, records, shown, picture.grids(case) if case else [], [])
    return list(by_reason.values())


def _urgency(row: SpecRow) -> tuple[bool, int, str]:
    """Return a sorting key: required specs first, then by gravity."""
    return (row.spec.level != "required", GRAVITY.index(row.worst), row.spec.id)


def _size(record: SpecRecord) -> tuple[int, int, int]:
    case = record.counterexample
    if case is None:
        return (2, 0, 0)
    return (int(case.picture is None), case.outputs, GRAVITY.index(record.status))


_NUMBER = re.compile(r"\d+(\.\d+)?")


def reasons(entry: ImplementationEntry, status: Status) -> list[tuple[str, list[str]]]:
    """Return the reasons for a status, each with its specs and dtypes.

    Reasons that differ only in numbers are one, with an ellipsis for each number that differs.
    """
    grouped: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for record in entry.specs:
        if record.status == status:
            reason = (record.reason or "no reason given").removeprefix(f"{status}: ")
            grouped[_NUMBER.sub("0", reason)][f"{record.spec} {record.dtype}".strip()].add(reason)
    return [(_merged(set[str]().union(*specs.values())), list(specs)) for specs in grouped.values()]


def _merged(reasons: set[str]) -> str:
    """Return one text for texts that differ only in their numbers."""
    first, *others = ([match.group() for match in _NUMBER.finditer(reason)] for reason in sorted(reasons))
    numbers = iter([n if all(other[index] == n for other in others) else "…" for index, n in enumerate(first)])
    return _NUMBER.sub(lambda _: next(numbers), min(reasons))


@dataclass
class EqualResults:
    """Implementations with the same results on one spec: dtypes by status, gravest first, and the reasons."""

    dtypes: list[tuple[Status, list[str]]]
    reasons: list[str]
    entries: list[ImplementationEntry]


def differing(spec: SpecEntry, entries: Sequence[ImplementationEntry]) -> list[EqualResults]:
    """Return the entries that did not pass everything, grouped by equal results and reasons."""
    groups: dict[tuple[object, ...], EqualResults] = {}
    _, others = spec.split()
    for index, records in others:
        dtypes = _by_status(records)
        reasons = list(dict.fromkeys(record.reason for record in records if record.reason))
        key = (str(dtypes), *reasons)
        groups.setdefault(key, EqualResults(dtypes, reasons, [])).entries.append(entries[index])
    return sorted(groups.values(), key=lambda group: GRAVITY.index(group.dtypes[0][0]))


def _by_status(records: Sequence[SpecRecord]) -> list[tuple[Status, list[str]]]:
    dtypes: dict[Status, list[str]] = defaultdict(list)
    for record in sorted(records, key=lambda record: GRAVITY.index(record.status)):
        device = f"@{record.device}" if record.device not in ("", "cpu") else ""
        dtypes[record.status].append(record.dtype + device)
    return list(dtypes.items())
