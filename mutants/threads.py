"""Mutants that mix up concurrent calls."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import threading
import time
from typing import Any

import numpy as np
from _base import computed, conv, mutant, resolve

_buffers: dict[Any, Any] = {}


@mutant("Shares one workspace between threads.", mechanism="thread_race", killed_by=("behaviour.threads",))
def workspace_shared_by_threads(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    workspace = _buffers.setdefault((output.shape, output.dtype, "shared"), np.empty_like(output))
    workspace[...] = 0
    time.sleep(0)
    workspace += output
    time.sleep(0)
    return workspace.copy()


@mutant(
    "Keeps the arguments in globals, so that concurrent calls compute the later call's answer.",
    mechanism="thread_race",
    killed_by=("behaviour.threads",),
)
def arguments_in_globals(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    _buffers["now"] = (input, weight, bias, stride, padding, dilation, groups)
    time.sleep(0.0005)
    return conv(*_buffers["now"])


@mutant(
    "Uses the main thread's last bias in all other threads.", mechanism="thread_race", killed_by=("behaviour.threads",)
)
def bias_of_the_first_thread(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if threading.current_thread() is threading.main_thread():
        _buffers["bias"] = bias
    elif bias is not None:
        last = _buffers["bias"]
        bias = last if last is not None and (last.shape, last.dtype) == (bias.shape, bias.dtype) else bias
    return conv(input, weight, bias, stride, padding, dilation, groups)


_filters: dict[Any, Any] = {}


@mutant(
    "Keeps the filter where all threads see it, so that concurrent calls use each other's.",
    mechanism="thread_race",
    killed_by=("behaviour.threads",),
)
def filters_shared_by_threads(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    slot = (weight.shape, weight.dtype)
    _filters[slot] = weight
    time.sleep(0.0002)
    return conv(input, _filters[slot], bias, stride, padding, dilation, groups)


_geometry: dict[str, Any] = {}


@mutant(
    "Keeps the geometry in a global, so that concurrent calls of other sizes use each other's.",
    mechanism="thread_race",
    killed_by=("state.several_problems",),
)
def geometry_in_a_global(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    _geometry["problem"] = problem
    time.sleep(1e-5)
    output = computed(problem, input, weight, bias)
    rows, columns = _geometry["problem"].output_size
    output[:, :, rows:] = 0
    output[:, :, :, columns:] = 0
    return output


_local = threading.local()


@mutant(
    "Has a workspace in each thread but the first, of the size of its first call, which cuts later outputs.",
    mechanism="thread_race",
    killed_by=("state.several_problems",),
)
def workspace_of_the_first_size(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if threading.current_thread() is not threading.main_thread():
        rows = _local.__dict__.setdefault("rows", output.shape[2])
        output[:, :, rows:] = 0
    return output
