"""Tests of cases that are judged in a second process or in a forked child."""

from __future__ import annotations

import shlex
from dataclasses import replace
from itertools import count

import numpy as np
import pytest

from convgauge.conformance.cases import Case
from convgauge.conformance.collection import collect_specs
from convgauge.conformance.evidence import Evidence
from convgauge.conformance.history import Histories
from convgauge.conformance.judge import Judge, NotApplicable
from convgauge.conformance.setting import Setting
from convgauge.diagnosis.explain import explain
from convgauge.diagnosis.kinds import MechanismKind
from convgauge.worker.call import Call
from support.fake_runner import FakeRunner, Kernel, exact_output
from support.stateful_runner import StatefulRunner, by_shape, caching
from support.storing_runner import Disk, NewKernel, StoringRunner

TESTS = {spec.id: (spec, test) for spec, test in collect_specs()}
SECOND, FORKED = "behaviour.other_process", "behaviour.forked_child"


def judged(runner: FakeRunner, spec: str, setting: Setting | None = None) -> Judge:
    """Return the judge of a spec at the quick tier."""
    declared, test = TESTS[spec]
    judge = Judge(declared, runner, "float32", "cpu", setting or Setting(tier="quick", histories=Histories()))
    test(judge)
    return judge


def storing(key: object) -> NewKernel:
    """Return the kernels that use the weight again which an earlier process stored by a key."""

    def new_kernel(files: Disk, disk: Disk) -> Kernel:
        def kernel(call: Call) -> np.ndarray:
            name = key(call)  # type: ignore[operator]  # a function
            disk[name] = call.weight
            return exact_output(replace(call, weight=files.get(name, call.weight)))

        return kernel

    return new_kernel


def by_content(call: Call) -> object:
    """Return the content of a call's weight."""
    return call.weight.shape, call.weight.tobytes()


def by_first_bytes(call: Call) -> object:
    """Return the shape and the first bytes of a call's weight."""
    return call.weight.shape, call.weight.tobytes()[:8]


def right(files: Disk, disk: Disk) -> Kernel:
    """Return a right kernel."""
    return exact_output


@pytest.mark.parametrize("key", [by_shape, by_first_bytes])
def test_weights_that_an_earlier_process_stored_are_found(key: object) -> None:
    judge = judged(StoringRunner(storing(key)), SECOND)
    assert judge.status() == "failed"
    example = judge.counterexample
    assert example is not None
    assert example.kind == "other_process"
    assert example.message.endswith("in a process that was started after another one had made 9 calls")
    words = shlex.split(example.reproduce)
    assert words[1] == "reproduce"
    assert words[-2:] == ["--spec", SECOND]


def test_the_case_of_the_command_fails_again_on_an_empty_disk() -> None:
    example = judged(StoringRunner(storing(by_shape)), SECOND).counterexample
    assert example is not None
    only = Case.parse(shlex.split(example.reproduce)[3])
    setting = Setting(tier="quick", only=only, minimizes=False, histories=Histories())
    runner = StoringRunner(storing(by_shape))
    assert judged(runner, SECOND, setting).status() == "failed"
    assert [len(process.calls) > 0 for process in runner.processes] == [True, True]


@pytest.mark.parametrize("new_kernel", [right, storing(by_content)])
def test_a_sound_kernel_passes_in_two_processes(new_kernel: NewKernel) -> None:
    runner = StoringRunner(new_kernel)
    judge = judged(runner, SECOND)
    assert judge.status() == "passed"
    assert [process.has_ended for process in runner.processes] == [True, False]
    assert judge.tally.judged == len(runner.processes[1].calls) == 28
    assert runner.calls == []  # of the process of all other specs


def test_the_cause_names_what_is_used_again() -> None:
    evidence = Evidence()
    setting = Setting(tier="quick", minimizes=False, on_counted=evidence.add, histories=Histories())
    judged(StoringRunner(storing(by_shape)), SECOND, setting)
    (cause,) = explain(evidence.samples()).causes
    assert cause.kind == MechanismKind.OTHER_PROCESS
    assert cause.sentence == "processes: answers depend on what an earlier process computed: its weights are used"


def test_a_fault_of_one_process_is_not_due_to_another() -> None:
    def wrong(files: Disk, disk: Disk) -> Kernel:
        return lambda call: exact_output(call) + np.float32(1)

    for spec in (SECOND, FORKED):
        example = judged(StoringRunner(wrong, child=wrong({}, {})), spec).counterexample
        assert example is not None
        assert example.kind == "values"


def test_a_fault_at_random_is_not_due_to_a_process() -> None:
    def at_random(files: Disk, disk: Disk) -> Kernel:
        random = np.random.default_rng(1)
        return lambda call: exact_output(call) + np.float32(random.random() < 0.5)

    judge = judged(StoringRunner(at_random), SECOND)
    assert {fault.kind for _, fault in judge.tally.faults} == {"values"}


def test_a_child_that_answers_wrongly_is_found() -> None:
    runner = StoringRunner(right, child=lambda call: exact_output(call) * 0)
    example = judged(runner, FORKED).counterexample
    assert example is not None
    assert example.kind == "forked_child"
    assert example.message.endswith("in a child that was forked after 2 calls")
    assert judged(StoringRunner(right, child=exact_output), FORKED).status() == "passed"


def test_a_later_process_that_is_forked_is_wrong_because_it_is_later() -> None:
    """Its calls before the fork are wrong too, and those of the process of all other specs are right."""
    runner = StoringRunner(storing(by_shape))
    setting = Setting(tier="quick", histories=Histories())
    judged(runner, "behaviour.same_shape", setting)
    runner.child = storing(by_shape)(dict(runner.disk), runner.disk)
    judge = judged(runner, FORKED, setting)
    assert {fault.kind for _, fault in judge.tally.faults} == {"other_process"}


def test_where_there_is_no_process_the_specs_do_not_apply() -> None:
    with pytest.raises(NotApplicable, match="no other process"):
        judged(StatefulRunner(caching(by_shape)), SECOND)
    with pytest.raises(NotApplicable, match="not documented to work"):
        judged(StoringRunner(right), FORKED)


def test_a_framework_that_starts_slowly_is_not_judged_at_the_quick_tier() -> None:
    runner = StoringRunner(right)
    runner.description = replace(runner.description, framework="jax")
    with pytest.raises(NotApplicable, match="take seconds to start"):
        judged(runner, SECOND)
    assert judged(runner, SECOND, Setting(histories=Histories())).status() == "passed"


def test_a_fault_that_the_usual_process_has_as_well_is_not_due_to_the_process() -> None:
    starts = count()

    def right_in_the_earlier_process(files: Disk, disk: Disk) -> Kernel:
        error = np.float32(next(starts) != 1)
        return lambda call: exact_output(call) + error

    judge = judged(StoringRunner(right_in_the_earlier_process), SECOND)
    assert {fault.kind for _, fault in judge.tally.faults} == {"values"}
