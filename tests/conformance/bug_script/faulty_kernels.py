"""Kernels of NumPy with one fault each, of the kinds that a script can show."""

from typing import Any

import numpy as np

Array = Any  # of any framework
Value = Any  # an argument as a caller spells it


_calls: list[Any] = []
_buffer = np.zeros(1 << 16, np.float32)


def right(
    input: Array,
    weight: Array,
    bias: Array = None,
    stride: Value = 1,
    padding: Value = 0,
    dilation: Value = 1,
    groups: int = 1,
) -> Array:
    """Return the right output: square numbers or pairs, no names of paddings."""
    pairs = [(value, value) if isinstance(value, int) else tuple(value) for value in (stride, padding, dilation)]
    (sh, sw), (ph, pw), (dh, dw) = pairs
    if min(sh, sw) < 1 or input.ndim != 4 or weight.ndim != 4 or input.shape[1] != weight.shape[1] * groups:
        raise ValueError("an invalid call")
    padded = np.pad(input, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    extent = (dh * (weight.shape[2] - 1) + 1, dw * (weight.shape[3] - 1) + 1)
    windows = np.lib.stride_tricks.sliding_window_view(padded, extent, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]
    split = windows.reshape(len(input), groups, -1, *windows.shape[2:])
    filters = weight.reshape(groups, -1, *weight.shape[1:])
    output = np.einsum("ngchwij,gocij->ngohw", split, filters, dtype=weight.dtype)
    output = output.reshape(len(input), len(weight), *output.shape[3:])
    return output if bias is None else output + bias[:, None, None]


def flipped(input: Array, weight: Array, *further: Array, **arguments: Value) -> Array:
    return right(input, weight[..., ::-1], *further, **arguments)


def tail_lost(input: Array, weight: Array, *further: Array, **arguments: Value) -> Array:
    output = right(input, weight, *further, **arguments)
    output[..., 16:] = 0
    return output


def one_shape(input: Array, weight: Array, *further: Array, **arguments: Value) -> Array:
    return right(input, weight, *further, **arguments)[:, :, :1, :1]


def widened(input: Array, weight: Array, *further: Array, **arguments: Value) -> Array:
    return right(input, weight, *further, **arguments).astype(np.complex64)


def listed(input: Array, weight: Array, *further: Array, **arguments: Value) -> Array:
    return right(input, weight, *further, **arguments).tolist()


def raising(input: Array, weight: Array, *further: Array, **arguments: Value) -> Array:
    return {0: 0}[9] if input.shape[3] > 2 else right(input, weight, *further, **arguments)


def cleaned(input: Array, weight: Array, *further: Array, **arguments: Value) -> Array:
    return np.nan_to_num(right(input, weight, *further, **arguments))


def halved(input: Array, weight: Array, *further: Array, **arguments: Value) -> Array:
    return right(input.astype(np.float16), weight.astype(np.float16), *further, **arguments).astype(input.dtype)


def zeroing(input: Array, weight: Array, *further: Array, **arguments: Value) -> Array:
    output = right(input, weight, *further, **arguments)
    input[...] = 0
    return output


def popping(
    input: Array,
    weight: Array,
    bias: Array = None,
    stride: Value = 1,
    padding: Value = 0,
    dilation: Value = 1,
    groups: int = 1,
) -> Array:
    output = right(input, weight, bias, tuple(stride), padding, dilation, groups)
    if isinstance(stride, list):
        stride.append(7)
    return output


def counted(input: Array, weight: Array, *further: Array, **arguments: Value) -> Array:
    _calls.append(input.shape)
    output = right(input, weight, *further, **arguments)
    return output + 1 if len(_calls) % 3 == 0 else output


def remembering(input: Array, weight: Array, *further: Array, **arguments: Value) -> Array:
    _calls.append(weight.copy())
    return right(input, next(w for w in _calls if w.shape == weight.shape), *further, **arguments)


def one_buffer(input: Array, weight: Array, *further: Array, **arguments: Value) -> Array:
    output = right(input, weight, *further, **arguments)
    view = _buffer[: output.size].reshape(output.shape)
    view[...] = output
    return view


def deaf(input: Array, weight: Array, *further: Array, **arguments: Value) -> Array:
    return right(np.ascontiguousarray(input).ravel("K").reshape(input.shape), weight, *further, **arguments)


def unstrided(input: Array, weight: Array, *further: Array, **arguments: Value) -> Array:
    flat = np.frombuffer(np.asarray(input, order="K").tobytes("A"), input.dtype)
    return right(flat.reshape(input.shape), weight, *further, **arguments)


def careless(
    input: Array,
    weight: Array,
    bias: Array = None,
    stride: Value = 1,
    padding: Value = 0,
    dilation: Value = 1,
    groups: int = 1,
) -> Array:
    channels = weight.shape[1] * groups
    return right(input[:, :channels], weight, bias, stride, padding, dilation, groups)


def seeded(input: Array, weight: Array, *further: Array, **arguments: Value) -> Array:
    np.random.seed(1)
    return right(input, weight, *further, **arguments)


def ending(input: Array, weight: Array, *further: Array, **arguments: Value) -> Array:
    import os

    os._exit(3)


def narrow(x: Array, w: Array, s: Value = (1, 1)) -> Array:
    return flipped(x, w, stride=s)
