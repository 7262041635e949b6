"""The declared domain: a case outside is declined without a call, and a refusal inside is a fault."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from convgauge.conformance import Case, Judge, Spec, problems
from convgauge.conformance.declared import idle_conditions
from convgauge.conformance.redrawers import Redrawers
from convgauge.conformance.setting import Setting
from convgauge.conformance.verdict import judgement
from convgauge.domain import EVERYTHING, Domain
from convgauge.problem import Problem
from convgauge.results import ImplementationRecord
from convgauge.worker.call import Call, Observation
from support.fake_runner import FakeRunner, exact_output
from support.records import spec

SMALL = Problem(batch=1, in_channels=4, height=6, width=7, out_channels=4, kernel=(3, 3), padding=(1, 1), bias=True)
TABLE = problems(SMALL, groups=[1, 2], batch=[1, 2])
SPEC = Spec("some.thing", "required", "kernel", "", "Something is so.", "some", ("float32",), ("float32",))


def refuse(call: Call) -> np.ndarray[Any, Any] | Observation:
    """Refuse batches of two, and groups."""
    if call.input.shape[0] > 1 or call.arguments["groups"] != 1:
        return Observation("refused", error=("NotImplementedError",), message="one image only")
    return exact_output(call)


def judge_of(runner: FakeRunner, declared: str) -> Judge:
    return Judge(SPEC, runner, "float32", "cpu", Setting(redrawers=Redrawers(Domain.parse(declared))))


def test_a_case_outside_is_declined_without_a_call() -> None:
    runner = FakeRunner(exact_output)
    judge = judge_of(runner, "groups == 1")
    judge.exact(TABLE)
    assert (judge.tally.valid, judge.tally.answered, judge.tally.outcomes["declined"]) == (4, 2, 2)
    assert judge.tally.refusals() == {"outside the declared domain: groups == 1": 2}
    assert {call.arguments["groups"] for call in runner.calls} == {1}
    assert judge.tally.redrawn == 2


def test_cases_keep_their_order_among_those_that_are_declined() -> None:
    runner = FakeRunner(exact_output)
    judge = judge_of(runner, "batch == 2")
    cases = [Case(SMALL.replace(batch=batch), seed=1 + seed) for seed, batch in enumerate([1, 1, 2, 1, 2, 2, 1])]
    executed = list(judge._execution.run(cases))
    assert [each.case for each in executed] == cases
    kinds = ["answer" if case.problem.batch == 2 else "declined" for case in cases]
    assert [each.observation.kind for each in executed] == kinds


def test_a_law_makes_no_call_outside() -> None:
    runner = FakeRunner(exact_output)
    judge = judge_of(runner, "batch == 2")
    judge.relates([SMALL.replace(batch=2)], lambda ask, problem, operands: (ask(SMALL, operands), operands.input))
    assert all(call.input.shape[0] == 2 for call in runner.calls)


def test_a_refusal_inside_is_a_fault_with_a_counterexample() -> None:
    judge = judge_of(FakeRunner(refuse), "groups == 1")
    judge.exact(TABLE)
    outcomes = judge.tally.outcomes
    assert outcomes["errored"] >= 1
    assert (outcomes["errored"] + outcomes["passed"], outcomes["declined"]) == (2 + judge.tally.redrawn, 2)
    assert judge.status() == "errored"
    assert judge.counterexample is not None
    assert judge.counterexample.message == (
        "refused a problem of its declared domain, groups == 1: NotImplementedError: one image only; narrow --supports"
        " or answer it"
    )
    assert Problem.parse(judge.counterexample.problem).groups == 1


def test_a_refusal_without_a_declared_domain_is_none() -> None:
    judge = judge_of(FakeRunner(refuse), "True")
    judge.exact(TABLE)
    assert "errored" not in judge.tally.outcomes
    assert judge.tally.outcomes["passed"] - judge.tally.redrawn == 1


@pytest.mark.parametrize(("declared", "status"), [("groups == 1", "refused"), ("layout == 'fortran'", "errored")])
def test_an_unusual_layout_may_be_refused_unless_the_domain_names_layouts(declared: str, status: str) -> None:
    judge = judge_of(FakeRunner(refuse), declared)
    judge.exact([Case(SMALL.replace(batch=2), layouts=("fortran", "contiguous", "contiguous"))])
    assert judge.tally.outcomes - Counter(passed=judge.tally.redrawn) == {status: 1}


def test_a_call_that_may_be_refused_may_be_refused_inside() -> None:
    judge = judge_of(FakeRunner(refuse), "groups == 1")
    judge.refuses([SMALL.replace(batch=2)])
    assert "errored" not in judge.tally.outcomes


def test_conditions_that_exclude_no_case_are_idle() -> None:
    judge = judge_of(FakeRunner(exact_output), "groups == 1 and height < 1000")
    judge.exact(TABLE)
    record = spec("mine", refusals=dict(judge.tally.refusals()))
    assert idle_conditions(judge.setting.declared, [record]) == ["height < 1000"]
    assert idle_conditions(EVERYTHING, [record]) == []


def test_a_domain_that_excludes_everything_is_unjudged_with_the_reason() -> None:
    judge = judge_of(FakeRunner(exact_output), "groups == 1 and groups == 2")
    judge.exact(TABLE)
    tally = judge.tally
    record = spec(
        "mine", status="declined", cases=tally.judged, valid=tally.valid, refusals=dict(tally.refusals()),
        outcomes=dict(tally.outcomes),
    )  # fmt: skip
    judged = judgement("mine", [record], ImplementationRecord("mine", supports="groups == 1 and groups == 2"))
    assert (judged.verdict, judged.executed) == ("unjudged", 0)
    assert judged.reason == "the declared domain, groups == 1 and groups == 2, excludes all 4 valid cases: widen it"
