"""Roundings of operands, of sums and of the output: the right one is candidates, and its rivals are not."""

from __future__ import annotations

import numpy as np
import pytest

from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.outcome import outcome
from convgauge.diagnosis.sample import Sample
from convgauge.problem import Problem
from support.mutant_samples import declared
from support.value_samples import BASE, ValueCase, named, observe_values

PROBLEMS = (
    BASE,
    BASE.replace(kernel=(1, 1), padding=(0, 0)),
    BASE.replace(in_channels=16, bias=False),
    BASE.replace(in_channels=6, out_channels=6, groups=2, stride=(2, 1)),
    BASE.replace(in_channels=40, kernel=(2, 3)),
)
WIDE = Problem(batch=1, in_channels=64, height=4, width=4, out_channels=64, kernel=(1, 1))
FAMILIES = ("gaussian", "positive", "biased", "cancelling", "wide", "exact")


def samples(name: str, *dtypes: str, further: tuple[Problem, ...] = ()) -> list[Sample]:
    problems = [problem.replace(dtype=dtype) for dtype in dtypes for problem in (*PROBLEMS, *further)]
    return observe_values(name, [ValueCase(problem, family) for problem in problems for family in FAMILIES])


@pytest.mark.parametrize(
    ("name", "dtypes", "slug"),
    [
        ("double_in_single", ("float64", "float32"), "computed_in_float32"),
        ("tf32_operands", ("float32",), "operands_truncated_to_tf32"),
        ("tensor_cores_for_round_numbers", ("float32",), "operands_rounded_to_tf32"),
        ("long_reductions_cut", ("float32",), "operands_truncated_to_17_digits"),
        ("weights_quantised", ("float64", "float32"), "weight_quantised_to_4096"),
        ("bias_in_half", ("float64", "float32"), "bias_rounded_to_float16"),
        ("half_accumulates_in_half", ("float16", "float32"), "sums_in_storage_dtype"),
        ("half_result_truncated", ("float16",), "output_truncated"),
    ],
)
def test_the_rounding_is_found(name: str, dtypes: tuple[str, ...], slug: str) -> None:
    candidates = named(samples(name, *dtypes, further=(WIDE,)))
    assert slug in candidates, sorted(candidates)
    cheapest = min(candidates.values(), key=lambda mechanism: mechanism.cost)
    assert cheapest.slug == slug, sorted(candidates)


@pytest.mark.parametrize(
    ("name", "rivals"),
    [
        ("tf32_operands", {"operands_rounded_to_tf32", "operands_truncated_to_12_digits", "weight_truncated_to_tf32",
                           "input_truncated_to_tf32", "operands_rounded_to_bfloat16", "sums_in_float16"}),
        ("tensor_cores_for_round_numbers", {"operands_truncated_to_tf32", "operands_rounded_to_10_digits",
                                            "operands_rounded_to_float16", "weight_rounded_to_tf32"}),
        ("half_accumulates_in_half", {"output_truncated", "operands_rounded_to_bfloat16"}),
        ("double_in_single", {"operands_rounded_to_float32", "output_rounded_to_float32", "sums_in_float32"}),
    ],
)  # fmt: skip
def test_rivals_are_excluded(name: str, rivals: set[str]) -> None:
    judged = samples(name, "float64", "float32", "float16", further=(WIDE,))
    assert not named(judged, among=rivals)


def test_partial_sums_are_found_where_the_rounding_does_not_flip() -> None:
    judged = samples("partial_sums_rounded", "float32", further=(WIDE.replace(in_channels=100),))
    assert named(judged, 0.7, among={"partial_sum_truncated_to_13_digits"})


def test_the_weight_alone_is_found() -> None:
    long = BASE.replace(in_channels=64, height=4, width=4, dtype="float64")
    candidates = named(
        observe_values("double_drops_low_words", [ValueCase(long, "gaussian"), ValueCase(long, "positive")])
    )
    assert {slug for slug, each in candidates.items() if each.cost <= 1.0} == {"weight_rounded_to_float32"}


def test_passing_samples_exclude_a_rounding_inside_the_bound() -> None:
    judged = samples("tensor_cores_for_round_numbers", "float32", further=(WIDE,))
    rounded = named(judged, among={"operands_rounded_to_tf32"})["operands_rounded_to_tf32"]
    passing = [sample for sample in judged if sample.fault is None and sample.family == "gaussian"]
    assert [outcome(rounded, sample) for sample in passing] == ["differs"] * len(passing)


@pytest.mark.parametrize("name", ["im2col_by_strides", "correctly_rounded", "numba_loops", "winograd_two"])
def test_correct_builds_fail_nothing_and_show_that_they_round_nothing(name: str) -> None:
    if declared()[name].path.stem == "torch_builds":  # a file with builds of torch and of Numba
        pytest.importorskip("torch")
        pytest.importorskip("numba")
    judged = samples(name, "float32")
    assert [sample.problem.text for sample in judged if sample.fault is not None and sample.family != "exact"] == []


def test_whole_numbers_alone_are_precise() -> None:
    large = BASE.replace(height=12, width=12)
    cases = [ValueCase(large, family) for family in ("gaussian", "positive", "exact")]
    candidates = named(observe_values("precise_on_integers_alone", cases))
    assert candidates["input_rounded_to_float16_unless_whole"].kind == MechanismKind.STRUCTURE_ASSUMED
    exact = next(s for s in observe_values("precise_on_integers_alone", cases) if s.family == "exact")
    assert exact.fault is None
    assert np.array_equal(exact.call.input, np.rint(exact.call.input))
