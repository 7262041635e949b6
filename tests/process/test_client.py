"""A kernel cannot end the run: each failure is the kind of one observation, and the run continues."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from convgauge.problem import Problem
from convgauge.process.child import MAX_PRINTED_BYTES
from convgauge.process.client import IsolatedSubject
from convgauge.process.failures import FailureBudget
from convgauge.process.runner import Limits
from convgauge.reference import oracle
from convgauge.reference.operands import draw
from convgauge.registry import LoadError, resolve
from convgauge.worker.call import Call
from support.paths import SUPPORT

KERNELS = SUPPORT / "faulty_processes.py"
SOUND = Problem(1, 2, 5, 6, 3, (3, 2), bias=True)
TRIGGER = SOUND.replace(batch=3)


def calls(problems: list[Problem]) -> Iterator[tuple[Problem, Call]]:
    for problem in problems:
        operands = draw(problem)
        yield problem, Call(operands.input, operands.weight, operands.bias, problem.arguments)


@pytest.fixture
def start() -> Iterator[Any]:
    """Starts a kernel of the faulty ones; at the end its process and all that it started are gone."""
    started: list[IsolatedSubject] = []
    before = _workers()  # other tests of this process may keep one, such as a reference implementation

    def begin(name: str, budget: FailureBudget | None = None, **limits: Any) -> IsolatedSubject:
        (origin,) = resolve(f"{KERNELS}:{name}", "numpy")
        started.append(IsolatedSubject(origin, Limits(**{"timeout_s": 30.0, **limits}), budget=budget))
        started[-1].wait_ready()
        return started[-1]

    yield begin
    for subject in started:
        subject.close()
    time.sleep(0.05)
    assert _workers() - before == set()


def _workers() -> set[psutil.Process]:
    return {child for child in psutil.Process().children(recursive=True) if "boot.py" in " ".join(_command(child))}


def _command(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


def observed(subject: IsolatedSubject, problems: list[Problem]) -> list[tuple[Problem, Any]]:
    return list(subject.stream(calls(problems)))


def assert_right(problem: Problem, observation: Any) -> None:
    assert (observation.kind, observation.message) == ("answer", "")
    np.testing.assert_array_equal(observation.output, oracle.answer(problem, draw(problem)))


ENDINGS = [
    ("segfault", "crashed", "SIGSEGV"),
    ("abort", "crashed", "SIGABRT"),
    ("exits_1", "crashed", "exit status 1"),
    ("exits_0", "crashed", "exit status 0"),
    ("system_exit", "crashed", "exit status 1"),
    ("killed", "crashed", "SIGKILL"),
    ("kills_group", "crashed", "SIGKILL"),
    ("orphans", "crashed", ""),
    ("noise", "crashed", "noise"),
    ("huge_frame", "crashed", "noise"),
    ("closes", "crashed", ""),
]


@pytest.mark.parametrize(("name", "kind", "text"), ENDINGS)
def test_an_ending_is_one_case_and_the_run_goes_on(start: Any, name: str, kind: str, text: str) -> None:
    subject = start(name, timeout_s=8.0)
    plan = [SOUND] * 4 + [TRIGGER] + [SOUND.replace(height=8)] * 3
    for index, (problem, observation) in enumerate(observed(subject, plan)):
        if index == 4:
            assert observation.kind == kind
            assert text in observation.message
        else:
            assert_right(problem, observation)
    assert subject.failures == 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sleeps", "within 3 s to the first call on a shape, and did not compute"),
        ("stopped", "within 3 s to the first call on a shape, and did not compute"),
        ("holds_the_lock", "within 3 s to the first call on a shape, and did not compute"),
        ("backtracks", "within 18 s to the first call on a shape, which may compile (other calls have 3 s)"),
    ],
)
def test_a_hang_is_ended_at_its_time(start: Any, name: str, message: str) -> None:
    subject = start(name, timeout_s=3.0)
    started = time.monotonic()
    for index, (problem, observation) in enumerate(observed(subject, [SOUND, SOUND, TRIGGER, SOUND])):
        if index == 2:
            assert observation.kind == "timed_out"
            assert message in observation.message
        else:
            assert_right(problem, observation)
    assert time.monotonic() - started < 120


@pytest.mark.parametrize("name", ["thread_exit", "interrupt"])
def test_what_ends_a_thread_or_interrupts_is_no_ending(start: Any, name: str) -> None:
    for problem, observation in observed(start(name), [SOUND, TRIGGER, SOUND]):
        assert_right(problem, observation)


def test_memory_beyond_the_limit_is_one_case(start: Any) -> None:
    subject = start("greedy", memory_bytes=1500 << 20)
    first, second, third = (observation for _, observation in observed(subject, [SOUND, TRIGGER, SOUND]))
    assert second.kind in ("raised", "crashed")
    assert second.kind == "crashed" or "MemoryError" in second.error
    assert_right(SOUND, first)
    assert_right(SOUND, third)


@pytest.mark.parametrize("name", ["floods", "floods_descriptor"])
def test_floods_are_captured_and_cut(start: Any, name: str) -> None:
    observations = [observation for _, observation in observed(start(name), [SOUND, TRIGGER, SOUND, SOUND])]
    assert all(observation.kind == "answer" for observation in observations)
    printed = "".join(observation.printed for observation in observations)
    assert "flood" in printed or name == "floods"  # what Python buffers comes out when it likes
    assert max(len(observation.printed) for observation in observations) <= MAX_PRINTED_BYTES


def test_a_fork_that_answers_too_does_not_shift_answers(start: Any) -> None:
    subject = start("forks", timeout_s=8.0)
    for index, (problem, observation) in enumerate(
        observed(subject, [SOUND, TRIGGER] + [SOUND.replace(width=w) for w in range(4, 12)])
    ):
        if index != 1 and observation.kind == "answer":
            assert_right(problem, observation)


def test_the_case_that_kills_is_found_among_many(start: Any) -> None:
    subject = start("segfault")
    plan = [TRIGGER if index % 40 == 17 else SOUND.replace(width=4 + index % 7) for index in range(100)]
    kinds = ["crashed" if problem.batch == 3 else "answer" for problem in plan]
    assert [observation.kind for _, observation in observed(subject, plan)] == kinds


def test_a_subject_that_keeps_dying_is_given_up(start: Any) -> None:
    subject = start("exits_1", FailureBudget(max_in_a_row=2))
    observations = [observation for _, observation in observed(subject, [TRIGGER] * 4)]
    assert [observation.kind for observation in observations] == ["crashed", "crashed", "not_called", "not_called"]
    assert "given up" in observations[-1].message
    assert subject.failures == 2


def test_a_file_that_ends_the_process_is_a_load_error(tmp_path: Path) -> None:
    path = tmp_path / "ends.py"
    path.write_text("import os\nprint('bye', flush=True)\nos._exit(0)\n")
    with pytest.raises(LoadError, match="exit status 0") as caught:
        IsolatedSubject(resolve(f"{path}:conv", "numpy")[0], Limits()).wait_ready()
    assert "bye" in caught.value.trace


def test_children_die_with_their_parent(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import os, sys\n"
        "from convgauge.process.client import IsolatedSubject\nfrom convgauge.process.runner import Limits\n"
        "from convgauge.registry import resolve\n"
        f"subject = IsolatedSubject(resolve({str(KERNELS)!r} + ':conv', 'numpy')[0], Limits())\nsubject.wait_ready()\n"
        "print(subject.connection.pid, flush=True)\nos.kill(os.getpid(), 9)\n"
    )
    import subprocess
    import sys

    process = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False, timeout=120)
    child = int(process.stdout)
    deadline = time.monotonic() + 10
    while psutil.pid_exists(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


def test_no_descriptor_is_left_open(start: Any) -> None:
    def count() -> int:
        return len(os.listdir("/proc/self/fd"))

    start("conv").close()
    before = count()
    for _ in range(3):
        start("conv").close()
    assert count() == before


def test_a_second_process_has_not_made_the_calls_of_the_first(start: Any) -> None:
    subject = start("counts")
    ((_, call),) = calls([SOUND])
    second = subject.second()
    assert subject.second() is second
    assert [runner.observe(call).output.flat[0] for runner in (subject, subject, second)] == [1, 2, 1]
    subject.close()
    assert second.connection.pid == 0


def test_a_fresh_process_has_answered_no_call(start: Any) -> None:
    subject = start("counts")
    ((_, call),) = calls([SOUND])
    for _ in range(2):
        with subject.fresh() as fresh:
            assert [runner.observe(call).output.flat[0] for runner in (fresh, fresh)] == [1, 2]
    assert subject.observe(call).output.flat[0] == 1
    subject.close()


@pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux")
def test_fresh_processes_are_forks_of_one(start: Any) -> None:
    subject = start("counts")
    assert subject.can_fork()
    pids = []
    for _ in range(2):
        with subject.fresh() as fresh:
            pids.append(fresh.connection.pid)
    assert pids[0] == pids[1] != subject.connection.pid


@pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux")
def test_a_fork_ends_after_a_stream_that_was_left(start: Any) -> None:
    subject = start("counts")
    pids = []
    for _ in range(2):
        with subject.fresh() as fresh:
            pids.append(fresh.connection.pid)
            _, observation = next(fresh.stream(calls([SOUND] * 5)))
            assert observation.output.flat[0] == 1
    assert pids[0] == pids[1]


@pytest.mark.parametrize(
    ("kernel", "kind", "words"),
    [each for each in ENDINGS if each[0] in ("segfault", "exits_0", "killed", "noise", "orphans")],
)
def test_a_fork_that_ends_is_observed_as_any_process(start: Any, kernel: str, kind: str, words: str) -> None:
    subject = start(kernel, timeout_s=2.0)
    ((_, sound), (_, trigger)) = calls([SOUND, TRIGGER])
    with subject.fresh() as fresh:
        ended = fresh.observe(trigger)
    assert ended.kind == kind
    assert words in ended.message
    with subject.fresh() as fresh:
        assert_right(SOUND, fresh.observe(sound))


def test_a_process_with_threads_is_not_forked(tmp_path: Path) -> None:
    file = tmp_path / "kernel.py"
    thread = "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n"
    file.write_text(thread + KERNELS.read_text())
    (origin,) = resolve(f"{file}:counts", "numpy")
    subject = IsolatedSubject(origin, Limits(timeout_s=30.0))
    try:
        assert not subject.can_fork()
        ((_, call),) = calls([SOUND])
        for _ in range(2):
            with subject.fresh() as fresh:
                assert fresh.observe(call).output is not None
                assert fresh.observe(call).output.flat[0] == 2  # type: ignore[union-attr]
    finally:
        subject.close()


def test_a_first_call_may_take_longer_than_others(start: Any) -> None:
    subject = start("compiles", timeout_s=2.0)
    other = SOUND.replace(height=6)
    for problem, observation in observed(subject, [SOUND, SOUND, other, SOUND, other]):
        assert_right(problem, observation)
    assert subject.failures == 0


def test_a_later_call_on_the_shape_has_the_plain_limit(start: Any) -> None:
    subject = start("compiles_each_time", timeout_s=2.0)
    kinds = [observation for _, observation in observed(subject, [SOUND, SOUND])]
    assert [observation.kind for observation in kinds] == ["answer", "timed_out"]
    assert kinds[1].message == "gave no answer within 2 s"


def test_an_endless_first_call_costs_its_own_limit_once(start: Any) -> None:
    budget = FailureBudget(max_in_a_row=1000)
    subject = start("backtracks", budget, timeout_s=0.5)
    problems = [TRIGGER, TRIGGER.replace(height=6), TRIGGER.replace(height=7)]
    messages = [observation.message for _, observation in observed(subject, problems)]
    assert "within 3 s to the first call" in messages[0]
    assert messages[1:] == ["gave no answer within 0.5 s"] * 2
