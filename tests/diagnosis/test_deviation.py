"""Deviations: the kind of what is wrong is stated if it holds for every failing sample, and only then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from convgauge.diagnosis.deviation import describe_deviation
from convgauge.diagnosis.plan import Plan
from convgauge.diagnosis.sample import Sample
from convgauge.domain import fields_of
from convgauge.problem import Problem
from convgauge.reference.compare import Fault, check_output
from convgauge.reference.operands import Array, draw
from convgauge.worker.call import Call, Observation

TEXTS = (
    "n2c3h8w8_o4k3x3_s1x1_p1x1_d1x1_g1_b_float32",
    "n3c4h7w9_o6k3x2_s1x1_p0x1_d1x1_g1_b_float32",
    "n2c4h6w5_o4k2x3_s1x2_p1x0_d1x1_g1_b_float64",
    "n1c6h9w8_o6k3x3_s2x1_p1x2_d1x2_g3_b_float32",
    "n2c8h6w20_o4k3x3_s1x1_p1x1_d1x1_g2_b_float32",
    "n2c3h12w5_o9k1x1_s1x1_p0x0_d1x1_g1_float32",
)
Change = Callable[[Array], Array]


def sample(text: str, change: Change) -> Sample:
    """Return the sample of a call whose output is the changed right one."""
    problem = Problem.parse(text)
    operands = draw(problem, "exact", 0)
    right = Plan.of(problem, operands.input, operands.weight, operands.bias).output()
    call = Call(operands.input, operands.weight, operands.bias, problem.arguments, (problem.dtype,) * 3, is_valid=True)
    output = change(right.copy())
    fault = check_output(output, problem.dtype, right, problem.dtype, 0.0)
    return Sample("", text, problem, "exact", call, Observation("answer", output), fault, fields_of(problem))


def described(change: Change) -> str:
    """Return the deviation of a change that fails in some problems."""
    return describe_deviation([each for text in TEXTS if (each := sample(text, change)).fault is not None])


def part(index: Any, change: Change = lambda values: values * 0) -> Change:
    """Return the change of a part of the output; by default it becomes 0."""

    def apply(output: Array) -> Array:
        output[index] = change(output[index])
        return output

    return apply


def shifted_by_channel(right: Array) -> Array:
    """Return outputs to which the number of the channel is added."""
    return np.asarray(right + np.arange(right.shape[1])[:, None, None] + 1)


def rounded(right: Array) -> Array:
    """Return outputs with a small relative error."""
    return np.asarray(right * (1 + 1e-6 * np.sin(right)))


ANY = slice(None)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda right: right * 0, "all outputs are 0"),
        (lambda right: right * 2, "all outputs are off by a factor of 2"),
        (lambda right: right + 3, "all outputs are off by 3"),
        (lambda right: -right, "all outputs have the wrong sign"),
        (lambda right: right + np.nan, "all outputs are NaN"),
        (lambda right: right + right.std(), "all outputs are off by a constant of each call"),
        (lambda right: 1e30 * np.sin(right), "all outputs are far beyond all right values"),
        (part((ANY, ANY, ANY, -1)), "the outputs of the last column are 0"),
        (part((ANY, ANY, 0), lambda values: values + np.nan), "the outputs of the first row are NaN"),
        (part((ANY, ANY, ANY, slice(5, None)), np.square), "the outputs of columns from 5 are wrong"),
        (part((ANY, slice(1, None, 2))), "the outputs of every second channel are 0"),
        (part((ANY, ANY, slice(0, 2))), "the outputs of the first rows are 0"),
        (part((slice(1, None),)), "the outputs of images from 1 are 0"),
        (part((0, 0, 0, 0), lambda value: value + 1), "the first outputs are off by 1"),
        (part((ANY, ANY, 0, 0)), "the outputs of the first row and the first column are 0"),
        (lambda right: np.roll(right, 1, 1), "all outputs are those of the previous channel"),
        (lambda right: right[:, ::-1], "some outputs are the right values in another order"),
        (shifted_by_channel, "all outputs are off by a constant of each channel"),
        (rounded, "nearly all outputs are imprecise: errors up to 1e-06 of the largest output"),
        (lambda right: right[..., :-1], "the output has fewer columns than it should"),
        (np.square, "all outputs are wrong"),
    ],
)  # fmt: skip
def test_the_deviation_is_stated(change: Change, sentence: str) -> None:
    assert described(change) == sentence


def test_corners_and_borders_are_stated() -> None:
    def corners(output: Array) -> Array:
        for row in (0, -1):
            for column in (0, -1):
                output[:, :, row, column] = 0
        return output

    def border(output: Array) -> Array:
        inside = output[:, :, 1:-1, 1:-1].copy()
        output[...] = 0
        output[:, :, 1:-1, 1:-1] = inside
        return output

    assert described(corners) == "the outputs in the corners are 0"
    assert described(border) == "the outputs at the border are 0"


def test_only_what_holds_for_all_samples_is_stated() -> None:
    last, zero = part((ANY, ANY, ANY, -1)), lambda right: right * 0
    assert describe_deviation([sample(TEXTS[0], last), sample(TEXTS[1], zero)]) == "some outputs are 0"
    different = [sample(TEXTS[0], last), sample(TEXTS[1], lambda right: right + 1)]
    assert describe_deviation(different) == "some outputs are wrong"
    mixed = [sample(TEXTS[0], last), sample(TEXTS[1], lambda right: right[:1])]
    assert set(describe_deviation(mixed).split(" or ")) == {"a wrong shape", "wrong outputs"}


def test_calls_without_an_output_are_stated() -> None:
    fault = Fault("errored", "ValueError: no", kind="raised")
    wrong = sample(TEXTS[0], lambda right: right + 1)
    raised = replace(wrong, observation=Observation("raised"), fault=fault)
    assert describe_deviation([raised]) == "an exception instead of an output"
    assert describe_deviation([]) == ""


def test_a_relation_that_fails_is_named_by_its_law() -> None:
    fault = Fault("failed", "", kind="relation")
    wrong = replace(sample(TEXTS[0], lambda right: right), fault=fault, is_law=True)
    laws = [replace(wrong, spec=spec) for spec in ("laws.shift", "laws.batch", "laws.shift")]
    assert describe_deviation(laws) == "the outputs break laws.batch and laws.shift"
