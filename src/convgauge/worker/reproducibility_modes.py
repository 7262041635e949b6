"""Ways to make a call several times: with other counts of threads, and with operands at other addresses."""

from __future__ import annotations

from convgauge.registry import Implementation
from convgauge.worker.call import Call
from convgauge.worker.call_modes import Arrays, Outputs, UnsupportedCall, call_mode, call_plainly
from convgauge.worker.frameworks import Framework
from convgauge.worker.thread_pools import FixedThreadsError, pools, threads_of


@call_mode
def thread_counts(implementation: Implementation, framework: Framework, call: Call, arrays: Arrays) -> Outputs:
    """Make a plain call. Extra outputs: those with each count of threads in ``wanted``."""
    try:
        adjustable = pools(framework)
    except FixedThreadsError as error:
        raise UnsupportedCall(str(error)) from None
    output = call_plainly(implementation, call, arrays)
    extra_outputs = []
    with threads_of(adjustable) as set_threads:
        for count in map(int, call.wanted.split(",")):
            set_threads(count)
            extra_outputs.append(call_plainly(implementation, call, arrays))
    return output, extra_outputs


@call_mode
def addresses(implementation: Implementation, framework: Framework, call: Call, arrays: Arrays) -> Outputs:
    """Make a plain call. Extra outputs: those of copies that begin each number of elements in ``wanted`` past a line.

    A line of the cache has 64 bytes.
    """
    try:
        operands = [
            [None if array is None else framework.copy_at(array, int(elements)) for array in arrays]
            for elements in call.wanted.split(",")
        ]
    except NotImplementedError:
        raise UnsupportedCall(f"{framework.name} chooses the addresses of its arrays") from None
    output = call_plainly(implementation, call, arrays)
    return output, [call_plainly(implementation, call, copies) for copies in operands]
