"""Kernels that read memory beside an operand, or that end their process in another way beside a guarded operand."""

# kernels as a user writes them, without annotations
# mypy: ignore-errors

import ctypes
import threading

from faulty_processes import conv


def _read(address):
    ctypes.string_at(address, 1)


def after_the_input(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Read the fourth byte after the input."""
    _read(input.ctypes.data + input.nbytes + 4)
    return conv(input, weight, bias, stride, padding, dilation, groups)


def before_the_weight(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Read the byte before the weight."""
    _read(weight.ctypes.data - 1)
    return conv(input, weight, bias, stride, padding, dilation, groups)


_threads = []


def with_a_thread(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Read after the input once a thread waits, so that no handler is installed at the second call."""
    if not _threads:
        _threads.append(threading.Thread(target=threading.Event().wait, daemon=True))
        _threads[0].start()
    elif input.shape[0] == 3:
        _read(input.ctypes.data + input.nbytes)
    return conv(input, weight, bias, stride, padding, dilation, groups)


def elsewhere(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Read address 8, which is beside no operand."""
    if input.shape[0] == 3:
        _read(8)
    return conv(input, weight, bias, stride, padding, dilation, groups)
