"""Examination of one mutant or correct build: the specs that it fails, and the usual smoke test."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np

from convgauge.conformance.cases import Case
from convgauge.conformance.directions import in_direction, sizes_of_result
from convgauge.conformance.selection import Task
from convgauge.conformance.setting import Setting
from convgauge.conformance.substitutes import is_floating
from convgauge.conformance.suite import Suite
from convgauge.conformance.targets import Target
from convgauge.problem import Problem
from convgauge.reference import memo, oracle
from convgauge.reference.operands import Operands, draw
from convgauge.registry import LoadError
from convgauge.request import CheckRequest
from convgauge.selftest.kill_matrix import Finding
from convgauge.selftest.mutants import Mutant
from convgauge.terms import FAULTS, STRICTNESS_FAULTS, TIERS, Tier
from convgauge.worker.call import Call

SMOKE = Problem.parse("n2c3h8w8_o4k3x3_s1x1_p1x1_d1x1_g1_b_float32")
"""Problem of the usual smoke test: float32, 3x3, stride 1, padding 1, with a tolerance of 1e-3."""
NARROW_SHARE = 6
"""One in so many tasks judges a correct build in a narrow run; each task judges as large a share of the builds."""
MAX_MUTANT_FAILURES = 3
"""Failures of a killed mutant's processes after which its run ends."""
ONE_FAULT_KILLS = Setting(max_faults=1, minimizes=False, diagnoses=False)
"""Setting of the judges: one fault kills a mutant, and no counterexample is shown."""


def examine(mutant: Mutant, tier: Tier, first: bool = False, narrow: bool = False) -> tuple[Finding, dict[str, str]]:
    """Judge a mutant in a child process of its own; return the finding and the sentences of the specs that ran."""
    memo.enable()  # the next mutant is given the same cases
    started = time.perf_counter()
    due = TIERS.index(mutant.tier) <= TIERS.index(tier)
    finding = Finding(mutant.name, mutant.faulty, smoke=False, due=due)
    specs: dict[str, str] = {}
    request = CheckRequest(profile=mutant.profile, tier=tier, timeout_s=mutant.timeout, jobs=1)
    try:
        with Suite(request, [Target(mutant.origin)], setting=ONE_FAULT_KILLS) as suite:
            suite.load()
            finding.smoke = smoke(suite, mutant)
            for task in _tasks(suite, mutant, narrow):
                if _is_over(finding, suite, mutant, first):
                    break
                if task.spec.id not in finding.killed_by:
                    specs[task.spec.id] = task.spec.sentence
                    _judge(suite, finding, task)
        _compare_with_declaration(finding, mutant, specs)
    except Exception as error:
        finding.reason = f"{type(error).__name__}: {error}"
        if not finding.faulty:
            finding.killed_by["load"] = "errored"
    finding.seconds = round(time.perf_counter() - started, 2)
    return finding, specs


def _tasks(suite: Suite, mutant: Mutant, narrow: bool) -> list[Task]:
    """Return the tasks of a mutant, those of the specs that it names first.

    If ``narrow``, a faulty mutant has only these, and a correct build a share of the tasks, which differs by build.
    """
    tasks = sorted(suite.tasks(), key=lambda task: not mutant.names(task.spec.id))
    if not narrow:
        return tasks
    if mutant.faulty:
        return [task for task in tasks if mutant.names(task.spec.id)]
    return [task for task in tasks if zlib.crc32(str(task.key).encode()) % NARROW_SHARE == 0]


def _is_over(finding: Finding, suite: Suite, mutant: Mutant, first: bool) -> bool:
    """Return True if no more specs are needed on a mutant."""
    if not mutant.faulty or not finding.killed_by:
        return False
    return first or suite.pool.failures(mutant.origin.name) >= MAX_MUTANT_FAILURES


def _compare_with_declaration(finding: Finding, mutant: Mutant, specs: Iterable[str]) -> None:
    """Record in a finding how the specs that a mutant names did, of those that were run."""
    finding.killed_as_named = any(mutant.names(id) for id in finding.killed_by)
    failed = {**finding.killed_by, **finding.advised_by}
    named = [*(mutant.killed_by if finding.due else ()), *mutant.advised_by]
    finding.unconfirmed = [id for id in named if id in specs and id not in failed]


def _judge(suite: Suite, finding: Finding, task: Task) -> None:
    """Judge one task and add its result to the finding."""
    try:
        result = suite.result(task)
    except LoadError:
        raise
    except Exception as error:  # of the spec itself, which proves nothing about the mutant
        finding.vacuous.append(f"{task.spec.id} ({type(error).__name__}: {error})")
        return
    judge, status = result.judge, result.record.status
    if not result.is_applicable:
        return
    finding.specs += 1
    finding.cases += judge.tally.judged
    if status == "vacuous":  # a fault of the suite, never a kill
        finding.vacuous.append(task.spec.id)
    elif status in (*FAULTS, *STRICTNESS_FAULTS):
        if task.spec.level == "measured":
            return
        statuses = finding.killed_by if task.spec.level == "required" else finding.advised_by
        statuses.setdefault(task.spec.id, status)
        if not finding.reason or not finding.faulty:
            case, fault = judge.tally.faults[0] if judge.tally.faults else ("", None)
            finding.reason = f"{task.spec.id} {status}: {fault.message if fault else ''} [{case}]"


def smoke(suite: Suite, mutant: Mutant) -> bool:
    """Return True if a mutant passes the usual smoke test: ``allclose(rtol=1e-3, atol=1e-3)`` on one problem.

    The problem of a mutant of a narrow domain is the one that it declares.
    """
    subject = suite.pool.subject(mutant.origin.name)
    usual = in_direction(Case(SMOKE), subject.description.direction)
    problem = Problem.parse(mutant.problem) if mutant.problem or usual is None else usual.problem
    operands = _scaled(draw(problem, "gaussian")) if is_floating(problem.dtype) else draw(problem)
    call = Call(operands.input, operands.weight, operands.bias, _arguments(problem), (problem.dtype,) * 3)
    expected = oracle.answer(problem, operands)
    observation = subject.observe(call)
    if observation.output is None or observation.output.shape != expected.shape:
        return False
    return bool(np.allclose(observation.output, expected, rtol=1e-3, atol=1e-3))


def _scaled(operands: Operands) -> Operands:
    """Return the operands with a weight and a bias that are about as small as those of an initialised layer."""
    scale = operands.weight.dtype.type(0.1)
    return Operands(operands.input, operands.weight * scale, None if operands.bias is None else operands.bias * scale)


def _arguments(problem: Problem) -> dict[str, Any]:
    """Return the arguments of a smoke test, as ints; groups only if there are several."""
    arguments = {"stride": problem.stride[0], "padding": problem.pads[0][0]}
    groups = {} if problem.groups == 1 else {"groups": problem.groups}
    return {**arguments, **groups, **sizes_of_result(problem)}
