"""Cleared topics: never the parameter that is the cause."""

from __future__ import annotations

import pytest

from convgauge.conformance.random_problems import random_problems
from convgauge.diagnosis.cause import Cause
from convgauge.diagnosis.cleared import cleared_topics
from convgauge.diagnosis.explain import explain
from convgauge.diagnosis.sample import Sample
from support.mutant_samples import POOL, observe

PROBLEMS = [*POOL, *(problem for problem in random_problems(90, "cleared") if problem.flops < 1_000_000)]

TOPICS = {
    "padding_pair_swapped": "padding",
    "padding_clipped_to_kernel": "padding",
    "wide_padding_repeats_edge": "padding",
    "stride_pair_swapped": "stride",
    "output_size_rounded_up": "stride",
    "remainder_drops_last_output": "stride",
    "dilation_ignored": "dilation",
    "fast_path_ignores_dilation": "dilation",
    "middling_groups_share_filters": "groups",
    "group_outputs_shuffled": "groups",
    "pointwise_without_bias": "bias",
    "grouped_bias_repeats": "bias",
    "bias_for_two_images": "batch",
    "bias_only_with_padding": "padding",
    "rectangular_kernel_transposed": "rectangular kernels",
    "double_in_single": "dtype",
}


def outcomes(name: str) -> tuple[list[Sample], list[Sample]]:
    """Return the failing and the passing samples of a mutant."""
    samples = observe(name, PROBLEMS)
    return [s for s in samples if s.fault is not None], [s for s in samples if s.fault is None]


@pytest.mark.parametrize(("name", "topic"), TOPICS.items())
def test_the_cause_is_never_cleared(name: str, topic: str) -> None:
    failing, passing = outcomes(name)
    unknown = Cause("", "", "outputs are wrong", "", "", failing)
    assert topic not in cleared_topics(failing, passing, [unknown])
    vague = Cause("some_mechanism", "", "a sentence that names nothing", "", "", failing)
    assert topic not in cleared_topics(failing, passing, [vague])


@pytest.mark.parametrize("name", ["padding_pair_swapped", "remainder_drops_last_output"])
def test_a_named_cause_is_never_cleared(name: str) -> None:
    failing, passing = outcomes(name)
    diagnosis = explain([*failing[:20], *passing])
    assert TOPICS[name] not in diagnosis.cleared


def test_parameters_that_pass_are_cleared() -> None:
    failing, passing = outcomes("padding_pair_swapped")
    cause = Cause("padding_axes_swapped", "", "padding: rows and columns are swapped", "", "", failing)
    cleared = cleared_topics(failing, passing, [cause])
    assert {"stride", "dilation", "groups", "bias", "batch"} <= set(cleared)
    assert cleared["bias"] == sum(sample.problem.bias for sample in passing)


def test_nothing_is_cleared_while_failures_have_no_cause() -> None:
    failing, passing = outcomes("padding_pair_swapped")
    cause = Cause("padding_axes_swapped", "", "padding: rows and columns are swapped", "", "", failing[1:])
    assert cleared_topics(failing, passing, [cause]) == {}
    assert cleared_topics([], passing, []) == {}
