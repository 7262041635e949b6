"""Operand sets of timed calls: kept in memory, moved between samples, one sign flipped before each timed call."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import numpy as np

from convgauge.problem import Problem
from convgauge.worker.computed_gradients import bound_gradient
from convgauge.worker.frameworks import Array
from convgauge.worker.messages import Carriers
from convgauge.worker.subject import Subject

MAX_SHIFT_BYTES = 1 << 14
"""Largest block of memory that is put in front of an operand to move it."""

BFLOAT16_SIGN = np.int16(-(2**15))  # sign bit of a bfloat16, which a memory view shows as int16

Index = tuple[int, ...]


class OperandSet:
    """Input, weight and bias of one problem in memory, and the call on them.

    For gradients there is one array more, the gradient of the output, and the timed call is a backward pass through a
    graph that is kept. The array that changes from call to call is the first: the input, or that gradient.

    Its elements are written through a NumPy array over the same memory if there is one. To let the framework
    write them would run its code and take its memory between timed calls: calls of 50 us then differed by 4 % from one
    placement of the operands to the next, where a write through NumPy leaves 1 %. An array that cannot be written to is
    made again from its changed values, before the clock starts: a new object, so that no output can be kept for it.
    Of the ways to make it, this takes the least processor time, which the audit of the race must tell from the calls'.

    Parameters
    ----------
    subject : Subject
        Implementation and framework.
    problem : Problem
        Problem of the operands.
    carriers : tuple of ndarray
        Values of input, weight and bias (or None).
    grad_output : ndarray or None
        Values of the gradient of the output, if gradients are timed.
    wanted : str
        Letters of the operands whose gradients are computed.
    flips : sequence of indices
        Elements of the changing array whose sign `input_of` flips, one at a time, so that an output kept from an
        earlier call is wrong.
    """

    def __init__(
        self,
        subject: Subject,
        problem: Problem,
        carriers: Carriers,
        flips: Sequence[Sequence[int]],
        grad_output: np.ndarray | None = None,
        wanted: str = "",
    ) -> None:
        self.implementation, self.framework, self.problem = subject.implementation, subject.framework, problem
        self.form = subject.form
        self.carriers = carriers if grad_output is None else (grad_output, *carriers)
        self.wanted = wanted
        self.flips = [tuple(index) for index in flips]
        self.prepares = subject.implementation.prepared is not None and not wanted
        self.operands: list[Array] = [self._make(carrier) for carrier in self.carriers]
        self.run: Callable[[Array], Array] = _not_prepared
        self._view: np.ndarray | None = None
        self._values: np.ndarray | None = None
        self._flipped: tuple[Index, Array] | None = None
        self._shifts: list[np.ndarray] = []
        self._open_view()

    def prepare(self) -> None:
        """Set `run`, the call as a function of its changing array. Work that is done once per layer is done here."""
        direction = self.implementation.declaration.direction
        if self.wanted:
            grad_output, *arrays = self.operands
            if direction != "forward":
                dtype, arguments = self.problem.dtype, self.problem.arguments
                self.run = bound_gradient(self.form, dtype, grad_output, arrays, arguments, direction)
                return
            self.form.make_first_call(self.problem.dtype, arrays, self.problem.arguments)
            self.run = self.framework.backward(self._forward, arrays, self.wanted)
            return
        _, weight, bias = self.operands
        if self.implementation.prepared is not None:
            self.run = self.implementation.prepared(self.problem, weight, bias)
        else:
            self.form.make_first_call(self.problem.dtype, self.operands, self.problem.arguments)
            self.run = self.form.bound(weight, bias, self.problem.arguments)

    def _forward(self, input: Array, weight: Array, bias: Array) -> Array:
        """Return the output of one call."""
        return self.form.bound(weight, bias, self.problem.arguments)(input)

    def drop(self) -> None:
        """Release the memory of the operands; only that of the input if a ``prepare`` has used the others."""
        self._view = self._values = None
        self.operands[0] = None
        if not self.prepares:
            self.operands, self.run = [None] * len(self.carriers), _not_prepared

    def place_again(self, generator: random.Random) -> None:
        """Put the dropped operands in memory again, at other addresses."""
        self._shifts = []
        for index in range(1 if self.prepares else len(self.carriers)):
            self._shifts.append(np.empty(generator.randrange(MAX_SHIFT_BYTES), np.uint8))
            self.operands[index] = self._make(self.carriers[index])
        self._open_view()
        if not self.prepares:
            self.prepare()

    def input_of(self, tick: int, sets: int) -> Array:
        """Return the changing array of call number ``tick``, where calls rotate through ``sets`` operand sets."""
        if self._flipped is not None:
            self._write(*self._flipped)
        if self.flips:
            index = self.flips[flip_number(tick, sets, len(self.flips))]
            value, negative = self._read(index)
            self._flipped = index, value
            self._write(index, negative)
        if self._values is not None:
            self.operands[0] = self._make(self._values.copy())
            if self.framework.wait is not None:
                self.framework.wait(self.operands[0])
        return self.operands[0]

    def _make(self, carrier: np.ndarray | None) -> Array:
        if carrier is None:
            return None
        return self.framework.make(carrier, self.problem.dtype, "cpu", "contiguous")[0]

    def _open_view(self) -> None:
        """Open a writable view on the changing array, if there can be one; else keep its values."""
        view = self.framework.memory_view(self.operands[0])
        self._view = view if isinstance(view, np.ndarray) and view.flags.writeable else None
        self._values = None if self._view is not None or self.framework.can_refill else self.carriers[0].copy()
        self._flipped = None

    def _read(self, index: Index) -> tuple[Array, Array]:
        """Return an element of the changing array and its negative."""
        if self._values is not None:
            element = self._values[index]
            return element, -element
        if self._view is None:
            element = self.operands[0][index]
            value = element.clone() if hasattr(element, "clone") else element
            return value, -value
        value = self._view[index]
        return value, value ^ BFLOAT16_SIGN if self.problem.dtype == "bfloat16" else -value

    def _write(self, index: Index, value: Array) -> None:
        if self._values is not None:
            self._values[index] = value
        elif self._view is not None:
            self._view[index] = value
        else:
            self.operands[0][index] = value


def _not_prepared(array: Array) -> Array:
    raise RuntimeError("the operand set is not prepared")


def flip_number(tick: int, sets: int, flips: int) -> int:
    """Return the number of the element, of ``flips``, that call number ``tick`` changes in its set."""
    return tick // sets % flips


def joined(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Return the only array, or all elements of several gradients in one axis."""
    return arrays[0] if len(arrays) == 1 else np.concatenate([array.ravel() for array in arrays])
