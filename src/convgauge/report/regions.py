"""Regions in which an implementation fails: values that separate the problems it fails on from those it passes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from convgauge.report.coverage import VALUES, FeatureSpace, feature_space
from convgauge.results import SpecRecord

MAX_REGIONS = 3
MAX_VALUES = 3
"""Values that describe a region; most faults need two or three parameters to show (Kuhn, Wallace and Gallo 2004)."""

MIN_GAIN = 1.03
"""Factor by which one more value must improve the score: a smaller gain follows the sample instead of the fault."""

BEAM_WIDTH = 16
"""Descriptions of one length from which longer ones are built."""

MIN_PURITY = 0.75
"""Share of a region's cases that must fail; below it, something other than these values decides."""


@dataclass(frozen=True)
class Region:
    """Problems that have all of ``values`` ("stride > 1", "one group"), with their judged and failed cases."""

    values: tuple[str, ...]
    judged: int
    failed: int

    @property
    def sentence(self) -> str:
        """Description in words."""
        return " and ".join(self.values)


@dataclass
class FailureRegions:
    """Regions of an implementation's failures, learned from every case of the specs that it fails.

    ``regions`` explain all but ``rest`` of the ``failed`` cases. ``everywhere`` are specs of which every case failed
    outside these regions: the requirement itself is not met, on any problem.
    """

    regions: list[Region] = field(default_factory=list)
    everywhere: list[str] = field(default_factory=list)
    failed: int = 0
    rest: int = 0


def locate_failures(records: Sequence[SpecRecord]) -> FailureRegions | None:
    """Return the regions in which cases of the records fail, or None if no failed case has its features recorded."""
    broken = [record for record in records if any(_failed(counts) for counts in record.space.values())]
    if not broken:
        return None
    partly = [record for record in broken if any(_failed(counts) < counts[0] for counts in record.space.values())]
    cases = _by_dtype(partly or list(records))
    result, left = FailureRegions(failed=int(cases.failed.sum())), cases.failed.copy()
    while left.any() and (cases.failed < cases.judged).any() and len(result.regions) < MAX_REGIONS:
        columns = _description(cases, left)
        inside = cases.values[:, columns].all(axis=1)
        judged, failed = (int(counts[inside].sum()) for counts in (cases.judged, cases.failed))
        if failed < MIN_PURITY * judged:
            break
        result.regions.append(Region(tuple(cases.names[column] for column in columns), judged, failed))
        left[inside] = 0
    result.rest = int(left.sum())
    result.everywhere = sorted({r.spec for r in broken if r not in partly and not _is_within(r, result.regions)})
    return result


def _failed(counts: Sequence[int]) -> int:
    return counts[1] if len(counts) > 1 else 0


@dataclass
class _Cases(FeatureSpace):
    """Cases with a column per value, and per dtype if there are several; ``names`` are the columns' names."""

    names: list[str]


def _by_dtype(records: Iterable[SpecRecord]) -> _Cases:
    grouped: dict[str, list[SpecRecord]] = {}
    for record in records:
        grouped.setdefault(record.dtype, []).append(record)
    spaces = {dtype: feature_space(records) for dtype, records in grouped.items()}
    dtypes = list(spaces) if len(spaces) > 1 else []
    rows = [
        np.hstack([space.values, np.tile(np.array([dtype == other for other in dtypes], bool), (len(space.judged), 1))])
        for dtype, space in spaces.items()
    ]
    judged, failed, declined = (
        np.concatenate([getattr(space, name) for space in spaces.values()]) for name in ("judged", "failed", "declined")
    )
    return _Cases(np.vstack(rows), judged, failed, declined, [*VALUES, *dtypes])


def _description(cases: _Cases, left: NDArray[np.int64]) -> list[int]:
    """Return the columns of the few values that best separate the failures ``left`` from cases that passed."""
    best: tuple[float, list[int]] = (0.0, [])
    beam: list[list[int]] = [[]]
    for _ in range(MAX_VALUES):
        longer = []
        for columns in beam:
            scores = _scores(cases, left, np.asarray(cases.values[:, columns].all(axis=1)))
            longer += [(score, [*columns, c]) for c, score in enumerate(scores) if not columns or c > columns[-1]]
        longer.sort(key=lambda scored: -scored[0])
        if longer[0][0] > best[0] * MIN_GAIN:
            best = longer[0]
        beam = [columns for _, columns in longer[:BEAM_WIDTH]]
    return best[1]


def _scores(cases: _Cases, left: NDArray[np.int64], inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the score of each further value: van Rijsbergen's F at beta 1/2, which weighs purity over extent.

    One of several faults explains only a part of the failures. Its description must not score below a vague
    description of all of them.
    """
    judged, failed, reached = ((counts * inside) @ cases.values for counts in (cases.judged, cases.failed, left))
    purity = failed / np.maximum(judged, 1)
    extent = reached / left.sum()
    return np.asarray(1.25 * purity * extent / np.maximum(0.25 * purity + extent, 1e-12))


def _is_within(record: SpecRecord, regions: Sequence[Region]) -> bool:
    """Return True if every failed case of a record is in some region."""
    space = feature_space([record])
    failed = [{VALUES[c] for c in np.nonzero(row)[0]} | {record.dtype} for row in space.values[space.failed > 0]]
    return all(any(set(region.values) <= values for region in regions) for values in failed)
