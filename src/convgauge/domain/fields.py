"""Fields that an expression may name, and their values for one call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from convgauge.problem import Problem

Kind = Literal["int", "bool", "str", "tuple", "list"]
"""Type of a field, a constant or a part of an expression."""

CONTIGUOUS = ("contiguous", "contiguous", "contiguous")
"""Memory layouts of input, weight and bias in a usual call."""

SPELLED = ("stride", "padding", "dilation")
"""Arguments that a call spells as a number, a tuple or a list; their numbers are fields with _h and _w at the end."""


@dataclass(frozen=True)
class Field:
    """Type and meaning of a field; several types if its value is as spelled in the call."""

    kinds: tuple[Kind, ...]
    meaning: str


_SIZE: tuple[Kind, ...] = ("int", "tuple", "list")

FIELDS: dict[str, Field] = {
    "batch": Field(("int",), "images of the input"),
    "in_channels": Field(("int",), "channels of the input"),
    "height": Field(("int",), "rows of the input"),
    "width": Field(("int",), "columns of the input"),
    "out_channels": Field(("int",), "channels of the output"),
    "kernel": Field(("tuple",), "rows and columns of the kernel"),
    "kernel_h": Field(("int",), "rows of the kernel"),
    "kernel_w": Field(("int",), "columns of the kernel"),
    "stride": Field(_SIZE, "stride as spelled in the call"),
    "stride_h": Field(("int",), "stride in rows"),
    "stride_w": Field(("int",), "stride in columns"),
    "padding": Field((*_SIZE, "str"), "padding as spelled in the call; the text is 'same' or 'valid'"),
    "padding_h": Field(("int",), "rows of padding above the input"),
    "padding_w": Field(("int",), "columns of padding to the left of the input"),
    "dilation": Field(_SIZE, "dilation as spelled in the call"),
    "dilation_h": Field(("int",), "dilation in rows"),
    "dilation_w": Field(("int",), "dilation in columns"),
    "groups": Field(("int",), "number of groups"),
    "bias": Field(("bool",), "True if there is a bias"),
    "dtype": Field(("str",), "dtype of the operands"),
    "device": Field(("str",), "device of the operands: 'cpu', 'cuda:0'"),
    "layout": Field(("str",), "memory layout of the input"),
    "weight_layout": Field(("str",), "memory layout of the weight"),
    "bias_layout": Field(("str",), "memory layout of the bias"),
    "reduction": Field(("int",), "products that each output sums: in_channels // groups * kernel_h * kernel_w"),
    "out_h": Field(("int",), "rows of the output"),
    "out_w": Field(("int",), "columns of the output"),
    "depthwise": Field(("bool",), "True if each input channel is a group, and there are several"),
    "prepared": Field(("bool",), "True if the call goes through `prepare`"),
}
"""Fields by name. A field that is as spelled in the call has the types that conv2d takes."""


def fields_of(
    problem: Problem,
    arguments: Mapping[str, Any] | None = None,
    layouts: tuple[str, str, str] = CONTIGUOUS,
    device: str = "cpu",
    prepared: bool = False,
) -> dict[str, Any]:
    """Return the value of every field for one call.

    Parameters
    ----------
    problem : Problem
        Parameters of the convolution.
    arguments : mapping, optional
        Keyword arguments of the call as spelled; those of the problem by default. An argument that is left out of the
        call has conv2d's default.
    layouts : tuple of str
        Memory layouts of input, weight and bias.
    device : str
        Device of the operands.
    prepared : bool
        The call goes through ``prepare``.
    """
    spelled = problem.arguments if arguments is None else arguments
    (top, _), (left, _) = problem.pads
    out_h, out_w = problem.output_size
    kernel_h, kernel_w = problem.kernel
    stride_h, stride_w = problem.stride
    dilation_h, dilation_w = problem.dilation
    return {
        "batch": problem.batch,
        "in_channels": problem.in_channels,
        "height": problem.height,
        "width": problem.width,
        "out_channels": problem.out_channels,
        "kernel": problem.kernel,
        "kernel_h": kernel_h,
        "kernel_w": kernel_w,
        "stride": spelled.get("stride", 1),
        "stride_h": stride_h,
        "stride_w": stride_w,
        "padding": spelled.get("padding", 0),
        "padding_h": top,
        "padding_w": left,
        "dilation": spelled.get("dilation", 1),
        "dilation_h": dilation_h,
        "dilation_w": dilation_w,
        "groups": spelled.get("groups", 1),
        "bias": problem.bias,
        "dtype": problem.dtype,
        "device": device,
        "layout": layouts[0],
        "weight_layout": layouts[1],
        "bias_layout": layouts[2],
        "reduction": problem.reduction,
        "out_h": out_h,
        "out_w": out_w,
        "depthwise": 1 < problem.groups == problem.in_channels,
        "prepared": prepared,
    }
