"""Subjects of the threads of a run: reuse, cancellation, and no process that is left."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from convgauge.conformance.subject_pool import SubjectPool
from convgauge.problem import Problem
from convgauge.process.failures import Cancelled
from convgauge.process.runner import Limits, Runner
from convgauge.reference.operands import draw
from convgauge.registry import LoadError, Origin, resolve
from convgauge.worker.call import Call, Observation

SMALL = Problem(batch=1, in_channels=1, height=3, width=3, out_channels=1, kernel=(2, 2))


@pytest.fixture
def pool() -> Iterator[SubjectPool]:
    origins = [*resolve("numpy_windows", ""), *resolve("numpy_im2col", "")]
    pool = SubjectPool([*origins, Origin("file", "nowhere.py", "conv", "missing", "numpy")], Limits())
    yield pool
    pool.close()


def observe(subject: Runner) -> Observation:
    operands = draw(SMALL, "exact")
    ((_, observation),) = subject.stream([(None, Call(operands.input, operands.weight, operands.bias, {}))])
    return observation


def test_a_thread_keeps_its_subject_until_it_asks_for_another_implementation(pool: SubjectPool) -> None:
    first = pool.subject("numpy_windows")
    assert pool.subject("numpy_windows") is first
    assert observe(first).kind == "answer"
    second = pool.subject("numpy_im2col")
    assert second is not first
    assert second.description.name == "numpy_im2col"
    assert pool.subject("numpy_windows") is not first


def test_each_thread_has_a_subject_of_its_own(pool: SubjectPool) -> None:
    barrier = threading.Barrier(2, timeout=60)

    def judge() -> Runner:
        subject = pool.subject("numpy_windows")
        barrier.wait()
        assert observe(subject).kind == "answer"
        barrier.wait()
        return subject

    with ThreadPoolExecutor(2) as executor:
        subjects = [executor.submit(judge).result for _ in range(2)]
        assert subjects[0]() is not subjects[1]()


def test_an_idle_subject_is_taken_by_the_next_thread_that_needs_it(pool: SubjectPool) -> None:
    subject = pool.subject("numpy_windows")
    pool.return_to_pool()
    with ThreadPoolExecutor(1) as executor:
        assert executor.submit(pool.subject, "numpy_windows").result() is subject


def test_started_subjects_are_idle(pool: SubjectPool) -> None:
    pool.prestart("numpy_windows", 2)
    processes = len(psutil.Process().children())
    pool.subject("numpy_windows")
    assert len(psutil.Process().children()) == processes


def test_an_implementation_that_cannot_be_loaded(pool: SubjectPool) -> None:
    with pytest.raises(LoadError):
        pool.subject("missing")
    assert pool.subject("numpy_windows").description.name == "numpy_windows"


def test_calls_end_when_the_pool_is_cancelled(pool: SubjectPool) -> None:
    subject = pool.subject("numpy_windows")
    pool.cancel()
    with pytest.raises(Cancelled):
        observe(subject)
    with pytest.raises(Cancelled):
        observe(pool.subject("numpy_im2col"))


def test_no_process_is_left(pool: SubjectPool) -> None:
    before = set(psutil.Process().children())
    pool.prestart("numpy_windows", 2)
    pool.subject("numpy_windows")
    pool.release()
    pool.subject("numpy_im2col")
    assert set(psutil.Process().children()) - before
    pool.close()
    assert not set(psutil.Process().children()) - before
