"""Mechanisms of memory: what a kernel reads that ignores strides, offsets, byte order or alignment."""

from __future__ import annotations

import numpy as np
import pytest

from convgauge.conformance.execution import repeated
from convgauge.diagnosis.mechanism import library
from convgauge.diagnosis.mechanisms import memory
from convgauge.diagnosis.memory_image import MemoryImage
from convgauge.diagnosis.outcome import outcome
from convgauge.diagnosis.sample import Sample
from convgauge.worker.layouts import CARVERS, PARTS
from support.mutant_samples import POOL, changed_output, declared, fitting, observe, planted

MECHANISMS = {each.slug: each for each in library() if each.change.__module__ == memory.__name__}
LAYOUTS = [*(name for name in CARVERS if name not in PARTS), "bigendian", "unaligned", "readonly", "odd_strides"]
PROBLEMS = [POOL[0], POOL[4], POOL[8], POOL[12]]

MUTANTS = {
    "input_taken_for_contiguous": "input_strides_ignored",
    "weight_taken_for_contiguous": "weight_strides_ignored",
    "bias_taken_for_contiguous": "bias_strides_ignored",
    "input_in_fortran_order": "input_strides_ignored",
    "weight_in_fortran_order": "weight_strides_ignored",
    "channels_last_weight_misread": "weight_strides_ignored",
    "expanded_weight_misread": "weight_strides_ignored",
    "negative_strides_misread": "input_sign_of_last_stride_ignored",
    "byte_order_ignored": "input_byte_order_ignored",
    "weight_byte_order_ignored": "weight_byte_order_ignored",
    "planes_read_densely": "weight_strides_ignored",
}
"""Mutants, and the mechanism that predicts all their failing samples."""


def _samples(name: str) -> list[Sample]:
    """Return the samples of a mutant with one operand in each layout."""
    triples = [tuple(layout if i == k else "contiguous" for i in range(3)) for layout in LAYOUTS for k in range(3)]
    return [sample for layouts in triples for sample in observe(name, PROBLEMS, layouts=(*layouts,))]  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "slug"), MUTANTS.items(), ids=list(MUTANTS))
def test_a_mutant_is_predicted(name: str, slug: str) -> None:
    assert slug in fitting(_samples(name), MECHANISMS.values())
    assert MECHANISMS[slug].kind == declared()[name].mechanism


def test_the_mechanisms_of_an_operand_predict_different_outputs() -> None:
    samples = _samples("padding_skipped")
    outputs = {slug: tuple(changed_output(each, sample) for sample in samples) for slug, each in MECHANISMS.items()}
    made_by_torch = {slug for slug in MECHANISMS if slug.endswith(("negation_ignored", "conjugation_ignored"))}
    visible = {slug: output for slug, output in outputs.items() if slug not in made_by_torch}
    assert all(any(output) for output in visible.values())
    assert len(set(visible.values())) == len(visible)


def test_no_mechanism_changes_contiguous_operands() -> None:
    samples = observe("padding_skipped", PROBLEMS)
    assert all(changed_output(each, sample) is None for each in MECHANISMS.values() for sample in samples)


def test_memory_beyond_a_buffer_is_not_predicted() -> None:
    layouts = ("broadcast", "contiguous", "contiguous")
    (sample,) = planted(MECHANISMS["input_strides_ignored"], observe("padding_skipped", PROBLEMS[:1], layouts=layouts))
    assert outcome(MECHANISMS["input_strides_ignored"], sample) == "fits"
    output = sample.observation.output
    assert output is not None
    output[1] += 1.0
    assert outcome(MECHANISMS["input_strides_ignored"], sample) == "unknown"


@pytest.mark.parametrize("layout", [name for name in CARVERS if name != "contiguous"])
def test_a_memory_image_holds_the_operand(layout: str) -> None:
    values = repeated(np.arange(120.0).reshape(2, 3, 4, 5), layout)
    image = MemoryImage.of(values, layout)
    assert image is not None
    elements = image.read(image.start, image.steps)
    assert elements.is_determined
    assert np.array_equal(elements.values, values)


def test_contiguous_and_unknown_layouts_have_no_image() -> None:
    values = np.ones((1, 1, 2, 2))
    assert MemoryImage.of(values, "contiguous") is None
    assert MemoryImage.of(values, "of_another_framework") is None
