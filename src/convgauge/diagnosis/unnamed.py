"""Failures that no mechanism predicts: where they are, and how the outputs deviate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from convgauge.diagnosis.cause import Cause
from convgauge.diagnosis.deviation import describe_deviation
from convgauge.diagnosis.failure_region import RegionSearch, either
from convgauge.diagnosis.necessary import necessary_condition
from convgauge.diagnosis.sample import Sample

MAX_OUTSIDE_SHARE = 0.1
"""Share of a region's cases that may pass: the fault does not show on each of them."""

MAX_UNNAMED, MAX_PASSED = 300, 1500
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
    sentence = describe_deviation(left)
    plain = [sample for sample in left if sample.is_plain] or list(left)
    inside, outside = _spread(plain, MAX_UNNAMED), _spread(passing, MAX_PASSED)
    search = RegionSearch([sample.fields for sample in (*inside, *outside)])
    is_inside = np.arange(len(inside) + len(outside)) < len(inside)
    region = search.find(is_inside, ~is_inside, max_outside_share=MAX_OUTSIDE_SHARE)
    necessary = necessary_condition(plain, passing) if any(sample.is_plain for sample in left) else None
    slug, kind = ("", "") if necessary is None else (necessary.slug, str(necessary.kind))
    sentence = sentence if necessary is None else f"{necessary.sentence}; {sentence}"
    if region is not None:
        return [Cause(slug, kind, sentence, region.clause, region.expression, tuple(left))]
    regions = search.find_several(is_inside, ~is_inside, max_outside_share=MAX_OUTSIDE_SHARE)
    expression = either([each.expression for each in regions])
    return [Cause(slug, kind, sentence, ", and ".join(each.clause for each in regions), expression, tuple(left))]


def _spread(samples: Sequence[Sample], count: int) -> Sequence[Sample]:
    """Return at most ``count`` samples, evenly spread over all of them."""
    return samples[:: -(-len(samples) // count) or 1]
