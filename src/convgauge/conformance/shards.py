"""Shards of a run, which take about the same time, and the expected costs by which a run is cut.

``conformance/data/costs.json`` holds the measurements of `tools/refresh_spec_durations.py`: for each spec its seconds
and its cases with a fast kernel, and for each implementation the seconds per case beyond those of that kernel. A spec
or an implementation that is not in the table gets the median, so an old table causes no failure.
"""

from __future__ import annotations

import functools
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from convgauge.bundled import bundled
from convgauge.request import RequestError

Key = tuple[str, str]
"""A spec's id and an implementation's name."""


@dataclass(frozen=True)
class Shard:
    """Part of a run: number ``first``, counted from 0, of ``of`` parts that cost the same.

    ``of`` is 0 for a whole run. A run of one part is still a part: merging completes it as it does several.
    """

    first: int = 0
    of: int = 0

    def __str__(self) -> str:
        return f"{self.first + 1}/{self.of}" if self.of else ""

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Return the shard that ``K/N`` stands for, or the whole run for an empty text. Raises `RequestError`."""
        if not text:
            return cls()
        number, _, of = text.partition("/")
        if not (number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
            raise RequestError(f"shard {text!r} is not K/N with K from 1 to N")
        return cls(int(number) - 1, int(of))


WHOLE = Shard()


class CostTable(msgspec.Struct, frozen=True):
    """Measured costs in seconds.

    - ``start``: start of an implementation's process.
    - ``specs``: by tier and spec, its seconds and its number of cases.
    - ``pace``: by implementation, its seconds per case beyond those of a fast kernel.
    """

    machine: str
    start: float
    specs: dict[str, dict[str, tuple[float, float]]]
    pace: dict[str, float]

    def estimate(self, tier: str, spec: str, implementation: str) -> float:
        """Return the expected seconds of one spec in one dtype, on one device."""
        rows = self.specs.get(tier) or self.specs["standard"]
        seconds, cases = rows.get(spec) or _medians(tuple(rows.values()))
        return seconds + cases * self.pace.get(implementation, 0.0)


@functools.cache
def _medians(rows: tuple[tuple[float, float], ...]) -> tuple[float, float]:
    return statistics.median(seconds for seconds, _ in rows), statistics.median(cases for _, cases in rows)


@functools.cache
def cost_table() -> CostTable:
    """Return the bundled table."""
    return msgspec.json.decode(bundled("conformance", "data", "costs.json").read_bytes(), type=CostTable)


def estimates(items: Iterable[Key], tier: str) -> list[float]:
    """Return the expected seconds of each item; the first of an implementation includes the start of its process."""
    costs: list[float] = []
    started: set[str] = set()
    table = cost_table()
    for spec, implementation in items:
        start = 0.0 if implementation in started else table.start
        started.add(implementation)
        costs.append(start + table.estimate(tier, spec, implementation))
    return costs


def cut(costs: Sequence[float], first: int, of: int) -> slice:
    """Return the items of part ``first``, counted from 0, of ``of`` parts that cost the same.

    A part is a range of neighbours, since the items of one implementation are neighbours and each part that contains
    some of them starts a process for it. The middle of an item decides its part, so the cost of a part differs from
    its share by at most one item.
    """
    total, before, parts = sum(costs) or 1.0, 0.0, []
    for cost in costs:
        parts.append(min(of - 1, int(of * (before + cost / 2) / total)))
        before += cost
    return slice(sum(part < first for part in parts), sum(part <= first for part in parts))
