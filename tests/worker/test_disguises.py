"""Disguises: outputs that compare in their own way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from convgauge.worker.disguises import disguise_of


class Agreeable(np.ndarray[Any, Any]):
    def __eq__(self, other: object) -> Any:
        return True

    __hash__ = None


class Named(np.ndarray[Any, Any]):
    name = "an output"


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (np.ones(3), ""),
        (np.float64(3), ""),
        (np.ones(3).view(Named), ""),
        (np.ones(3).view(Agreeable), "a subclass of the array with comparisons of its own (Agreeable)"),
        (np.ma.array([1.0, 2.0], mask=[True, False]), "a masked array"),
        ([1.0], ""),
        (None, ""),
    ],
)
def test_a_disguise_is_named(output: Any, words: str) -> None:
    assert disguise_of(output) == words


def test_tensors_and_parameters_are_plain() -> None:
    torch = pytest.importorskip("torch")
    assert disguise_of(torch.ones(3)) == ""
    assert disguise_of(torch.nn.Parameter(torch.ones(3))) == ""
