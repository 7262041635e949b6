"""Mechanisms of channels, groups, bias, weights, batches and output shapes: which mutants they predict."""

from __future__ import annotations

from collections import defaultdict
from functools import cache

import pytest

from convgauge.diagnosis.mechanism import Mechanism, library
from convgauge.diagnosis.mechanisms import (
    batches,
    bias,
    bias_channels,
    bias_positions,
    group_order,
    groups,
    layouts,
    output_form,
    weights,
)
from convgauge.diagnosis.sample import Sample
from support.mutant_samples import changed_output, declared, fitting, observe

MODULES = (batches, bias, bias_channels, bias_positions, group_order, groups, layouts, output_form, weights)
MECHANISMS = [each for each in library() if each.change.__module__ in {module.__name__ for module in MODULES}]

MUTANTS = {
    "bias_only_with_padding": {"bias_dropped"},
    "bias_once_a_group": {"bias_once_per_group"},
    "pointwise_without_bias": {"bias_dropped"},
    "bias_along_columns": {"bias_along_columns", "bias_of_column", "bias_of_position", "bias_in_nhwc_order"},
    "strided_bias_rolled": {"bias_of_previous_channel"},
    "no_bias_in_the_padding": {"bias_dropped_in_padding"},
    "grouped_bias_repeats": {"bias_of_first_group"},
    "groups_share_first_channels": {"groups_read_first_channels"},
    "middling_groups_share_filters": {"groups_share_first_filters"},
    "last_group_repeats": {"last_group_has_filters_before"},
    "groups_interleaved": {"input_channels_interleaved"},
    "group_outputs_shuffled": {"output_channels_shuffled"},
    "multiplier_taken_modulo": {"filters_interleaved"},
    "square_weight_transposed": {"weight_read_as_iohw", "weight_written_as_iohw"},
    "channels_never_summed_when_square": {"channels_paired"},
    "float32_channels_reversed": {"weight_channels_reversed"},
    "depthwise_channels_reversed": {"filters_reversed", "filter_groups_reversed"},
    "square_3x3_bias_shifted": {"bias_of_next_channel"},
    "batch_and_channel_exchanged": {
        "output_batch_and_channels_swapped", "output_read_as_cnhw", "output_written_as_cnhw",
    },
    "one_image_unbatched": {"batch_axis_squeezed", "only_first_image_returned", "batch_and_channels_flattened"},
    "squeezed": {"all_axes_squeezed"},
    "one_position_flattened": {"position_squeezed", "images_flattened", "all_axes_squeezed"},
    "rectangular_output_reshaped": {"rows_and_columns_reshaped"},
    "empty_batch_gives_one": {"empty_batch_gives_one_image"},
    "no_rows_gives_no_rows": {"empty_input_gives_empty_output"},
}  # fmt: skip
"""Mutants, and the mechanisms of these modules that predict all their failing samples of the pool."""


@cache
def _correct_samples() -> list[Sample]:
    return observe("padding_skipped")


@cache
def _outputs(mechanism: Mechanism) -> tuple[bytes | None, ...]:
    return tuple(changed_output(mechanism, sample) for sample in _correct_samples())


@pytest.mark.parametrize(("name", "slugs"), MUTANTS.items(), ids=list(MUTANTS))
def test_a_mutant_is_predicted_by_its_mechanisms_alone(name: str, slugs: set[str]) -> None:
    assert fitting(observe(name), MECHANISMS) == slugs


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mechanism_has_the_kind_of_its_mutant(name: str) -> None:
    kinds = {each.kind for each in MECHANISMS if each.slug in MUTANTS[name]}
    assert declared()[name].mechanism in kinds


@pytest.mark.parametrize("name", ["power_of_two_flipped", "square_kernel_transposed", "fast_path_ignores_dilation"])
def test_other_faults_are_predicted_by_none(name: str) -> None:
    assert not fitting(observe(name), MECHANISMS)


def test_a_mechanism_changes_some_output() -> None:
    invisible = [each.slug for each in MECHANISMS if not any(_outputs(each))]
    assert invisible == []


def test_no_two_mechanisms_predict_the_same() -> None:
    slugs = defaultdict(list)
    for each in MECHANISMS:
        slugs[_outputs(each)].append(each.slug)
    assert [same for same in slugs.values() if len(same) > 1] == []


def test_the_correct_convolution_fails_nowhere() -> None:
    assert all(sample.fault is None for sample in _correct_samples())


def test_a_sentence_starts_with_its_topic() -> None:
    assert all(": " in each.sentence for each in MECHANISMS)
