"""Runners with a state: a second process and every fresh one start without it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from convgauge.worker.call import Call
from support.fake_runner import FakeRunner, Kernel, exact_output

NewKernel = Callable[[], Kernel]


class StatefulRunner(FakeRunner):
    """Runner whose processes each have a kernel of their own.

    Parameters
    ----------
    new_kernel : callable
        Function that returns the kernel of a process that has answered no call.
    forks : bool
        Processes can be forked.
    """

    def __init__(self, new_kernel: NewKernel, *, forks: bool = True) -> None:
        super().__init__(new_kernel())
        self.new_kernel, self.forks = new_kernel, forks
        self.fresh_processes = 0
        self._second: StatefulRunner | None = None

    def second(self) -> FakeRunner:
        """Return the second process."""
        if self._second is None:
            self._second = StatefulRunner(self.new_kernel, forks=self.forks)
        return self._second

    def can_fork(self) -> bool:
        """Return True if processes can be forked."""
        return self.forks

    @contextmanager
    def fresh(self) -> Iterator[FakeRunner]:
        """Yield a fresh process."""
        self.fresh_processes += 1
        yield StatefulRunner(self.new_kernel, forks=self.forks)


def caching(key: Callable[[Call], Any]) -> NewKernel:
    """Return the kernels that use the weight of the first call of a key again."""

    def new_kernel() -> Kernel:
        weights: dict[Any, np.ndarray[Any, Any]] = {}

        def kernel(call: Call) -> np.ndarray[Any, Any]:
            return exact_output(_with_weight(call, weights.setdefault(key(call), call.weight)))

        return kernel

    return new_kernel


def _with_weight(call: Call, weight: np.ndarray[Any, Any]) -> Call:
    return Call(call.input, weight, call.bias, call.arguments)


def by_shape(call: Call) -> tuple[int, ...]:
    """Return the shape of a call's weight."""
    return call.weight.shape


def counting(is_wrong: Callable[[int], bool]) -> NewKernel:
    """Return the kernels that are wrong at some numbers of their calls, counted from 1."""

    def new_kernel() -> Kernel:
        count = 0

        def kernel(call: Call) -> np.ndarray[Any, Any]:
            nonlocal count
            count += 1
            return exact_output(call) + np.float32(is_wrong(count))

        return kernel

    return new_kernel


def at_random(seed: int) -> NewKernel:
    """Return the kernels that are wrong in about half of the processes and calls, by chance."""
    random = np.random.default_rng(seed)
    return lambda: lambda call: exact_output(call) + np.float32(random.random() < 0.5)
