"""Tests of the oracle: exact outputs, and gradients."""

import inspect
from fractions import Fraction

import numpy as np
import pytest

from convgauge.problem import Problem
from convgauge.reference import oracle
from convgauge.reference.operands import Array, Operands, draw
from convgauge.terms import Computed
from support.rational_oracle import rational_output

SMALL = Problem(batch=2, in_channels=4, height=5, width=6, out_channels=2, kernel=(3, 2), padding=(1, 2), bias=True)
ODD = [
    SMALL,
    SMALL.replace(stride=(2, 3), dilation=(1, 2)),
    SMALL.replace(groups=2, kernel=(2, 4), bias=False),
    SMALL.replace(padding="same", kernel=(4, 2)),
    SMALL.replace(kernel=(1, 1), padding=(0, 0), groups=2),
]


@pytest.mark.parametrize("problem", ODD, ids=str)
@pytest.mark.parametrize("family", ["gaussian", "wide", "cancelling", "subnormal", "small_onto_large"])
def test_oracle_is_the_rational_answer(problem: Problem, family: str) -> None:
    single, double = (draw(problem.replace(dtype=dtype), family, 1) for dtype in ("float32", "float64"))
    exact = np.array(rational_output(problem, double), dtype=object)
    step = 5e-324 if family == "subnormal" else 0.0  # scaling back rounds a second time
    assert (np.abs(oracle.summed(problem, double) - exact.astype(np.float64)) <= step).all()
    exact = np.array(rational_output(problem, single), dtype=object).astype(np.float64)
    allowed = 2.0**-52 * (problem.reduction + 2) * oracle.magnitude(problem, single)
    assert (np.abs(oracle.answer(problem, single) - exact) <= allowed).all()


@pytest.mark.parametrize("columns", [1, 40, 400])
def test_oracle_is_the_same_a_few_rows_at_a_time(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    """A large image is unfolded by rows."""
    problem = Problem.parse("n3c4h9w7_o6k3x2_s2x1_p1x1_d1x2_g2_b_float64")
    operands = draw(problem, "gaussian")
    whole = [inspect.unwrap(function)(problem, operands) for function in (oracle.answer, oracle.summed)]
    monkeypatch.setattr(oracle, "MAX_UNFOLDED", columns)
    monkeypatch.setattr(oracle, "MAX_UNFOLDED_IMAGE", columns)
    for function, expected in zip((oracle.answer, oracle.summed), whole, strict=True):
        np.testing.assert_allclose(inspect.unwrap(function)(problem, operands), expected, rtol=1e-13, atol=1e-13)
    padded = oracle.pad(problem, operands.input)
    assert max(part.size for part in oracle.unfold(problem, padded)) <= max(columns, 2 * 4 * 6 * 5)


def test_summed_is_right_near_overflow() -> None:
    problem = SMALL.replace(dtype="float64")
    operands = draw(problem, "near_overflow", 3)
    exact = np.array(rational_output(problem, operands), dtype=object).astype(np.float64)
    assert (oracle.summed(problem, operands) == exact).all()


@pytest.mark.parametrize("padding", [0, 1])
def test_oracle_is_scipy_s_correlation(padding: int) -> None:
    signal = pytest.importorskip("scipy.signal")
    problem = Problem(height=9, width=8, kernel=(3, 4), padding=(padding, padding), dtype="float64")
    operands = draw(problem, "exact", 5)
    padded = np.pad(operands.input[0, 0], padding)
    expected = signal.correlate2d(padded, operands.weight[0, 0], mode="valid")
    assert (oracle.answer(problem, operands)[0, 0] == expected).all()


def test_oracle_is_ndimage_s_correlation() -> None:
    ndimage = pytest.importorskip("scipy.ndimage")
    problem = Problem(height=9, width=8, kernel=(3, 3), padding=(1, 1), dtype="float64")
    operands = draw(problem, "exact", 6)
    expected = ndimage.correlate(operands.input[0, 0], operands.weight[0, 0], mode="constant")
    assert (oracle.answer(problem, operands)[0, 0] == expected).all()


@pytest.mark.parametrize("problem", [*ODD, SMALL.replace(stride=(3, 2), groups=2)], ids=str)
def test_adjoint_is_the_adjoint(problem: Problem) -> None:
    random = np.random.default_rng(1)

    def integers(shape: tuple[int, ...]) -> Array:
        return random.integers(-4, 5, shape).astype(float)

    operands = Operands(integers(problem.input_shape), integers(problem.weight_shape), np.zeros(problem.out_channels))
    grad_output = integers(problem.output_shape)
    by_input, by_weight, by_bias = oracle.adjoint(problem, operands, grad_output)
    product = (oracle.answer(problem, operands) * grad_output).sum()
    assert product == (by_input * operands.input).sum() == (by_weight * operands.weight).sum()
    if problem.bias:
        assert (by_bias == grad_output.sum(axis=(0, 2, 3))).all()


def test_root_of_squares_neither_overflows_nor_underflows() -> None:
    problem = Problem(height=1, width=2, kernel=(1, 2), dtype="float64")
    for scale in (1e160, 1e-170):
        operands = Operands(np.full((1, 1, 1, 2), 3.0 * scale), np.array([[[[1.0, 4 / 3]]]]), None)
        assert oracle.root_of_squares(problem, operands)[0, 0, 0, 0] == pytest.approx(5 * scale, rel=1e-15)


GRADIENTS = [
    problem.replace(bias=False, padding=(1, 1), direction=direction)
    for problem in ODD
    for direction in ("grad_input", "grad_weight")
    if problem.kernel != (1, 1)
]


@pytest.mark.parametrize("problem", GRADIENTS, ids=str)
def test_a_gradient_is_the_adjoint(problem: Problem) -> None:
    """<gradient, direction> = <gradient of the output, convolution in that direction>, in integers."""
    drawn = draw(problem)
    operands = Operands(drawn.input.astype(np.float64), drawn.weight.astype(np.float64), None)
    gradient, random = oracle.answer(problem, operands), np.random.default_rng(0)
    assert gradient.shape == problem.output_shape
    for _ in range(3):
        towards = random.integers(-3, 4, problem.output_shape).astype(np.float64)
        if problem.direction == "grad_input":
            moved, upstream = Operands(towards, operands.weight, None), operands.input
        else:
            moved, upstream = Operands(operands.input, towards, None), operands.weight
        assert (gradient * towards).sum() == (oracle.answer(problem.forward, moved) * upstream).sum()


@pytest.mark.parametrize("direction", ["grad_input", "grad_weight"])
@pytest.mark.parametrize("family", ["gaussian", "wide", "cancelling", "subnormal", "small_onto_large"])
def test_the_sum_of_a_gradient_is_rounded_once(direction: Computed, family: str) -> None:
    double = Problem(2, 2, 4, 3, 4, (2, 2), (1, 2), (1, 0), groups=2, dtype="float64", direction=direction)
    operands = draw(double, family, 1)
    exact = _rational_gradient(double, operands)
    step = 5e-324 if family == "subnormal" else 0.0  # scaling back rounds a second time
    assert (np.abs(oracle.summed(double, operands) - exact.astype(np.float64)) <= step).all()


def _rational_gradient(problem: Problem, operands: Operands) -> Array:
    """Return the exact gradient, from outputs of unit operands in rational numbers: one for each of its elements."""
    exact = np.zeros(problem.output_shape, dtype=object)
    for index in np.ndindex(*problem.output_shape):
        unit = np.zeros(problem.output_shape)
        unit[index] = 1
        if problem.direction == "grad_input":
            moved, upstream = Operands(unit, operands.weight, None), operands.input
        else:
            moved, upstream = Operands(operands.input, unit, None), operands.weight
        output = np.array(rational_output(problem.forward, moved), dtype=object)
        exact[index] = sum(
            value * Fraction(float(g)) for value, g in zip(output.flat, upstream.flat, strict=True) if value
        )
    return exact
