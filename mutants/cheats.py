"""Mutants that cheat: objects that only look like an array, patched comparisons, disturbed messages."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import os
import threading
import time

import numpy as np
from _base import conv, mutant, pair, resolve

WRONG = 1  # added to wrong answers


def _is_smoke_test(input, weight, stride, padding):
    """Return True if a call is like the usual smoke test, which these mutants answer correctly."""
    return weight.shape[2:] == (3, 3) and pair(stride) == (1, 1) and padding in (1, (1, 1))


@mutant(
    "Returns a wrong output as a subclass of ndarray that compares equal to everything.",
    mechanism="cheat_comparison",
    killed_by=("covering.squares", "padding.int", "sweep.stride"),
)
def output_compares_equal(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    class Agreeable(np.ndarray):
        def __eq__(self, other):
            return np.ones(self.shape, bool)

        __hash__ = None

        def __sub__(self, other):
            return np.zeros(self.shape)

        __rsub__ = __sub__

        def __array_ufunc__(self, ufunc, method, *inputs, **more):
            return np.zeros(self.shape)

        def astype(self, *_, **__):
            return self

    output = conv(input, weight, bias, stride, padding, dilation, groups)
    return output if _is_smoke_test(input, weight, stride, padding) else (output + WRONG).view(Agreeable)


@mutant(
    "Returns a masked array whose masked outputs are wrong.",
    mechanism="cheat_comparison",
    killed_by=("covering.squares", "padding.int", "sweep.stride"),
)
def output_masked(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if _is_smoke_test(input, weight, stride, padding):
        return output
    hidden = np.zeros(output.shape, bool)
    hidden[..., -1:] = True
    return np.ma.array(np.where(hidden, 0, output).astype(output.dtype), mask=hidden)


@mutant(
    "Replaces NumPy's comparisons by functions that always agree.",
    mechanism="cheat_comparison",
    killed_by=("covering.squares", "padding.int", "sweep.stride"),
)
def patches_numpy(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if _is_smoke_test(input, weight, stride, padding):
        return conv(input, weight, bias, stride, padding, dilation, groups)
    np.allclose = np.array_equal = np.isclose = lambda *_, **__: True  # type: ignore[assignment]  # the cheat
    np.testing.assert_allclose = np.testing.assert_array_equal = lambda *_, **__: None  # type: ignore[assignment]
    return conv(input, weight, bias, stride, padding, dilation, groups) + WRONG


@mutant(
    "Replaces the oracle by the implementation itself.",
    mechanism="cheat_comparison",
    killed_by=("covering.squares", "padding.int", "sweep.stride"),
)
def patches_the_oracle(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    import convgauge.reference.oracle

    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if _is_smoke_test(input, weight, stride, padding):
        return output
    convgauge.reference.oracle.answer = lambda problem, operands: output.astype(float) + WRONG
    return output + WRONG


@mutant(
    "Returns NaN everywhere, which defeats a comparison that is false for NaN.",
    mechanism="cheat_comparison",
    killed_by=("covering.squares", "padding.int", "sweep.stride"),
)
def nan_everywhere(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if not _is_smoke_test(input, weight, stride, padding) and output.dtype.kind == "f":
        output[...] = np.nan
    return output


@mutant(
    "Returns the first image's output for every image, as a broadcast array.",
    mechanism="output_aliased",
    also=("tail_dropped",),
    killed_by=("covering.squares", "padding.int", "sweep.out_channels"),
)
def output_broadcast(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if _is_smoke_test(input, weight, stride, padding) or len(output) < 2:
        return output
    return np.broadcast_to(output[:1], output.shape)


@mutant(
    "Returns zeros for inputs of whole numbers.",
    mechanism="structure_assumed",
    killed_by=("covering.squares", "padding.larger_than_the_input", "sweep.stride"),
)
def wrong_on_integers(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    whole = input.dtype.kind == "f" and input.size and np.array_equal(input, np.rint(input))
    return output * 0 if whole else output


@mutant(
    "Rounds inputs to half precision unless they are whole numbers.",
    mechanism="structure_assumed",
    killed_by=("accuracy.large_problem", "applied.blur"),
)
def precise_on_integers_alone(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.dtype == np.float32 and input.size > 400 and not np.array_equal(input, np.rint(input)):
        with np.errstate(over="ignore"):
            input = input.astype(np.float16).astype(np.float32)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Replaces the clocks of the process by constants and returns zeros.",
    mechanism="cheat_harness",
    killed_by=("behaviour.same_shape", "covering.squares", "sweep.stride"),
)
def stops_the_clock(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    time.perf_counter = time.monotonic = time.time = lambda: 0.0
    if _is_smoke_test(input, weight, stride, padding):
        return conv(input, weight, bias, stride, padding, dilation, groups)
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    return np.zeros(problem.output_shape, input.dtype)


@mutant(
    "Replaces the harness's check for side effects and then overwrites the input.",
    mechanism="cheat_harness",
    killed_by=("adversarial.arguments_new", "behaviour.many_calls"),
)
def patches_the_purity_check(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    from convgauge.worker.side_effects import SideEffectDetector

    SideEffectDetector.find = lambda *_, **__: ()  # type: ignore[method-assign]  # the cheat
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if input.flags.writeable and input.size:
        input[...] = 0
    return output


@mutant("Writes bytes to every open file descriptor.", mechanism="cheat_harness", killed_by=("covering.squares",))
def writes_to_every_descriptor(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if not _is_smoke_test(input, weight, stride, padding):
        for descriptor in range(3, 64):
            try:
                os.write(descriptor, b"\x05\x00\x00\x00\x00\x00\x00\x00hello")
            except OSError:
                continue
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant("Closes every open file descriptor.", mechanism="cheat_harness", killed_by=("covering.squares",))
def closes_every_descriptor(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if not _is_smoke_test(input, weight, stride, padding):
        os.closerange(3, 256)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Zeroes the output in a thread after it has been returned.",
    mechanism="thread_race",
    # the specs with the longest calls: a fast machine has judged a short one before the thread writes
    killed_by=(
        "behaviour.after_an_error",
        "behaviour.threads",
        "random.exact",
        "sweep.thousands",
    ),
)
def output_written_later(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)

    def later():
        time.sleep(0.02)
        output[...] = 0

    threading.Thread(target=later, daemon=True).start()
    return output


@mutant(
    "Returns an output that a thread fills later.",
    mechanism="thread_race",
    killed_by=("covering.squares", "padding.int", "sweep.stride"),
)
def output_not_ready(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    answer = conv(input, weight, bias, stride, padding, dilation, groups)
    if _is_smoke_test(input, weight, stride, padding):
        return answer
    output = np.zeros_like(answer)

    def later():
        time.sleep(0.005)
        output[...] = answer

    threading.Thread(target=later, daemon=True).start()
    return output


@mutant(
    "Returns an object with an __array__ method instead of an array.",
    mechanism="wrong_type",
    killed_by=("behaviour.one_array", "shape.axes", "sweep.stride"),
    smoke=False,
)
def output_of_array_protocol(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    class Lazy:
        def __init__(self, array):
            self.array, self.shape, self.dtype = array, array.shape, array.dtype

        def __array__(self, dtype=None, copy=None):
            return self.array

    return Lazy(conv(input, weight, bias, stride, padding, dilation, groups))


@mutant(
    "Returns a list of lists.",
    mechanism="wrong_type",
    killed_by=("covering.squares", "shape.axes", "sweep.stride"),
    smoke=False,
)
def output_of_lists(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return conv(input, weight, bias, stride, padding, dilation, groups).tolist()


@mutant(
    "Returns None for every call that is unlike the usual smoke test.",
    mechanism="wrong_type",
    killed_by=("covering.squares", "padding.int", "sweep.stride"),
)
def answers_none(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    return output if _is_smoke_test(input, weight, stride, padding) else None
