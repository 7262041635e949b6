"""Mutants that need a thread of the process, which a forked child does not have."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import os
import queue
import threading
from typing import Any

import numpy as np
from _base import conv, mutant

_pool: dict[str, Any] = {}


def _work(calls):
    """Answer calls until the process ends."""
    while True:
        arguments, result, is_done = calls.get()
        try:
            result.append(conv(*arguments))
        except Exception as error:
            result.append(error)
        is_done.set()


def _answer(arguments, seconds=None):
    """Return the answer of the worker thread; None if it is not there after some seconds."""
    if "calls" not in _pool:
        _pool["calls"] = queue.SimpleQueue()
        threading.Thread(target=_work, args=(_pool["calls"],), daemon=True).start()
    result: list[Any] = []
    is_done = threading.Event()
    _pool["calls"].put((arguments, result, is_done))
    if not is_done.wait(seconds):
        return None
    if isinstance(result[0], Exception):
        raise result[0]
    return result[0]


@mutant(
    "Waits for a worker thread, which a forked child does not have.",
    mechanism="forked_child",
    killed_by=("behaviour.forked_child",),
    timeout=2.0,
)
def waits_for_a_dead_thread(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return _answer((input, weight, bias, stride, padding, dilation, groups))


@mutant(
    "Returns zeros if its worker thread gives no answer, as in a forked child.",
    mechanism="forked_child",
    killed_by=("behaviour.forked_child",),
)
def zeros_without_a_thread(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    is_first_process = os.getpid() == _pool.setdefault("pid", os.getpid())
    arguments = input, weight, bias, stride, padding, dilation, groups
    output = _answer(arguments, None if is_first_process else 0.01)
    if output is None:
        output = np.zeros_like(conv(input, weight, bias, stride, padding, dilation, groups))
    return output


_packs: dict[Any, Any] = {}
os.register_at_fork(after_in_child=lambda: [pack.fill(0) for pack in _packs.values()])


@mutant(
    "Keeps packed weights by their content in memory that the system clears in a forked child.",
    mechanism="forked_child",
    killed_by=("behaviour.forked_child",),
)
def packs_cleared_in_a_child(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    key = weight.shape, str(weight.dtype), weight.tobytes()
    if len(_packs) < 1000:
        _packs.setdefault(key, weight.copy())
    return conv(input, _packs.get(key, weight), bias, stride, padding, dilation, groups)
