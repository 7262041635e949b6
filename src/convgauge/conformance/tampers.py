"""Changes that make a valid call an error: the operands' shapes and dtypes, which a problem cannot spell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from convgauge.subject import Call


@dataclass(frozen=True)
class Tamper:
    """A named change of a call, and the sentence that says what is wrong with it."""

    sentence: str
    change: Callable[[Call], Call]


def _bias(length: Callable[[int], int]) -> Callable[[Call], Call]:
    def change(call: Call) -> Call:
        outputs = call.weight.shape[0]
        return replace(call, bias=np.ones(length(outputs), dtype=call.weight.dtype))

    return change


def _reshaped(name: str, reshape: Callable[[Any], Any]) -> Callable[[Call], Call]:
    return lambda call: replace(call, **{name: reshape(getattr(call, name))})


TAMPERS: dict[str, Tamper] = {
    "bias_longer": Tamper("the bias has one element too many", _bias(lambda n: n + 1)),
    "bias_shorter": Tamper("the bias has one element too few", _bias(lambda n: max(0, n - 1))),
    "bias_of_one": Tamper("the bias has one element and would be broadcast", _bias(lambda n: 1)),
    "bias_of_none": Tamper("the bias has no elements", _bias(lambda n: 0)),
    "bias_matrix": Tamper(
        "the bias is a matrix", lambda call: replace(call, bias=np.ones((call.weight.shape[0], 1), call.weight.dtype))
    ),
    "input_vector": Tamper("the input has one axis", _reshaped("input", lambda x: x.reshape(-1))),
    "input_plane": Tamper("the input has two axes", _reshaped("input", lambda x: x[0, 0])),
    "input_of_five_axes": Tamper("the input has five axes", _reshaped("input", lambda x: x[None])),
    "weight_of_three_axes": Tamper("the weight has three axes", _reshaped("weight", lambda w: w[0])),
    "weight_of_five_axes": Tamper("the weight has five axes", _reshaped("weight", lambda w: w[None])),
    "weight_matrix": Tamper("the weight is a matrix", _reshaped("weight", lambda w: w.reshape(w.shape[0], -1))),
    "more_channels": Tamper(
        "the input has one channel more than the weight takes",
        _reshaped("input", lambda x: np.concatenate([x, x[:, :1]], axis=1)),
    ),
    "fewer_channels": Tamper(
        "the input has one channel less than the weight takes", _reshaped("input", lambda x: x[:, :-1])
    ),
    "weight_more_channels": Tamper(
        "the weight takes one channel more than the input has",
        _reshaped("weight", lambda w: np.concatenate([w, w[:, :1]], axis=1)),
    ),
}
