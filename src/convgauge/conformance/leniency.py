"""Leniency towards fast algorithms: faults that follow from transforms, and the proof that a subject uses them.

FFT and Winograd are normwise accurate only. They spread NaN and infinity, lose subnormal weights, and overflow on the
way to a finite output. A check claims leniency for such a fault. The claim is decided after the calls of the checked
cases: it is granted if grade B or C is declared, and refused if grade A is. If no grade is declared, it is granted if
the subject is not componentwise accurate on the same problem with other operands.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace

import numpy as np

from convgauge.conformance.cases import Case
from convgauge.conformance.execution import Executed
from convgauge.dtypes import DTYPES
from convgauge.problem import Problem
from convgauge.reference import accuracy
from convgauge.reference.assessment import Assessment
from convgauge.reference.operands import Array, Operands

PROBES = 16
"""Operands on which a subject must be componentwise accurate, before its fault counts."""

Probe = Callable[[list[Case]], Iterable[Executed]]
"""Function that runs cases, with operands changed by `add_spikes`."""


def is_only_spread(problem: Problem, operands: Operands, output: Array, expected: Array, tolerance: float) -> bool:
    """Return True if every wrong output is NaN or infinite, and every output that is due to be is not finite."""
    finite = np.isfinite(expected)
    allowed = max(tolerance, accuracy.normwise_bound(problem, operands))
    spread = ~np.isfinite(output)
    with np.errstate(over="ignore", invalid="ignore"):
        near = np.abs(output[finite] - expected[finite]) <= allowed
    return bool(spread[~finite].all() and (spread[finite] | near).all())


def is_only_overflow(problem: Problem, operands: Operands, output: Array) -> bool:
    """Return True if some outputs are not finite, and all others are within the bound of grade B.

    Transforms pass through larger numbers than the output.
    """
    finite = np.isfinite(output)
    if finite.all():
        return False
    scale = accuracy.Scale.of(problem, operands)
    bound, _ = scale.bounds("B", operands)
    return bool((np.abs(output[finite].astype(np.float64) - scale.exact[finite]) <= bound[finite]).all())


def decide(
    assessment: Assessment, case: Case, declared_grade: str, dtypes: Collection[str], probe: Probe
) -> Assessment:
    """Return an assessment without its claim: passed with grade B if the claim is granted, else with its fault.

    Parameters
    ----------
    assessment : Assessment
        Assessment of ``case``.
    case : Case
        Case that was assessed.
    declared_grade : {"A", "B", "C", ""}
        Grade that the subject declares.
    dtypes : collection of str
        Dtypes of the subject.
    probe : Probe
        Function that runs cases, called only if the decision needs it.
    """
    if not assessment.lenient_if:
        return assessment
    if declared_grade == "A" or (not declared_grade and _is_componentwise(case, dtypes, probe)):
        return replace(assessment, lenient_if="")
    return replace(assessment, fault=None, grade="B", lenient_if="")


def _is_componentwise(case: Case, dtypes: Collection[str], probe: Probe) -> bool:
    """Return True if the outputs of all probes have grade A; a probe without an answer is made on the case's problem.

    A subject that supports some channels or dtypes only need not answer the other probes.
    """
    unanswered: list[Case] = []
    if not is_componentwise(probe(probe_cases(case, dtypes)), unanswered):
        return False
    retried = [replace(each, problem=case.problem) for each in unanswered]
    return not retried or is_componentwise(probe(retried), [])


def probe_cases(case: Case, dtypes: Collection[str]) -> list[Case]:
    """Return `PROBES` cases of the same problem with other operands.

    Half of the draws are wide-range ones. The others have large numbers, at the corners and elsewhere (`add_spikes`):
    a method that mixes outputs spreads rounding errors from it. The errors are largest in short sums, so half of the
    draws have one channel per group. They are drawn in the accumulator's dtype, since a narrower output hides them.
    """
    dtype = DTYPES[case.problem.dtype].accumulator
    problem = case.problem.replace(dtype=dtype if dtype in dtypes else case.problem.dtype)
    single = problem.replace(in_channels=min(problem.in_channels, problem.groups))
    kinds = itertools.product((problem, single), ("wide", "gaussian"))
    draws = itertools.islice(itertools.cycle(kinds), PROBES)
    return [
        replace(case, problem=variant, operands=family, seed=case.seed + index)
        for index, (variant, family) in enumerate(draws)
    ]


def is_componentwise(probed: Iterable[Executed], unanswered: list[Case]) -> bool:
    """Return True if every output has grade A; also at the first probe with an output of the wrong shape, or a failure.

    Probes that are refused or declined are added to ``unanswered``.
    """
    for case, operands, observation in probed:
        if observation.kind in ("declined", "refused", "unsupported"):
            unanswered.append(case)
            continue
        if observation.output is None or observation.shape != case.problem.output_shape:
            return True
        scale = accuracy.Scale.of(case.problem, operands)
        if accuracy.measure(observation.output, scale, operands, statistics=False).grade != "A":
            return False
    return True


def add_spikes(case: Case, operands: Operands) -> Operands:
    """Return Gaussian operands with one large number in each plane of the input, and other operands unchanged.

    The number is 2**(digits - 4). For every third pair of seeds it is a sixteenth of the root of the dtype's largest
    number, because transforms in a wider type hide the smaller one.
    """
    if case.operands != "gaussian" or not operands.input.size:
        return operands
    input = operands.input.copy()
    corners = ((0, 0), (-1, -1), (0, -1), (-1, 0))
    random = np.random.default_rng(case.seed)
    anywhere = (random.integers(case.problem.height), random.integers(case.problem.width))
    row, column = corners[case.seed // 2 % 4] if case.seed // 2 % 2 else anywhere
    dtype = DTYPES[case.problem.dtype]
    input[:, :, row, column] = math.sqrt(dtype.largest) / 16 if case.seed // 2 % 3 == 0 else 2.0 ** (dtype.digits - 4)
    return Operands(input, operands.weight, operands.bias)
