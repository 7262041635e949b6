"""Kernels that crash, exit, hang, leak or flood: each does so on a batch of 3 and is right on any other."""

# kernels as a user writes them, without annotations
# mypy: ignore-errors

import ctypes
import os
import re
import signal
import sys
import threading
import time

import numpy as np

from convgauge.arguments import resolve


def conv(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Compute the convolution correctly."""
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    (top, bottom), (left, right) = problem.pads
    weight = _blocks(weight, problem.groups)
    x = np.pad(input, ((0, 0), (0, 0), (top, bottom), (left, right)))
    output = np.zeros(problem.output_shape, input.dtype)
    (oh, ow), (sh, sw), (dh, dw) = problem.output_size, problem.stride, problem.dilation
    for i in range(problem.kernel[0]):
        for j in range(problem.kernel[1]):
            rows = slice(i * dh, i * dh + (oh - 1) * sh + 1, sh)
            columns = slice(j * dw, j * dw + (ow - 1) * sw + 1, sw)
            output += np.einsum("nchw,oc->nohw", x[:, :, rows, columns], weight[:, :, i, j])
    return output if bias is None else output + bias[:, None, None]


def _blocks(weight, groups):
    """Return the weight of the equal convolution in one group: zeros outside of the groups' blocks."""
    if groups == 1:
        return weight
    outputs, inputs = len(weight) // groups, weight.shape[1]
    whole = np.zeros((len(weight), inputs * groups, *weight.shape[2:]), weight.dtype)
    for group in range(groups):
        block = slice(group * outputs, (group + 1) * outputs)
        whole[block, group * inputs : (group + 1) * inputs] = weight[block]
    return whole


def _when_three(misbehave):
    def kernel(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
        if len(input) == 3:
            misbehave()
        return conv(input, weight, bias, stride, padding, dilation, groups)

    return kernel


def _exit_in_a_thread():
    thread = threading.Thread(target=sys.exit, args=(3,))
    thread.start()
    thread.join()


def _quiet_noise():
    for descriptor in range(3, 40):
        try:
            os.write(descriptor, b"\x09\x00\x00\x00\x00\x00\x00\x00not JSON.")
        except OSError:
            continue


def _huge_frame():
    for descriptor in range(3, 40):
        try:
            os.write(descriptor, b"\xff" * 64)
        except OSError:
            continue


def _orphan():
    if os.fork() == 0:
        time.sleep(600)
        os._exit(0)
    os.kill(os.getpid(), signal.SIGKILL)


segfault = _when_three(lambda: ctypes.string_at(0))
abort = _when_three(os.abort)
exits_1 = _when_three(lambda: os._exit(1))
exits_0 = _when_three(lambda: os._exit(0))
system_exit = _when_three(lambda: sys.exit("enough"))
thread_exit = _when_three(_exit_in_a_thread)
killed = _when_three(lambda: os.kill(os.getpid(), signal.SIGKILL))
kills_group = _when_three(lambda: os.killpg(os.getpgid(0), signal.SIGKILL))
orphans = _when_three(_orphan)
sleeps = _when_three(lambda: time.sleep(600))
holds_the_lock = _when_three(lambda: ctypes.PyDLL(None).sleep(600))
stopped = _when_three(lambda: os.kill(os.getpid(), signal.SIGSTOP))
greedy = _when_three(lambda: np.ones(1 << 31, np.uint8))
floods = _when_three(lambda: sys.stdout.write("flood " * 400_000))
floods_descriptor = _when_three(lambda: os.write(2, b"flood " * 400_000))
noise = _when_three(_quiet_noise)
huge_frame = _when_three(_huge_frame)
closes = _when_three(lambda: os.closerange(3, 100))
forks = _when_three(os.fork)
interrupt = _when_three(lambda: os.kill(os.getpid(), signal.SIGINT))


def _backtracks():
    re.match(r"(a+)+$", "a" * 60 + "b")  # exponential in C, and holds the interpreter's lock


def _memory_error():
    raise MemoryError("no workspace")


backtracks = _when_three(_backtracks)
memory_error = _when_three(_memory_error)
floods_and_dies = _when_three(lambda: (os.write(1, b"flood " * 400_000 + b"\nthe last words\n"), os.abort()))


def always_dies(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    os._exit(0)


def always_hangs(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    time.sleep(600)


_calls = 0


def counts(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Return the number of calls so far in every output."""
    global _calls  # noqa: PLW0603  # state of the fault
    _calls += 1
    return np.full_like(conv(input, weight, bias, stride, padding, dilation, groups), _calls)


_compiled = set()


def _compile():
    """Use the processor that there is for 3 seconds."""
    started = time.monotonic()
    while time.monotonic() < started + 3:
        pass


def compiles(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Compile in the first call on a shape."""
    if input.shape not in _compiled:
        _compiled.add(input.shape)
        _compile()
    return conv(input, weight, bias, stride, padding, dilation, groups)


def compiles_each_time(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Compile in every call."""
    _compile()
    return conv(input, weight, bias, stride, padding, dilation, groups)
