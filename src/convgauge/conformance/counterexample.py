"""Counterexamples: reduction of the first failing case, its description, and the command that runs it again."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from convgauge.conformance.cases import Case
from convgauge.conformance.checks import spelling
from convgauge.conformance.execution import INAPPLICABLE, Executed
from convgauge.conformance.reduce import shrink
from convgauge.conformance.setting import Setting
from convgauge.dtypes import DTYPES
from convgauge.reference import oracle
from convgauge.reference.compare import Fault
from convgauge.reference.operands import Array
from convgauge.results import Counterexample, Picture
from convgauge.terms import Status

MAX_TRIALS = 150
"""Calls that the reduction of one case may take."""
MAX_CRASHING_TRIALS = 6
"""Calls that it may take if each ends a process."""
MAX_REDUCTION_S = 6.0
MAX_PRINTED = 2000
"""Characters of what an implementation prints that a counterexample holds, the last ones."""
NOT_BY_ITSELF = "not when the case was run again by itself"
MAX_DRAWN = 400
"""Elements of a plane that is drawn."""

Trial = Callable[[Case], "tuple[Executed, Fault] | None"]
"""Function that runs a case again and returns its fault, or None if it passes or is not judged."""


@dataclass(frozen=True)
class FailingCase:
    """A case that fails.

    Attributes
    ----------
    case : Case
        The case.
    fault : Fault
        Its fault.
    executed : Executed or None
        Its operands and observation, or None if it was not run again.
    is_reproducible : bool
        The case failed when it was run again by itself, or it ends the process.
    remark : str
        Clause on when it fails, if not by itself.
    after : tuple of str
        Calls that are made before, in their order, so that it fails (`convgauge.conformance.replay.EarlierCall`).
    """

    case: Case
    fault: Fault
    executed: Executed | None = None
    is_reproducible: bool = True
    remark: str = ""
    after: tuple[str, ...] = ()


def select_fault(faults: Sequence[tuple[Case, Fault]], status: Status) -> tuple[Case, Fault]:
    """Return the case of the given status with the fewest FLOPs."""
    return min(faults, key=lambda pair: (pair[1].status != status, pair[0].problem.flops))


def reduce_case(case: Case, fault: Fault, trial: Trial, *, reruns: bool, reduces: bool) -> FailingCase:
    """Reduce a failing case to the smallest one that fails with the same status.

    Parameters
    ----------
    case, fault : Case, Fault
        Case and its fault.
    trial : Trial
        Function that runs a case again.
    reruns : bool
        Run the case again, to see if it fails by itself.
    reduces : bool
        Simplify the case while it fails.
    """
    ends_process = fault.status in ("crashed", "timed_out")
    reduction = _Reduction(fault, trial)
    reproducible = reruns and reduction.fails(case)
    if reproducible and reduces:
        deadline = time.monotonic() + MAX_REDUCTION_S
        budget = MAX_CRASHING_TRIALS if ends_process else MAX_TRIALS
        shrink(case, reduction.still_fails, budget, deadline)
    if reduction.smallest is None:
        return FailingCase(case, fault, None, ends_process and not reruns)
    executed, last_fault = reduction.smallest
    return FailingCase(executed.case, last_fault, executed)


@dataclass
class _Reduction:
    """Smallest case so far that fails with the status of the first."""

    first_fault: Fault
    trial: Trial
    smallest: tuple[Executed, Fault] | None = None

    def fails(self, case: Case) -> bool:
        """Return True if the case fails with the same status, and keep it."""
        result = self.trial(case)
        if result is None or result[1].status != self.first_fault.status:
            return False
        self.smallest = result
        return True

    def still_fails(self, case: Case) -> bool:
        """Return True if a simplified case fails; a spec's change of operands need not fit it."""
        try:
            return self.fails(case)
        except INAPPLICABLE:
            return False


def describe(failing: FailingCase, command: str) -> Counterexample:
    """Return the counterexample of a failing case, with the command that runs it again."""
    case, fault = failing.case, failing.fault
    suffix = "" if failing.is_reproducible else f" ({failing.remark or NOT_BY_ITSELF})"
    return Counterexample(
        problem=case.problem.text,
        operands=case.operands,
        seed=case.seed,
        message=fault.message + suffix,
        reproduce=command,
        layouts=list(case.layouts),
        arguments=spelling(case),
        index=list(fault.index),
        got=fault.got,
        expected=fault.expected,
        bound=fault.bound,
        wrong=fault.wrong,
        outputs=fault.outputs,
        picture=picture(failing),
        printed="" if failing.executed is None else failing.executed.observation.printed[-MAX_PRINTED:],
        kind=fault.kind,
        after=list(failing.after),
    )


def unreduced(case: Case, fault: Fault, error: Exception) -> FailingCase:
    """Return a failing case that an error of this package kept from being reduced or drawn."""
    remark = f"not reduced, for an error of convgauge: {type(error).__name__}: {error}"
    return FailingCase(case, fault, is_reproducible=False, remark=remark)


def reproduce_command(
    target: str, case: Case, spec_id: str, device: str, options: Sequence[str], after: Sequence[str] = ()
) -> str:
    """Return the command line that runs a case again as a spec judges it, after other calls."""
    words = ["convgauge", "reproduce", target, str(case), "--spec", spec_id]
    words += [word for earlier in after for word in ("--after", earlier)]
    words += options
    return shlex.join([*words, "--device", device] if device != "cpu" else words)


def check_command(target: str, spec_id: str, setting: Setting) -> str:
    """Return the command line that judges a whole spec again, whose cases depend on one another."""
    words = ["convgauge", "check", target, "-k", spec_id, "--tier", setting.tier, "--profile", setting.profile]
    return shlex.join([*words, *setting.options])


def picture(failing: FailingCase) -> Picture | None:
    """Return the planes of the first wrong output, or None if they are large or complex, or if none is wrong."""
    executed, fault, problem = failing.executed, failing.fault, failing.case.problem
    shape = problem.output_shape
    if executed is None or executed.observation.output is None or executed.observation.shape != shape:
        return None
    if fault.mask is None or fault.mask.shape != shape:  # the fault is not in the output
        return None
    if max(problem.height * problem.width, shape[2] * shape[3]) > MAX_DRAWN or DTYPES[problem.dtype].kind == "c":
        return None
    if problem.direction != "forward":  # the element of a gradient has no receptive field in one plane
        return None
    operands = executed.operands
    image, channel = fault.index[:2]
    group = channel // (problem.out_channels // problem.groups)
    first_input = group * (problem.in_channels // problem.groups)
    expected = oracle.answer(problem, operands)
    planes = (
        *(operands.input[image, first_input : first_input + 1], operands.weight[channel, :1]),
        executed.observation.output[image, channel][None],
        expected[image, channel][None],
    )
    return Picture(*(_rows(plane[0]) if len(plane) else [] for plane in planes))  # there may be no input channels


def _rows(plane: Array) -> list[list[float | None]]:
    return [[float(value) if np.isfinite(value) else None for value in row] for row in plane]
