"""Operands: exact ones add up without rounding in every order; each family is what its docstring says."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convgauge.dtypes import DTYPES, FLOATS, round_to
from convgauge.problem import Problem
from convgauge.reference import oracle
from convgauge.reference.operands import FAMILIES, MAX_TABLE, _nonzero, _remainders, draw, exact_range
from support.rational_oracle import rational_output

PROBLEM = Problem(2, 3, 6, 7, 4, (3, 2), (2, 1), (1, 2), (1, 2), 1, True)


@given(
    st.sampled_from(list(DTYPES)), st.integers(1, 600), st.sampled_from([(1, 1), (3, 3), (5, 2)]), st.booleans(),
    st.sampled_from([1.0, 37.0, 5000.0]),
)  # fmt: skip
def test_exact_sums_stay_within_the_digits(
    dtype: str, channels: int, kernel: tuple[int, int], bias: bool, headroom: float
) -> None:
    problem = Problem(1, channels, 5, 5, 2, kernel, bias=bias, dtype=dtype)
    largest, taps, for_bias = exact_range(problem, headroom)
    limit = max(2.0, min(2.0 ** DTYPES[dtype].digits, DTYPES[dtype].largest) / headroom)
    assert largest >= 1
    assert taps * largest**2 + for_bias <= limit


@pytest.mark.parametrize("dtype", list(DTYPES))
def test_exact_operands_add_up_in_any_order(dtype: str) -> None:
    problem = PROBLEM.replace(dtype=dtype)
    operands = draw(problem)
    window = operands.input[0, :, :3, :3:2].reshape(-1).tolist()
    products = [
        round_to(np.array(a * b), dtype)[()]
        for a, b in zip(window, operands.weight[0].reshape(-1).tolist(), strict=True)
    ]
    rng = np.random.default_rng(0)
    totals = set()
    for _ in range(20):
        total = round_to(np.array(0.0), dtype) if DTYPES[dtype].kind != "c" else np.array(0, dtype)
        for index in rng.permutation(len(products)):
            total = round_to(np.array(total + products[index]), dtype)
        totals.add(complex(total))
    assert len(totals) == 1


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("family", ["exact", *FAMILIES])
def test_operands_are_of_the_dtype_and_repeat(family: str, dtype: str) -> None:
    problem = PROBLEM.replace(dtype=dtype)
    first, second, other = draw(problem, family, 3), draw(problem, family, 3), draw(problem, family, 4)
    shapes = {"input": problem.input_shape, "weight": problem.weight_shape, "bias": (problem.out_channels,)}
    for name, shape in shapes.items():
        array = getattr(first, name)
        assert array.shape == shape
        assert array.dtype.name == DTYPES[dtype].carrier
        assert np.isfinite(array).all()
        np.testing.assert_array_equal(array, round_to(array, dtype))
        np.testing.assert_array_equal(array, getattr(second, name))
    assert (first.input != other.input).any()


@pytest.mark.parametrize("dtype", FLOATS)
def test_exact_operands_hold_no_zero_and_tell_elements_apart(dtype: str) -> None:
    operands = draw(PROBLEM.replace(dtype=dtype))
    assert operands.input.all()
    assert operands.weight.all()
    assert len(np.unique(operands.weight)) > 2


def test_swapping_any_two_weights_shows() -> None:
    problem = PROBLEM.replace(batch=1, bias=False)
    operands = draw(problem)
    flat = operands.weight.reshape(-1)
    answer = oracle.answer(problem, operands)
    for i, j in itertools.combinations(range(12), 2):
        if flat[i] != flat[j]:
            swapped = flat.copy()
            swapped[[i, j]] = swapped[[j, i]]
            other = type(operands)(operands.input, swapped.reshape(operands.weight.shape), None)
            assert (oracle.answer(problem, other) != answer).any()


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(["exact", *FAMILIES]), st.integers(0, 5))
def test_oracle_agrees_with_fractions(family: str, seed: int) -> None:
    problem = Problem(1, 2, 4, 4, 2, (2, 3), (1, 2), (1, 1), (2, 1), 1, True, "float32")
    operands = draw(problem, family, seed)
    exact = rational_output(problem, operands)
    scale = oracle.magnitude(problem, operands)
    answer = oracle.answer(problem, operands)
    for index in np.ndindex(*problem.output_shape):
        n, o, y, x = index
        error = abs(Fraction(float(answer[index])) - exact[n][o][y][x])
        assert error <= Fraction(float(scale[index])) * 40 * Fraction(1, 2**53)


@pytest.mark.parametrize("family", ["gaussian", "cancelling", "wide"])
def test_double_oracle_is_correctly_rounded(family: str) -> None:
    problem = Problem(1, 2, 4, 4, 2, (2, 3), (1, 2), (1, 1), (2, 1), 1, True, "float64")
    operands = draw(problem, family)
    exact, summed = rational_output(problem, operands), oracle.summed(problem, operands)
    for index in np.ndindex(*problem.output_shape):
        n, o, y, x = index
        assert summed[index] == float(exact[n][o][y][x])


@pytest.mark.parametrize("dtype", FLOATS)
def test_near_overflow_stays_finite(dtype: str) -> None:
    problem = Problem(1, 8, 6, 6, 3, (3, 3), bias=True, dtype=dtype)
    answer = oracle.answer(problem, draw(problem, "near_overflow"))
    largest = DTYPES[dtype].largest
    assert np.abs(answer).max() < largest
    assert np.abs(answer).max() > largest / 20


def test_bfloat16_rounds_to_nearest_even() -> None:
    values = np.array([1 + 2**-8, 1 + 3 * 2**-8, 1 + 2**-8 + 2**-20, 3.4e38, -0.0, np.inf, np.nan], dtype=np.float64)
    rounded = round_to(values, "bfloat16")
    np.testing.assert_array_equal(rounded[:3], [1.0, 1 + 2**-6, 1 + 2**-7])
    assert np.isinf(rounded[3])
    assert np.signbit(rounded[4])
    assert np.isinf(rounded[5])
    assert np.isnan(rounded[6])


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
@pytest.mark.parametrize("family", ["exact", *FAMILIES])
def test_operands_are_of_their_dtype_and_their_answer_is_finite(dtype: str, family: str) -> None:
    for problem in (PROBLEM.replace(dtype=dtype), PROBLEM.replace(dtype=dtype, in_channels=64, kernel=(5, 5))):
        operands = draw(problem, family, 2)
        for array in (operands.input, operands.weight, operands.bias):
            assert array is not None
            assert (round_to(array, dtype) == array).all()
        exact = round_to(oracle.answer(problem, operands), dtype)
        assert np.isfinite(exact).all()
        assert np.count_nonzero(exact) > exact.size // 2


@given(st.integers(1, 3 * MAX_TABLE), st.sampled_from(["float32", "float64", "int64"]))
def test_integers_without_zero_are_those_of_the_remainder(largest: int, carrier: str) -> None:
    raw = np.random.Generator(np.random.PCG64(largest)).bit_generator.random_raw(200)
    indices = _remainders(raw, 2 * largest)
    assert np.array_equal(indices, (raw % np.uint64(2 * largest)).astype(np.int64))
    values = _nonzero(largest, carrier, indices)
    assert values.dtype == carrier
    assert np.array_equal(values, [index - largest + (index >= largest) for index in indices.tolist()])
