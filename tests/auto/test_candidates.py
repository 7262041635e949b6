"""Tests of the candidates: eligibility, size, and calls on torch tensors."""

from __future__ import annotations

from typing import Any

import pytest

from convgauge import registry
from convgauge.auto.candidates import is_eligible, is_small, prepared_call
from convgauge.problem import Problem
from convgauge.registry import Declaration, Implementation

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.isa

PROBLEM = Problem.parse("n1c4h9w8_o6k3x3_s1x1_p1x1_d1x1_g1_b_float32")


def declared(**changes: Any) -> Implementation:
    facts = {"framework": "torch", "algorithm": "direct", "grade": "A", **changes}
    return Implementation(Declaration("kernel", **facts), torch.conv2d)


def test_candidates_declare_the_grade_of_the_baseline() -> None:
    assert is_eligible(declared())
    assert is_eligible(declared(framework="numpy"))
    assert not is_eligible(declared(grade="B"))
    assert not is_eligible(declared(framework="jax"))
    assert not is_eligible(registry.load(registry.builtins()["auto"]))


def test_a_problem_is_small_in_operations_and_in_memory() -> None:
    assert is_small(PROBLEM)
    assert not is_small(PROBLEM.replace(in_channels=256, out_channels=256))
    assert not is_small(PROBLEM.replace(in_channels=1, out_channels=1, height=300, width=300, kernel=(1, 1)))


@pytest.mark.parametrize("name", ["torch_conv2d", "numpy_im2col", "torch_channels_last"])
def test_prepared_calls_take_and_return_contiguous_torch_tensors(name: str) -> None:
    random = torch.Generator().manual_seed(0)
    shapes = (PROBLEM.input_shape, PROBLEM.weight_shape, (PROBLEM.out_channels,))
    input, weight, bias = (torch.randn(shape, generator=random) for shape in shapes)
    run = prepared_call(registry.load(registry.builtins()[name]), PROBLEM, weight, bias)
    torch.testing.assert_close(run(input), torch.conv2d(input, weight, bias, padding=1), rtol=1e-4, atol=1e-4)
    assert run(input).is_contiguous()


def test_a_dtype_that_is_not_declared_is_declined() -> None:
    weight = torch.zeros(PROBLEM.weight_shape)
    with pytest.raises(NotImplementedError, match="float32"):
        prepared_call(declared(dtypes=("float64",)), PROBLEM, weight, None)
