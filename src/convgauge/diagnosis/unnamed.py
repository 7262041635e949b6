"""Failures that no mechanism predicts: where they are, and how the outputs deviate."""

from __future__ import annotations

from collections.abc import Sequence

from convgauge.diagnosis.cause import Cause
from convgauge.diagnosis.failure_region import find_region
from convgauge.diagnosis.sample import Sample

MAX_INSIDE, MAX_OUTSIDE = 200, 400
"""Samples among which a region is searched."""


def unnamed_causes(left: Sequence[Sample], passing: Sequence[Sample]) -> list[Cause]:
    """Return a cause without a mechanism for the failing samples that are left; none if nothing is left.

    Parameters
    ----------
    left : sequence of Sample
        Failing samples that no mechanism explains.
    passing : sequence of Sample
        Plain samples that passed.
    """
    if not left:
        return []
    plain = [sample for sample in left if sample.is_plain] or list(left)
    outside = [sample.fields for sample in passing[:MAX_OUTSIDE]]
    region = find_region([sample.fields for sample in plain[:MAX_INSIDE]], outside) if outside else None
    clause, expression = ("", "") if region is None else (region.clause, region.expression)
    return [Cause("", "", "outputs are wrong", clause, expression, tuple(left))]
