"""Roundings to narrower types equal those of NumPy and of the mutants, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest

from convgauge.diagnosis.rounding import are_representable, narrower_types, to_digits, to_type
from convgauge.dtypes import round_to
from convgauge.reference.operands import Array


def values() -> Array:
    """Return float32 numbers of all sizes as float64, with ties, zeros, infinities and NaN."""
    random = np.random.default_rng(0)
    spread = random.standard_normal(40_000) * 10.0 ** random.uniform(-44, 38, 40_000)
    ties = np.arange(-5000.0, 5000.0)
    with np.errstate(over="ignore"):
        return (
            np.concatenate([spread, ties, [0.0, -0.0, np.inf, -np.inf, np.nan]]).astype(np.float32).astype(np.float64)
        )


@pytest.mark.parametrize("name", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("largest", [np.inf, 60000.0, 1e-38])
def test_rounding_equals_that_of_the_dtype(name: str, largest: float) -> None:
    array = values()
    array = array[np.abs(array) <= largest]
    assert np.array_equal(to_type(name)(array), round_to(array, name).astype(np.float64), equal_nan=True)


def test_truncation_and_rounding_away_equal_those_of_bit_masks() -> None:
    array = values()
    array = array[np.isfinite(array) & (np.abs(array) < 1e38)]
    bits = array.astype(np.float32).view(np.uint32)
    truncated = (bits & np.uint32(0xFFFFE000)).view(np.float32)
    away = ((bits + np.uint32(0x1000)) & np.uint32(0xFFFFE000)).view(np.float32)
    assert np.array_equal(to_digits(11, "truncated")(array), truncated)
    assert np.array_equal(to_digits(11, "away")(array), away)
    assert not np.array_equal(to_digits(11)(array), away)


def test_complex_numbers_are_rounded_by_parts() -> None:
    assert to_type("bfloat16")(np.array([257.0 + 3.0j]))[0] == 256.0 + 3.0j


def test_numbers_of_a_type() -> None:
    assert are_representable(np.array([1.0, 2049.0, np.nan]), "float16").tolist() == [True, False, True]


def test_narrower_types() -> None:
    assert narrower_types("float32") == ["tf32", "float16", "bfloat16"]
    assert narrower_types("float16") == ["bfloat16"]
    assert narrower_types("int32") == []
