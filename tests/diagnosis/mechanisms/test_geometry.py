"""Mechanisms about geometry: each predicts the faults that it describes, and no two predict the same."""

from __future__ import annotations

from collections import defaultdict
from functools import cache

import pytest

from convgauge.diagnosis.mechanism import Mechanism, library
from convgauge.diagnosis.sample import Sample
from convgauge.process.in_process import InProcessSubject
from support.geometry_problems import GEOMETRY, SPELLINGS
from support.mutant_samples import changed_output, declared, fitting, observe, observed, predicts

FAULTS = {
    "rows_by_numpy_convolve": "kernel_columns_flipped",
    "even_kernel_flipped": "kernel_flipped",
    "rectangular_kernel_transposed": "kernel_by_columns",
    "square_kernel_transposed": "kernel_transposed",
    "large_kernel_cut_off": "kernel_beyond_7",
    "last_column_of_wide_kernel_lost": "kernel_without_last_column",
    "pointwise_without_padding": "padding_ignored",
    "pointwise_without_stride": "stride_ignored",
    "padding_pair_swapped": "padding_axes_swapped",
    "padding_square": "padding_of_height_for_both",
    "same_by_kernel_height": "same_by_height",
    "same_odd_row_first": "padding_sides_exchanged",
    "padding_all_on_one_side": "padding_all_before_from_2",
    "same_ignores_dilation": "same_ignores_dilation",
    "same_is_half_the_kernel": "same_is_half_kernel_times_dilation",
    "padding_in_steps_of_dilation": "padding_in_steps_of_dilation_right_size",
    "strided_padding_at_the_start_alone": "padding_before_alone_unwritten_zero",
    "padding_clipped_to_kernel": "padding_capped_at_extent_less_one_right_size",
    "wide_padding_repeats_edge": "padding_edge",
    "padding_beyond_image_wraps": "padding_wrap_for_columns",
    "valid_is_same": "valid_is_same",
    "padding_zero_is_an_empty_slice": "padding_slice_of_zero",
    "stride_pair_swapped": "stride_axes_swapped",
    "stride_square": "stride_of_height_for_both",
    "output_size_rounded_up": "output_size_rounded_up",
    "remainder_drops_last_output": "output_size_one_fewer_for_columns",
    "subsampled_from_the_wrong_phase": "stride_last_phase",
    "stride_capped_by_kernel": "stride_capped_at_kernel_right_size",
    "stride_of_three_is_two": "stride_capped_at_2_for_rows_right_size",
    "strided_without_dilation": "dilation_ignored_right_size",
    "stride_two_on_odd_width": "output_last_column_of_next_row",
    "dilation_ignored": "dilation_ignored_right_size",
    "dilation_pair_swapped": "dilation_axes_swapped",
    "dilation_square": "dilation_of_height_for_both",
    "dilated_extent_too_large": "output_size_extent_too_large",
    "grouped_without_dilation": "dilation_ignored_right_size",
    "dilation_capped_at_three": "dilation_capped_at_3_right_size",
    "dilated_kernel_shifted": "output_shifted_right_1_wrapped",
    "accidents_translated": "dilation_axes_swapped",
    "batch_and_channel_exchanged": "output_batch_and_channels_swapped",
    "stride_of_a_byte": "stride_in_8_bits",
    "tile_without_halo": "tile_ends_of_32_columns_without_halo",
    "int_arguments_last_column_unwritten": "output_last_column_unwritten",
}
"""Mutants, and the mechanism that predicts all their failing samples."""

SPELLED_FAULTS = {
    "stride_number_for_rows": "stride_number_for_rows",
    "default_padding_of_one": "default_padding_of_one",
    "default_stride_of_the_kernel": "default_stride_of_kernel",
    "one_number_for_the_rows": "padding_list_of_one_for_rows",
    "numpy_pairs_width_first": "stride_axes_swapped",
    "numpy_pair_halved": "stride_of_height_for_both",
    "dilation_before_padding": "dilation_before_padding",
    "bias_of_one_by_default": "default_bias_of_one",
}
"""The same for mutants that misread arguments by their spelling."""


def observed_as_spelled(name: str) -> list[Sample]:
    """Return samples of calls whose arguments are spelled in several ways."""
    subject = InProcessSubject(declared()[name].origin)
    return [observed(subject, problem, arguments=given, mode=mode) for problem, given, mode in SPELLINGS]


@cache
def of_correct_build() -> list[Sample]:
    """Return samples of a correct build."""
    return [*observe("padding_skipped", GEOMETRY), *observed_as_spelled("padding_skipped")]


MODULES = (
    "readings", "axes", "constant_offsets", "kernel_cut", "kernel_taps", "output_border", "output_order", "output_size",
    "padding_values", "pitches", "refused_padding", "shifted_output", "tile_borders",
)  # fmt: skip
"""Modules whose mechanisms are about geometry; those of `readings` are declared by several files."""


def _module(each: Mechanism) -> str:
    change = getattr(each.change, "func", each.change)
    return str(change.__module__).rpartition(".")[2]


@pytest.mark.parametrize(("mutant", "slug"), FAULTS.items())
def test_a_mechanism_predicts_every_failing_sample(mutant: str, slug: str) -> None:
    samples = observe(mutant, GEOMETRY)
    assert slug in fitting(samples)
    named = next(each for each in library(samples) if each.slug == slug)
    assert named.kind == declared()[mutant].mechanism


@pytest.mark.parametrize(("mutant", "slug"), SPELLED_FAULTS.items())
def test_a_mechanism_predicts_every_misread_spelling(mutant: str, slug: str) -> None:
    samples = observed_as_spelled(mutant)
    assert slug in fitting(samples)
    named = next(each for each in library(samples) if each.slug == slug)
    assert named.kind == declared()[mutant].mechanism


def test_a_correct_build_has_no_failing_sample_to_explain() -> None:
    assert not [sample for sample in of_correct_build() if sample.fault is not None]
    assert not [each for each in library(of_correct_build()) if predicts(each, of_correct_build()[0])]


def test_mechanisms_are_visible_and_predict_different_outputs() -> None:
    by_output: dict[tuple[int | None, ...], list[str]] = defaultdict(list)
    for each in (each for each in library() if _module(each) in MODULES):
        outputs = [changed_output(each, sample) for sample in of_correct_build()]
        by_output[tuple(None if output is None else hash(output) for output in outputs)].append(each.slug)
    invisible = by_output.pop((None,) * len(of_correct_build()), [])
    assert not invisible
    assert not [slugs for slugs in by_output.values() if len(slugs) > 1]
