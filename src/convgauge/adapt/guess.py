"""Guesses about the form of a convolution: layouts, spelling of sizes, form of the padding and of the result."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Literal, get_args

from convgauge.worker.inspection import role
from convgauge.worker.messages import Inspected, InspectedParameter

Layout = Literal["NCHW", "NHWC", "CHW", "HWC", "HW"]
WeightLayout = Literal["OIHW", "HWIO", "OHWI", "IOHW", "HWOI"]
Sizes = Literal["pair", "number"]
PaddingForm = Literal["pair", "number", "top, bottom, left, right", "left, right, top, bottom", "pairs", "names"]

BIAS_SHAPES = ((-1,), (-1, 1), (1, 1, 1, -1), (1, -1, 1, 1))
"""Shapes of a bias, -1 for its elements."""

LIKELY = (("NCHW", "OIHW"), ("NHWC", "HWIO"))
"""Layouts of input and weight that most kernels have."""

UNDECIDED = ("number", "left, right, top, bottom")
"""Forms of the padding that are as right as another one where there is no padding."""

PADDED_HALVES = ("padding_h", "padding_w")


@dataclass(frozen=True)
class Guess:
    """A guess about the form of a convolution.

    Attributes
    ----------
    layout : Layout
        Layout of input and output. "CHW" and "HWC" are single images, "HW" is one plane and one kernel.
    weight : WeightLayout
        Layout of the weight.
    stride, dilation : Sizes
        Spelling of the stride and of the dilation.
    padding : PaddingForm
        Form of the padding; "names" are SAME and VALID.
    has_names : bool
        True if padding is also taken by name, as conv2d does.
    first_dilation : int
        Dilation of adjacent elements, 1 or 0.
    result : str
        Subscript that selects the output from the result, or "".
    kernel_size : Sizes
        Spelling of the kernel's size in a constructor.
    bias : tuple of int
        Shape of the bias, -1 for its elements.
    has_zeros : bool
        True if zeros are passed where there is no bias.
    refused : tuple of str
        Features of problems on which the target raises, which the adapter refuses
        (`convgauge.adapt.problems.trial_problems`).
    """

    layout: Layout = "NCHW"
    weight: WeightLayout = "OIHW"
    stride: Sizes = "pair"
    dilation: Sizes = "pair"
    padding: PaddingForm = "pair"
    has_names: bool = False
    first_dilation: int = 1
    result: str = ""
    kernel_size: Sizes = "pair"
    bias: tuple[int, ...] = (-1,)
    has_zeros: bool = False
    refused: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = [f"{self.layout} input", f"{self.weight} weight"]
        sizes = {"stride": self.stride, "padding": self.padding, "dilation": self.dilation}
        parts += [f"{name} as {form}" for name, form in sizes.items() if form != "pair"]
        if self.first_dilation == 0:
            parts.append("dilation counted from 0")
        if len(self.bias) > 1:
            parts.append(f"bias of shape {self.bias}")
        if self.has_zeros:
            parts.append("zeros where there is no bias")
        if self.result:
            parts.append(f"result{self.result}")
        return ", ".join(parts)


def roles(target: Inspected) -> frozenset[str]:
    """Return the roles of all parameters of a target, those of a constructor included."""
    return frozenset(role for each in (*target.parameters, *target.constructor) for role in roles_of(each))


def roles_of(parameter: InspectedParameter) -> list[str]:
    """Return the role of a parameter, or those of its keys."""
    if parameter.role or not parameter.keys:
        return [parameter.role] if parameter.role else []
    return [each for key in parameter.keys if (each := role(key, is_constructor=False))]


def first_guesses(target: Inspected) -> Iterator[Guess]:
    """Yield guesses in the order of how common they are; they differ in what the target takes only."""
    yield from dict.fromkeys(_first_guesses(target))


def _first_guesses(target: Inspected) -> Iterator[Guess]:
    taken = roles(target)
    layouts = list(get_args(Layout))
    weights: list[WeightLayout] = list(get_args(WeightLayout)) if takes_weight(target) else ["OIHW"]
    paddings: list[PaddingForm] = list(get_args(PaddingForm)) if "padding" in taken else ["pair"]
    if set(PADDED_HALVES) <= taken:
        paddings = ["pair"]
    starts = (1, 0) if "dilation" in taken else (1,)
    kernel_sizes: list[Sizes] = ["pair", "number"] if "kernel_size" in taken else ["pair"]
    layout_pairs = sorted(product(layouts, weights), key=lambda pair: _rank(*pair))
    has_bias = any(each.role == "bias" for each in target.parameters)
    for bias, (layout, weight), first, kernel_size in product(
        BIAS_SHAPES if has_bias else BIAS_SHAPES[:1], layout_pairs, starts, kernel_sizes
    ):
        for sizes, padding in product(get_args(Sizes), paddings):
            if "padding" in taken and padding != sizes and (sizes == "number" or padding in UNDECIDED):
                continue  # problems with a padding or a stride decide
            stride: Sizes = sizes if "stride" in taken else "pair"
            dilation: Sizes = sizes if "dilation" in taken else "pair"
            padded: PaddingForm = padding if "padding" in taken else "pair"
            yield Guess(
                layout, weight, stride, dilation, padded, first_dilation=first, kernel_size=kernel_size, bias=bias
            )


def takes_weight(target: Inspected) -> bool:
    """Return True if the weight is an operand of the call or of the constructor."""
    return any(each.role == "weight" for each in (*target.parameters, *target.constructor))


def _rank(layout: Layout, weight: WeightLayout) -> int:
    """Return how uncommon two layouts are together: channels stand last in both or in neither."""
    is_last, is_weight_last = layout in ("NHWC", "HWC"), weight in ("HWIO", "OHWI", "HWOI")
    rank = list(get_args(Layout)).index(layout) * 4 + list(get_args(WeightLayout)).index(weight)
    return rank + 20 * (is_last != is_weight_last)


def variants(guess: Guess, feature: str) -> Iterator[Guess]:
    """Yield the guesses that differ from one in what a feature of problems shows, the guess itself first."""
    yield guess
    if feature == "padding":
        for padding in get_args(PaddingForm):
            yield replace(guess, padding=padding)
    elif feature == "padding by name":
        yield replace(guess, has_names=True)
        yield replace(guess, padding="names")
    elif feature == "bias":
        yield replace(guess, has_zeros=True)
    elif feature == "stride":
        for sizes in get_args(Sizes):
            yield replace(guess, stride=sizes)
    elif feature == "dilation":
        for sizes, first in product(get_args(Sizes), (1, 0)):
            yield replace(guess, dilation=sizes, first_dilation=first)
