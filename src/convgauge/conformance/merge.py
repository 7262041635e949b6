"""``convgauge merge``: put the shards of one run together, record for record as the whole run would have written it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from convgauge.conformance.causes import joined, with_findings
from convgauge.conformance.expectations import unexpected_passes
from convgauge.conformance.shards import Shard
from convgauge.conformance.verdict import exit_status, judgement
from convgauge.results import (
    CauseRecord,
    Footer,
    ImageRecord,
    ImplementationRecord,
    Judgement,
    Record,
    Run,
    SpecRecord,
    Writer,
)
from convgauge.terms import ExitStatus

COMPARED = (
    "schema", "suite", "seed", "profile", "tier", "selection", "supports", "reproducible", "expected", "require",
    "versions",
)  # fmt: skip
"""Fields of the header that are equal in all shards of one run."""


class MismatchedRunsError(ValueError):
    """Runs that are not the shards of one run; the message gives the difference."""


def merge(runs: Sequence[Run], output: Path) -> int:
    """Write the run whose shards are ``runs``, in any order, to ``output``, and return its exit status.

    Raises
    ------
    MismatchedRunsError
        If a shard is missing, incomplete, given twice, or belongs to another run.
    OSError
        If the output cannot be written.
    """
    runs = _ordered(runs)
    writer = Writer(output, msgspec.structs.replace(runs[0].header, shard=""))
    records = list(without_repetitions(record for run in runs for record in run.records))
    for record in records:
        writer.write(record)
    footers = [run.footer for run in runs if run.footer]
    footer = finish(writer, records, footers, amendments(runs), causes=causes_of(runs))
    writer.close()
    return footer.exit


def finish(
    writer: Writer,
    records: Sequence[Record],
    footers: Sequence[Footer],
    amended: Sequence[ImplementationRecord] = (),
    elapsed: float | None = None,
    causes: Sequence[CauseRecord] = (),
) -> Footer:
    """Write the end of a whole run, and return its footer.

    The end has the descriptions that were amended, the causes, and the expected failures that did not occur.

    Parameters
    ----------
    writer
        Writer of a file that begins with the header of the whole run.
    records
        Records of all parts.
    footers
        Footers of all parts.
    amended
        Descriptions of implementations, with what was found out in the parts.
    elapsed
        Seconds that the whole run took; the sum of the parts if None.
    causes
        Causes that the parts found, joined.
    """
    findings: list[Record] = [*amended, *causes]
    for record in findings:
        writer.write(record)
    specs = [record for record in records if isinstance(record, SpecRecord)]
    names = list(dict.fromkeys(name for footer in footers for name in footer.verdicts))
    header = writer.header
    first = names[0] if names else ""
    for passed in unexpected_passes(header.expected, specs, first, is_narrowed=bool(header.selection)):
        writer.write(passed)
        specs.append(passed)
    exits = {footer.exit for footer in footers}
    status = exit_status(
        specs,
        names=names,
        require=header.require,
        has_internal_error=ExitStatus.INTERNAL_ERROR in exits,
        has_unloadable=ExitStatus.NOT_REACHED in exits,  # a part with neither a fault nor this status loaded it
    )
    elapsed = sum(footer.elapsed for footer in footers) if elapsed is None else elapsed
    introductions = [record for record in records if isinstance(record, ImplementationRecord)]
    descriptions = {description.implementation: description for description in [*introductions, *amended]}
    verdicts = {
        name: _with_findings_of_parts(name, judgement(name, specs, descriptions.get(name)), footers, specs, causes)
        for name in names
    }
    footer = Footer(verdicts, round(elapsed, 3), sum(record.cases for record in specs), int(status))
    writer.write(footer)
    return footer


def _with_findings_of_parts(
    name: str,
    judged: Judgement,
    footers: Iterable[Footer],
    records: Iterable[SpecRecord],
    causes: Iterable[CauseRecord],
) -> Judgement:
    """Return an implementation's judgement with what the diagnoses of the parts found."""
    parts = [footer.verdicts[name] for footer in footers if name in footer.verdicts]
    records = [record for record in records if record.implementation == name]
    return with_findings(judged, parts, records, [cause for cause in causes if cause.implementation == name])


def causes_of(runs: Iterable[Run]) -> list[CauseRecord]:
    """Return the causes that the parts of a run found, joined, in the order of their implementations."""
    causes = joined(cause for run in runs for cause in run.records_of(CauseRecord))
    names = list(dict.fromkeys(record.implementation for run in runs for record in run.records_of(SpecRecord)))
    return sorted(causes, key=lambda cause: names.index(cause.implementation))


def amendments(runs: Iterable[Run]) -> list[ImplementationRecord]:
    """Return the description of each implementation that a part amended, with what all parts found out."""
    introduced: dict[str, ImplementationRecord] = {}
    amended: dict[str, ImplementationRecord] = {}
    for run in runs:
        for record in run.records_of(ImplementationRecord):
            name = record.implementation
            if name not in introduced:
                introduced[name] = amended[name] = record
            else:
                amended[name] = _with_findings(amended[name], record)
    return [record for name, record in amended.items() if record != introduced[name]]


def _with_findings(first: ImplementationRecord, second: ImplementationRecord) -> ImplementationRecord:
    """Return a description with the findings of two; a part that did not probe has no domain."""
    return msgspec.structs.replace(
        first,
        domain=first.domain or second.domain,
        limits=list(dict.fromkeys([*first.limits, *second.limits])),
        adaptations=list(dict.fromkeys([*first.adaptations, *second.adaptations])),
    )


def without_repetitions(records: Iterable[Record], written: set[tuple[str, str]] | None = None) -> Iterator[Record]:
    """Yield the records, and only once what every part writes: introductions of implementations, exact pictures.

    Later descriptions of an implementation are not among them (see `amendments`), nor are causes (see `causes_of`).

    ``written`` holds the keys of such records that were written before; new ones are added to it.
    """
    written = set() if written is None else written
    for record in records:
        if isinstance(record, CauseRecord):
            continue
        key = None
        if isinstance(record, ImplementationRecord):
            key = ("introduced", record.implementation)
        elif isinstance(record, ImageRecord) and record.implementation == "oracle":
            key = ("exact picture", record.title)
        if key not in written:
            yield record
        if key is not None:
            written.add(key)


def _ordered(runs: Sequence[Run]) -> list[Run]:
    """Return the shards from the first to the last. Raises `MismatchedRunsError`."""
    by_number: dict[int, Run] = {}
    for run in runs:
        if not run.header.shard:
            raise MismatchedRunsError(f"{run.path} is not a shard but a whole run")
        if run.footer is None:
            raise MismatchedRunsError(f"{run.path} is incomplete: run that shard again")
        number = Shard.parse(run.header.shard).first
        if number in by_number:
            raise MismatchedRunsError(f"{run.path} and {by_number[number].path} are both shard {run.header.shard}")
        by_number[number] = run
        _require_same_run(runs[0], run)
    of = Shard.parse(runs[0].header.shard).of
    missing = [str(Shard(number, of)) for number in range(of) if number not in by_number]
    if missing:
        raise MismatchedRunsError(f"shards {', '.join(missing)} are missing")
    return [by_number[number] for number in range(of)]


def _require_same_run(first: Run, other: Run) -> None:
    """Raise `MismatchedRunsError` if two shards are not of one run."""
    for field in COMPARED:
        values = getattr(first.header, field), getattr(other.header, field)
        if values[0] != values[1]:
            raise MismatchedRunsError(
                f"{first.path} and {other.path} are not of one run: {field} is {values[0]!r} and {values[1]!r}"
            )
    if Shard.parse(first.header.shard).of != Shard.parse(other.header.shard).of:
        raise MismatchedRunsError(
            f"{first.path} is shard {first.header.shard} and {other.path} shard {other.header.shard}"
        )
