"""Workload of a race: the output of a problem, or gradients of it, and the exact answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from convgauge.dtypes import DTYPES, round_to
from convgauge.problem import Problem
from convgauge.reference import accuracy, operands, oracle
from convgauge.reference.operands import Array, Operands
from convgauge.terms import Computed, Direction
from convgauge.worker.call import Call, Observation
from convgauge.worker.operand_set import joined

WANTED: dict[Direction, str] = {"forward": "", "grad_input": "i", "grad_weight": "w", "both": "iw"}
"""Letters of the operands whose gradients are computed, as in `convgauge.worker.call.Call`."""


@dataclass(frozen=True)
class Drawn:
    """Operands, and the gradient of the output (N, O, OH, OW) for a direction other than "forward"."""

    operands: Operands
    grad_output: Array | None = None

    @property
    def changing(self) -> Array:
        """Array of which timed calls change an element: the input, or the gradient of the output."""
        return self.operands.input if self.grad_output is None else self.grad_output

    def with_changing(self, array: Array) -> Drawn:
        """Return the same operands with another changing array."""
        if self.grad_output is None:
            return Drawn(Operands(array, self.operands.weight, self.operands.bias))
        return replace(self, grad_output=array)


@dataclass(frozen=True)
class Workload:
    """A problem and the direction in which it is computed.

    The answer of "both" is one array of one axis: all elements of the gradient by the input, then all of that by the
    weight.
    """

    problem: Problem
    direction: Direction = "forward"

    @property
    def wanted(self) -> str:
        """Letters of the operands whose gradients are computed; empty for the output."""
        return WANTED[self.direction]

    @property
    def is_integer(self) -> bool:
        """True if the dtype has integers alone, which have no gradients."""
        return DTYPES[self.problem.dtype].kind == "i"

    @property
    def flops(self) -> int:
        """Number of operations, as for `Problem.flops`: each gradient has as many products as the output."""
        return self.problem.flops * max(1, len(self.wanted))

    @cached_property
    def reduction(self) -> int:
        """Largest number of products of which one element of the answer is the sum."""
        directions: tuple[Computed, ...] = (
            ("grad_input", "grad_weight") if self.direction == "both" else (self.direction,)
        )
        return max(1, *map(self.problem.reduction_in, directions))

    @property
    def family(self) -> str:
        """Family of the operands that are timed: Gaussian, or exact for integer dtypes."""
        return "exact" if self.is_integer else "gaussian"

    @property
    def early(self) -> list[tuple[str, int]]:
        """Family and number of the operands that are checked before the timing.

        Integers whose sums are exact show any fault of geometry. Sums of gradients by the weight are too long for them;
        one missing product of n is then 1 / sqrt(n) of a typical output, far above the error of sums.
        """
        return [(self.family, 1)] if self.wanted else [(self.family, 1), ("exact", 0)]

    @property
    def late(self) -> tuple[str, int]:
        """Family and number of the operands that are checked after the timing."""
        return ("exact" if not self.wanted else self.family, 2)

    def replace(self, problem: Problem) -> Workload:
        """Return the same direction of another problem."""
        return Workload(problem, self.direction)

    def draw(self, family: str, seed: int) -> Drawn:
        """Draw operands of a family, and a Gaussian gradient of the output if there is a direction."""
        headroom = accuracy.integer_headroom(self.problem) if family == "exact" else 1.0
        drawn = operands.draw(self.problem, family, seed, headroom)
        if not self.wanted:
            return Drawn(drawn)
        values = np.random.default_rng([seed, 7]).standard_normal(self.problem.output_shape)
        grad_output = round_to(values, self.problem.dtype).astype(DTYPES[self.problem.dtype].carrier)
        return Drawn(drawn, grad_output)

    def call(self, drawn: Drawn, *, prepares: bool) -> Call:
        """Return one call on operands, through ``prepare`` if ``prepares``; gradients are not prepared."""
        problem, arrays = self.problem, drawn.operands
        dtypes = (problem.dtype,) * 3
        call = Call(arrays.input, arrays.weight, arrays.bias, problem.arguments, dtypes, is_valid=True)
        if not self.wanted:
            return replace(call, prepared=problem.text if prepares else "")
        return replace(call, mode="gradient", extra_operand=drawn.grad_output, wanted=self.wanted)

    def answer(self, drawn: Drawn) -> Array:
        """Return the exact answer."""
        if drawn.grad_output is None:
            return oracle.answer(self.problem, drawn.operands)
        by_input, by_weight, _ = oracle.adjoint(self.problem, drawn.operands, drawn.grad_output)
        gradients = {"i": by_input, "w": by_weight}
        return joined([gradients[letter] for letter in self.wanted])

    def result(self, observation: Observation) -> Array | None:
        """Return the answer that a call gave; None if there is none."""
        if not self.wanted:
            return observation.output
        gradients = dict(zip("iw", observation.extra_outputs, strict=False))
        arrays = [array for letter in self.wanted if (array := gradients.get(letter)) is not None]
        return joined(arrays) if len(arrays) == len(self.wanted) else None
