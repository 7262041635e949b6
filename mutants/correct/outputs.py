"""Correct NumPy builds whose outputs lie unusually in memory, or that keep memory between calls."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import functools
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from _parts import DTYPES, contracted, conv, correct, finished, padded, resolve, windows


@correct("Returns a transposed view whose channels are innermost in memory.")
def output_channels_last(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    return np.ascontiguousarray(output.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)


@correct("Returns the output in Fortran order.")
def output_in_fortran_order(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return np.asfortranarray(conv(input, weight, bias, stride, padding, dilation, groups))


@correct("Returns a slice of a larger array, with gaps between its rows.")
def output_with_gaps(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    n, o, h, w = output.shape
    room = np.empty((n, o, h, w + 5), output.dtype)
    room[..., 2 : 2 + w] = output
    return room[..., 2 : 2 + w]


@correct("Returns an output with negative strides.")
def output_reversed_in_memory(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    return output[..., ::-1].copy()[..., ::-1]


class _Named(np.ndarray):
    name = "answer"


@correct("Returns a subclass of numpy.ndarray that only adds a name.")
def output_of_a_subclass(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return conv(input, weight, bias, stride, padding, dilation, groups).view(_Named)


_workspace = threading.local()


@correct("Reuses a workspace for each thread and returns a copy of it.")
def workspace_reused(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if getattr(_workspace, "room", np.empty(0)).nbytes < output.nbytes:
        _workspace.room = np.empty(output.nbytes, np.uint8)
    room = _workspace.room[: output.nbytes].view(output.dtype).reshape(output.shape)
    room[...] = output
    return room.copy()


@functools.lru_cache(maxsize=256)
def _plan(problem):
    """Return all that depends on the parameters only."""
    return problem.pads, problem.kernel, problem.stride, problem.dilation, problem.groups


@correct("Caches plans by all parameters that they depend on.")
def plans_cached(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    pads, kernel, step, spread, count = _plan(problem)
    accumulator = DTYPES[problem.dtype].accumulator
    fields = windows(padded(input.astype(accumulator), pads), kernel, step, spread)
    return finished(contracted(fields, weight.astype(accumulator), count), bias, problem.dtype)


_packed: dict[Any, Any] = {}


@correct("Caches packed weights by their content.")
def weights_cached_by_content(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    key = (weight.tobytes(), weight.shape, weight.dtype.str)
    if len(_packed) > 500:
        _packed.clear()
    return conv(input, _packed.setdefault(key, weight.copy()), bias, stride, padding, dilation, groups)


@correct("Computes the images on four threads.")
def images_on_threads(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if len(input) < 2:
        return conv(input, weight, bias, stride, padding, dilation, groups)
    with ThreadPoolExecutor(4) as pool:
        parts = pool.map(lambda image: conv(image[None], weight, bias, stride, padding, dilation, groups), input)
        return np.concatenate(list(parts))
