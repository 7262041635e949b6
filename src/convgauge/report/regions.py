"""Where an implementation fails: what sets the problems that it fails on apart from those that it passes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from convgauge.report.coverage import VALUES, Space, space
from convgauge.results import SpecRecord

MOST_REGIONS = 3
MOST_VALUES = 3
"""Values that describe a region; most faults need two or three parameters to show (Kuhn, Wallace and Gallo 2004)."""

WORTH = 1.03
"""How much better a description with one value more must be: for less it follows the cases at hand, not the fault."""

WIDTH = 16
"""Descriptions of one length from which the longer ones are made."""

PURE = 0.75
"""A region of which a smaller share fails is none: something else than these values decides there."""


@dataclass(frozen=True)
class Region:
    """Problems that have all the ``values`` ("stride > 1", "one group"): so many were judged, so many failed."""

    values: tuple[str, ...]
    judged: int
    failed: int

    @property
    def sentence(self) -> str:
        return " and ".join(self.values)


@dataclass
class Failing:
    """Where an implementation fails, found from every case of the specs that it fails.

    ``regions`` account for all but ``rest`` of the ``failed`` cases. ``everywhere`` are specs of which every case
    failed, and not in these regions: what they ask is what it gets wrong, whatever the problem.
    """

    regions: list[Region] = field(default_factory=list)
    everywhere: list[str] = field(default_factory=list)
    failed: int = 0
    rest: int = 0


def failing(records: Sequence[SpecRecord]) -> Failing | None:
    """The regions in which some records' cases fail; None where no case that failed is told of."""
    broken = [record for record in records if any(_failed(counts) for counts in record.space.values())]
    if not broken:
        return None
    partly = [record for record in broken if any(_failed(counts) < counts[0] for counts in record.space.values())]
    own = _by_dtype(partly or list(records))
    found, left = Failing(failed=int(own.failed.sum())), own.failed.copy()
    while left.any() and (own.failed < own.judged).any() and len(found.regions) < MOST_REGIONS:
        columns = _description(own, left)
        inside = own.values[:, columns].all(axis=1)
        judged, failed = (int(counts[inside].sum()) for counts in (own.judged, own.failed))
        region = Region(tuple(own.names[column] for column in columns), judged, failed)
        if region.failed < PURE * region.judged:
            break
        found.regions.append(region)
        left[inside] = 0
    found.rest = int(left.sum())
    found.everywhere = sorted({r.spec for r in broken if r not in partly and not _within(r, found.regions)})
    return found


def _failed(counts: Sequence[int]) -> int:
    return counts[1] if len(counts) > 1 else 0


@dataclass
class _Cases(Space):
    """Cases with a column a value, dtypes among these where there are several, and the values' names."""

    names: list[str]


def _by_dtype(records: Iterable[SpecRecord]) -> _Cases:
    grouped: dict[str, list[SpecRecord]] = {}
    for record in records:
        grouped.setdefault(record.dtype, []).append(record)
    spaces = {dtype: space(own) for dtype, own in grouped.items()}
    dtypes = list(spaces) if len(spaces) > 1 else []
    rows = [
        np.hstack([own.values, np.array([[dtype == one for one in dtypes]] * len(own.judged), bool)])
        if dtypes else own.values
        for dtype, own in spaces.items()
    ]  # fmt: skip
    judged, failed, declined = (
        np.concatenate([getattr(own, name) for own in spaces.values()]) for name in ("judged", "failed", "declined")
    )
    return _Cases(np.vstack(rows), judged, failed, declined, [*VALUES, *dtypes])


def _description(cases: _Cases, left: NDArray[np.int64]) -> list[int]:
    """The columns of the few values that best tell the failures ``left`` from what passed."""
    best: tuple[float, list[int]] = (0.0, [])
    beam: list[list[int]] = [[]]
    for _ in range(MOST_VALUES):
        found = []
        for columns in beam:
            scores = _scores(cases, left, np.asarray(cases.values[:, columns].all(axis=1)))
            found += [(score, [*columns, c]) for c, score in enumerate(scores) if not columns or c > columns[-1]]
        found.sort(key=lambda one: -one[0])
        if found[0][0] > best[0] * WORTH:
            best = found[0]
        beam = [columns for _, columns in found[:WIDTH]]
    return best[1]


def _scores(cases: _Cases, left: NDArray[np.int64], inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """For each value more, how well it describes: van Rijsbergen's F at beta 1/2, which weighs purity over extent.

    One of several faults accounts for a part of the failures only, and must not lose to a vague description of all.
    """
    judged, failed, reached = ((counts * inside) @ cases.values for counts in (cases.judged, cases.failed, left))
    purity = failed / np.maximum(judged, 1)
    extent = reached / left.sum()
    return np.asarray(1.25 * purity * extent / np.maximum(0.25 * purity + extent, 1e-12))


def _within(record: SpecRecord, regions: Sequence[Region]) -> bool:
    """Whether every case of a record that failed lies in some region."""
    own = space([record])
    held = [{VALUES[c] for c in np.nonzero(row)[0]} | {record.dtype} for row in own.values[own.failed > 0]]
    return all(any(set(region.values) <= values for region in regions) for values in held)
