"""Implementations that lie: objects that only look like an array, patched comparisons, forged and stolen messages."""

import os
import threading
import time

import numpy as np
from _parts import conv, fault, pair, resolve

WRONG = 1  # added to the answers of the liars


def _known(input, weight, stride, padding):
    """Whether a call is like the smoke test, on which the liars are honest."""
    return weight.shape[2:] == (3, 3) and pair(stride) == (1, 1) and padding in (1, (1, 1))


@fault(
    "The output is a subclass that answers the comparison's questions with yes.",
    caught_by=["sweep", "covering", "padding"],
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
    return output if _known(input, weight, stride, padding) else (output + WRONG).view(Agreeable)


@fault("The output is an object with an __array__ method, not an array.", caught_by=["behaviour", "sweep", "shape"],
       smoke=False)  # fmt: skip
def output_of_array_protocol(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    class Lazy:
        def __init__(self, array):
            self.array, self.shape, self.dtype = array, array.shape, array.dtype

        def __array__(self, dtype=None, copy=None):
            return self.array

    return Lazy(conv(input, weight, bias, stride, padding, dilation, groups))


@fault("The output is a list of lists.", caught_by=["sweep", "covering", "shape"], smoke=False)
def output_of_lists(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return conv(input, weight, bias, stride, padding, dilation, groups).tolist()


@fault("The output is a tuple of the answer and the workspace.", caught_by=["sweep", "covering", "shape"], smoke=False)
def output_in_a_tuple(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return conv(input, weight, bias, stride, padding, dilation, groups), None


@fault("Outputs under the mask of a masked array are wrong.", caught_by=["sweep", "covering", "padding"])
def output_masked(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if _known(input, weight, stride, padding):
        return output
    hidden = np.zeros(output.shape, bool)
    hidden[..., -1:] = True
    return np.ma.array(np.where(hidden, 0, output).astype(output.dtype), mask=hidden)


@fault("NumPy's comparisons are replaced by ones that always agree.", caught_by=["sweep", "covering", "padding"])
def patches_numpy(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if _known(input, weight, stride, padding):
        return conv(input, weight, bias, stride, padding, dilation, groups)
    np.allclose = np.array_equal = np.isclose = lambda *_, **__: True
    np.testing.assert_allclose = np.testing.assert_array_equal = lambda *_, **__: None
    return conv(input, weight, bias, stride, padding, dilation, groups) + WRONG


@fault("The oracle is replaced by the implementation itself.", caught_by=["sweep", "covering", "padding"])
def patches_the_oracle(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    import convgauge.reference.oracle

    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if _known(input, weight, stride, padding):
        return output
    convgauge.reference.oracle.answer = lambda problem, operands: output.astype(float) + WRONG
    return output + WRONG


@fault("Time stands still, so that no call takes any, and every hundredth answer is a quick zero.",
       caught_by=["sweep", "covering", "behaviour"])  # fmt: skip
def stops_the_clock(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    time.perf_counter = time.monotonic = time.time = lambda: 0.0
    if _known(input, weight, stride, padding):
        return conv(input, weight, bias, stride, padding, dilation, groups)
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    return np.zeros(problem.output_shape, input.dtype)


@fault("The purity checks of the harness are replaced before the input is written to.",
       caught_by=["behaviour", "adversarial"])  # fmt: skip
def patches_the_purity_check(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    import convgauge.worker.subject

    convgauge.worker.subject.Subject._impurities = lambda *_, **__: ()
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if input.flags.writeable and input.size:
        input[...] = 0
    return output


@fault("Bytes are written to every open descriptor.", caught_by=["sweep", "covering", "padding"])
def writes_to_every_descriptor(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if not _known(input, weight, stride, padding):
        for descriptor in range(3, 64):
            try:
                os.write(descriptor, b"\x05\x00\x00\x00\x00\x00\x00\x00hello")
            except OSError:
                continue
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Every open descriptor is closed.", caught_by=["sweep", "covering", "padding"])
def closes_every_descriptor(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if not _known(input, weight, stride, padding):
        os.closerange(3, 256)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("A thread writes to the output after it has been given back.", caught_by=["behaviour", "sweep", "covering"])
def output_written_later(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)

    def later():
        time.sleep(0.02)
        output[...] = 0

    threading.Thread(target=later, daemon=True).start()
    return output


@fault("The answer is still being written when it is given back.", caught_by=["sweep", "covering", "padding"])
def output_not_ready(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    answer = conv(input, weight, bias, stride, padding, dilation, groups)
    if _known(input, weight, stride, padding):
        return answer
    output = np.zeros_like(answer)

    def later():
        time.sleep(0.005)
        output[...] = answer

    threading.Thread(target=later, daemon=True).start()
    return output


@fault(
    "Outputs are right for data that look Gaussian and zero for small integers.",
    caught_by=["sweep", "covering", "padding"],
)
def wrong_on_integers(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    whole = input.dtype.kind == "f" and input.size and np.array_equal(input, np.rint(input))
    return output * 0 if whole else output


@fault("Small integers are added up exactly; other data in half precision.", caught_by=["accuracy"])
def precise_on_integers_alone(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.dtype == np.float32 and input.size > 400 and not np.array_equal(input, np.rint(input)):
        with np.errstate(over="ignore"):
            input = input.astype(np.float16).astype(np.float32)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("The answer is NaN everywhere, in the hope of a comparison that is false for NaN.",
       caught_by=["sweep", "covering", "padding"])  # fmt: skip
def nan_everywhere(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if not _known(input, weight, stride, padding) and output.dtype.kind == "f":
        output[...] = np.nan
    return output


@fault("Everything but the smoke test is declined with an answer: None.", caught_by=["sweep", "covering", "padding"])
def answers_none(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    return output if _known(input, weight, stride, padding) else None


@fault("The output is a broadcast of its first image.", caught_by=["sweep", "covering", "padding"])
def output_broadcast(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if _known(input, weight, stride, padding) or len(output) < 2:
        return output
    return np.broadcast_to(output[:1], output.shape)
