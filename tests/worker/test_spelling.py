"""Tests of the spellings in which a function takes its arguments."""

import numpy as np

from convgauge.worker.spelling import simplified


def test_a_call_near_one_with_a_large_padding_is_small() -> None:
    given = {"input": np.zeros((1, 1, 1, 3)), "weight": np.zeros((1, 1, 1, 2)), "padding": (0, 32769)}
    assert simplified(given)["padding"] == (2, 2)


def test_a_call_near_a_given_one_is_valid_with_its_padding_on_both_axes() -> None:
    given = {"input": np.zeros((1, 1, 9, 3)), "weight": np.zeros((1, 1, 3, 5)), "padding": (0, 1), "stride": (2, 1)}
    near = simplified(given)
    assert (near["padding"], near["stride"], near["dilation"], near["groups"]) == ((1, 1), (1, 1), (1, 1), 1)
