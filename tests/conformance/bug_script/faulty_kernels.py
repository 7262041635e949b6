"""Kernels of NumPy with one fault each, of the kinds that a script can show."""

import numpy as np

_calls = []
_buffer = np.zeros(1 << 16, np.float32)


def right(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
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


def flipped(input, weight, *further, **arguments):
    return right(input, weight[..., ::-1], *further, **arguments)


def tail_lost(input, weight, *further, **arguments):
    output = right(input, weight, *further, **arguments)
    output[..., 16:] = 0
    return output


def one_shape(input, weight, *further, **arguments):
    return right(input, weight, *further, **arguments)[:, :, :1, :1]


def widened(input, weight, *further, **arguments):
    return right(input, weight, *further, **arguments).astype(np.complex64)


def listed(input, weight, *further, **arguments):
    return right(input, weight, *further, **arguments).tolist()


def raising(input, weight, *further, **arguments):
    return {}["wide"] if input.shape[3] > 2 else right(input, weight, *further, **arguments)


def cleaned(input, weight, *further, **arguments):
    return np.nan_to_num(right(input, weight, *further, **arguments))


def halved(input, weight, *further, **arguments):
    return right(input.astype(np.float16), weight.astype(np.float16), *further, **arguments).astype(input.dtype)


def zeroing(input, weight, *further, **arguments):
    output = right(input, weight, *further, **arguments)
    input[...] = 0
    return output


def popping(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = right(input, weight, bias, tuple(stride), padding, dilation, groups)
    if isinstance(stride, list):
        stride.append(7)
    return output


def counted(input, weight, *further, **arguments):
    _calls.append(input.shape)
    output = right(input, weight, *further, **arguments)
    return output + 1 if len(_calls) % 3 == 0 else output


def remembering(input, weight, *further, **arguments):
    _calls.append(weight.copy())
    return right(input, next(w for w in _calls if w.shape == weight.shape), *further, **arguments)


def one_buffer(input, weight, *further, **arguments):
    output = right(input, weight, *further, **arguments)
    view = _buffer[: output.size].reshape(output.shape)
    view[...] = output
    return view


def deaf(input, weight, *further, **arguments):
    return right(np.ascontiguousarray(input).ravel("K").reshape(input.shape), weight, *further, **arguments)


def unstrided(input, weight, *further, **arguments):
    flat = np.frombuffer(np.asarray(input, order="K").tobytes("A"), input.dtype)
    return right(flat.reshape(input.shape), weight, *further, **arguments)


def careless(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    channels = weight.shape[1] * groups
    return right(input[:, :channels], weight, bias, stride, padding, dilation, groups)


def seeded(input, weight, *further, **arguments):
    np.random.seed(1)
    return right(input, weight, *further, **arguments)


def ending(input, weight, *further, **arguments):
    import os

    os._exit(3)
