"""Tests of whole explanations of planted faults that the built-in mutants do not have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from convgauge.diagnosis.experiments import POOL as EXPERIMENTS
from convgauge.diagnosis.explain import explain
from convgauge.diagnosis.plan import Plan
from convgauge.reference.operands import Array
from support.mutant_samples import POOL
from support.planted_samples import Fault, answered

PROBLEMS = [problem for problem in [*POOL, *EXPERIMENTS] if problem.dtype in ("float32", "float64") and problem.batch]


def weights(change: Callable[[Array], Array]) -> Fault:
    return lambda plan: replace(plan, weight=change(plan.weight))


def outputs(change: Callable[[Array], Array]) -> Fault:
    return lambda plan: plan.finish(change)


def biases(change: Callable[[Array], Array]) -> Fault:
    return lambda plan: replace(plan, bias=None if plan.bias is None else change(plan.bias))


def where(condition: Callable[[Plan], bool], fault: Fault) -> Fault:
    return lambda plan: fault(plan) if condition(plan) else plan


def is_square(plan: Plan) -> bool:
    rows, columns = plan.weight.shape[2:]
    return bool(rows == columns)


def first_half(output: Array) -> Array:
    return np.where(2 * np.arange(len(output))[:, None, None, None] < len(output), output, 0)


def first_of_groups(plan: Plan) -> Plan:
    keeps = np.arange(len(plan.weight)) < plan.groups
    return replace(plan, weight=np.where(keeps[:, None, None, None], plan.weight, 0))


def paired(weight: Array) -> Array:
    filters, channels = weight.shape[:2]
    return weight * np.eye(filters, channels, dtype=weight.dtype)[:, :, None, None]


FAULTS: dict[str, tuple[Fault, str]] = {
    "kernel_rotated_left": (where(is_square, weights(lambda w: np.rot90(w, 1, (2, 3)))), "flipped_kernel"),
    "kernel_rotated_right": (where(is_square, weights(lambda w: np.rot90(w, -1, (2, 3)))), "flipped_kernel"),
    "first_half_of_images_computed": (outputs(first_half), "tail_dropped"),
    "output_clamped_-127_127": (outputs(lambda output: np.clip(output, -127, 127)), "narrow_accumulator"),
    "channel_multiplier_dropped": (where(lambda plan: plan.groups > 1, first_of_groups), "tail_dropped"),
    "images_beyond_2_output_clamped": (outputs(lambda out: out[np.minimum(np.arange(len(out)), 1)]), "tail_dropped"),
    "channels_paired": (
        where(lambda plan: plan.weight.shape[0] == plan.weight.shape[1], weights(paired)),
        "groups_ignored",
    ),
    "output_nan_everywhere": (outputs(lambda output: np.full_like(output, np.nan)), "cheat_comparison"),
    "bias_dropped": (
        where(lambda plan: plan.bias is not None and plan.bias.sum() < 0, biases(lambda bias: bias * 0)),
        "bias_dropped",
    ),
}
"""Faults by the slug of their mechanism, with its kind."""


@pytest.mark.parametrize("slug", FAULTS)
def test_a_planted_fault_is_one_cause(slug: str) -> None:
    fault, kind = FAULTS[slug]
    samples = [answered(fault, problem, seed) for seed in range(2) for problem in PROBLEMS]
    (cause,) = explain(samples).causes
    assert (cause.mechanism, cause.kind) == (slug, kind)


def test_a_mechanism_that_predicts_some_outputs_by_chance_is_withdrawn() -> None:
    largest = biases(lambda bias: np.full_like(bias, bias.max()))  # that of the first channel where it is the largest
    samples = [answered(largest, problem, seed) for seed in range(2) for problem in PROBLEMS]
    assert [cause.mechanism for cause in explain(samples).causes] == [""]
