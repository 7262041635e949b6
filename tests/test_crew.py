"""Several specs judged at once: the run says what it would say if they were judged one after the other."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest

from convgauge import cli, results
from convgauge.conformance.crew import Crew
from convgauge.process.isolation import DEATHS, Halted

KERNELS = """
import os
from convgauge.arguments import resolve
import numpy as np


def crooked(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    return np.zeros(problem.output_shape, input.dtype)


def deadly(*args, **kwargs):
    os._exit(7)
"""


def run(path: Path, *words: str) -> results.Run:
    cli.main(["check", *words, "--tier", "quick", "-q", "--output", str(path)])
    return results.read(path)


def told(found: results.Run) -> list[results.Record]:
    """All records in the file's order, without what tells the time."""
    timeless = [
        msgspec.structs.replace(one, seconds=0.0) if isinstance(one, results.SpecRecord) else one
        for one in found.records
    ]
    return [one for one in timeless if not isinstance(one, results.Footer)]


@pytest.fixture
def kernels(tmp_path: Path) -> Path:
    path = tmp_path / "kernels.py"
    path.write_text(KERNELS)
    return path


def test_a_run_says_the_same_whatever_the_number_of_threads(kernels: Path, tmp_path: Path) -> None:
    words = ["numpy_windows", f"{kernels}:crooked", "--framework", "numpy", "-k", "padding or bias"]
    one, three = (run(tmp_path / f"{jobs}.jsonl", *words, "--jobs", str(jobs)) for jobs in (1, 3))
    assert len(told(one)) > 40
    assert told(one) == told(three)
    assert one.footer is not None
    assert three.footer is not None
    assert one.footer.verdicts == three.footer.verdicts


def test_threads_share_the_count_of_deaths(kernels: Path, tmp_path: Path) -> None:
    found = run(tmp_path / "run.jsonl", f"{kernels}:deadly", "--framework", "numpy", "--jobs", "2")
    given_up = [re.search(r"given up after (\d+) deaths", one.reason) for one in found.records_of(results.SpecRecord)]
    counts = {int(match[1]) for match in given_up if match}
    assert len(counts) == 1
    assert counts <= {DEATHS, DEATHS + 1}  # both may have been at a call when it was given up
    assert found.footer is not None
    assert found.footer.verdicts["deadly"].verdict == "nonconformant"


def test_there_is_at_least_one_thread(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "numpy_windows", "--jobs", "-1"]) == 4
    assert "jobs = -1" in capsys.readouterr().err


class Spec:
    """Stands in for a judge whose spec takes ``seconds``."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


def crew(tests: dict[str, Any], jobs: int) -> tuple[Crew, list[int]]:
    """A crew at work on ``tests``, and the list in which each thread that leaves puts its number."""
    left: list[int] = []
    tasks: list[Any] = [(name, lambda: Spec(0.0), test) for name, test in tests.items()]
    return Crew(tasks, jobs, lambda: left.append(threading.get_ident())), left


def test_what_a_spec_raises_is_raised_where_its_result_is_asked_for() -> None:
    def broken(_: Any) -> None:
        raise LookupError("the spec's own fault")

    made, left = crew({"broken": broken, "sound": lambda judge: None}, 2)
    assert made.result("sound").skipped == ""
    with pytest.raises(LookupError, match="the spec's own fault"):
        made.result("broken")
    made.join()
    assert len(left) == 2


def test_a_crew_that_is_stopped_hands_over_what_is_done_and_begins_no_more() -> None:
    first, second = threading.Event(), threading.Event()

    def under_way(_: Any) -> None:
        first.set()
        second.wait(20)
        raise Halted

    made, _ = crew({"done": lambda judge: None, "under way": under_way, "never": lambda judge: None}, 1)
    assert first.wait(20)
    made.stop()
    assert len(made.finished()) == 1
    second.set()
    made.join()
    assert len(made.finished()) == 1


def test_specs_are_judged_at_the_same_time() -> None:
    both = threading.Barrier(2, timeout=20)
    made, _ = crew({"one": lambda judge: both.wait(), "other": lambda judge: both.wait()}, 2)
    made.result("one")  # alone, either would break the barrier
    made.result("other")
    made.join()


def test_a_run_that_is_to_end_at_the_first_fault_tells_of_no_other(kernels: Path, tmp_path: Path) -> None:
    found = run(tmp_path / "run.jsonl", f"{kernels}:crooked", "--framework", "numpy", "-x", "--jobs", "3")
    assert len(found.records_of(results.SpecRecord)) == 1
