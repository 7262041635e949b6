"""The suite without pytest: the same run as under pytest, its exit statuses, and what breaks off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from convgauge import cli, results
from convgauge.conformance.judge import Judge
from convgauge.conformance.minimize import Minimization
from convgauge.conformance.selection import Task
from convgauge.conformance.spec import Spec
from convgauge.conformance.suite import MAX_JOBS, Suite, UnavailableError
from convgauge.conformance.targets import Target, description_from_declaration
from convgauge.registry import LoadError, Origin
from convgauge.request import CheckRequest, RequestError
from convgauge.results import SpecRecord
from support.timeless import footer_without_times, header_without_times, records_without_times

REQUEST = CheckRequest(("numpy_windows", "numpy_im2col"), tier="quick", keyword="even_kernel or every_channel")


@pytest.mark.parametrize("jobs", [1, 2])
def test_records_are_those_of_the_plugin(tmp_path: Path, jobs: int) -> None:
    with Suite(replace(REQUEST, jobs=jobs, output=str(tmp_path / "suite.jsonl"))) as suite:
        suite.load()
        records = [result.record for result in suite]
        assert suite.finish() == 0
    assert records == suite.recorder.records
    words = ["--tier", "quick", "-k", REQUEST.keyword, "-q", "--output", str(tmp_path / "plugin.jsonl")]
    assert cli.main(["check", *REQUEST.targets, *words]) == 0
    run, expected = (results.read(tmp_path / name) for name in ("suite.jsonl", "plugin.jsonl"))
    assert records_without_times(run) == records_without_times(expected)
    assert footer_without_times(run) == footer_without_times(expected)
    assert header_without_times(run) == header_without_times(expected)


def test_a_request_that_cannot_be_used(tmp_path: Path) -> None:
    for request in (
        CheckRequest(("no_such_implementation",)),
        replace(REQUEST, shard="3/2"),
        replace(REQUEST, case="noise"),
        replace(REQUEST, expect=str(tmp_path / "missing.toml")),
        replace(REQUEST, output=str(tmp_path)),
        replace(REQUEST, resume=str(tmp_path / "missing.jsonl")),
    ):
        with pytest.raises(RequestError):
            Suite(request)


def test_an_implementation_that_fails_while_it_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "broken.py"
    path.write_text("def conv(input, weight, bias=None): ...\n1 / 0\n")
    with Suite(CheckRequest((f"{path}:conv",), framework="numpy")) as suite, pytest.raises(RequestError, match="zero"):
        suite.load()


# --- tasks that are made up ------------------------------------------------------------------------------------------


def task(test: Any, implementation: str = "numpy_windows", level: Any = "required") -> Task:
    spec = Spec("some.thing", level, "kernel", "", "Something is so.", "some", ("float32",), ("float32",))
    return Task(spec, test, implementation, "float32", "cpu")


def passes(judge: Judge) -> None:
    from convgauge.conformance.cases import BASE

    judge.exact([BASE])


def fails(judge: Judge) -> None:
    from convgauge.conformance.cases import BASE

    judge.equals([BASE], lambda case, operands: 0 * operands.input)


def skips(judge: Judge) -> None:
    judge.skip("it does not apply")


def breaks(judge: Judge) -> None:
    raise LookupError("a defect of the spec")


@pytest.fixture
def suite() -> Iterator[Suite]:
    with Suite(CheckRequest(("numpy_windows",), tier="quick", jobs=1)) as suite:
        suite.load()
        yield suite


def test_exit_status_of_a_pass_and_of_a_fault(suite: Suite) -> None:
    assert suite.result(task(passes)).record.status == "passed"
    assert suite.finish() == 0
    assert suite.result(task(fails)).record.status == "failed"
    assert suite.finish() == 1
    assert suite.footer is not None
    assert suite.footer.exit == 1


def test_a_recommended_spec_does_not_count(suite: Suite) -> None:
    assert suite.result(task(fails, level="recommended")).record.status == "failed"
    assert suite.finish() == 0


def test_a_run_in_which_nothing_was_executed(suite: Suite) -> None:
    result = suite.result(task(skips))
    assert not result.is_applicable
    assert (result.record.status, result.record.reason) == ("skipped", "it does not apply")
    assert suite.finish() == 5


def test_a_defect_of_one_spec_does_not_lose_the_others(suite: Suite) -> None:
    suite.result(task(passes))
    with pytest.raises(LookupError, match="a defect of the spec"):
        suite.result(task(breaks))
    suite.internal_errors.append("some.thing")
    suite.result(task(passes))
    assert len(suite.recorder.records) == 2
    assert suite.finish() == 3


def test_a_defect_of_a_spec_does_not_lose_its_earlier_fault(suite: Suite) -> None:
    def fails_and_breaks(judge: Judge) -> None:
        fails(judge)
        breaks(judge)

    with pytest.raises(LookupError, match="a defect of the spec"):
        suite.result(task(fails_and_breaks))
    suite.result(task(passes))
    assert [record.status for record in suite.recorder.records] == ["failed", "passed"]
    assert suite.finish() == 1


def test_an_error_of_a_picture_leaves_the_verdict(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    def picture(failing: object) -> None:
        raise IndexError("no such plane")

    monkeypatch.setattr(Minimization, "run", picture)
    record = suite.result(task(fails)).record
    assert record.status == "failed"
    assert record.counterexample is not None
    assert "not reduced, for an error of convgauge: IndexError: no such plane" in record.counterexample.message
    assert record.counterexample.reproduce.startswith("convgauge reproduce numpy_windows ")
    assert suite.finish() == 1


@pytest.mark.parametrize("status", [3, 4])
def test_the_status_of_the_program_around_it_takes_precedence(suite: Suite, status: int) -> None:
    suite.result(task(passes))
    assert suite.finish(status) == status


def test_an_implementation_that_is_no_longer_loadable() -> None:
    origin = Origin("file", "nowhere.py", "conv", "missing", "numpy")
    with Suite(CheckRequest(jobs=1), [Target(origin, description_from_declaration(origin))]) as suite:
        with pytest.raises(LoadError):
            suite.result(task(passes, "missing"))
        with pytest.raises(UnavailableError):
            suite.result(task(passes, "missing"))
        assert suite.finish() == 1


def test_an_interrupted_run_keeps_what_was_judged_and_has_no_footer(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with Suite(CheckRequest(("numpy_windows",), tier="quick", jobs=2, output=str(path))) as suite:
        suite.load()
        tasks = suite.tasks()[:6]
        suite.start(tasks)
        suite.result(tasks[3])  # the three before it have begun, and are not asked for
        assert suite.finish(2) == 2
    run = results.read(path)
    assert run.footer is None
    recorded = [record.spec for record in run.records_of(SpecRecord)]
    assert recorded[0] == tasks[3].spec.id
    assert len(recorded) >= 3  # at most one of those before it was still in progress
    with Suite(CheckRequest(("numpy_windows",), tier="quick", resume=str(path))) as suite:
        suite.load()
        assert len(suite.remaining(tasks)) == len(tasks) - len(recorded)


def test_one_thread_judges_implementations_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convgauge.conformance.suite.cores", lambda: 8)
    assert Suite(CheckRequest()).jobs == MAX_JOBS
    assert Suite(CheckRequest(jobs=7)).jobs == 7
    assert Suite(CheckRequest(jobs=7, isolation=False)).jobs == 1
