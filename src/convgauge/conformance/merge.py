"""``convgauge merge``: the shards of one run put together, record for record what the whole run would have written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from convgauge.conformance.session import Shard, judgement, unexpected
from convgauge.results import Footer, ImageRecord, ImplementationRecord, Record, Run, SpecRecord, Writer
from convgauge.terms import FAULTS


class Unlike(ValueError):
    """The runs are not the shards of one run; the message says what differs."""


def merge(runs: list[Run], output: Path) -> int:
    """Write the run whose shards are ``runs``, in any order, to ``output``; its exit status.

    Raises `Unlike` where one is missing, incomplete, there twice, or of another run; `OSError`.
    """
    runs = _ordered(runs)
    writer = Writer(output, msgspec.structs.replace(runs[0].header, shard=""))
    footers = [run.footer for run in runs if run.footer]
    records = list(once(record for run in runs for record in run.records))
    for record in records:
        writer.write(record)
    footer = finished(writer, records, footers)
    writer.close()
    return footer.exit


def finished(
    writer: Writer, records: Sequence[Record], footers: Sequence[Footer], elapsed: float | None = None
) -> Footer:
    """Write what a whole run ends with: the failures that were expected and did not come about, and its footer.

    ``records`` are those of all parts, ``footers`` the parts' own. The file begins with the header of the whole run.
    ``elapsed`` are the seconds that all of it took; None for the parts' sum.
    """
    specs = [record for record in records if isinstance(record, SpecRecord)]
    names = list(dict.fromkeys(name for footer in footers for name in footer.verdicts))
    header = writer.header
    for record in unexpected(header.expected, specs, (names or [""])[0], narrowed=bool(header.selection)):
        writer.write(record)
        specs.append(record)
    cases = sum(one.cases for one in specs)
    elapsed = sum(footer.elapsed for footer in footers) if elapsed is None else elapsed
    verdicts = {name: judgement(name, specs) for name in names}
    footer = Footer(verdicts, round(elapsed, 3), cases, _status(specs, cases, {one.exit for one in footers}))
    writer.write(footer)
    return footer


def _status(specs: Sequence[SpecRecord], cases: int, parts: set[int]) -> int:
    """The exit status that the whole run would have had, whose parts had ``parts``: 5 is no part's own fault."""
    if 3 in parts:
        return 3
    if 1 in parts or any(one.status in FAULTS and one.level == "required" for one in specs):
        return 1
    return 0 if cases else 5


def once(records: Iterable[Record], seen: set[tuple[str, str]] | None = None) -> Iterator[Record]:
    """The records without what every part writes: an implementation's introduction, an exact picture.

    ``seen`` is what was there before, and is added to.
    """
    seen = set() if seen is None else seen
    for record in records:
        key = None
        if isinstance(record, ImplementationRecord):
            key = ("introduced", record.implementation)
        elif isinstance(record, ImageRecord) and record.implementation == "oracle":
            key = ("exact picture", record.title)
        if key not in seen:
            yield record
        if key is not None:
            seen.add(key)


def _ordered(runs: list[Run]) -> list[Run]:
    """The shards from the first to the last. Raises `Unlike`."""
    found: dict[int, Run] = {}
    for run in runs:
        if not run.header.shard:
            raise Unlike(f"{run.path} is not a shard but a whole run")
        if run.footer is None:
            raise Unlike(f"{run.path} is incomplete: run that shard again")
        shard = Shard.parse(run.header.shard)
        if shard.first in found:
            raise Unlike(f"{run.path} and {found[shard.first].path} are both shard {run.header.shard}")
        found[shard.first] = run
        _same(runs[0], run)
    of = Shard.parse(runs[0].header.shard).of
    missing = [str(Shard(place, of)) for place in range(of) if place not in found]
    if missing:
        raise Unlike(f"shards {', '.join(missing)} are missing")
    return [found[place] for place in range(of)]


def _same(one: Run, other: Run) -> None:
    for field in ("schema", "suite", "seed", "profile", "tier", "selection", "expected", "versions"):
        mine, theirs = getattr(one.header, field), getattr(other.header, field)
        if mine != theirs:
            raise Unlike(f"{one.path} and {other.path} are not of one run: {field} is {mine!r} and {theirs!r}")
    if Shard.parse(one.header.shard).of != Shard.parse(other.header.shard).of:
        raise Unlike(f"{one.path} is shard {one.header.shard} and {other.path} shard {other.header.shard}")
