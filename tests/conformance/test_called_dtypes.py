"""Dtypes of calls: a run that is about some dtypes calls no other, in any spec."""

from __future__ import annotations

import contextlib
import dataclasses

import pytest

from convgauge.conformance import leniency
from convgauge.conformance.cases import Case
from convgauge.conformance.collection import collect_specs
from convgauge.conformance.evaluation import Evaluation
from convgauge.conformance.execution import Execution
from convgauge.conformance.judge import Judge
from convgauge.conformance.setting import NotApplicable, Setting
from convgauge.conformance.spec import Spec
from convgauge.problem import Problem
from convgauge.reference.assessment import Assessment
from convgauge.reference.compare import Fault
from convgauge.terms import PROFILES
from convgauge.worker.call import Observation
from convgauge.worker.frameworks import adapter
from support.fake_runner import FakeRunner

SPECS = collect_specs()


def runner_of(framework: str) -> FakeRunner:
    """Return a runner without a right output, so that a spec ends early."""
    kind = adapter(framework)
    runner = FakeRunner(lambda call: Observation("not_an_array"), dtypes=kind.dtypes)
    runner.description = dataclasses.replace(runner.description, framework=framework, layouts=kind.layouts)
    return runner


def called(spec: Spec, judge: Judge, runner: FakeRunner) -> set[tuple[str, ...]]:
    test = next(test for each, test in SPECS if each is spec)
    with contextlib.suppress(NotApplicable):
        test(judge)
    return {call.dtypes[: 2 if call.bias is None else 3] for call in runner.calls}


@pytest.mark.parametrize("dtype", ["float64", "float16"])
def test_no_other_dtype_is_called(dtype: str) -> None:
    setting = Setting(PROFILES[-1], "quick", dtypes=(dtype,), max_faults=2, minimizes=False)
    others = {}
    count = 0
    for spec, _ in SPECS:
        if dtype not in spec.dtypes:
            continue
        runner = runner_of((spec.frameworks or ("numpy",))[0])
        judge = Judge(spec, runner, dtype, "cpu", setting)
        dtypes = called(spec, judge, runner)
        count += len(runner.calls)
        # a call of two dtypes is what a spec on mixed dtypes is about: one of them is that of the run
        wrong = [each for each in dtypes if dtype not in each or (len(set(each)) > 1 and "mixed" not in spec.id)]
        if wrong:
            others[spec.id] = wrong
    assert not others
    assert count > 100


def test_a_probe_of_leniency_has_no_other_dtype(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[object] = []

    def decide(claimed: Assessment, *arguments: object) -> Assessment:
        given.append(arguments[2])
        return claimed

    monkeypatch.setattr(leniency, "decide", decide)
    runner = runner_of("numpy")
    evaluation = Evaluation(SPECS[0][0], Execution(runner, "cpu"), "float16", Setting(dtypes=("float16",)), None)
    executed = evaluation.execution.run_once(Case(Problem(dtype="float16")))
    evaluation._decide(executed, Assessment(Fault("failed", "a sentence"), lenient_if="spreads"))
    assert given == [("float16",)]


def test_a_call_that_is_not_judged_has_the_dtype_of_the_judge() -> None:
    runner = runner_of("numpy")
    judge = Judge(SPECS[0][0], runner, "float64", "cpu", Setting())
    assert isinstance(judge.observe(Case(Problem())), Observation)
    assert runner.calls[-1].dtypes == ("float64",) * 3
