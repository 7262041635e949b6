"""Trials of adapters: the output of a call compared with the exact one."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

import numpy as np

from convgauge.adapt.arguments import CannotAdaptError
from convgauge.adapt.guess import Guess
from convgauge.adapt.source import TargetImport, adapter_text
from convgauge.adapt.trial_process import TrialProcess
from convgauge.problem import Problem
from convgauge.reference import oracle
from convgauge.reference.operands import Array, Operands, draw
from convgauge.worker.call import Call, Observation
from convgauge.worker.messages import Inspected

TOLERANCE = 0.25
"""Largest error of an output that is an integer: transforms round, and a wrong integer differs by 1."""

SUBSCRIPT = re.compile(r"kernel\(\*operands, \*\*arguments\)(\[.+\])$")
"""End of the adapter that `convgauge.worker.forms` proposes for a result that is no array."""

SEVERAL_RESULTS = ("'tuple' object has no attribute", "'list' object has no attribute")
"""Beginnings of the message if an adapter transposes the results of a target instead of its output."""

FIRST_OF_SEVERAL = "takes the first of "


@dataclass(frozen=True)
class Trial:
    """Outcome of one call of an adapter.

    Attributes
    ----------
    guess : Guess
        Guess that the adapter was written for; with the subscript of the result, if the call has shown one.
    problem : Problem
        Problem of the call.
    status : {"right", "wrong", "refused", "raised", "ended"}
        "refused": as in `convgauge.worker.refusals`. "ended": the process crashed or hung.
    message : str
        Reason if the output is not right.
    share : float
        Share of the outputs that are right, if the shape is.
    is_turned : bool
        True if the outputs are those of the kernel turned by 180 degrees.
    """

    guess: Guess
    problem: Problem
    status: Literal["right", "wrong", "refused", "raised", "ended"]
    message: str = ""
    share: float = 0.0
    is_turned: bool = False


class Trials:
    """Trials of adapters of one target."""

    def __init__(self, process: TrialProcess, source: TargetImport, target: Inspected) -> None:
        self.process, self.source, self.target = process, source, target
        self.outcomes: list[Trial] = []
        self._loaded: Guess | None = None
        self._reason = ""

    def run(self, guess: Guess, problem: Problem) -> Trial:
        """Call the adapter of a guess on a problem; a result that is a tuple or dictionary is subscripted."""
        trial, observation = self._run(guess, problem)
        subscript = _subscript(observation)
        if subscript and not guess.result:
            trial, _ = self._run(replace(guess, result=subscript), problem)
        self.outcomes.append(trial)
        return trial

    def _run(self, guess: Guess, problem: Problem) -> tuple[Trial, Observation]:
        reason = self._load(guess)
        if reason:
            return Trial(guess, problem, "raised", reason), Observation("not_called")
        operands = _operands(problem)
        dtypes = (problem.dtype,) * 3
        call = Call(operands.input, operands.weight, operands.bias, problem.arguments, dtypes)
        observation = self.process.observe(call)
        return _assessed(guess, problem, observation), observation

    def _load(self, guess: Guess) -> str:
        """Load the adapter of a guess, unless it is loaded; return why that is impossible, or ""."""
        if guess != self._loaded or not self.process.is_alive:
            self._loaded = guess
            try:
                text = adapter_text(self.source, self.target, guess)
            except CannotAdaptError as error:
                self._reason = str(error)
            else:
                self._reason = self.process.load(text, self.target.framework)
        return self._reason


@cache
def _operands(problem: Problem) -> Operands:
    return draw(problem, "exact", 1)


@cache
def _expected(problem: Problem, *, is_turned: bool = False) -> Array:
    """Return the exact output, or that of the kernel turned by 180 degrees."""
    operands = _operands(problem)
    if is_turned:
        operands = replace(operands, weight=np.ascontiguousarray(operands.weight[:, :, ::-1, ::-1]))
    return oracle.answer(problem, operands)


def _assessed(guess: Guess, problem: Problem, observation: Observation) -> Trial:
    if observation.output is None:
        ended = observation.kind in ("crashed", "timed_out", "not_called")
        is_refusal = observation.kind == "refused"
        name = f"{observation.error[0]}: " if observation.error else ""
        status: Literal["refused", "raised", "ended"] = "ended" if ended else "refused" if is_refusal else "raised"
        return Trial(guess, problem, status, f"{name}{observation.message}")
    expected = _expected(problem)
    if observation.shape != expected.shape:
        return Trial(guess, problem, "wrong", f"its shape is {observation.shape}, expected is {expected.shape}")
    is_right = np.abs(observation.output - expected) <= TOLERANCE
    if is_right.all():
        return Trial(guess, problem, "right", share=1.0)
    share = float(is_right.mean())
    is_turned = bool((np.abs(observation.output - _expected(problem, is_turned=True)) <= TOLERANCE).all())
    return Trial(guess, problem, "wrong", f"{share:.0%} of its outputs are right", share, is_turned)


def _subscript(observation: Observation) -> str:
    """Return the subscript that selects the output from the result of a call, or ""."""
    if any(sentence.startswith(FIRST_OF_SEVERAL) for sentence in observation.adaptations):
        return "[0]"
    if observation.message.startswith(SEVERAL_RESULTS):
        return "[0]"
    match = SUBSCRIPT.search(observation.message)
    return match[1].replace("'", '"') if match else ""
