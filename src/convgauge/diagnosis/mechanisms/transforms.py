"""Mechanisms of FFT and Winograd: their rounding, the spread of NaN over a tile, and overflow on the way.

The errors of a transform depend on its library. They are shown by lower evidence: they are in proportion to the largest
numbers of the image instead of those of the output, and within the bound that holds for transforms (grade B).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.mechanism import Mechanism, family
from convgauge.diagnosis.plan import Adder, Plan
from convgauge.diagnosis.sample import Sample
from convgauge.diagnosis.witnesses import has_special_values, that_fit, witnesses
from convgauge.dtypes import DTYPES, FLOATS, round_to
from convgauge.reference.operands import Array

MIN_COMPONENTWISE = 4.0
"""Error of some output, in units of its own bound of a direct sum, above which no order of summation explains it."""


def _unchanged(plan: Plan, sample: Sample) -> Plan | None:
    return plan if plan.dtype in FLOATS and sample.declared_grade == "A" else None


def _is_rounding_of_transform(plan: Plan, sample: Sample) -> bool:
    """Return True if all errors are within a transform's bound, and some exceed that of every direct sum."""
    output, right = sample.observation.output, sample.expected
    if output is None or output.shape != right.shape:
        return False
    spread = ~np.isfinite(output) & np.isfinite(right)
    with np.errstate(all="ignore"):
        errors = np.abs(output.astype(np.float64) - right)
        direct = np.zeros(right.shape) if sample.family == "exact" else _direct_bound(plan)
    comparable = np.isfinite(output) & np.isfinite(right)
    if not (errors[comparable] <= plan.bound()).all() or (np.isfinite(output) & ~np.isfinite(right)).any():
        return False
    return bool(spread.any() or (errors[comparable] > MIN_COMPONENTWISE * direct[comparable]).any())


def _direct_bound(plan: Plan) -> Array:
    """Return the largest error of each output in any order of summation: (K + 1) u S, and the output's rounding."""
    dtype = DTYPES[plan.dtype]
    accumulator = DTYPES[dtype.accumulator]
    roundoff = (plan.reduction + 1) * accumulator.roundoff + (dtype.roundoff if dtype != accumulator else 0.0)
    return roundoff * plan.magnitude() + accumulator.step


def _shows_no_transform(plan: Plan, sample: Sample) -> bool:
    return False


def _rounding() -> Mechanism:
    sentence = "accuracy: grade B, that of a transform (FFT or Winograd), where that of a direct sum is declared"
    return Mechanism(
        "transform_declared_direct", MechanismKind.FALSE_DECLARATION, sentence, _unchanged, 2.0,
        _is_rounding_of_transform, _shows_no_transform,
    )  # fmt: skip


def _over_tiles(tile: int) -> Mechanism:
    """Return the mechanism that spreads NaN and infinity of an input tile over its tile of outputs."""

    def change(plan: Plan, sample: Sample) -> Plan | None:
        if plan.stride != (1, 1) or plan.dilation != (1, 1) or np.isfinite(plan.input).all():
            return None
        if plan.input.dtype.kind != "f" or plan.groups != 1:
            return None
        spoilt: Array = np.asarray((~np.isfinite(plan.pad(plan.input, plan.pads))).any(axis=1))

        def spread(output: Array) -> Array:
            return np.where(_tiles_with(spoilt, output.shape, tile, plan.extent)[:, None], np.nan, output)

        return plan.finish(spread)

    sentence = f"output: NaN spreads over tiles of {tile}x{tile}, as by Winograd's algorithm"
    return Mechanism(f"nan_spread_over_tiles_of_{tile}", MechanismKind.NAN_SPREAD, sentence, change, 1.2)


def _tiles_with(spoilt: Array, shape: tuple[int, ...], tile: int, extent: tuple[int, int]) -> Array:
    """Return which outputs (N, OH, OW) lie in a tile whose inputs hold a NaN or an infinity."""
    reached: Array = np.zeros((shape[0], *shape[2:]), np.bool_)
    for top in range(0, shape[2], tile):
        for left in range(0, shape[3], tile):
            field: Array = spoilt[:, top : top + tile + extent[0] - 1, left : left + tile + extent[1] - 1]
            reached[:, top : top + tile, left : left + tile] = np.asarray(field.any(axis=(1, 2)))[:, None, None]
    return reached


def _overflowing(exponent: int) -> Mechanism:
    """Return the mechanism whose sums are 2^exponent times larger on the way."""

    def change(plan: Plan, sample: Sample) -> Plan | None:
        if plan.dtype not in FLOATS:
            return None
        accumulator = DTYPES[plan.dtype].accumulator

        def rounded(values: Array) -> Array:
            return round_to(values, accumulator).astype(np.float64)

        def add(filters: Array, fields: Array) -> Array:
            scaled = rounded(fields * 2.0**exponent)
            return rounded(filters @ scaled) * 2.0**-exponent

        adders: tuple[Adder, ...] = (add,)
        return replace(plan, adders=adders)

    sentence = f"sums: too large on the way, so that sums overflow from 1/2^{exponent} of the largest finite number"
    return Mechanism(f"sums_overflow_by_{exponent}_bits", MechanismKind.NAN_SPREAD, sentence, change, 1.2)


def _overflow(samples: Sequence[Sample]) -> Iterator[Mechanism]:
    """Yield the overflow on the way of the exponent that predicts the most samples."""
    finite = [sample for sample in samples if np.isfinite(sample.expected).all()]
    candidates = list(that_fit(map(_overflowing, _EXPONENTS), finite))
    if candidates:
        yield max(candidates, key=lambda mechanism: _count(mechanism, finite))


def _count(mechanism: Mechanism, samples: Sequence[Sample]) -> int:
    """Return the number of samples that a mechanism predicts."""
    return sum(len(list(that_fit([mechanism], [sample]))) for sample in samples)


_EXPONENTS = (20, 8, 10, 12, 16, 24, 32, 40, 1, 2, 3, 4, 5, 6, 7, 9, 11, 13, 14, 15, 17, 18, 19, 21, 22, 23, 28, 36, 48)


@family
def transforms(samples: Sequence[Sample]) -> Iterator[Mechanism]:
    """Yield the effects of transforms that predict a failing sample."""
    failing = witnesses(samples)
    yield from that_fit([_rounding()], failing)
    special = [sample for sample in failing if has_special_values(sample)]
    yield from that_fit([_over_tiles(tile) for tile in (2, 3, 4, 6, 8, 16)], special)
    yield from _overflow(special)
