"""Failing cases of runs without causes: values of features that separate them from those that passed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from convgauge.diagnosis.separation import Cases
from convgauge.report.coverage import VALUES, feature_space
from convgauge.results import SpecRecord

MAX_REGIONS = 3

MIN_PURITY = 0.75
"""Share of a region's cases that must fail; below it, something other than these values decides."""


@dataclass(frozen=True)
class FailingRegion:
    """Problems that have all of ``values`` ("stride > 1", "one group"), with their judged and failed cases."""

    values: tuple[str, ...]
    judged: int
    failed: int

    @property
    def sentence(self) -> str:
        """Description in words."""
        return " and ".join(self.values)


@dataclass
class FailingCases:
    """Regions of an implementation's failures, learned from every case of the specs that it fails.

    ``regions`` explain all but ``rest`` of the ``failed`` cases. ``everywhere`` are specs of which every case failed
    outside these regions: the requirement itself is not met, on any problem.
    """

    regions: list[FailingRegion] = field(default_factory=list)
    everywhere: list[str] = field(default_factory=list)
    failed: int = 0
    rest: int = 0


def locate_failures(records: Sequence[SpecRecord]) -> FailingCases | None:
    """Return the regions in which cases of the records fail, or None if no failed case has its features recorded."""
    broken = [record for record in records if any(_failed(counts) for counts in record.space.values())]
    if not broken:
        return None
    partly = [record for record in broken if any(_failed(counts) < counts[0] for counts in record.space.values())]
    cases, names = _by_dtype(partly or list(records))
    result, left = FailingCases(failed=int(cases.failed.sum())), cases.failed.copy()
    while left.any() and cases.passed.any() and len(result.regions) < MAX_REGIONS:
        columns = cases.separating(left)
        inside = cases.values[:, columns].all(axis=1)
        failed, passed = (int(counts[inside].sum()) for counts in (cases.failed, cases.passed))
        if failed < MIN_PURITY * (failed + passed):
            break
        result.regions.append(FailingRegion(tuple(names[column] for column in columns), failed + passed, failed))
        left[inside] = 0
    result.rest = int(left.sum())
    result.everywhere = sorted({r.spec for r in broken if r not in partly and not _is_within(r, result.regions)})
    return result


def _failed(counts: Sequence[int]) -> int:
    return counts[1] if len(counts) > 1 else 0


def _by_dtype(records: Iterable[SpecRecord]) -> tuple[Cases, list[str]]:
    """Return cases with a column per value, and per dtype if there are several, and the names of the columns."""
    grouped: dict[str, list[SpecRecord]] = {}
    for record in records:
        grouped.setdefault(record.dtype, []).append(record)
    spaces = {dtype: feature_space(records) for dtype, records in grouped.items()}
    dtypes = list(spaces) if len(spaces) > 1 else []
    rows = [
        np.hstack([space.values, np.tile(np.array([dtype == other for other in dtypes], bool), (len(space.judged), 1))])
        for dtype, space in spaces.items()
    ]
    judged, failed = (np.concatenate([getattr(s, name) for s in spaces.values()]) for name in ("judged", "failed"))
    return Cases(np.vstack(rows), failed, judged - failed), [*VALUES, *dtypes]


def _is_within(record: SpecRecord, regions: Sequence[FailingRegion]) -> bool:
    """Return True if every failed case of a record is in some region."""
    space = feature_space([record])
    failed = [{VALUES[c] for c in np.nonzero(row)[0]} | {record.dtype} for row in space.values[space.failed > 0]]
    return all(any(set(region.values) <= values for region in regions) for values in failed)
