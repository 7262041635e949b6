"""Mechanisms of wrong gradients: a faulty backward pass is found by the gradients that it returns."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from convgauge.diagnosis.backward import Backward, GradientCase, Gradients
from convgauge.diagnosis.gradient_causes import gradient_causes
from convgauge.diagnosis.gradient_mechanism import GradientMechanism, gradient_library, gradient_outcome
from convgauge.diagnosis.sample import Sample
from convgauge.domain import CONTIGUOUS, fields_of
from convgauge.problem import Problem
from convgauge.reference import oracle
from convgauge.reference.compare import Fault
from convgauge.reference.operands import Operands
from convgauge.worker.call import Call, Observation
from support.judged_samples import judged
from support.mutant_samples import declared

TEXTS = """
n3c2h7w8_o4k3x2_s1x1_p1x1_d1x1_g1_b_float32
n2c4h6w5_o4k3x3_s2x1_p0x2_d1x1_g2_b_float32
n2c3h8w9_o2k2x3_s2x3_p1x2_d2x1_g1_b_float32
n4c2h5w5_o4k3x3_s1x1_p1x0_d1x1_g2_b_float64
n2c4h9w7_o8k2x4_s1x2_p2x1_d2x1_g4_b_float32
n2c2h6w7_o3k3x3_s1x1_p0x1_d1x2_g1_b_float32
n2c2h5w6_o2k2x3_s1x2_p1x0_d1x1_g1_b_complex64
n3c1h6w6_o2k3x4_s1x1_psame_d1x1_g1_b_float32
n2c2h5w7_o2k2x2_s1x1_psame_d1x1_g1_b_float32
n2c2h4w6_o3k3x2_s1x1_p1x1_d1x1_g1_b_complex64
"""
PROBLEMS = [Problem.parse(text) for text in TEXTS.split()]


def integers(problem: Problem, shape: tuple[int, ...], seed: int) -> np.ndarray:
    random = np.random.default_rng([seed, *problem.text.encode()])
    real, imaginary = random.integers(1, 5, (2, *shape)) * random.choice([-1, 1], (2, *shape))
    values: np.ndarray = (real + 1j * imaginary if problem.dtype == "complex64" else real).astype(problem.dtype)
    return values


def sample_of(problem: Problem, mode: str = "gradient", extra_layout: str = "contiguous") -> Sample:
    """Return the sample of right gradients."""
    bias = integers(problem, (problem.out_channels,), 3)
    operands = Operands(integers(problem, problem.input_shape, 1), integers(problem, problem.weight_shape, 2), bias)
    upstream = integers(problem, problem.output_shape, 4)
    call = Call(
        operands.input, operands.weight, operands.bias, problem.arguments, (problem.dtype,) * 3, mode=mode,
        extra_operand=upstream, extra_layout=extra_layout, wanted="iwb", is_valid=True,
    )  # fmt: skip
    if mode == "gradient_of_sum":
        upstream = np.ones_like(upstream)
    extra = list(oracle.adjoint(problem, operands, upstream))
    observation = Observation("answer", np.zeros(problem.output_shape), extra_outputs=extra)
    fields = {**fields_of(problem, problem.arguments, CONTIGUOUS), "mode": mode}
    return Sample("training.gradient", problem.text, problem, "exact", call, observation, None, fields)


SAMPLES = [
    *(sample_of(problem) for problem in PROBLEMS),
    *(sample_of(problem, extra_layout="transposed") for problem in PROBLEMS[:3]),
]
CASES = [GradientCase(sample) for sample in SAMPLES]


@pytest.mark.parametrize("mode", ["gradient", "gradient_of_sum", "gradient_in_thread"])
@pytest.mark.parametrize("problem", PROBLEMS, ids=str)
def test_the_right_backward_pass_is_the_oracle(problem: Problem, mode: str) -> None:
    sample = sample_of(problem, mode)
    for got, right in zip(Backward.of(sample).gradients, sample.observation.extra_outputs, strict=True):
        assert got is not None
        assert right is not None
        np.testing.assert_array_equal(got, right)


def with_fault(mechanism: GradientMechanism) -> tuple[list[Sample], list[Sample]]:
    """Return the samples of a backward pass with a fault: those that fail, and those that pass."""
    failing, passing = [], []
    for case in CASES:
        if gradient_outcome(mechanism, case) == "invisible":
            passing.append(case.sample)
            continue
        ((backward, _),) = case.passes
        sample = case.sample
        call, fields = sample.call, sample.fields
        observation = Observation(
            "answer", sample.observation.output, extra_outputs=list(mechanism.predict(backward, sample))
        )
        fault = Fault("failed", "", kind="gradient")
        failing.append(Sample(sample.spec, sample.case, sample.problem, "exact", call, observation, fault, fields))
    return failing, passing


MECHANISMS = gradient_library([])


def test_slugs_are_unique() -> None:
    slugs = [mechanism.slug for mechanism in MECHANISMS]
    assert len(slugs) == len(set(slugs)) > 60


@pytest.mark.parametrize("mechanism", MECHANISMS, ids=[mechanism.slug for mechanism in MECHANISMS])
def test_a_mechanism_is_found_by_its_gradients(mechanism: GradientMechanism) -> None:
    failing, passing = with_fault(mechanism)
    assert len(failing) > 1, "the mechanism is invisible"
    causes, left = gradient_causes(failing, passing)
    assert not left
    assert [cause.mechanism for cause in causes] in ([mechanism.slug], [equal(mechanism, causes[0].mechanism, failing)])


def equal(mechanism: GradientMechanism, slug: str, failing: Sequence[Sample]) -> str:
    """Return the slug of a mechanism that predicts the same gradients."""
    other = next(each for each in gradient_library([GradientCase(sample) for sample in failing]) if each.slug == slug)
    for case in map(GradientCase, failing):
        ((backward, _),) = case.passes
        for first, second in zip(
            mechanism.predict(backward, case.sample), other.predict(backward, case.sample), strict=True
        ):
            np.testing.assert_array_equal(first, second)
    return slug


def changing(name: str, change: Callable[[np.ndarray], np.ndarray]) -> GradientMechanism:
    """Return a fault that changes the gradient of one operand."""

    def predict(backward: Backward, sample: Sample) -> Gradients:
        return backward.gradients._replace(**{name: change(getattr(backward.gradients, name))})

    return GradientMechanism("", "", predict)


def test_a_factor_is_read_off_the_gradients() -> None:
    (cause,), left = gradient_causes(*with_fault(changing("input", lambda array: array * 2)))
    sentence = "gradient of the input: multiplied by 2"
    assert (cause.mechanism, cause.sentence, left) == ("gradient_scaled_input", sentence, [])


def test_gradients_that_nothing_predicts_are_left() -> None:
    failing, passing = with_fault(changing("weight", lambda array: array + 7))
    assert gradient_causes(failing, passing) == ([], failing)


@pytest.mark.isa
@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("weight_gradient_averaged", "gradient_mean_of_batch_weight"),
        ("input_gradient_unflipped", "gradient_of_a_flipped_kernel"),
    ],
)
def test_the_fault_of_a_mutant_is_named(name: str, slug: str) -> None:
    pytest.importorskip("torch")
    samples = judged(name, "training.gradient", "training.memory", dtypes=("float32",))
    assert declared()[name].mechanism == "gradient_value"
    (cause,), left = gradient_causes([s for s in samples if s.fault], [s for s in samples if not s.fault])
    assert (cause.mechanism, left) == (slug, [])


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("input_gradient_of_unflipped_kernel", "gradient_kernel_flipped_input"),
        ("weight_gradient_of_pairs_of_columns", "gradient_drops_columns_of_2_weight"),
    ],
)
def test_the_fault_of_a_computed_gradient_is_named(name: str, slug: str) -> None:
    samples = judged(name)
    failing = [sample for sample in samples if sample.fault is not None]
    named, left = gradient_causes(failing, [sample for sample in samples if sample.fault is None])
    assert [cause.mechanism for cause in named] == [slug]
    assert not left
