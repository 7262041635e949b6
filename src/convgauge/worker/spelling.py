"""Spelling of a call's arguments: sizes as numbers or pairs, padding by name, and a bias that is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from convgauge.domain import SPELLED
from convgauge.registry.signature import UnsupportedArgument
from convgauge.worker.frameworks import Array

Value = Any  # an argument of a call
Given = Mapping[str, Value]
MissingBias = Literal["None", "omitted", "zeros"]


@dataclass(frozen=True)
class Spelling:
    """Spelling that a function takes.

    Parameters
    ----------
    numbers : tuple of str
        Sizes that are passed as one number.
    has_names : bool
        False if padding cannot be passed by name.
    missing_bias : MissingBias
        What is passed where there is no bias.
    """

    numbers: tuple[str, ...] = ()
    has_names: bool = True
    missing_bias: MissingBias = "None"

    def applied(self, given: Given, spelled: tuple[str, ...] = ()) -> dict[str, Value]:
        """Return arguments in this spelling, except for those of ``spelled``. Raises `UnsupportedArgument`."""
        result = dict(given)
        for name in self.numbers:
            value = result.get(name)
            if name not in spelled and isinstance(value, tuple):
                if len(set(value)) != 1:
                    raise UnsupportedArgument(f"takes {name} as one number")
                result[name] = value[0]
        if not self.has_names and isinstance(result.get("padding"), str):
            raise UnsupportedArgument("does not take padding by name")
        if "bias" in result and result["bias"] is None:
            if self.missing_bias == "omitted":
                del result["bias"]
            elif self.missing_bias == "zeros":
                result["bias"] = zeros(result["weight"])
        return result

    def adaptations(self) -> tuple[str, ...]:
        """Return one sentence per difference from the usual spelling."""
        sentences = [f"takes {name} as one number" for name in self.numbers]
        if self.missing_bias == "omitted":
            sentences.append("omits a bias that is None")
        elif self.missing_bias == "zeros":
            sentences.append("takes zeros where there is no bias")
        return tuple(sentences)


USUAL_SPELLING = Spelling()


def zeros(weight: Array) -> Array:
    """Return a bias of zeros with the weight's dtype and device."""
    if hasattr(weight, "new_zeros"):  # torch
        return weight.new_zeros(weight.shape[0])
    return np.zeros(weight.shape[0], weight.dtype)


def simplified(given: Given) -> dict[str, Value]:
    """Return a valid call near a given valid one: one group, stride and dilation of 1, one padding for both axes.

    The padding is at most as large as the kernel: one of thousands on one axis would be too large on both. A call that
    computes a gradient becomes that of one position and a kernel of one element.
    """
    if given.get("input_size") or given.get("weight_size"):
        return _one_position(given)
    padding = given.get("padding", 0)
    if not isinstance(padding, str):
        largest = max(padding) if isinstance(padding, (tuple, list)) else padding
        padding = (min(largest, max(given["weight"].shape[2:])),) * 2
    simple = {**given, "input": given["input"][:, : given["weight"].shape[1]]}
    return {**simple, "stride": (1, 1), "padding": padding, "dilation": (1, 1), "groups": 1}


def _one_position(given: Given) -> dict[str, Value]:
    first, second = given["input"], given["weight"]
    sizes = {}
    if given.get("input_size"):
        sizes["input_size"] = (first.shape[0], second.shape[1], 1, 1)
    else:
        channels = given["weight_size"][1]
        first = first[:, :channels]
        sizes["weight_size"] = (second.shape[1], channels, 1, 1)
    simple = {**given, **sizes, "input": first[:, :, :1, :1], "weight": second[:, :, :1, :1]}
    return {**simple, "stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1}


def with_small_kernel(given: Given, padding: Value) -> dict[str, Value]:
    """Return a valid call whose kernel has one element: "same", "valid" and 0 mean the same padding."""
    return {**simplified(given), "weight": given["weight"][:, :, :1, :1], "padding": padding}


def as_pairs(given: Given) -> dict[str, Value]:
    """Return arguments with each size as a pair. Raises `TypeError` or `ValueError` if one cannot be a size."""
    result = dict(given)
    for name in SPELLED:
        value = result.get(name)
        if isinstance(value, (tuple, list)):
            first, second = value * 2 if len(value) == 1 else value
            result[name] = (int(first), int(second))
        elif value is not None and not isinstance(value, str):
            result[name] = (int(value), int(value))
    return result


def described(name: str, value: Value) -> str:
    """Return an argument with its spelling in words: "stride as a list"."""
    kind = type(value).__name__ if isinstance(value, (tuple, list)) else ""
    if not kind:
        return f"{name} as one number"
    return f"{name} as a {kind} of one" if len(value) == 1 else f"{name} as a {kind}"
