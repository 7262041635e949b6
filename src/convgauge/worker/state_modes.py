"""Ways to make calls between which a kernel may keep something: without memory, and several problems in threads."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Any

from convgauge.registry import Implementation
from convgauge.worker.call import Call
from convgauge.worker.call_modes import Arrays, Outputs, UnsupportedCall, call_mode
from convgauge.worker.frameworks import Array, Framework
from convgauge.worker.stability import SWITCH_INTERVAL_S

HUGE_PADDING = 1 << 14
"""Padding of the call without memory: its output has 2^30 elements for each image and channel."""
FREE_BYTES = 1 << 29
"""Memory that the call without memory may take: enough for libraries, and not enough for a plane of its output."""
THREADS = 4
ROUNDS = 60
"""Calls that each thread makes, unless they take longer than `MAX_ROUNDS_S`."""
MAX_ROUNDS_S = 0.3


@call_mode
def out_of_memory(implementation: Implementation, framework: Framework, call: Call, arrays: Arrays) -> Outputs:
    """Make a call whose output does not fit into the memory of the process; if it returns, make the plain call."""
    padding = HUGE_PADDING, HUGE_PADDING
    with _limited_memory():
        implementation(*arrays, **{**call.arguments, "padding": padding, "dilation": (1, 1), "stride": (1, 1)})
    return implementation(*arrays, **call.arguments), []


@contextlib.contextmanager
def _limited_memory() -> Iterator[None]:
    """Limit the address space of the process to `FREE_BYTES` more than it has. Raises `UnsupportedCall`."""
    if not sys.platform.startswith("linux"):
        raise UnsupportedCall("the memory of a call is limited on Linux alone")
    import resource

    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = used + FREE_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@call_mode
def several_problems(implementation: Implementation, framework: Framework, call: Call, arrays: Arrays) -> Outputs:
    """Make calls of different problems in several threads at once.

    The second problem has an input without the first row and column, the third a stride of twice the size. Further
    results: the outputs of the second and the third problem. If an output of a problem differs from the first one, it
    is returned instead.
    """
    smaller = framework.make(call.input[:, :, 1:, 1:].copy(), call.dtypes[0], call.device, call.layouts[0])[0]
    rows, columns = call.arguments["stride"]
    wider = {**call.arguments, "stride": (2 * rows, 2 * columns)}
    functions: list[Callable[[], Array]] = [
        lambda: implementation(*arrays, **call.arguments),
        lambda: implementation(smaller, *arrays[1:], **call.arguments),
        lambda: implementation(*arrays, **wider),
    ]
    alone = [function() for function in functions]
    contents = [_content(framework, output) for output in alone]
    outputs = list(alone)
    for index, output in _called_at_once(functions):
        if outputs[index] is alone[index] and _content(framework, output) != contents[index]:
            outputs[index] = output
    return outputs[0], outputs[1:]


def _content(framework: Framework, output: Array) -> tuple[tuple[int, ...], bytes]:
    copy, _ = framework.read(output)
    return copy.shape, copy.tobytes()


def _called_at_once(functions: list[Callable[[], Array]]) -> list[tuple[int, Any]]:
    """Call functions in turns in each of several threads; return (index of the function, result)."""
    start = threading.Barrier(THREADS)

    def call(thread: int) -> list[tuple[int, Array]]:
        start.wait()
        results: list[tuple[int, Array]] = []
        end = time.monotonic() + MAX_ROUNDS_S
        for turn in range(ROUNDS):
            index = (thread + turn) % len(functions)
            results.append((index, functions[index]()))
            if time.monotonic() > end:
                break
        return results

    interval = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    try:
        with ThreadPoolExecutor(THREADS) as pool:
            return list(chain.from_iterable(pool.map(call, range(THREADS))))
    finally:
        sys.setswitchinterval(interval)
