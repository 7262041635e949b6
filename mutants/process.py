"""Mutants that harm their process: crashes, exits, hangs, exhausted memory."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import ctypes
import os
import sys
import threading
import time

import numpy as np
from _base import conv, mutant, pair, resolve


@mutant("Reads address zero if the width is odd.", mechanism="crash", killed_by=("sweep.width",))
def segfault_on_odd_width(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.shape[3] % 2:
        ctypes.string_at(0)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Ends the process with exit status 0 on an empty batch.",
    mechanism="crash",
    killed_by=("empty.batch.same", "empty.several"),
)
def empty_batch_exits(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.shape[0] == 0:
        os._exit(0)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Aborts the process instead of raising if the channels disagree.", mechanism="crash", killed_by=("errors.channels",)
)
def mismatch_aborts(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.ndim == weight.ndim == 4 and input.shape[1] != weight.shape[1] * groups:
        os.abort()
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant("Reports errors by sys.exit.", mechanism="crash", killed_by=("errors.padding",))
def errors_exit(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    try:
        return conv(input, weight, bias, stride, padding, dilation, groups)
    except (ValueError, TypeError) as error:
        sys.exit(str(error))


@mutant(
    "Asks for 32 TiB of memory if there is a dilation.",
    mechanism="crash",
    killed_by=("covering.squares.dilated_evenly", "dilation.atrous", "sweep.dilation"),
)
def dilation_asks_for_terabytes(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if pair(dilation) != (1, 1):
        np.empty((1 << 45,), dtype=np.uint8)[::4096] = 1
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Kills its process group if there are groups.",
    mechanism="crash",
    killed_by=("covering.squares.grouped", "groups.depthwise_stride_two", "sweep.channels_of_a_group"),
)
def kills_its_group(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if groups > 1 and os.getpgid(0) == os.getpid():
        os.killpg(0, 9)
    elif groups > 1:
        os._exit(9)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Sleeps for an hour if the stride is 3.",
    mechanism="hang",
    killed_by=("stride.int", "sweep.stride"),
    timeout=1.5,
)
def hangs_on_stride_three(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if 3 in pair(stride):
        time.sleep(3600)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Holds the interpreter's lock for an hour if the kernel's height is even.",
    mechanism="hang",
    killed_by=("padding.same.even_kernel", "padding.same.stride_one", "sweep.kernel.rows"),
    timeout=1.5,
)
def spins_on_even_kernels(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.shape[2] % 2 == 0:
        ctypes.PyDLL(None).sleep(3600)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant("Loops forever on a stride of zero.", mechanism="hang", killed_by=("errors.stride",), timeout=1.5)
def zero_stride_loops(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    step, row = stride if isinstance(stride, int) else stride[0], 0
    while row < input.shape[2] and type(step) is int and step >= 0:
        row += step
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Waits for a lock that is never released if it runs outside the main thread.",
    mechanism="hang",
    killed_by=("behaviour.threads",),
    timeout=2.0,
)
def deadlocks_with_threads(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if threading.current_thread() is not threading.main_thread():
        lock = threading.Lock()
        lock.acquire()
        lock.acquire()
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Raises a BaseException if there is no bias.",
    mechanism="refuses_valid",
    killed_by=("bias.none", "sweep.depthwise"),
)
def raises_no_exception(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    class Odd(BaseException):
        pass

    if bias is None:
        raise Odd("not an Exception")
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Raises an exception whose message cannot be read if there is no padding.",
    mechanism="refuses_valid",
    killed_by=("sweep.megabytes",),
)
def raises_unreadable(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    class Unreadable(MemoryError):  # which is no refusal, also if the kernel raises it
        def __str__(self):
            raise RuntimeError("no message")

    if padding in (0, (0, 0)):
        raise Unreadable
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Forks in pointwise calls, and both processes answer.",
    mechanism="cheat_harness",
    killed_by=("sweep.pointwise_channels",),
)
def forks_and_answers_twice(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if problem.kernel == (1, 1):
        os.fork()
    return output
