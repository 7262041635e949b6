"""What one implementation's page tells spec by spec: its failures, told once each, and what else did not pass."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from convgauge.report.charts import margins, picture
from convgauge.report.model import Entry, Spec
from convgauge.results import SpecRecord
from convgauge.terms import FAULTS, GRAVITY, Status

DRAWN = 25
"""Counterexamples drawn on one page; the rest are told in words, and are in the run."""


@dataclass
class Row:
    """One spec of one implementation: its records over dtypes and devices."""

    spec: Spec
    records: list[SpecRecord]

    @property
    def worst(self) -> Status:
        return min((record.status for record in self.records), key=GRAVITY.index)

    @property
    def margin(self) -> float | None:
        return margins.worst(self.records)


@dataclass
class Failure:
    """One failing spec of one implementation: its records, the case to show, and specs that fail in the same words."""

    spec: Spec
    records: list[SpecRecord]
    shown: SpecRecord
    grids: list[picture.Grid]
    alike: list[Spec]


@dataclass
class Chapter:
    """One implementation's specs of one chapter."""

    name: str
    rows: list[Row]

    @property
    def records(self) -> list[SpecRecord]:
        return [record for row in self.rows for record in row.records]


def chapters(rows: Sequence[Row]) -> list[Chapter]:
    """The rows by chapter, in the order in which these come."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row.spec.chapter].append(row)
    return [Chapter(name, own) for name, own in found.items()]


def failures(rows: Sequence[Row]) -> list[Failure]:
    """A failure a row, gravest first; one whose fault is told in the words of an earlier one's is listed with that."""
    found: dict[tuple[str, str], Failure] = {}
    for row in sorted((row for row in rows if row.worst in FAULTS), key=_urgency):
        records = [record for record in row.records if record.status in FAULTS]
        shown = min(records, key=_size)
        key = (shown.status, shown.reason or row.spec.id)
        if key in found:
            found[key].alike.append(row.spec)
        else:
            case = shown.counterexample if len(found) < DRAWN else None
            found[key] = Failure(row.spec, records, shown, picture.grids(case) if case else [], [])
    return list(found.values())


def _urgency(row: Row) -> tuple[bool, int, str]:
    """Required specs first, then by gravity."""
    return (row.spec.level != "required", GRAVITY.index(row.worst), row.spec.id)


def _size(record: SpecRecord) -> tuple[int, int, int]:
    case = record.counterexample
    if case is None:
        return (2, 0, 0)
    return (int(case.picture is None), case.outputs, GRAVITY.index(record.status))


_NUMBER = re.compile(r"\d+(\.\d+)?")


def reasons(entry: Entry, status: str) -> list[tuple[str, list[str]]]:
    """Reasons for a status, each with the specs and dtypes it was given for.

    Those that differ in their numbers alone are brought together, with an ellipsis for numbers that differ.
    """
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for record in entry.specs:
        if record.status == status:
            reason = (record.reason or "no reason given").removeprefix(f"{status}: ")
            found[_NUMBER.sub("0", reason)][f"{record.spec} {record.dtype}".strip()].add(reason)
    return [(_merged(set[str]().union(*where.values())), list(where)) for where in found.values()]


def _merged(reasons: set[str]) -> str:
    """One text for texts that differ in their numbers alone."""
    first, *others = ([match.group() for match in _NUMBER.finditer(reason)] for reason in sorted(reasons))
    numbers = iter([n if all(other[place] == n for other in others) else "…" for place, n in enumerate(first)])
    return _NUMBER.sub(lambda _: next(numbers), min(reasons))


@dataclass
class Alike:
    """Implementations with the same results on one spec: dtypes by status, gravest first, and what they said."""

    chips: list[tuple[Status, list[str]]]
    said: list[str]
    entries: list[Entry]


def differing(spec: Spec, entries: Sequence[Entry]) -> list[Alike]:
    """Those that did not pass everything, brought together where their results and reasons are the same."""
    found: dict[tuple[object, ...], Alike] = {}
    _, others = spec.split()
    for place, records in others:
        chips = _chips(records)
        said = list(dict.fromkeys(record.reason for record in records if record.reason))
        key = (str(chips), *said)
        found.setdefault(key, Alike(chips, said, [])).entries.append(entries[place])
    return sorted(found.values(), key=lambda one: GRAVITY.index(one.chips[0][0]))


def _chips(records: Sequence[SpecRecord]) -> list[tuple[Status, list[str]]]:
    found: dict[Status, list[str]] = defaultdict(list)
    for record in sorted(records, key=lambda record: GRAVITY.index(record.status)):
        where = f"{record.dtype}@{record.device}" if record.device not in ("", "cpu") else record.dtype
        found[record.status].append(where)
    return list(found.items())
