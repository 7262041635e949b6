"""What a run's items are expected to cost, so that shards take alike long.

``conformance/data/costs.json`` holds what `tools/refresh_spec_durations.py` measured: for each spec its seconds and
its cases with a fast kernel, and for each implementation the seconds that it takes for a case beyond that kernel's. A
spec or an implementation that is not in it is taken for a middling one, so the table may lag behind without anything
failing.
"""

from __future__ import annotations

import functools
import statistics
from collections.abc import Iterable, Sequence

import msgspec

from convgauge.bundled import bundled

Key = tuple[str, str]
"""A spec's id and an implementation's name."""


class Table(msgspec.Struct, frozen=True):
    """Measured costs. ``start`` are the seconds that an implementation's process takes to begin.

    ``specs`` holds for a tier and a spec its seconds and its cases, ``pace`` for an implementation its seconds a case.
    """

    machine: str
    start: float
    specs: dict[str, dict[str, tuple[float, float]]]
    pace: dict[str, float]

    def estimate(self, tier: str, spec: str, implementation: str) -> float:
        """Seconds that one spec is expected to take in one dtype, on one device."""
        rows = self.specs.get(tier) or self.specs["standard"]
        seconds, cases = rows.get(spec) or _middling(tuple(rows.values()))
        return seconds + cases * self.pace.get(implementation, 0.0)


@functools.cache
def _middling(rows: tuple[tuple[float, float], ...]) -> tuple[float, float]:
    return statistics.median(seconds for seconds, _ in rows), statistics.median(cases for _, cases in rows)


@functools.cache
def table() -> Table:
    """The table that is shipped."""
    return msgspec.json.decode(bundled("conformance", "data", "costs.json").read_bytes(), type=Table)


def estimates(items: Iterable[Key | None], tier: str) -> list[float]:
    """Seconds that each item is expected to take, an implementation's first with its start; None is no spec's item."""
    found, begun, known = [], set[str](), table()
    for item in items:
        if item is None:
            found.append(0.0)
            continue
        spec, implementation = item
        start = 0.0 if implementation in begun else known.start
        begun.add(implementation)
        found.append(start + known.estimate(tier, spec, implementation))
    return found


def cut(costs: Sequence[float], first: int, of: int) -> slice:
    """The items of part ``first``, counted from 0, of ``of`` parts that cost alike.

    A part is a run of neighbours, since items of one implementation lie together and each part that has some of them
    starts a process for it. An item belongs to where its middle lies, so a part misses its due by one item at most.
    """
    total, before, parts = sum(costs) or 1.0, 0.0, []
    for cost in costs:
        parts.append(min(of - 1, int(of * (before + cost / 2) / total)))
        before += cost
    return slice(sum(part < first for part in parts), sum(part <= first for part in parts))
