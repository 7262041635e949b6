"""Tests of counterexamples: reduction, description, picture and command."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from convgauge.conformance import counterexample
from convgauge.conformance.cases import Case, problems
from convgauge.conformance.counterexample import FailingCase, reduce_case
from convgauge.conformance.execution import Executed
from convgauge.conformance.wrong_outputs import CHANGES
from convgauge.problem import Problem
from convgauge.reference import compare, oracle
from convgauge.reference.compare import Fault
from convgauge.reference.operands import draw
from convgauge.report.charts.picture import grids
from convgauge.worker.call import Observation

LARGE = Problem(batch=2, in_channels=4, height=9, width=8, out_channels=6, kernel=(3, 3), padding=(1, 2), bias=True)
FAULT = Fault("failed", "2 of 9 outputs are wrong")


def executed(case: Case) -> Executed:
    """Run a kernel whose last output is wrong."""
    operands = draw(case.problem, case.operands, case.seed)
    output = oracle.answer(case.problem, operands).copy()
    output[-1, -1, -1, -1] += 1
    return Executed(case, operands, Observation("answer", output, "float32", printed="x" * 3000))


def fault_of(run: Executed) -> Fault:
    fault = compare.check_values(run.observation.output, oracle.answer(run.case.problem, run.operands), 0.0)
    assert fault is not None
    return fault


def fails_with_padding(case: Case) -> tuple[Executed, Fault] | None:
    run = executed(case)
    return (run, fault_of(run)) if case.problem.padding[1] else None


def test_the_smallest_failing_case_is_found() -> None:
    failing = reduce_case(Case(LARGE), FAULT, fails_with_padding, reruns=True, reduces=True)
    assert failing.case.problem.text == "n1c1h1w1_o1k1x1_s1x1_p0x1_d1x1_g1_float32"
    assert failing.is_reproducible
    assert failing.fault.index


def test_a_case_that_may_not_be_simplified_is_run_once() -> None:
    runs: list[Case] = []

    def trial(case: Case) -> tuple[Executed, Fault] | None:
        runs.append(case)
        return fails_with_padding(case)

    failing = reduce_case(Case(LARGE), FAULT, trial, reruns=True, reduces=False)
    assert runs == [Case(LARGE)] == [failing.case]


def test_a_case_that_passes_by_itself_is_described_as_such() -> None:
    failing = reduce_case(Case(LARGE), FAULT, lambda case: None, reruns=True, reduces=True)
    assert failing == FailingCase(Case(LARGE), FAULT, None, is_reproducible=False)
    described = counterexample.describe(failing, "again")
    assert described.message == "2 of 9 outputs are wrong (not when the case was run again by itself)"


def test_another_status_is_another_fault() -> None:
    fault = Fault("errored", "raised ValueError")
    assert not reduce_case(Case(LARGE), fault, fails_with_padding, reruns=True, reduces=True).is_reproducible


def test_a_crash_is_reproducible_although_it_is_not_run_again() -> None:
    failing = reduce_case(Case(LARGE), Fault("crashed", "it ended"), fails_with_padding, reruns=False, reduces=True)
    assert (failing.executed, failing.is_reproducible) == (None, True)


def test_operands_that_do_not_fit_a_simpler_case_end_no_reduction() -> None:
    def trial(case: Case) -> tuple[Executed, Fault] | None:
        if case.problem.batch == 1:
            raise IndexError("a spec's transform needs two images")
        return fails_with_padding(case)

    failing = reduce_case(Case(LARGE), FAULT, trial, reruns=True, reduces=True)
    assert failing.case.problem.batch == 2
    assert failing.case.problem.in_channels == 1


def test_the_gravest_case_with_the_fewest_flops_is_selected() -> None:
    small, crash = Case(LARGE.replace(batch=1)), Fault("crashed", "it ended")
    faults = [(Case(LARGE), FAULT), (small, FAULT), (Case(LARGE), crash)]
    assert counterexample.select_fault(faults, "failed") == (small, FAULT)
    assert counterexample.select_fault(faults, "crashed") == (Case(LARGE), crash)


def test_a_picture_shows_the_planes_of_the_first_wrong_output() -> None:
    run = executed(Case(LARGE, seed=3))
    picture = counterexample.picture(FailingCase(run.case, fault_of(run), run))
    assert picture is not None
    np.testing.assert_array_equal(picture.input, run.operands.input[1, 0])
    assert run.observation.output is not None
    np.testing.assert_array_equal(picture.got, run.observation.output[1, 5])
    assert (np.array(picture.expected) != picture.got).sum() == 1


@pytest.mark.parametrize("change", [{"height": 30, "width": 30}, {"dtype": "complex64"}])
def test_no_picture_is_drawn_of_large_or_complex_planes(change: dict[str, Any]) -> None:
    run = executed(Case(LARGE.replace(**change)))
    assert counterexample.picture(FailingCase(run.case, fault_of(run), run)) is None


def test_a_description_ends_with_what_the_implementation_printed() -> None:
    run = executed(Case(LARGE, arguments=(("stride", 1),)))
    described = counterexample.describe(FailingCase(run.case, fault_of(run), run), "again")
    assert len(described.printed) == counterexample.MAX_PRINTED
    assert (described.arguments, described.index) == ("stride=1", [1, 5, 8, 9])


def test_the_command_is_quoted_and_names_the_device() -> None:
    command = counterexample.reproduce_command("my kernel.py:f", Case(LARGE), "bias.large", "cuda:0", ("--memory", "9"))
    start = f"convgauge reproduce 'my kernel.py:f' {LARGE.text} --spec bias.large --memory 9"
    assert command == f"{start} --device cuda:0"


def test_a_picture_without_input_channels_has_an_empty_input() -> None:
    run = executed(Case(Problem(in_channels=0, height=2, width=2, bias=True)))
    picture = counterexample.picture(FailingCase(run.case, fault_of(run), run))
    assert picture is not None
    assert picture.input == picture.weight == []
    assert len(picture.got) == 2


UNUSUAL = [
    *problems(LARGE, in_channels=[0, 4], groups=[1, 2], bias=[True, False], height=[0, 1], padding=[(1, 2)]),
    *problems(LARGE, in_channels=[0], out_channels=[1, 6], kernel=[(1, 1), (3, 3)], batch=[1, 2]),
    *problems(LARGE, width=[0, 1], kernel=[(1, 1), (2, 5)], padding=[(0, 1), (3, 4)], dtype=["float16", "complex64"]),
    *problems(LARGE, batch=[0], bias=[True]),
    *problems(LARGE, in_channels=[1], out_channels=[0]),
]
"""Problems with empty and single axes."""


@pytest.mark.parametrize("description", CHANGES)
def test_wrong_outputs_of_every_shape_are_described_and_drawn(description: str) -> None:
    drawn = 0
    for problem in UNUSUAL:
        case = Case(problem)
        operands = draw(problem)
        expected = oracle.answer(problem, operands)
        output = CHANGES[description](expected) if expected.size else expected
        for got in (output, output[..., :-1], output[:0]):
            fault = compare.check_output(got, problem.dtype, expected, problem.dtype, 0.0)
            if fault is None:
                continue
            run = Executed(case, operands, Observation("answer", got, problem.dtype))
            described = counterexample.describe(FailingCase(case, fault, run), "again")
            assert described.message == fault.message
            assert len(grids(described)) == 4 * (described.picture is not None)
            drawn += described.picture is not None
    assert drawn > 3
