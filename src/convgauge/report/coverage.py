"""The space of parameters: the part of it on which an implementation was judged, and a picture of that part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from convgauge.conformance.features import FEATURES
from convgauge.report.charts import svg
from convgauge.results import SpecRecord

FEATURE_LETTERS = list(FEATURES)
VALUES = [feature.there for feature in FEATURES.values()] + [feature.absent for feature in FEATURES.values()]
"""Every feature as present, then every feature as absent: the order of the columns of `FeatureSpace.values`."""

Counts = NDArray[np.int64]


@dataclass
class FeatureSpace:
    """Cases by the features of their problems, with a row per combination of features that occurred.

    ``values`` is a Boolean array with a column per value, in the order of `VALUES`. ``judged``, ``failed`` and
    ``declined`` count the cases of each row.
    """

    values: NDArray[np.bool_]
    judged: Counts
    failed: Counts
    declined: Counts

    def pairs(self, counts: Counts) -> Counts:
        """Return the sum of the rows' ``counts`` for every two values: a square, symmetric matrix."""
        values = self.values.astype(np.int64)
        return np.asarray((values * counts[:, None]).T @ values)


def feature_space(records: Iterable[SpecRecord]) -> FeatureSpace:
    """Return the cases of several records; letters of features that this version does not have are ignored."""
    totals: dict[str, list[int]] = {}
    for record in records:
        for letters, counts in record.space.items():
            sums = totals.setdefault(letters, [0, 0, 0])
            for index, count in enumerate(counts[:3]):
                sums[index] += count
    there = np.array([[letter in letters for letter in FEATURE_LETTERS] for letters in totals], bool).reshape(
        -1, len(FEATURE_LETTERS)
    )
    judged, failed, declined = np.array(list(totals.values()), np.int64).reshape(-1, 3).T
    return FeatureSpace(np.hstack([there, ~there]), judged, failed, declined)


@dataclass(frozen=True)
class PairCoverage:
    """Number of pairs of values on which an implementation was judged, of those that the report's runs ask for."""

    judged: int
    asked: int

    @property
    def share(self) -> float | None:
        """Share of the pairs, or None if none is asked for: 0 of 0 is not a coverage."""
        return self.judged / self.asked if self.asked else None


def pair_coverages(spaces: Mapping[int, FeatureSpace]) -> dict[int, PairCoverage]:
    """Return the coverage of each space.

    A pair is two values in one case. Asked for are the pairs on which any implementation was judged or declined.
    """
    above = np.triu(np.ones((len(VALUES), len(VALUES)), bool), 1)
    judged, asked = {}, np.zeros_like(above)
    for index, space in spaces.items():
        judged[index] = (space.pairs(space.judged) > 0) & above
        asked |= (space.pairs(space.judged + space.declined) > 0) & above
    return {index: PairCoverage(int(pairs.sum()), int(asked.sum())) for index, pairs in judged.items()}


PAIR_KINDS = ("passed", "some failed", "most failed", "declined")
"""Summaries of the cases with two features; a pair without a case is left empty."""

_CELL, _NAMES = 13, 160


def picture(space: FeatureSpace) -> Markup:
    """Return a figure of the results of each pair of features, named on the diagonal; "" if there is no case."""
    side = len(FEATURE_LETTERS)
    judged, failed, declined = (space.pairs(c)[:side, :side] for c in (space.judged, space.failed, space.declined))
    kinds = np.select([2 * failed > judged, failed > 0, judged > 0, declined > 0], [2, 1, 0, 3], -1)
    kinds[np.triu_indices(side, 1)] = -1
    if (kinds < 0).all():
        return Markup("")
    parts, counts = [], []
    for kind, name in enumerate(PAIR_KINDS):
        count = int((kinds == kind).sum())
        if count:
            counts.append(f"{count} {name}")
            parts.append(svg.path(f"pair {name.replace(' ', '-')}", _steps(kinds == kind)))
    parts += [
        svg.text(_CELL * (row + 1) + 5, _CELL * row + 11, feature.there, "start")
        for row, feature in enumerate(FEATURES.values())
    ]
    label = f"Pairs of features: {', '.join(counts)}"
    return svg.figure(label, _CELL * side, parts, width=_CELL * side + _NAMES, kind="chart pairs", fixed=True)


def _steps(cells: NDArray[np.bool_]) -> str:
    """Return the path along each run of cells in a row; the style sheet dashes it, so that each cell is a dash."""
    steps = []
    for row, values in enumerate(cells.tolist()):
        column = 0
        for is_drawn, run in groupby(values):
            width = len(list(run))
            if is_drawn:
                steps.append(f"M{_CELL * column} {_CELL * row + 6}h{_CELL * width}")
            column += width
    return "".join(steps)
