"""The space of parameters: what of it an implementation was judged on, and a picture of that."""

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

LETTERS = list(FEATURES)
VALUES = [one.there for one in FEATURES.values()] + [one.absent for one in FEATURES.values()]
"""Every feature there, then every feature absent: the order of the columns of `Space.values`."""

Counts = NDArray[np.int64]


@dataclass
class Space:
    """Cases by the features of their problems: a row a combination of features that was met.

    ``values`` has a column a value, in the order of `VALUES`. ``judged``, ``failed`` and ``declined`` count cases.
    """

    values: NDArray[np.bool_]
    judged: Counts
    failed: Counts
    declined: Counts

    def pairs(self, counts: Counts) -> Counts:
        """How many of the ``counts`` hold each two values: a square, symmetric matrix."""
        values = self.values.astype(np.int64)
        return np.asarray((values * counts[:, None]).T @ values)


def space(records: Iterable[SpecRecord]) -> Space:
    """The cases of some records together. Letters that this version does not know are let go."""
    found: dict[str, list[int]] = {}
    for record in records:
        for letters, counts in record.space.items():
            sums = found.setdefault(letters, [0, 0, 0])
            for place, count in enumerate(counts[:3]):
                sums[place] += count
    there = np.array([[letter in letters for letter in LETTERS] for letters in found], bool).reshape(-1, len(LETTERS))
    judged, failed, declined = np.array(list(found.values()), np.int64).reshape(-1, 3).T
    return Space(np.hstack([there, ~there]), judged, failed, declined)


@dataclass(frozen=True)
class Coverage:
    """Of the pairs of parameters' values that the report's runs ask for, how many an implementation was judged on."""

    met: int
    asked: int

    @property
    def share(self) -> float | None:
        """None where nothing was asked: 0 of 0 is no coverage."""
        return self.met / self.asked if self.asked else None


def coverages(spaces: Mapping[int, Space]) -> dict[int, Coverage]:
    """The coverage of each: a pair is two values in one case, and asked for are those that anybody met or declined."""
    above = np.triu(np.ones((len(VALUES), len(VALUES)), bool), 1)
    met, asked = {}, np.zeros_like(above)
    for place, own in spaces.items():
        met[place] = (own.pairs(own.judged) > 0) & above
        asked |= (own.pairs(own.judged + own.declined) > 0) & above
    return {place: Coverage(int(one.sum()), int(asked.sum())) for place, one in met.items()}


KINDS = ("passed", "some failed", "most failed", "declined")
"""What may be said of the cases that have two features; where there are none, nothing is drawn."""

_CELL, _NAMES = 13, 160


def picture(own: Space) -> Markup:
    """Feature by feature, what became of the cases that have both, each named on the diagonal; "" for no case."""
    side = len(LETTERS)
    judged, failed, declined = (own.pairs(c)[:side, :side] for c in (own.judged, own.failed, own.declined))
    kinds = np.select([2 * failed > judged, failed > 0, judged > 0, declined > 0], [2, 1, 0, 3], -1)
    kinds[np.triu_indices(side, 1)] = -1
    if (kinds < 0).all():
        return Markup("")
    parts, counted = [], []
    for kind, name in enumerate(KINDS):
        count = int((kinds == kind).sum())
        if count:
            counted.append(f"{count} {name}")
            parts.append(svg.path(f"pair {name.replace(' ', '-')}", _steps(kinds == kind)))
    parts += [
        svg.text(_CELL * (row + 1) + 5, _CELL * row + 11, one.there, "start")
        for row, one in enumerate(FEATURES.values())
    ]
    spoken = f"Pairs of features: {', '.join(counted)}"
    return svg.figure(spoken, _CELL * side, parts, width=_CELL * side + _NAMES, kind="chart pairs", fixed=True)


def _steps(chosen: NDArray[np.bool_]) -> str:
    """A line along each run of chosen cells in a row, which the style sheet dashes, so that a cell is a dash."""
    steps = []
    for row, cells in enumerate(chosen.tolist()):
        column = 0
        for kept, run in groupby(cells):
            wide = len(list(run))
            if kept:
                steps.append(f"M{_CELL * column} {_CELL * row + 6}h{_CELL * wide}")
            column += wide
    return "".join(steps)
