"""Faults that take the process along: crashes, exits, hangs, floods, memory."""

import ctypes
import os
import sys
import threading
import time

import numpy as np
from _parts import conv, fault, pair, resolve


@fault("An odd width reads address zero.", caught_by=["sweep", "covering", "padding"])
def segfault_on_odd_width(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.shape[3] % 2:
        ctypes.string_at(0)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("An empty batch ends the process with exit status 0.", caught_by=["empty"])
def empty_batch_exits(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.shape[0] == 0:
        os._exit(0)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Channels that do not agree abort the process instead of raising.", caught_by=["errors"])
def mismatch_aborts(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.ndim == weight.ndim == 4 and input.shape[1] != weight.shape[1] * groups:
        os.abort()
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Errors are reported by sys.exit.", caught_by=["errors"])
def errors_exit(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    try:
        return conv(input, weight, bias, stride, padding, dilation, groups)
    except (ValueError, TypeError) as error:
        sys.exit(str(error))


@fault("A stride of 3 sleeps for an hour.", caught_by=["stride", "sweep", "covering"], timeout=1.5)
def hangs_on_stride_three(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if 3 in pair(stride):
        time.sleep(3600)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Kernels of even height never come back and hold the interpreter's lock.",
       caught_by=["padding", "sweep", "covering"], timeout=1.5)  # fmt: skip
def spins_on_even_kernels(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.shape[2] % 2 == 0:
        ctypes.PyDLL(None).sleep(3600)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("A stride of zero is looped over for ever.", caught_by=["errors"], timeout=1.5)
def zero_stride_loops(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    step, row = stride if isinstance(stride, int) else stride[0], 0
    while row < input.shape[2] and type(step) is int and step >= 0:
        row += step
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Dilated kernels ask for more memory than there is.", caught_by=["dilation", "sweep", "covering"])
def dilation_asks_for_terabytes(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if pair(dilation) != (1, 1):
        np.empty((1 << 45,), dtype=np.uint8)[::4096] = 1
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("A second call at once waits for a lock that is never let go.", caught_by=["behaviour"], timeout=2.0)
def deadlocks_with_threads(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if threading.current_thread() is not threading.main_thread():
        lock = threading.Lock()
        lock.acquire()
        lock.acquire()
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Grouped calls kill their whole process group.", caught_by=["groups", "sweep", "covering"])
def kills_its_group(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if groups > 1 and os.getpgid(0) == os.getpid():
        os.killpg(0, 9)
    elif groups > 1:
        os._exit(9)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Calls without a bias raise an exception that is no Exception.", caught_by=["bias", "sweep", "covering"])
def raises_no_exception(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    class Odd(BaseException):
        pass

    if bias is None:
        raise Odd("not an Exception")
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault(
    "Calls without padding raise an exception whose message cannot be read.", caught_by=["padding", "sweep", "covering"]
)
def raises_unreadable(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    class Unreadable(ValueError):
        def __str__(self):
            raise RuntimeError("no message")

    if padding in (0, (0, 0)):
        raise Unreadable
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("A pointwise call forks, and both processes answer.", caught_by=["sweep", "covering", "adversarial"])
def forks_and_answers_twice(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if problem.kernel == (1, 1):
        os.fork()
    return output
