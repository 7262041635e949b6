"""Tests of the prediction of large calls: slow implementations are not asked, and others are judged."""

from __future__ import annotations

import numpy as np
import pytest

from convgauge.conformance import Case, Judge, Spec
from convgauge.conformance.call_time import MAX_CALL_S, smallest_part, within_time
from convgauge.conformance.setting import NotApplicable, Setting
from convgauge.problem import Problem
from convgauge.worker.call import Call, Observation
from support.fake_runner import FakeRunner, exact_output

SPEC = Spec("some.thing", "required", "kernel", "", "Something is so.", "some", ("float32",), ("float32",))
SMALL = Problem(batch=1, in_channels=2, height=64, width=9, out_channels=3, kernel=(3, 3), padding=(1, 1))
LARGE = SMALL.replace(height=1280)


class Timed(FakeRunner):
    """Runner whose calls take a constant time, and a time for each row of the input; the first one takes more."""

    def __init__(self, constant_s: float, per_row_s: float, first_s: float = 0.0) -> None:
        super().__init__(self.answer)
        self.constant_s, self.per_row_s, self.first_s = constant_s, per_row_s, first_s
        self.rows: list[int] = []

    def answer(self, call: Call) -> Observation:
        self.rows.append(call.input.shape[2])
        seconds = self.constant_s + self.per_row_s * self.rows[-1] + (self.first_s if len(self.rows) == 1 else 0.0)
        return Observation("answer", exact_output(call), "float32", seconds=seconds)


def due(runner: FakeRunner, *problems: Problem) -> list[Problem]:
    return within_time(Judge(SPEC, runner, "float32", "cpu", Setting()), problems)


def test_fast_implementations_get_every_problem() -> None:
    runner = Timed(0.001, MAX_CALL_S / 2000)
    assert due(runner, LARGE, SMALL) == [LARGE, SMALL]
    assert runner.rows == [1, 10]


def test_a_constant_time_is_seen_in_a_larger_part() -> None:
    runner = Timed(MAX_CALL_S / 20, 0.0)
    assert due(runner, LARGE) == [LARGE]
    assert runner.rows == [10, 10, 160]


def test_the_first_call_may_compile() -> None:
    assert due(Timed(0.0, MAX_CALL_S / 2000, first_s=0.9), LARGE) == [LARGE]


def test_slow_problems_are_left_out() -> None:
    runner = Timed(0.0, MAX_CALL_S / 100)
    judge = Judge(SPEC, runner, "float32", "cpu", Setting())
    assert within_time(judge, [LARGE, SMALL]) == [SMALL]
    assert "1 of 2 problems left out" in judge.tally.notes[0]
    assert max(runner.rows) <= 160


def test_a_spec_without_problems_is_skipped() -> None:
    with pytest.raises(NotApplicable, match="predict more than 1 s"):
        due(Timed(0.0, MAX_CALL_S), SMALL, LARGE)


def test_larger_problems_are_not_tried_after_two_that_take_too_long() -> None:
    runner = Timed(0.0, MAX_CALL_S / 20)
    with pytest.raises(NotApplicable):
        due(runner, *[SMALL.replace(height=height) for height in (64, 65, 66, 67, 68)])
    assert len(runner.rows) == 8  # two calls on each of two parts


def test_a_reproduced_case_is_always_made() -> None:
    runner = Timed(0.0, MAX_CALL_S)
    judge = Judge(SPEC, runner, "float32", "cpu", Setting(only=Case(LARGE)))
    assert within_time(judge, [LARGE]) == [LARGE]
    assert not runner.rows


def test_long_sums_have_parts_of_fewer_channels() -> None:
    long = SMALL.replace(in_channels=6400, groups=2, out_channels=2, height=3, padding=(0, 0))
    assert smallest_part(long) == long.replace(in_channels=50)


@pytest.mark.parametrize("problem", [LARGE, LARGE.replace(kernel=(31, 3), padding=(0, 0)), SMALL.replace(height=1)])
def test_parts_are_valid_and_small(problem: Problem) -> None:
    part = smallest_part(problem)
    assert part.output_size[0] >= 1
    assert part.height <= max(problem.height // 128, problem.extent[0])
    assert np.prod(part.input_shape) <= np.prod(problem.input_shape)
