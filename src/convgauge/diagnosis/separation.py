"""Separation: the few conditions that best separate what fails from what passes, where no rule does so exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convgauge.diagnosis.conjunctions import MAX_CONDITIONS
from convgauge.diagnosis.features import Bools

Counts = NDArray[np.int64]
Scores = NDArray[np.float64]

MIN_GAIN = 1.03
"""Factor by which one more condition must improve the score: a smaller gain follows the sample instead of the fault."""

BEAM_WIDTH = 16
"""Descriptions of one length from which longer ones are built."""


@dataclass(frozen=True)
class Cases:
    """Cases of which some fail, with a row per combination of features.

    Attributes
    ----------
    values : array of bool, shape (rows, conditions)
        True if a row meets a condition.
    failed, passed : array of int, shape (rows,)
        Number of cases of each row that failed and that passed.
    """

    values: Bools
    failed: Counts
    passed: Counts

    def separating(self, left: Counts, min_purity: float = 0.0) -> list[int]:
        """Return the columns of the few conditions that best separate the failures ``left`` from cases that passed.

        At least the share ``min_purity`` of the cases that meet them have failed; [] if there are no such conditions.
        """
        best: tuple[float, list[int]] = (0.0, [])
        beam: list[list[int]] = [[]]
        for _ in range(MAX_CONDITIONS):
            longer = []
            for columns in beam:
                scores, purity = self._scores(left, np.asarray(self.values[:, columns].all(axis=1)))
                first = columns[-1] + 1 if columns else 0
                best_columns = first + np.argsort(-scores[first:], kind="stable")[:BEAM_WIDTH]
                longer += [(float(scores[column]), [*columns, int(column)]) for column in best_columns]
                pure = np.where(purity >= min_purity, scores, 0)
                if pure.max(initial=0) > best[0] * MIN_GAIN:
                    best = float(pure.max()), [*columns, int(pure.argmax())]
            beam = [columns for _, columns in sorted(longer, key=lambda scored: -scored[0])[:BEAM_WIDTH]]
        return sorted(best[1])

    def _scores(self, left: Counts, inside: Bools) -> tuple[Scores, Scores]:
        """Return the score and the purity of each further condition.

        The score is van Rijsbergen's F at beta 1/2, which weighs purity over extent. One of several faults explains
        only a part of the failures. Its description must not score below a vague description of all of them.
        """
        counts = np.array([self.failed, self.passed, left], np.float32) * inside
        failed, passed, reached = (counts @ self.values).astype(np.float64)
        purity = failed / np.maximum(failed + passed, 1)
        extent = reached / left.sum()
        return 1.25 * purity * extent / np.maximum(0.25 * purity + extent, 1e-12), purity
