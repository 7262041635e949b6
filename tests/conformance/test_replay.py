"""Tests of earlier calls: their text form, and how they are made again."""

from __future__ import annotations

import pytest

from convgauge.conformance.cases import Case
from convgauge.conformance.replay import EarlierCall, judge_again, make_again
from convgauge.conformance.setting import Setting
from convgauge.problem import Problem, ProblemError
from support.fake_runner import FakeRunner, exact_output

SMALL = Problem(batch=1, in_channels=2, height=3, width=4, out_channels=2, kernel=(1, 1), bias=True)
CASE = Case(SMALL, layouts=("fortran", "contiguous", "contiguous"), seed=3, arguments=(("stride", 2),))


@pytest.mark.parametrize(
    "call", [EarlierCall(CASE), EarlierCall(CASE, "behaviour.one_array"), EarlierCall(CASE, "stride.pair", 36)]
)
def test_the_text_form_reads_back(call: EarlierCall) -> None:
    assert EarlierCall.parse(str(call)) == call


def test_the_text_form_of_a_plain_call_is_that_of_its_case() -> None:
    assert str(EarlierCall(CASE)) == str(CASE)
    assert str(EarlierCall(CASE, count=5)) == f"5*{CASE}"


@pytest.mark.parametrize("text", ["nonsense", "no.spec@" + str(CASE), "stride.pair@", "x*" + str(CASE)])
def test_other_texts_are_errors(text: str) -> None:
    with pytest.raises(ProblemError):
        EarlierCall.parse(text)


def test_plain_calls_are_made_as_often_as_stated() -> None:
    runner = FakeRunner(lambda call: call.input)
    executed = make_again([EarlierCall(CASE, count=2), EarlierCall(Case(SMALL))], runner, "cpu", Setting())
    assert len(executed) == len(runner.calls) == 3
    assert [call.layouts[0] for call in runner.calls] == ["fortran", "fortran", "contiguous"]


def test_a_spec_makes_its_own_calls() -> None:
    runner = FakeRunner(exact_output)
    executed = make_again([EarlierCall(Case(SMALL), "behaviour.repeatable")], runner, "cpu", Setting(tier="quick"))
    assert executed == []
    make_again([EarlierCall(Case(SMALL, "gaussian"), "behaviour.repeatable")], runner, "cpu", Setting(tier="quick"))
    assert [call.repeat for call in runner.calls] == [5]


def test_a_spec_that_is_not_known_judges_nothing() -> None:
    assert judge_again("some.thing", Case(SMALL), FakeRunner(exact_output), "cpu", Setting()) == "skipped"
    assert judge_again("stride.pair", Case(SMALL), FakeRunner(exact_output), "cpu", Setting()) == "passed"
