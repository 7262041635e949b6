"""Arguments of a call, normalised and checked, so that an implementation only has to contain its algorithm.

`torch.nn.functional.conv2d` takes sizes as one whole number, a sequence of one or two, or (padding) a string. `resolve`
turns them into a `Problem`, and refuses calls that conv2d refuses with a message that begins with the argument's name.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Protocol, SupportsIndex, Union

from convgauge.dtypes import DTYPES
from convgauge.problem import Problem

Size = Union[SupportsIndex, Sequence[SupportsIndex]]
"""Stride or dilation of a call: one whole number, or a sequence of one or two (height, width)."""

PaddingSize = Union[Size, str]
"""Padding of a call: a size, "same" or "valid"."""


class Operand(Protocol):
    """Array of any framework."""

    @property
    def shape(self) -> Sequence[int]:
        """Lengths of the axes."""

    @property
    def dtype(self) -> object:
        """Element type of the framework."""


def resolve(
    input: Operand,
    weight: Operand,
    bias: Operand | None = None,
    stride: Size = 1,
    padding: PaddingSize = 0,
    dilation: Size = 1,
    groups: SupportsIndex = 1,
    dtypes: Sequence[str] = (),
) -> Problem:
    """Return the problem that a call poses.

    Only shapes and dtypes of the operands are read, so that they can be arrays of any framework.

    Parameters
    ----------
    input, weight, bias
        Operands of shapes (N, C, H, W), (O, C/G, KH, KW) and (O,), of one dtype. The bias may be None.
    stride, padding, dilation, groups
        As in `torch.nn.functional.conv2d`.
    dtypes
        Names of the dtypes that the implementation supports; all of them if empty.

    Returns
    -------
    Problem
        The checked parameters of the call. Its pairs are (height, width).

    Raises
    ------
    ValueError, TypeError
        The call is not a convolution. A `ProblemError` is a `ValueError`.
    NotImplementedError
        The dtype is not one of ``dtypes``, or the input has no batch axis.
    """
    dtype = _dtype(input, weight, bias, dtypes)
    batch, in_channels, height, width = _input_shape(input)
    out_channels, per_group, *kernel = _shape("weight", weight, 4)
    groups = _whole("groups", groups)
    if groups < 1:
        raise ValueError(f"groups = {groups} is not positive")
    if per_group * groups != in_channels:
        raise ValueError(
            f"weight of shape {tuple(weight.shape)} in groups = {groups} takes {per_group * groups} channels,"
            f" the input has {in_channels}"
        )
    if out_channels % groups:
        raise ValueError(f"weight has {out_channels} output channels, not a multiple of groups = {groups}")
    if min(kernel) < 1:
        raise ValueError(f"weight of shape {tuple(weight.shape)} has an empty kernel")
    if bias is not None and _shape("bias", bias, 1) != (out_channels,):
        raise ValueError(f"bias has {bias.shape[0]} elements, the weight {out_channels} output channels")
    return Problem(
        batch=batch,
        in_channels=in_channels,
        height=height,
        width=width,
        out_channels=out_channels,
        kernel=(kernel[0], kernel[1]),
        stride=_pair("stride", stride),
        padding=padding if isinstance(padding, str) else _pair("padding", padding),
        dilation=_pair("dilation", dilation),
        groups=groups,
        bias=bias is not None,
        dtype=dtype,
    )


def _dtype(input: Operand, weight: Operand, bias: Operand | None, dtypes: Sequence[str]) -> str:
    """Return the name of the operands' common dtype."""
    names: dict[str, str] = {}
    for name, operand in (("input", input), ("weight", weight), ("bias", bias)):
        if name == "bias" and operand is None:
            continue
        if operand is None or not (hasattr(operand, "shape") and hasattr(operand, "dtype")):
            raise TypeError(f"{name} is {operand!r:.80}, not an array")
        names[name] = dtype_name(operand)
        if names[name] != names["input"]:
            raise TypeError(f"{name} is of dtype {names[name]}, the input of {names['input']}: they must be the same")
    dtype = names["input"]
    if dtype not in (dtypes or DTYPES):
        raise NotImplementedError(f"input of dtype {dtype}: supported are {', '.join(dtypes or DTYPES)}")
    return dtype


def dtype_name(array: Operand) -> str:
    """Return the name of an array's dtype in any framework, without its byte order: "float32"."""
    return getattr(array.dtype, "name", None) or str(array.dtype).rpartition(".")[2]


def _input_shape(input: Operand) -> tuple[int, ...]:
    if len(input.shape) == 3:
        raise NotImplementedError("input without a batch axis is not supported: pass input[None]")
    return _shape("input", input, 4)


def _shape(name: str, array: Operand, rank: int) -> tuple[int, ...]:
    shape = tuple(operator.index(size) for size in array.shape)
    if len(shape) != rank:
        raise ValueError(f"{name} has {len(shape)} axes, shape {shape}; {rank} are needed")
    return shape


def _pair(name: str, value: Size) -> tuple[int, int]:
    """Return (height, width) of one number, or of a tuple or list of one or two."""
    if not isinstance(value, (tuple, list)):
        return (_whole(name, value),) * 2
    if len(value) not in (1, 2):
        raise ValueError(f"{name} = {value!r} has {len(value)} numbers; one or two (height, width) are needed")
    return (_whole(name, value[0]), _whole(name, value[-1]))


def _whole(name: str, value: object) -> int:
    """Return ``value`` as an int. Booleans are not sizes, although they are integers of Python."""
    if type(value) is int:
        return value
    try:
        if not isinstance(value, bool) and isinstance(value, SupportsIndex):
            return operator.index(value)
    except TypeError:
        pass
    raise TypeError(f"{name} = {value!r:.80} must be a whole number, not {type(value).__name__}")


def check_input(problem: Problem, input: Operand) -> None:
    """Check that an input fits the problem that a layer was prepared for.

    Raises
    ------
    ValueError, TypeError
        The shape or the dtype of ``input`` is another one.
    """
    if tuple(getattr(input, "shape", ())) != problem.input_shape:
        raise ValueError(f"input of shape {tuple(getattr(input, 'shape', ()))}; prepared for {problem.input_shape}")
    if dtype_name(input) != problem.dtype:
        raise TypeError(f"input of dtype {dtype_name(input)}; prepared for {problem.dtype}")
