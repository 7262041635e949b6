"""Tasks judged in several threads have the same results as one after the other."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from convgauge import cli, results
from convgauge.conformance.driver import Driver
from convgauge.conformance.selection import Task
from convgauge.conformance.spec import Spec
from convgauge.process.failures import Cancelled, FailureBudget
from convgauge.results import Run, SpecRecord
from support.timeless import footer_without_times, records_without_times

KERNELS = """
import os
from convgauge.arguments import resolve
import numpy as np


def zeros(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    return np.zeros(problem.output_shape, input.dtype)


def exits(*args, **kwargs):
    os._exit(7)
"""


def check(path: Path, *words: str) -> Run:
    cli.main(["check", *words, "--tier", "quick", "-q", "--output", str(path)])
    return results.read(path)


@pytest.fixture
def kernels(tmp_path: Path) -> Path:
    path = tmp_path / "kernels.py"
    path.write_text(KERNELS)
    return path


def test_a_run_has_the_same_records_for_every_number_of_threads(kernels: Path, tmp_path: Path) -> None:
    words = ["numpy_windows", f"{kernels}:zeros", "--framework", "numpy", "-k", "test_bias"]
    single, several = (check(tmp_path / f"{jobs}.jsonl", *words, "--jobs", str(jobs)) for jobs in (1, 3))
    assert len(records_without_times(single)) > 10
    assert records_without_times(single) == records_without_times(several)
    assert footer_without_times(single) == footer_without_times(several)


def test_threads_share_the_count_of_deaths(kernels: Path, tmp_path: Path) -> None:
    run = check(tmp_path / "run.jsonl", f"{kernels}:exits", "--framework", "numpy", "-k", "test_bias", "--jobs", "2")
    records = run.records_of(SpecRecord)
    matches = [re.search(r"given up after (\d+) deaths", record.reason) for record in records]
    counts = {int(match[1]) for match in matches if match}
    assert len(counts) == 1
    limit = FailureBudget.max_in_a_row
    assert counts <= {limit, limit + 1}  # both threads may have been at a call when it was given up
    assert run.footer is not None
    assert run.footer.verdicts["exits"].verdict == "wrong"


def test_a_run_that_ends_at_the_first_fault_records_no_other(kernels: Path, tmp_path: Path) -> None:
    run = check(
        tmp_path / "run.jsonl", f"{kernels}:zeros", "--framework", "numpy", "-k", "test_bias", "-x", "--jobs", "3"
    )
    assert len(run.records_of(SpecRecord)) == 1


def test_there_is_at_least_one_thread(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "numpy_windows", "--jobs", "-1"]) == 4
    assert "jobs = -1" in capsys.readouterr().err


# --- the driver itself -----------------------------------------------------------------------------------------------

SPEC = Spec("some.thing", "required", "kernel", "", "Something is so.", "some", ("float32",), ("float32",))


def task(test: Callable[[Any], object]) -> Task:
    return Task(SPEC, test, "kernel", "float32", "cpu")


def driver(*tasks: Task, jobs: int) -> Driver:
    judge: Any = SimpleNamespace(tally=SimpleNamespace(faults=[]))  # of a judge, the tests need its faults alone
    running = Driver(lambda task: judge, jobs)
    running.start(tasks)
    return running


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_exception_of_a_spec_is_raised_where_its_result_is_asked_for(jobs: int) -> None:
    def fail(_: Any) -> None:
        raise LookupError("a defect of the spec")

    broken, sound = task(fail), task(lambda judge: None)
    running = driver(broken, sound, jobs=jobs)
    assert running.result(sound).skipped == ""
    with pytest.raises(LookupError, match="a defect of the spec"):
        running.result(broken)
    running.join()


def test_a_single_job_is_judged_in_the_calling_thread_when_asked_for() -> None:
    threads = []
    only = task(lambda judge: threads.append(threading.get_ident()))
    running = driver(only, jobs=1)
    assert threads == []
    running.result(only)
    assert threads == [threading.get_ident()]


def test_a_stopped_driver_returns_what_is_done_and_begins_no_more() -> None:
    is_in_progress, is_cancelled = threading.Event(), threading.Event()
    begun: list[object] = []

    def wait(_: Any) -> None:
        is_in_progress.set()
        is_cancelled.wait(20)
        raise Cancelled

    barrier = threading.Barrier(2, timeout=20)
    running = driver(
        task(lambda judge: None),
        task(lambda judge: barrier.wait()),
        task(lambda judge: barrier.wait()),
        task(wait),
        task(wait),
        task(begun.append),
        jobs=2,
    )
    assert is_in_progress.wait(20)
    running.stop()
    is_cancelled.set()
    running.join()
    assert len(running.finished()) == 3
    assert begun == []


def test_tasks_are_judged_at_the_same_time() -> None:
    both = threading.Barrier(2, timeout=20)
    tasks = task(lambda judge: both.wait()), task(lambda judge: both.wait())
    running = driver(*tasks, jobs=2)
    running.result(tasks[0])  # alone, either would break the barrier
    running.result(tasks[1])
    running.join()
