"""Tests of the mechanism that is named beside others, for samples of kernels with several faults."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from convgauge.diagnosis.candidates import Candidate
from convgauge.diagnosis.failure_region import Region
from convgauge.diagnosis.mechanism import library
from convgauge.diagnosis.named import Named, attribute
from convgauge.diagnosis.plan import Plan
from convgauge.diagnosis.residue import named_beside
from support.mutant_samples import POOL
from support.planted_samples import answered

NO_BIAS = next(each for each in library() if each.slug == "bias_dropped")


def both(plan: Plan) -> Plan:
    """Leave the bias out, and output channels after a multiple of four at zero."""
    filled = len(plan.weight) // 4 * 4 if len(plan.weight) % 4 else len(plan.weight)
    return replace(plan, bias=None).finish(
        lambda output: np.where(np.arange(output.shape[1])[:, None, None] < filled, output, 0)
    )


def test_a_second_fault_is_found_beside_the_first_one_in_calls_with_both() -> None:
    samples = [answered(both, problem, seed) for seed, problem in enumerate(POOL)]
    failing = [sample for sample in samples if sample.fault is not None]
    first = Named(Candidate(NO_BIAS, (), Region(), is_conditional=False))
    left = attribute(failing, [first])
    passing = [sample for sample in samples if sample.fault is None]
    (second,), others = named_beside([first], left, passing)
    assert second.candidate.mechanism.kind == "tail_dropped"
    assert any(first.acts_on(sample) for sample in second.samples)
    assert not others


def test_few_samples_name_nothing() -> None:
    samples = [answered(both, problem) for problem in POOL]
    failing = [sample for sample in samples if sample.fault is not None][:3]
    assert named_beside([], failing, []) == ([], failing)
