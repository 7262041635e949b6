"""Refusals: which exceptions state that a kernel does not support a problem, and which are accidents."""

from __future__ import annotations

import contextlib
import functools
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from convgauge.problem import Problem
from convgauge.worker.refusals import OwnCode, is_refusal

HERE = str(Path(__file__).parent)
OWN = OwnCode([HERE])


def error_of(kernel: Callable[[], object]) -> BaseException:
    try:
        kernel()
    except BaseException as error:
        return error
    raise AssertionError("it raises nothing")


# --- refusals --------------------------------------------------------------------------------------------------------


def asserts() -> None:
    groups = 2
    assert groups == 1


def asserts_with_text() -> None:
    assert not HERE, f"{HERE} is there"


def raises() -> None:
    raise ValueError("groups")


def raises_not_implemented() -> None:
    raise NotImplementedError


def translates() -> None:
    try:
        sum(5)  # type: ignore[call-overload]  # the accident that is translated
    except TypeError as error:
        raise ValueError("padding must be a pair") from error


def from_finally() -> None:
    try:
        raise ValueError("first")
    finally:
        len(HERE)


def within_context() -> None:
    with np.errstate(all="ignore"), contextlib.ExitStack():
        raise ValueError("inside")


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    try:
        yield
    finally:
        len(HERE)


def within_own_context() -> None:
    with guarded():
        assert not HERE


def reraises_refusal() -> None:
    try:
        raises()
    except ValueError:
        raise


def generates() -> None:
    def rows() -> Iterator[int]:
        yield 1
        raise ValueError("a second row")

    list(rows())


def decorated() -> None:
    def decorate(function: Callable[[], None]) -> Callable[[], None]:
        @functools.wraps(function)
        def wrapper() -> None:
            function()

        return wrapper

    decorate(raises)()


def in_thread() -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(raises).result()


def group() -> None:
    raise ExceptionGroup("two limits", [ValueError("groups"), ValueError("dilation")])


def generated_code() -> None:
    exec("raise ValueError('generated')", globals())


@pytest.mark.parametrize(
    "kernel",
    [asserts, asserts_with_text, raises, raises_not_implemented, translates, from_finally, within_context,
     within_own_context, reraises_refusal, generates, decorated, in_thread, group, generated_code],
    ids=lambda kernel: kernel.__name__,
)  # fmt: skip
def test_what_the_kernel_raises_itself_is_a_refusal(kernel: Callable[[], object]) -> None:
    assert is_refusal(error_of(kernel), OWN)


# --- accidents -------------------------------------------------------------------------------------------------------


def indexes() -> None:
    list(HERE)[len(HERE)]


def divides() -> None:
    1 // 0  # noqa: B018


def in_numpy() -> None:
    np.ones(3) @ np.ones(4)


def in_numpys_python() -> None:
    np.testing.assert_equal(1, 2)


def reraises_accident() -> None:
    try:
        indexes()
    except Exception:
        raise


def raises_accident_by_name() -> None:
    try:
        indexes()
    except Exception as error:
        raise error


def accident_in_finally() -> None:
    try:
        indexes()
    finally:
        len(HERE)


def accident_in_context() -> None:
    with guarded():
        indexes()


def warns() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.warn("old", stacklevel=1)


def stops() -> None:
    def rows() -> Iterator[int]:
        yield next(iter(()))

    list(rows())


def recurses() -> None:
    recurses()


def raises_recursion_error() -> None:
    raise RecursionError("too deep")


def raises_memory_error() -> None:
    raise MemoryError("too large")


def exits() -> None:
    raise SystemExit(3)


def interrupts() -> None:
    raise KeyboardInterrupt


def wrong_problem() -> None:
    Problem(batch=-1)


ACCIDENTS = [
    indexes, divides, in_numpy, in_numpys_python, reraises_accident, raises_accident_by_name, accident_in_finally,
    accident_in_context, warns, stops, recurses, raises_recursion_error, raises_memory_error, exits, interrupts,
    wrong_problem,
]  # fmt: skip


@pytest.mark.parametrize("kernel", ACCIDENTS, ids=lambda kernel: kernel.__name__)
def test_every_other_exception_is_an_error(kernel: Callable[[], object]) -> None:
    assert not is_refusal(error_of(kernel), OWN)
