"""Family of blocks: the axis, the size and the effect are read off the failing samples."""

from __future__ import annotations

from functools import cache

import pytest

from convgauge.conformance.random_problems import random_problems
from convgauge.diagnosis.block_faults import BlockFault
from convgauge.diagnosis.blocks import (
    CHANNELS,
    FILTER_GROUPS,
    FILTERS,
    INPUT_GROUPS,
    OUTPUT_AXES,
    PRODUCT_AXES,
    Rule,
    sources,
)
from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.mechanisms.tails import blocks_of_an_axis
from convgauge.diagnosis.sample import Sample
from support.mutant_samples import POOL, declared, fitting, observe, planted

AXES = {axis.slug: axis for axis in (*OUTPUT_AXES, *PRODUCT_AXES, FILTERS, FILTER_GROUPS, INPUT_GROUPS)}

MUTANTS = {
    "bias_for_two_images": "images_beyond_2_bias_zero",
    "channel_remainder_dropped": "input_channels_remainder_4_weight_zero",
    "multiplier_ignored": "output_channels_beyond_4_sums_zero",
    "depthwise_pairs_of_channels": "output_channels_remainder_2_sums_zero",
    "column_tile_tail": "columns_remainder_16_output_zero",
    "row_tile_tail": "rows_remainder_32_output_zero",
    "output_channel_tail": "output_channels_remainder_8_output_previous_block",
    "reduction_tail": "products_remainder_8_weight_zero",
    "winograd_odd_column": "columns_whole_remainder_2_output_zero",
    "parity_of_sizes": "rows_last_1_output_zero",
    "eight_images": "images_beyond_8_output_zero",
}
"""Mutants, and a fault that predicts all their failing samples of the pool."""

FAULTS = [
    BlockFault("output", AXES["columns"], Rule("remainder", 4), "zero"),
    BlockFault("sums", AXES["columns"], Rule("remainder", 4), "zero"),
    BlockFault("bias", AXES["rows"], Rule("remainder", 2), "zero"),
    BlockFault("sums", AXES["rows"], Rule("last", 2), "twice"),
    BlockFault("output", AXES["output_channels"], Rule("remainder", 3), "twice"),
    BlockFault("output", AXES["output_channels"], Rule("beyond", 3), "modulo"),
    BlockFault("sums", AXES["output_channels"], Rule("remainder", 4), "clamped"),
    BlockFault("output", AXES["images"], Rule("beyond", 1), "zero"),
    BlockFault("output", AXES["images"], Rule("last", 1), "before"),
    BlockFault("output", AXES["plane"], Rule("remainder", 16), "zero"),
    BlockFault("output", AXES["plane"], Rule("beyond", 16), "start"),
    BlockFault("output", AXES["pixels"], Rule("remainder", 32), "zero"),
    BlockFault("sums", AXES["planes"], Rule("remainder", 4), "zero"),
    BlockFault("output", AXES["outputs"], Rule("remainder", 64), "zero"),
    BlockFault("sums", AXES["channels_of_group"], Rule("beyond", 1), "zero"),
    BlockFault("output", AXES["columns"], Rule("every", 3, 2), "zero"),
    BlockFault("output", AXES["rows"], Rule("every", 2, 1), "before"),
    BlockFault("weight", CHANNELS, Rule("last", 1), "zero"),
    BlockFault("weight", CHANNELS, Rule("beyond", 2), "zero"),
    BlockFault("weight", CHANNELS, Rule("remainder", 2), "twice"),
    BlockFault("weight", AXES["products"], Rule("remainder", 4), "zero"),
    BlockFault("weight", AXES["products"], Rule("last", 1), "alone"),
    BlockFault("weight", AXES["products_by_tap"], Rule("remainder", 4), "zero"),
    BlockFault("weight", AXES["products"], Rule("every", 2, 1), "zero"),
    BlockFault("weight", AXES["products"], Rule("first", 1), "zero"),
    BlockFault("weight", FILTERS, Rule("beyond", 3), "modulo"),
    BlockFault("weight", FILTER_GROUPS, Rule("beyond", 2), "clamped"),
    BlockFault("input", INPUT_GROUPS, Rule("beyond", 2), "modulo"),
    BlockFault("input", CHANNELS, Rule("beyond", 4), "modulo"),
]


@cache
def _right() -> list[Sample]:
    return observe("padding_skipped", [*POOL, *random_problems(12, "tails")])


@pytest.mark.parametrize(("name", "slug"), MUTANTS.items(), ids=list(MUTANTS))
def test_the_fault_of_a_mutant_is_proposed(name: str, slug: str) -> None:
    samples = observe(name)
    proposed = {each.slug: each for each in blocks_of_an_axis(samples)}
    assert slug in fitting(samples, proposed.values())
    assert proposed[slug].kind == declared()[name].mechanism


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.slug)
def test_a_planted_fault_is_proposed(fault: BlockFault) -> None:
    samples = planted(fault.mechanism(), _right())
    assert any(sample.fault for sample in samples)
    proposed = list(blocks_of_an_axis(samples))
    assert fault.slug in {each.slug for each in proposed}
    assert fault.slug in fitting(samples, proposed)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.slug)
def test_a_sentence_starts_with_its_topic(fault: BlockFault) -> None:
    assert fault.sentence.startswith(fault.axis.topic + ": ")
    assert "  " not in fault.sentence


@pytest.mark.parametrize("name", ["power_of_two_flipped", "groups_interleaved", "float32_channels_reversed"])
def test_nothing_is_proposed_that_explains_another_fault(name: str) -> None:
    samples = observe(name)
    assert not fitting(samples, blocks_of_an_axis(samples))


def test_nothing_is_proposed_for_passing_samples() -> None:
    assert not list(blocks_of_an_axis(_right()))


def test_the_affected_elements_of_a_rule() -> None:
    assert Rule("remainder", 4).affected(10).tolist() == [8, 9]
    assert Rule("remainder", 4).affected(3).tolist() == []
    assert Rule("whole_remainder", 4).affected(3).tolist() == [0, 1, 2]
    assert Rule("beyond", 4).affected(6).tolist() == [4, 5]
    assert Rule("last", 2).affected(5).tolist() == [3, 4]
    assert Rule("first", 2).affected(5).tolist() == [0, 1]
    assert Rule("every", 2, 1).affected(5).tolist() == [1, 3]


def test_the_sources_of_copied_elements() -> None:
    assert sources(Rule("remainder", 4), "previous_block", 6).tolist() == [0, 1, 2, 3, 0, 1]
    assert sources(Rule("remainder", 4), "clamped", 6).tolist() == [0, 1, 2, 3, 3, 3]
    assert sources(Rule("beyond", 2), "modulo", 6).tolist() == [0, 1, 0, 1, 0, 1]
    assert sources(Rule("beyond", 2), "start", 6).tolist() == [0, 1, 0, 1, 2, 3]
    assert sources(Rule("last", 1), "before", 4).tolist() == [0, 1, 2, 2]


def test_limits_of_an_index_are_of_their_kind() -> None:
    kinds = {m: BlockFault("output", AXES["images"], Rule("beyond", m), "zero").kind for m in (8, 256, 65535)}
    assert kinds == {
        8: MechanismKind.TAIL_DROPPED, 256: MechanismKind.INDEX_OVERFLOW, 65535: MechanismKind.INDEX_OVERFLOW,
    }  # fmt: skip
