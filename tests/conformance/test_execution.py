"""Tests of execution: operands, calls and the order of calls and observations."""

from __future__ import annotations

import numpy as np

from convgauge.conformance.cases import Case, with_arguments
from convgauge.conformance.execution import CallOptions, Execution
from convgauge.problem import Problem
from convgauge.reference.operands import Operands, draw
from support.fake_runner import FakeRunner, exact_output

SMALL = Problem(batch=2, in_channels=2, height=5, width=6, out_channels=3, kernel=(2, 3), padding=(1, 0), bias=True)
CASES = [Case(SMALL, seed=1), Case(SMALL.replace(batch=1), seed=2)]


def test_cases_come_with_their_operands_and_observations() -> None:
    execution = Execution(FakeRunner(exact_output), "cpu")
    executed = list(execution.run(CASES))
    assert [case for case, _, _ in executed] == CASES
    for case, operands, observation in executed:
        np.testing.assert_array_equal(operands.input, execution.draw(case).input)
        assert observation.shape == case.problem.output_shape


def test_a_transform_changes_operands_and_functions_compute_fields() -> None:
    runner = FakeRunner(exact_output)

    def negate(case: Case, operands: Operands) -> Operands:
        return Operands(-operands.input, operands.weight, operands.bias)

    options = CallOptions(negate, {"repeat": 3, "wanted": lambda case, operands: str(operands.input.sum())})
    case, operands, _ = Execution(runner, "cpu").run_once(CASES[0], options)
    (call,) = runner.calls
    np.testing.assert_array_equal(call.input, -Execution(runner, "cpu").draw(case).input)
    assert call.repeat == 3
    assert call.wanted == str(operands.input.sum())


def test_calls_that_are_not_pipelined_end_before_the_next_case() -> None:
    runner = FakeRunner(exact_output)
    execution = Execution(runner, "cpu")
    for count, (case, operands, _) in enumerate(execution.run(CASES, CallOptions(is_pipelined=False)), 1):
        assert len(runner.calls) == 2 * count - 1
        execution.observe(case, operands)  # FakeRunner refuses nested streams


def test_the_call_of_an_invalid_case_is_changed() -> None:
    execution = Execution(FakeRunner(exact_output), "cpu")
    case = Case(SMALL, invalid_call="bias_longer")
    bias = execution.call(case, execution.draw(case)).bias
    assert bias is not None
    assert bias.shape == (4,)
    assert execution.call(with_arguments(SMALL, {"stride": 2}), execution.draw(case)).arguments["stride"] == 2


def test_operands_of_a_broadcast_layout_repeat_their_first_element() -> None:
    execution = Execution(FakeRunner(exact_output), "cpu")
    operands = execution.draw(Case(SMALL, layouts=("broadcast", "contiguous", "contiguous")))
    plain = execution.draw(Case(SMALL))
    np.testing.assert_array_equal(operands.input, np.repeat(plain.input[:1], 2, axis=0))
    np.testing.assert_array_equal(operands.weight, plain.weight)


def test_grade_a_takes_the_largest_exact_operands() -> None:
    for grade in ("A", "B"):
        execution = Execution(FakeRunner(exact_output, grade), "cpu")
        expected = draw(SMALL, "exact", 0, execution.headroom(SMALL))
        np.testing.assert_array_equal(execution.draw(Case(SMALL)).input, expected.input)
    assert Execution(FakeRunner(exact_output, "A"), "cpu").headroom(SMALL) == 1 < execution.headroom(SMALL)
