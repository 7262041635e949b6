"""Witnesses: the few failing samples on which mechanisms with many possible parameters are tried first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from convgauge.diagnosis.mechanism import Mechanism
from convgauge.diagnosis.outcome import outcome
from convgauge.diagnosis.plan import NoOutputError, TooExpensiveError
from convgauge.diagnosis.sample import Sample

MAX_OF_A_KIND = 2
MAX_WITNESSES = 6
"""Samples that are tried: of one dtype, operand family and kind of operands, and of all."""

_NO_OUTPUT = (NoOutputError, TooExpensiveError)


def witnesses(samples: Sequence[Sample]) -> list[Sample]:
    """Return small failing samples with an output of the right shape, the smallest of each kind of operands first."""
    chosen: dict[tuple[str, str, bool], list[Sample]] = {}
    for sample in sorted(filter(_has_wrong_values, samples), key=lambda sample: sample.problem.flops):
        if not _has_spread(sample):
            continue
        of_kind = chosen.setdefault((sample.problem.dtype, sample.family, has_special_values(sample)), [])
        if len(of_kind) < MAX_OF_A_KIND:
            of_kind.append(sample)
    turns = [
        sample for turn in range(MAX_OF_A_KIND) for of_kind in chosen.values() for sample in of_kind[turn : turn + 1]
    ]
    return turns[:MAX_WITNESSES]


def has_special_values(sample: Sample) -> bool:
    """Return True if an operand, the right output or the observed one holds NaN or infinity."""
    operands = (sample.call.input, sample.call.weight, sample.call.bias)
    arrays = (*operands, sample.expected, sample.observation.output)
    return not all(array is None or bool(np.isfinite(array).all()) for array in arrays)


def _has_wrong_values(sample: Sample) -> bool:
    output = sample.observation.output
    if sample.fault is None or output is None or not sample.is_plain:
        return False
    return output.shape == sample.problem.output_shape


def _has_spread(sample: Sample) -> bool:
    """Return True if a sample has several right outputs: one alone would fit many predictions."""
    try:
        return sample.expected.size > 1
    except _NO_OUTPUT:
        return False


def relative_error(sample: Sample) -> float:
    """Return the largest error of a finite output, divided by the largest S; 0 if none is finite."""
    output, right = sample.observation.output, sample.expected
    if output is None:
        return 0.0
    with np.errstate(all="ignore"):
        difference = np.abs(np.subtract(output, right, dtype=np.result_type(output, right, np.float64)))
        size = float(np.nanmax(sample.plan.magnitude(), initial=0.0))
    finite = difference[np.isfinite(difference)]
    return float(finite.max()) / size if finite.size and size > 0 else 0.0


def that_fit(candidates: Iterable[Mechanism], samples: Sequence[Sample]) -> Iterator[Mechanism]:
    """Yield the mechanisms that predict at least one of some samples."""
    for mechanism in candidates:
        if any(outcome(mechanism, sample) == "fits" for sample in samples):
            yield mechanism
