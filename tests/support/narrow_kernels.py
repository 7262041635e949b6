"""Narrow kernels, sound and faulty: 3x3 kernels on square images, and channels in blocks of 32."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Kernel = Callable[..., Array]
Size = int | tuple[int, int]


def _convolved(input: Array, weight: Array, bias: Array | None) -> Array:
    windows = np.lib.stride_tricks.sliding_window_view(input, weight.shape[2:], axis=(2, 3))
    output: Array = np.einsum("nchwij,ocij->nohw", windows, weight, optimize=True).astype(input.dtype)
    return output if bias is None else output + bias[:, None, None]


def _require_plain(stride: Size, padding: Size, dilation: Size, groups: int) -> None:
    if {stride, dilation} - {1, (1, 1)} or padding not in (0, (0, 0)) or groups != 1:
        raise NotImplementedError("plain convolutions only")


def squares(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Size = 1,
    padding: Size = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Array:
    _require_plain(stride, padding, dilation, groups)
    if weight.shape[2:] != (3, 3) or input.shape[2] != input.shape[3]:
        raise NotImplementedError("3x3 kernels and square images only")
    return _convolved(input, weight, bias)


def blocks(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Size = 1,
    padding: Size = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Array:
    _require_plain(stride, padding, dilation, groups)
    if input.shape[1] % 32 or weight.shape[0] % 32:
        raise NotImplementedError("blocks of 32 channels only")
    return _convolved(input, weight, bias)


def _changed(sound: Kernel, change: Callable[[Kernel, Array, Array, Array | None], Array]) -> Kernel:
    def kernel(
        input: Array,
        weight: Array,
        bias: Array | None = None,
        stride: Size = 1,
        padding: Size = 0,
        dilation: Size = 1,
        groups: int = 1,
    ) -> Array:
        def call(input: Array, weight: Array, bias: Array | None) -> Array:
            return sound(input, weight, bias, stride, padding, dilation, groups)

        return change(call, input, weight, bias)

    return kernel


def _without(columns: slice) -> Callable[[Kernel, Array, Array, Array | None], Array]:
    def change(call: Kernel, input: Array, weight: Array, bias: Array | None) -> Array:
        output = call(input, weight, bias)
        output[..., columns] = 0
        return output

    return change


_answers: dict[object, Array] = {}


def _earlier_answer(call: Kernel, input: Array, weight: Array, bias: Array | None) -> Array:
    shapes = input.shape, weight.shape, bias is None
    return _answers.setdefault(shapes, call(input, weight, bias)).copy()


squares_turned = _changed(squares, lambda call, x, w, b: call(x, w[:, :, ::-1, ::-1], b))
squares_without_last_column = _changed(squares, _without(slice(-1, None)))
squares_without_bias = _changed(squares, lambda call, x, w, b: call(x, w, None))
squares_with_channels_swapped = _changed(squares, lambda call, x, w, b: call(x, w[:, ::-1], b))
squares_of_earlier_calls = _changed(squares, _earlier_answer)
blocks_without_columns_from_64 = _changed(blocks, _without(slice(64, None)))
