"""Tests of the history of calls: what is kept, and what stands before a call."""

from __future__ import annotations

import gc

import numpy as np
import pytest

from convgauge.conformance import history
from convgauge.conformance.cases import Case
from convgauge.conformance.execution import CallOptions, Execution
from convgauge.conformance.history import CallLog, Histories, LoggedCall
from convgauge.problem import Problem
from convgauge.worker.call import Call, Observation
from support.fake_runner import FakeRunner, exact_output

SMALL = Problem(batch=1, in_channels=2, height=3, width=4, out_channels=2, kernel=(1, 1))


def logged(size: int = 1, weight: int = 1, kind: str = "answer") -> LoggedCall:
    array = np.zeros(size, np.uint8)
    call = Call(array, np.zeros((weight,), np.uint8), None, {})
    return LoggedCall("some.spec", Case(SMALL), call, Observation(kind), True)  # type: ignore[arg-type]


def test_the_calls_before_one_are_its_history() -> None:
    log, calls = CallLog(), [logged() for _ in range(5)]
    for call in calls:
        log.add(call)
    assert log.before(calls[3].observation) == tuple(calls[:3])
    assert log.before(Observation("answer")) == ()
    assert log.count == 5


def test_the_first_call_of_a_weight_shape_is_kept_however_long_ago() -> None:
    log, first = CallLog(), logged(weight=3)
    log.add(first)
    for _ in range(2 * history.MAX_CALLS):
        log.add(logged())
    last = logged(weight=3)
    log.add(last)
    before = log.before(last.observation)
    assert before[0] is first
    assert len(before) == history.MAX_HISTORY + 1


def test_the_memory_of_the_latest_calls_is_bounded() -> None:
    log, calls = CallLog(), [logged(history.MAX_BYTES // 4) for _ in range(9)]
    for call in calls:
        log.add(call)
    assert log.before(calls[-1].observation) == (calls[0], *calls[-3:-1])


def test_a_first_call_above_the_limit_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MAX_FIRST_BYTES", 0)
    log, calls = CallLog(), [logged(history.MAX_BYTES // 4) for _ in range(9)]
    for call in calls:
        log.add(call)
    assert log.before(calls[-1].observation) == tuple(calls[-3:-1])


def test_large_ones_of_the_latest_calls_are_left_out() -> None:
    log, calls = CallLog(), [logged(size) for size in (8, 1024, 8, 8)]
    for call in calls:
        log.add(call)
    assert log.before(calls[-1].observation, max_bytes=calls[2].size) == (calls[0], calls[2])


def test_a_call_that_ends_the_process_ends_the_history() -> None:
    log, crash, first, second = CallLog(), logged(kind="crashed"), logged(), logged()
    for call in (logged(), crash):
        log.add(call)
    assert log.before(crash.observation) == ()
    for call in (first, second):
        log.add(call)
    assert log.before(second.observation) == (first,)


def test_an_execution_logs_its_calls_with_their_spec() -> None:
    log = CallLog()
    execution = Execution(FakeRunner(exact_output), "cpu", log=log, spec="some.spec")
    execution.run_once(Case(SMALL, seed=1))
    execution.run_once(Case(SMALL, seed=2), CallOptions(fields={"mode": "", "repeat": 3}))
    last = execution.run_once(Case(SMALL, seed=3))
    before = log.before(last.observation)
    assert [(each.spec, each.case.seed, each.is_plain) for each in before] == [
        ("some.spec", 1, True),
        ("some.spec", 2, False),
    ]


def test_the_log_of_a_subject_is_forgotten_with_it() -> None:
    histories, subject = Histories(), FakeRunner(exact_output)
    assert histories.of(subject) is histories.of(subject)
    histories.of(subject).add(logged())
    del subject
    gc.collect()
    assert histories.of(FakeRunner(exact_output)).count == 0
