"""Tests of the judge: counts, leniency after the calls, limits and counterexamples."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

from convgauge.conformance import Case, Judge, Spec, cases, problems
from convgauge.conformance.execution import Execution
from convgauge.conformance.limits import Discovery
from convgauge.conformance.redrawers import Redrawers
from convgauge.conformance.setting import NotApplicable, Setting
from convgauge.domain import EVERYTHING
from convgauge.problem import Problem
from convgauge.reference.compare import Fault
from convgauge.reference.operands import Operands
from convgauge.worker.call import Call, Observation
from support.fake_runner import FakeRunner, Kernel, exact_output, fft_output

SMALL = Problem(batch=1, in_channels=3, height=6, width=7, out_channels=2, kernel=(3, 3), padding=(1, 1), bias=True)
TABLE = problems(SMALL, batch=[1, 2], in_channels=[3, 4], kernel=[(3, 3), (2, 3)], stride=[(1, 1), (2, 1)])
SPEC = Spec("some.thing", "required", "kernel", "", "Something is so.", "some", ("float32",), ("float32",))


def judge_of(kernel: Kernel, grade: str = "", **setting: Any) -> tuple[Judge, FakeRunner]:
    runner = FakeRunner(kernel, grade)
    return Judge(SPEC, runner, "float32", "cpu", Setting(**setting)), runner


def plant_nan(case: Case, operands: Operands) -> Operands:
    input = operands.input.copy()
    input[0, 0, 0, 0] = np.nan
    return Operands(input, operands.weight, operands.bias)


def all_nan(call: Call) -> np.ndarray[Any, Any]:
    """Return a componentwise accurate output in which NaN spreads over every output."""
    output = exact_output(call)
    return np.asarray(output + 0 * output.sum())


def wrong_batch(call: Call) -> np.ndarray[Any, Any]:
    """Return wrong outputs for batches of two and more."""
    return exact_output(call) + np.float32(call.input.shape[0] > 1)


def test_right_outputs_pass() -> None:
    judge, runner = judge_of(exact_output)
    judge.exact(TABLE)
    judge.accurate(TABLE)
    judge.relates(TABLE, lambda ask, problem, operands: (ask(problem, operands), ask(problem, operands)))
    assert (judge.status(), judge.tally.outcomes) == ("passed", {"passed": 3 * len(TABLE)})
    assert len(runner.calls) == 5 * len(TABLE)
    assert judge.tally.grades == ["A"] * len(TABLE)
    assert len(judge.tally.margins) == len(judge.tally.reductions) == len(TABLE)
    assert judge.counterexample is None


def test_wrong_outputs_fail_and_the_first_is_reduced() -> None:
    judge, _ = judge_of(wrong_batch)
    judge.exact(TABLE)
    assert judge.tally.outcomes == {"passed": len(TABLE) // 2, "failed": len(TABLE) // 2}
    assert judge.counterexample is not None
    assert judge.counterexample.problem == "n2c1h1w1_o1k1x1_s1x1_p0x0_d1x1_g1_float32"
    assert judge.reason() == judge.counterexample.message
    assert "--spec some.thing" in judge.counterexample.reproduce


def is_padded(case: Case) -> bool:
    return case.problem.padding == (1, 1)


def test_a_reduced_case_meets_what_the_spec_needs() -> None:
    judge, _ = judge_of(wrong_batch)
    judge.exact(TABLE, needs=is_padded)
    assert judge.counterexample is not None
    assert "_p1x1_" in judge.counterexample.problem
    assert Problem.parse(judge.counterexample.problem).flops < SMALL.flops


def test_a_case_is_reproduced_by_the_steps_that_it_belongs_to() -> None:
    for operands, count in (("exact", 1), ("gaussian", 1), ("wide", 0)):
        judge, runner = judge_of(exact_output, only=Case(SMALL, operands=operands))
        judge.exact(TABLE)
        judge.accurate(TABLE)
        judge.exact(TABLE, needs=lambda case: case.problem.padding == (0, 0))
        assert len(runner.calls) == count
        assert judge.status() == ("passed" if count else "skipped")


def test_no_more_cases_are_run_than_the_limit_of_faults_allows() -> None:
    judge, runner = judge_of(lambda call: exact_output(call) + 1, max_faults=3, minimizes=False)
    judge.exact(TABLE)
    assert len(judge.tally.faults) == 3 == judge.tally.judged
    assert len(runner.calls) == 3
    assert judge.counterexample is None


def test_a_check_changes_nothing() -> None:
    judge, runner = judge_of(fft_output)
    case = Case(SMALL)
    operands = Execution(runner, "cpu").draw(case)
    observation = judge.observe(case)
    for _ in range(2):
        assert judge.check_accuracy(case, operands, observation).grade in ("A", "B")
        assert judge.check_exact(case, operands, observation) is None
    assert (judge.tally.judged, judge.tally.grades, judge.status()) == (0, [], "skipped")


@pytest.mark.parametrize(
    ("kernel", "grade", "status"),
    [
        (fft_output, "", "passed"),
        (fft_output, "B", "passed"),
        (fft_output, "A", "failed"),
        (all_nan, "", "failed"),
        (all_nan, "B", "passed"),
    ],
)
def test_leniency_is_decided_after_the_calls(kernel: Kernel, grade: str, status: str) -> None:
    judge, _ = judge_of(kernel, grade, minimizes=False)  # the runner refuses nested streams
    judge.nonfinite(cases(TABLE), plant_nan)
    assert judge.status() == status
    assert judge.tally.grades == (["B"] * len(TABLE) if status == "passed" else [])


def test_probes_stop_with_the_limit_of_faults() -> None:
    judge, runner = judge_of(all_nan, max_faults=3, minimizes=False)
    judge.nonfinite(cases(TABLE), plant_nan)
    assert len(judge.tally.faults) == 3 == judge.tally.judged
    assert len(runner.calls) == len(TABLE) + 3 * 16


def test_claims_and_faults_are_counted_in_the_order_of_the_cases() -> None:
    def kernel(call: Call) -> np.ndarray[Any, Any]:
        return exact_output(call) + 1 if call.input.shape[0] > 1 else all_nan(call)

    judge, _ = judge_of(kernel, max_faults=5, minimizes=False)
    ordered = sorted(TABLE, key=lambda problem: (problem.height * problem.in_channels, problem.text))
    judge.nonfinite(cases(ordered), plant_nan)
    assert [case.problem for case, _ in judge.tally.faults] == ordered[:5]
    assert judge.tally.judged == 5


def test_a_claim_is_decided_for_each_simplified_case() -> None:
    judge, _ = judge_of(all_nan)
    judge.nonfinite(cases(TABLE[:1]), plant_nan)
    assert judge.counterexample is not None
    assert Problem.parse(judge.counterexample.problem).flops < SMALL.flops


def test_a_picture_is_taken_of_the_case_and_of_no_simpler_one() -> None:
    shown: list[tuple[int, ...]] = []
    judge, _ = judge_of(all_nan)
    judge.nonfinite(cases([SMALL]), plant_nan, on_output=lambda output, expected: shown.append(output.shape))
    assert judge.status() == "failed"
    assert shown == [SMALL.output_shape]


def test_a_case_that_accepts_a_wrong_output_is_vacuous() -> None:
    judge, _ = judge_of(exact_output, wrong_outputs=True, minimizes=False)
    judge.satisfies(TABLE[:2], lambda case, operands, observation: None)
    judge.satisfies(TABLE[:2], lambda case, operands, observation: None, values=False)
    assert judge.tally.outcomes == {"vacuous": 2, "passed": 2}
    assert judge.wrong_outputs == 2
    judge, _ = judge_of(fft_output, wrong_outputs=True, minimizes=False)
    judge.nonfinite(cases(TABLE), plant_nan)
    assert judge.wrong_outputs == len(TABLE)  # all zero; every other change of an output of NaN is no change
    assert judge.tally.outcomes == {"passed": len(TABLE)}


def test_a_refused_call_passes_and_an_answered_one_fails() -> None:
    judge, _ = judge_of(lambda call: Observation("raised", error=("ValueError",), message="no"))
    judge.refuses(cases([SMALL], invalid_call="bias_of_one"))
    assert judge.status() == "passed"
    judge, _ = judge_of(lambda call: np.zeros((1, 2), np.float32))
    judge.refuses(cases([SMALL], invalid_call="bias_of_one"))
    assert judge.reason().startswith("answered a call that is an error: the bias has one element")


def test_a_law_without_all_its_outputs_fails_with_the_call_s_fault() -> None:
    judge, _ = judge_of(
        lambda call: Observation("raised", error=("ValueError",)) if call.input.shape[0] > 1 else exact_output(call)
    )
    judge.relates([SMALL], lambda ask, problem, operands: (ask(problem.replace(batch=2), doubled(operands)),) * 2)
    assert judge.tally.outcomes == {"errored": 1}
    judge, _ = judge_of(lambda call: Observation("refused") if call.input.shape[0] > 1 else exact_output(call))
    judge.relates([SMALL], lambda ask, problem, operands: (ask(problem.replace(batch=2), doubled(operands)),) * 2)
    assert (judge.tally.outcomes["passed"], judge.tally.outcomes["refused"]) == (0, 1)
    assert (judge.tally.valid, judge.tally.answered, judge.status()) == (1, 0, "refused")


def test_cases_are_not_drawn_again_if_the_probe_had_no_answer() -> None:
    for probes, is_redrawn in ((3, False), (0, True)):
        redrawers = Redrawers(EVERYTHING, functools.partial(Discovery, probes=probes))
        judge, runner = judge_of(lambda call: Observation("refused"), redrawers=redrawers)
        judge.exact([SMALL])
        assert (judge.tally.valid, judge.tally.answered, judge.status()) == (1, 0, "refused")
        assert (len(runner.calls) > 1) == is_redrawn


def doubled(operands: Operands) -> Operands:
    return Operands(np.concatenate([operands.input] * 2), operands.weight, operands.bias)


def test_a_subject_that_is_given_up_is_called_no_more() -> None:
    judge, runner = judge_of(lambda call: Observation("not_called", message="was given up after 20 deaths"))
    judge.exact(TABLE)
    judge.exact(TABLE)
    assert len(runner.calls) == 1
    assert (judge.status(), judge.tally.judged) == ("crashed", 0)
    assert "given up" in judge.reason()


def test_a_dtype_that_the_subject_lacks_is_declined() -> None:
    judge = Judge(SPEC, FakeRunner(exact_output), "float16", "cpu", Setting())
    judge.exact(TABLE)
    assert (judge.status(), judge.reason()) == ("declined", "declined: float16 is not among its dtypes")
    with pytest.raises(NotApplicable, match="numpy has no bfloat16"):
        Judge(SPEC, FakeRunner(exact_output), "bfloat16", "cpu", Setting()).exact(TABLE)


def test_a_conclusion_counts_as_a_case() -> None:
    judge, runner = judge_of(exact_output)
    judge.conclude(SMALL, None)
    judge.conclude(SMALL, Fault("failed", "the digits are wrong"))
    judge.note("of 40 digits")
    assert judge.tally.outcomes == {"passed": 1, "failed": 1}
    assert judge.reason() == "the digits are wrong"
    assert judge.tally.notes == ["of 40 digits"]
    assert runner.calls == []


class AfterCalls(FakeRunner):
    """Runner whose outputs are wrong from its third call; its second process is such a runner."""

    def __init__(self) -> None:
        super().__init__(lambda call: exact_output(call) + np.float32(len(self.calls) > 2))

    def second(self) -> FakeRunner:
        return AfterCalls()


def test_a_case_that_fails_only_after_other_calls_is_not_reduced() -> None:
    judge = Judge(SPEC, AfterCalls(), "float32", "cpu", Setting())
    judge.exact(TABLE)
    assert judge.counterexample is not None
    assert Problem.parse(judge.counterexample.problem) in TABLE
    assert judge.counterexample.message.endswith("(only after 2 earlier calls)")
    assert judge.counterexample.reproduce.startswith("convgauge check fake -k some.thing --tier standard")


def test_a_case_whose_operands_depend_on_others_is_run_again_with_its_spec() -> None:
    judge, _ = judge_of(wrong_batch)
    judge.satisfies(TABLE, judge.check_exact, reproducible=False)
    assert judge.counterexample is not None
    assert judge.counterexample.reproduce.startswith("convgauge check fake -k some.thing --tier standard")
