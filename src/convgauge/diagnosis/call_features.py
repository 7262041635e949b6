"""Features of calls by which a kernel may look up an earlier call: shapes, contents and arguments."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import numpy as np

from convgauge.arguments import resolve
from convgauge.problem import Pair
from convgauge.worker.call import Call

Feature = Callable[[Call], Hashable]

DEFAULTS: dict[str, Any] = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}
"""Arguments of conv2d that are left out."""


def argument(call: Call, name: str) -> object:
    """Return an argument of a call; a size as a pair."""
    value = call.arguments.get(name, DEFAULTS[name])
    if name == "groups" or isinstance(value, str):
        return value
    return pair(value)


def pair(value: object) -> Pair | None:
    """Return a size as (height, width), or None if it is none."""
    if isinstance(value, int):
        return value, value
    if isinstance(value, (tuple, list)) and len(value) in (1, 2) and all(isinstance(each, int) for each in value):
        return value[0], value[-1]
    return None


def _content(array: np.ndarray | None) -> Hashable:
    return None if array is None else (array.shape, array.dtype.str, array.tobytes())


def _corners(array: np.ndarray) -> Hashable:
    return tuple(array.reshape(-1)[[0, -1]].tolist()) if array.size else ()


def _sum(array: np.ndarray) -> Hashable:
    with np.errstate(all="ignore"):
        return complex(array.sum(dtype=np.complex128)) if array.size else 0.0


def _output_shape(call: Call) -> Hashable:
    """Return the shape of a call's output, or None if the call is an error."""
    arguments: dict[str, Any] = dict(call.arguments)
    try:
        return resolve(call.input, call.weight, call.bias, **arguments).output_shape
    except (TypeError, ValueError, AttributeError):
        return None


FEATURES: dict[str, Feature] = {
    "input": lambda call: _content(call.input),
    "weight": lambda call: _content(call.weight),
    "bias": lambda call: _content(call.bias),
    "sum of the weight": lambda call: _sum(call.weight),
    "first and last weight": lambda call: _corners(call.weight),
    "input shape": lambda call: call.input.shape,
    "weight shape": lambda call: call.weight.shape,
    "output shape": _output_shape,
    "presence of a bias": lambda call: call.bias is None,
    "stride": lambda call: repr(argument(call, "stride")),
    "padding": lambda call: repr(argument(call, "padding")),
    "dilation": lambda call: repr(argument(call, "dilation")),
    "groups": lambda call: repr(argument(call, "groups")),
    "dtype": lambda call: call.dtypes,
}
"""Features by name, those that imply others first."""

CHEAP = ("weight shape", "input shape", "presence of a bias", "dtype")
"""Features that are compared first, since they exclude most calls."""

IMPLIED: dict[str, tuple[str, ...]] = {
    "input": ("input shape", "dtype"),
    "weight": ("weight shape", "sum of the weight", "first and last weight", "dtype"),
    "bias": ("presence of a bias",),
    "sum of the weight": ("weight shape", "dtype"),
    "first and last weight": ("weight shape", "dtype"),
    "input shape": ("dtype",),
    "weight shape": ("dtype",),
}
"""Features that need not be named with another one."""

ARGUMENTS = ("stride", "padding", "dilation", "groups")
SHAPES = ("input shape", "weight shape", "output shape")


def shared(first: Call, second: Call) -> set[str]:
    """Return the names of the features that two calls share."""
    return {name for name, feature in FEATURES.items() if feature(first) == feature(second)}


def in_words(names: set[str]) -> str:
    """Return features in words: "the same input and arguments"."""
    implied = {each for name in names for each in IMPLIED.get(name, ())}
    named = [name for name in FEATURES if name in names - implied]
    for group, word in ((ARGUMENTS, "arguments"), (SHAPES, "shapes")):
        if all(name in named for name in group):
            named = [*(name for name in named if name not in group), word]
    if "arguments" in named and "shapes" not in named:  # they follow from arguments and operands
        named = [name for name in named if name != "output shape"]
    if not named:
        return "any call"
    return "the same " + (f"{', '.join(named[:-1])} and {named[-1]}" if len(named) > 1 else named[0])
