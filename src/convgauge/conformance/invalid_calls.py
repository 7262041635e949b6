"""Changes that make a valid call an error: shapes and dtypes of operands, which a problem cannot represent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from convgauge.dtypes import DTYPES
from convgauge.reference.operands import Array
from convgauge.worker.call import Call


@dataclass(frozen=True)
class InvalidCall:
    """Change of a call, and the sentence that states the error."""

    sentence: str
    change: Callable[[Call], Call]


def _bias(length: Callable[[int], int]) -> Callable[[Call], Call]:
    def change(call: Call) -> Call:
        outputs = call.weight.shape[0]
        return replace(call, bias=np.ones(length(outputs), dtype=call.weight.dtype))

    return change


def _reshaped(name: str, reshape: Callable[[Array], Array]) -> Callable[[Call], Call]:
    def change(call: Call) -> Call:
        changes: dict[str, Any] = {name: reshape(getattr(call, name))}
        return replace(call, **changes)

    return change


def _with(name: str, value: object) -> Callable[[Call], Call]:
    return lambda call: replace(call, arguments={**call.arguments, name: value})


def _typed(dtype: Callable[[str], str], *names: str) -> Callable[[Call], Call]:
    """Return a change of some operands' dtype.

    Each value of a wider dtype is slightly enlarged, so that the narrower dtype cannot represent it.
    """

    def change(call: Call) -> Call:
        changes: dict[str, Any] = {}
        names_of_all = ("input", "weight", "bias")
        dtypes = list(call.dtypes)
        for name in names:
            index = names_of_all.index(name)
            other = dtype(call.dtypes[index])
            values = getattr(call, name).astype(DTYPES[other].carrier)
            if DTYPES[other].kind == "f":
                values *= 1 + 2.0 ** -(DTYPES[call.dtypes[index]].digits + 2)
            changes[name], dtypes[index] = values, other
        return replace(call, **changes, dtypes=(dtypes[0], dtypes[1], dtypes[2]))

    return change


def _wider(*names: str) -> Callable[[Call], Call]:
    return _typed(lambda dtype: "float64" if dtype == "float32" else "float32", *names)


def _integer(*names: str) -> Callable[[Call], Call]:
    return _typed(lambda dtype: "int32", *names)


def _repeated_channels(x: Array) -> Array:
    return np.concatenate([x, x], axis=1)


def _grad_output(reshape: Callable[[Array], Array]) -> Callable[[Call], Call]:
    """Return a change of the gradient of the output, which takes the place of an operand."""

    def change(call: Call) -> Call:
        return _reshaped("input" if call.direction == "grad_input" else "weight", reshape)(call)

    return change


def _longer(axis: int) -> Callable[[Array], Array]:
    return lambda array: np.concatenate([array, array.take([0], axis)], axis)


INVALID_GRADIENTS: dict[str, InvalidCall] = {
    "grad_output_more_images": InvalidCall(
        "the gradient of the output has one image too many", _grad_output(_longer(0))
    ),
    "grad_output_more_channels": InvalidCall(
        "the gradient of the output has one channel too many", _grad_output(_longer(1))
    ),
    "grad_output_more_rows": InvalidCall("the gradient of the output has one row too many", _grad_output(_longer(2))),
    "grad_output_more_columns": InvalidCall(
        "the gradient of the output has one column too many", _grad_output(_longer(3))
    ),
    "grad_output_fewer_rows": InvalidCall(
        "the gradient of the output has one row too few", _grad_output(lambda g: g[:, :, :-1])
    ),
}
"""Invalid calls of implementations that compute a gradient."""

INVALID_CALLS: dict[str, InvalidCall] = {
    **INVALID_GRADIENTS,
    "bias_longer": InvalidCall("the bias has one element too many", _bias(lambda n: n + 1)),
    "bias_shorter": InvalidCall("the bias has one element too few", _bias(lambda n: max(0, n - 1))),
    "bias_of_one": InvalidCall("the bias has one element and would be broadcast", _bias(lambda n: 1)),
    "bias_of_none": InvalidCall("the bias has no elements", _bias(lambda n: 0)),
    "bias_matrix": InvalidCall(
        "the bias is a matrix", lambda call: replace(call, bias=np.ones((call.weight.shape[0], 1), call.weight.dtype))
    ),
    "input_vector": InvalidCall("the input has one axis", _reshaped("input", lambda x: x.reshape(-1))),
    "input_plane": InvalidCall("the input has two axes", _reshaped("input", lambda x: x[0, 0])),
    "input_of_five_axes": InvalidCall("the input has five axes", _reshaped("input", lambda x: x[None])),
    "weight_of_three_axes": InvalidCall("the weight has three axes", _reshaped("weight", lambda w: w[0])),
    "weight_of_five_axes": InvalidCall("the weight has five axes", _reshaped("weight", lambda w: w[None])),
    "weight_matrix": InvalidCall("the weight is a matrix", _reshaped("weight", lambda w: w.reshape(w.shape[0], -1))),
    "more_channels": InvalidCall(
        "the input has one channel more than the weight takes",
        _reshaped("input", lambda x: np.concatenate([x, x[:, :1]], axis=1)),
    ),
    "fewer_channels": InvalidCall(
        "the input has one channel less than the weight takes", _reshaped("input", lambda x: x[:, :-1])
    ),
    "weight_more_channels": InvalidCall(
        "the weight takes one channel more than the input has",
        _reshaped("weight", lambda w: np.concatenate([w, w[:, :1]], axis=1)),
    ),
    "weight_fewer_channels": InvalidCall(
        "the weight takes one channel less than the input has", _reshaped("weight", lambda w: w[:, :-1])
    ),
    "input_of_one_channel": InvalidCall(
        "the input has one channel, which the weight does not", _reshaped("input", lambda x: x[:, :1])
    ),
    "weight_of_one_channel": InvalidCall(
        "the weight takes one channel, the input has more", _reshaped("weight", lambda w: w[:, :1])
    ),
    "twice_the_channels": InvalidCall(
        "the input has twice the channels that the weight takes", _reshaped("input", _repeated_channels)
    ),
    "one_more_output": InvalidCall(
        "the groups do not divide the output channels, of which there is one too many",
        lambda call: replace(
            call,
            weight=np.concatenate([call.weight, call.weight[:1]]),
            bias=None if call.bias is None else np.append(call.bias, call.bias[:1]),
        ),
    ),
    "one_less_output": InvalidCall(
        "the groups do not divide the output channels, of which there is one too few",
        lambda call: replace(call, weight=call.weight[:-1], bias=None if call.bias is None else call.bias[:-1]),
    ),
    "bias_twice": InvalidCall("the bias has twice the elements", _bias(lambda n: 2 * n)),
    "bias_of_columns": InvalidCall(
        "the bias has an element for each output column",
        lambda call: replace(call, bias=np.ones(call.input.shape[3] - call.weight.shape[3] + 1, call.weight.dtype)),
    ),
    "bias_row": InvalidCall("the bias is a matrix of one row", _reshaped("bias", lambda b: b[None])),
    "bias_plane": InvalidCall("the bias has three axes", _reshaped("bias", lambda b: b[:, None, None])),
    "input_without_rows": InvalidCall("the input has no rows", _reshaped("input", lambda x: x[:, :, :0])),
    "input_without_columns": InvalidCall("the input has no columns", _reshaped("input", lambda x: x[..., :0])),
    "input_without_pixels": InvalidCall(
        "the input has neither rows nor columns", _reshaped("input", lambda x: x[:, :, :0, :0])
    ),
    "wider_input": InvalidCall("the input is of a wider dtype than weight and bias", _wider("input")),
    "wider_weight": InvalidCall("the weight is of a wider dtype than input and bias", _wider("weight")),
    "wider_bias": InvalidCall("the bias is of a wider dtype than input and weight", _wider("bias")),
    "wider_input_and_bias": InvalidCall(
        "the weight is of a narrower dtype than input and bias", _wider("input", "bias")
    ),
    "wider_weight_and_bias": InvalidCall(
        "the input is of a narrower dtype than weight and bias", _wider("weight", "bias")
    ),
    "integer_input": InvalidCall("the input is of integers, weight and bias are not", _integer("input")),
    "integer_weight": InvalidCall("the weight is of integers, input and bias are not", _integer("weight")),
    "integer_bias": InvalidCall("the bias is of integers, input and weight are not", _integer("bias")),
}
INVALID_CALLS |= {
    f"kernel_of_{size}_rows": InvalidCall(
        f"the kernel has {size} rows, more than the padded input",
        _reshaped("weight", lambda w, size=size: np.resize(w, (*w.shape[:2], size, w.shape[3]))),  # type: ignore[misc]  # the default binds the loop's value
    )
    for size in range(6, 13)
}
INVALID_CALLS |= {
    f"kernel_of_{size}_columns": InvalidCall(
        f"the kernel has {size} columns, more than the padded input",
        _reshaped("weight", lambda w, size=size: np.resize(w, (*w.shape[:3], size))),  # type: ignore[misc]  # as above
    )
    for size in range(7, 13)
}
INVALID_CALLS |= {
    f"{name}_none": InvalidCall(f"{name} is None", _with(name, None))
    for name in ("stride", "padding", "dilation", "groups")
}
