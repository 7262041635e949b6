"""Element types: the rounding to each of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convgauge.dtypes import DTYPES, FLOATS, round_to


@pytest.mark.parametrize("dtype", FLOATS)
@given(value=st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_rounding_errs_by_at_most_half_a_unit(dtype: str, value: float) -> None:
    element_type = DTYPES[dtype]
    rounded = float(round_to([value], dtype)[0])
    if abs(value) > element_type.largest:
        assert rounded in (np.copysign(element_type.largest, value), np.copysign(np.inf, value))
    else:
        assert abs(rounded - value) <= max(abs(value) * element_type.roundoff, element_type.step / 2)
    assert float(round_to([rounded], dtype)[0]) == rounded


def test_bfloat16_rounds_ties_to_even_and_keeps_values_without_a_size() -> None:
    ties = [1 + 2.0**-8, 1 + 3 * 2.0**-8]
    assert round_to(ties, "bfloat16").tolist() == [1.0, 1 + 2.0**-6]
    assert np.isnan(round_to([np.nan], "bfloat16")[0])
    assert round_to([-np.inf], "bfloat16")[0] == -np.inf
    assert round_to([3.4e38], "bfloat16")[0] == np.inf


def test_integers_round_exactly_and_keep_the_shape() -> None:
    assert round_to(np.full((2, 3), 7.0), "int8").dtype == np.int8
    assert round_to(np.float64(1.5), "bfloat16").shape == ()
