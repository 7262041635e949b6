"""``convgauge merge``: the shards of one run put together, record for record what the whole run would have written."""

from __future__ import annotations

import itertools
from pathlib import Path

import msgspec

from convgauge.conformance.session import Shard, judgement
from convgauge.results import FAULTS, Footer, ImplementationRecord, Run, SpecRecord, Writer


class Unlike(ValueError):
    """The runs are not the shards of one run; the message says what differs."""


def merge(runs: list[Run], output: Path) -> int:
    """Write the run whose shards are ``runs``, in any order, to ``output``; its exit status.

    Raises `Unlike` where one is missing, incomplete, there twice, or of another run; `OSError`.
    """
    runs = _ordered(runs)
    first = runs[0]
    records = _interleaved(runs)
    introduced = {one.implementation: one for run in runs for one in run.of(ImplementationRecord)}
    verdicts = {name: judgement(name, records) for name, one in introduced.items() if not one.absent}
    faults = any(one.status in FAULTS and one.level == "required" for one in records)
    cases = sum(one.cases for one in records)
    status = 5 if not cases else int(faults)
    writer = Writer(output, msgspec.structs.replace(first.header, shard=""))
    for record in (*introduced.values(), *records):
        writer.write(record)
    writer.write(Footer(verdicts, round(sum(run.footer.elapsed for run in runs if run.footer), 3), cases, status))
    writer.close()
    return status


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
    for field in ("schema", "suite", "seed", "profile", "tier", "selection", "versions"):
        mine, theirs = getattr(one.header, field), getattr(other.header, field)
        if mine != theirs:
            raise Unlike(f"{one.path} and {other.path} are not of one run: {field} is {mine!r} and {theirs!r}")
    if Shard.parse(one.header.shard).of != Shard.parse(other.header.shard).of:
        raise Unlike(f"{one.path} is shard {one.header.shard} and {other.path} shard {other.header.shard}")


def _interleaved(runs: list[Run]) -> list[SpecRecord]:
    """The shards' records in the order of the whole run: a shard of N holds every Nth."""
    rows = itertools.zip_longest(*(run.of(SpecRecord) for run in runs))
    return [record for row in rows for record in row if record is not None]
