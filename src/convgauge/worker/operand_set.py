"""The child's operand sets: in place, moved between samples, one sign flipped before each timed call.

Runs where the implementation runs, on Python 3.9 and newer with nothing but NumPy.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from convgauge.problem import Problem
from convgauge.worker.protocol import unpacked

SHIM = 1 << 14
"""Bytes of memory, at most, put in front of an operand so that it comes to lie elsewhere."""


class OperandSet:
    """Input, weight and bias of one problem in memory, and the call on them.

    ``places`` are the indices of input elements whose sign `input_of` flips, one at a time, so that an answer kept from
    an earlier call is a wrong one. Elements are written through a NumPy array over the same memory where there is one:
    to have the framework write them would run its code and take its memory between timed calls, which made calls of
    50 us differ by 4 % from one placement of the operands to the next, where a write through NumPy leaves 1 %.
    """

    def __init__(self, subject: Any, problem: Problem, packed: Sequence[Any], places: Sequence[Sequence[int]]) -> None:
        self.subject, self.problem = subject, problem
        self.carriers = [unpacked(one) for one in packed]
        self.places = [tuple(place) for place in places]
        self.keeps = subject.implementation.prepared is not None
        self.operands: list[Any] = [self._made(one) for one in self.carriers]
        self.window: np.ndarray | None = None
        self.flipped: tuple[tuple[int, ...], Any] | None = None
        self.run: Any = None
        self.shims: list[np.ndarray] = []
        self._open()

    def prepare(self) -> None:
        """Make `run`, the call as a function of its input; what is done once for a layer is done here."""
        implementation, problem = self.subject.implementation, self.problem
        _, weight, bias = self.operands
        if self.keeps:
            self.run = implementation.prepared(problem, weight, bias)
        else:
            arguments = problem.arguments
            self.run = lambda array: implementation.function(array, weight, bias, **arguments)

    def drop(self) -> None:
        """Give the operands' memory back; of those that a ``prepare`` has seen, the input's only."""
        self.window = None
        self.operands[0] = None
        if not self.keeps:
            self.operands, self.run = [None] * 3, None

    def place(self, chance: random.Random) -> None:
        """Put what was dropped in memory again, elsewhere."""
        self.shims = []
        for index in range(1 if self.keeps else 3):
            self.shims.append(np.empty(chance.randrange(SHIM), np.uint8))
            self.operands[index] = self._made(self.carriers[index])
        self._open()
        if not self.keeps:
            self.prepare()

    def input_of(self, tick: int, sets: int) -> Any:
        """The input of call number ``tick``, of which this set gets one in ``sets``."""
        if self.flipped is not None:
            self._write(*self.flipped)
        if self.places:
            place = self.places[turn(tick, sets, len(self.places))]
            value, negative = self._values(place)
            self.flipped = place, value
            self._write(place, negative)
        return self.operands[0]

    def _made(self, carrier: np.ndarray | None) -> Any:
        make = self.subject.framework.make
        return None if carrier is None else make(carrier, self.problem.dtype, "cpu", "contiguous")[0]

    def _open(self) -> None:
        """Make the input writable from here, where it can be."""
        window = self.subject.framework.memory_view(self.operands[0])
        self.window = window if isinstance(window, np.ndarray) and window.flags.writeable else None
        self.flipped = None

    def _values(self, place: tuple[int, ...]) -> tuple[Any, Any]:
        """The input's element at ``place`` and its negative."""
        if self.window is None:
            element = self.operands[0][place]
            value = element.clone() if hasattr(element, "clone") else element
            return value, -value
        value = self.window[place]
        sign = np.int16(-(2**15))  # a bfloat16 is seen as the integer of its bits
        return value, value ^ sign if self.problem.dtype == "bfloat16" else -value

    def _write(self, place: tuple[int, ...], value: Any) -> None:
        if self.window is not None:
            self.window[place] = value
            return
        try:
            self.operands[0][place] = value
        except TypeError:  # the framework's arrays cannot be written to
            self.operands[0] = self.operands[0].at[place].set(value)


def turn(tick: int, sets: int, places: int) -> int:
    """Which of a set's ``places`` call number ``tick`` changes; the engine computes the same."""
    return tick // sets % places
