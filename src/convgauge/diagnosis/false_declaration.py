"""Test of an output that misses a declared grade: whether it has grade B, so that the declaration is what is false."""

from __future__ import annotations

import numpy as np

from convgauge.diagnosis.sample import Sample
from convgauge.dtypes import round_to
from convgauge.reference import accuracy, oracle
from convgauge.reference.operands import Operands


def has_grade_b(sample: Sample) -> bool:
    """Return True if the output of a sample is what grade B allows, also where NaN or an overflow spreads."""
    output, problem = sample.observation.output, sample.problem
    if output is None or output.shape != problem.output_shape or output.dtype.kind != "f":
        return False
    operands = Operands(sample.call.input, sample.call.weight, sample.call.bias)
    if sample.family == "exact":
        exact = round_to(oracle.answer(problem, operands), problem.dtype)
        finite = np.isfinite(exact)
        allowed = max(accuracy.integer_tolerance(problem, "B"), accuracy.normwise_bound(problem, operands))
        with np.errstate(invalid="ignore", over="ignore"):
            near = np.abs(output[finite] - exact[finite]) <= allowed
        spread = ~np.isfinite(output)
        is_spread_possible = not finite.all()
        return bool(spread[~finite].all() and (near | (spread[finite] & is_spread_possible)).all())
    scale = accuracy.Scale.of(problem, operands)
    with np.errstate(invalid="ignore", over="ignore"):
        return accuracy.measure(output, scale, operands, statistics=False).grade in ("A", "B")
