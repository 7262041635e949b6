"""Observation of one call: results, side effects, global state and stability."""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import random
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from convgauge.registry import Declaration, Implementation
from convgauge.worker.call import Call, Observation, SideEffect
from convgauge.worker.messages import Observed
from convgauge.worker.protocol import encode_reply
from convgauge.worker.subject import Subject

X = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)
W = np.ones((1, 1, 1, 1), np.float32)

Kernel = Callable[..., Any]


def subject(kernel: Kernel) -> Subject:
    return Subject(Implementation(Declaration("kernel", "numpy"), kernel))


def call(**fields: Any) -> Call:
    return Call(X.copy(), W.copy(), None, {"stride": [1, 1]}, **fields)


def observe(kernel: Kernel, calls: int = 1, **fields: Any) -> Observation:
    """Return the observation of the last of several calls."""
    observed = subject(kernel)
    return [observed.observe(call(**fields)) for _ in range(calls)][-1]


def doubled(input: Any, weight: Any, bias: Any = None, **arguments: Any) -> Any:
    return input * 2


def test_a_clean_call_has_an_answer_and_nothing_else() -> None:
    observation = observe(doubled, check_globals=True, repeat=5)
    assert observation.output is not None
    np.testing.assert_array_equal(observation.output, X * 2)
    assert (observation.kind, observation.dtype, observation.shape) == ("answer", "float32", (1, 1, 4, 4))
    assert (observation.side_effects, observation.is_unstable, observation.message) == ((), False, "")
    assert observation.seconds > 0


def raises(error: Exception) -> Kernel:
    def kernel(*_: Any, **__: Any) -> Any:
        raise error

    return kernel


@pytest.mark.parametrize(
    ("kernel", "kind", "text"),
    [
        (raises(NotImplementedError("groups")), "refused", "groups"),
        (raises(ValueError("too large")), "refused", "too large"),
        (lambda *_, **__: int("eleven"), "raised", "eleven"),
        (lambda *_, **__: [1.0], "not_an_array", "returned a list, not a NumPy array"),
        (lambda *_, **__: None, "not_an_array", "returned None, not a NumPy array"),
    ],
)
def test_a_call_without_output_has_a_kind_and_a_message(kernel: Kernel, kind: str, text: str) -> None:
    observation = observe(kernel)
    assert observation.kind == kind
    assert text in observation.message
    assert observation.output is None


class Hostile(type):
    """Metaclass whose classes have no name."""

    @property
    def __name__(cls) -> str:  # type: ignore[override]  # as a kernel may do
        raise KeyboardInterrupt


class HostileError(ValueError, metaclass=Hostile):
    """Exception without a name, a text and a class."""

    @property  # type: ignore[misc]  # as above
    def __class__(self) -> Any:
        raise KeyboardInterrupt

    def __str__(self) -> str:
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    "make",
    [
        functools.partial(HostileError),
        lambda: ValueError("\ud800" * 5000),
        lambda: ExceptionGroup("two", [ValueError()] * 2),
    ],
    ids=["without a name", "with a text that is no text", "of two"],
)
def test_a_strange_exception_is_observed(make: Callable[[], Exception]) -> None:
    def kernel(*_: Any, **__: Any) -> Any:
        raise make()

    observation = observe(kernel)
    assert observation.kind == "refused"
    assert observation.error
    assert len(observation.message) < 3000
    assert encode_reply(Observed(1, observation))


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("is_raised", "kind"), [(True, "refused"), (False, "raised")])
def test_an_exception_of_a_repeated_call_is_judged_as_that_of_the_first(
    threads: int, is_raised: bool, kind: str
) -> None:
    calls = itertools.count()

    def kernel(input: Any, *_: Any, **__: Any) -> Any:
        if next(calls):
            if is_raised:
                raise ValueError("once only")
            int("no number")
        return input * 2

    observation = observe(kernel, repeat=5, threads=threads)
    assert (observation.kind, observation.error[0], observation.output) == (kind, "ValueError", None)


def test_an_exception_is_described_by_its_classes() -> None:
    assert observe(raises(KeyError("x"))).error == ("KeyError", "LookupError", "Exception")


def test_a_layout_that_the_framework_lacks_is_unsupported() -> None:
    assert observe(doubled, layouts=("negated", "contiguous", "contiguous")).kind == "unsupported"


def writes_input(input: Any, weight: Any, bias: Any = None, **_: Any) -> Any:
    input[0, 0, 0, 0] = 9
    return input * 2


def changes_shape(input: Any, weight: Any, bias: Any = None, **_: Any) -> Any:
    output = input * 2
    input.shape = (4, 4)
    return output


def returns_input(input: Any, weight: Any, bias: Any = None, **_: Any) -> Any:
    return input[..., 1:]


def returns_buffer(buffer: np.ndarray[Any, Any]) -> Kernel:
    def kernel(input: Any, weight: Any, bias: Any = None, **_: Any) -> Any:
        buffer[...] = input
        return buffer

    return kernel


def changes_argument(input: Any, weight: Any, bias: Any = None, *, stride: Any) -> Any:
    stride[0] = 2
    return input * 2


@pytest.mark.parametrize(
    ("kernel", "calls", "sentence"),
    [
        (writes_input, 1, "wrote to the input's memory"),
        (changes_shape, 1, "changed the input's shape, strides or flags"),
        (returns_input, 1, "output shares memory with the input"),
        (returns_buffer(np.zeros_like(X)), 2, "output shares memory with an earlier output"),
        (changes_argument, 1, "changed a list among the arguments"),
        (
            lambda x, w, b=None, **_: np.broadcast_to(x[:, :, :1], x.shape),
            1,
            "returned an output whose elements share memory",
        ),
        (lambda x, w, b=None, **_: (x * 2).astype(">f4"), 1, "returned an output in another byte order"),
    ],
)
def test_a_side_effect_is_described(kernel: Kernel, calls: int, sentence: str) -> None:
    assert any(sentence in effect.sentence for effect in observe(kernel, calls).side_effects)


def test_an_output_that_changes_after_it_was_returned_is_a_side_effect() -> None:
    outputs: list[Any] = []

    def kernel(input: Any, weight: Any, bias: Any = None, **_: Any) -> Any:
        if outputs:
            outputs[0][...] = 0
        outputs.append(input * 2)
        return outputs[-1]

    (effect,) = observe(kernel, calls=2).side_effects
    assert effect == SideEffect("rewritten", "earlier output", "an earlier output changed after it was returned")


def seeds(input: Any, weight: Any, bias: Any = None, **_: Any) -> Any:
    random.seed(0)
    return input * 2


def sets_variable(input: Any, weight: Any, bias: Any = None, **_: Any) -> Any:
    os.environ["OMP_NUM_THREADS"] = "1"
    return input * 2


@pytest.mark.parametrize(
    ("kernel", "sentence"),
    [(seeds, "changed Python's random state"), (sets_variable, "changed the environment variables")],
)
def test_a_changed_global_is_a_side_effect_in_every_call(
    kernel: Kernel, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    for calls in (1, 2):
        effects = observe(kernel, calls, check_globals=True).side_effects
        assert sentence in [effect.sentence for effect in effects]
    assert observe(kernel).side_effects == ()
    assert os.environ["OMP_NUM_THREADS"] == "1"


def test_a_call_whose_repetition_differs_is_unstable() -> None:
    count = itertools.count()

    def kernel(input: Any, weight: Any, bias: Any = None, **_: Any) -> Any:
        return input * (2 + (next(count) == 3))

    assert observe(kernel, repeat=5).is_unstable
    assert not observe(kernel, repeat=5).is_unstable


def test_threads_that_share_a_global_are_unstable() -> None:
    state: dict[str, Any] = {}
    first_two = threading.Barrier(2)

    def kernel(input: Any, weight: Any, bias: Any = None, **_: Any) -> Any:
        state["input"] = input
        if threading.current_thread() is not threading.main_thread():
            with contextlib.suppress(threading.BrokenBarrierError):
                first_two.wait(timeout=1)
        return state["input"] * 2

    assert observe(kernel, repeat=9, threads=2).is_unstable
    assert not observe(doubled, repeat=9, threads=2).is_unstable
