"""A contestant answers commands, and withdraws with a verdict and a reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from convgauge.domain import Domain
from convgauge.problem import Problem
from convgauge.race.contestant import CallRequest, Contestant, Withdrawn
from convgauge.race.timed_operands import prepare_command
from convgauge.race.workload import Drawn, Workload
from convgauge.reference import oracle
from convgauge.reference.operands import draw
from convgauge.registry import Origin
from convgauge.worker.messages import MeasureMemory, ReadOutput, Sample, TimeCopy, WarmUp
from support.paths import SUPPORT

PROBLEM = Problem.parse("n1c2h6w6_o3k3x3_s1x1_p1x1_d1x1_g1_b_float32")
OPERANDS = draw(PROBLEM)
REQUEST = CallRequest(Workload(PROBLEM), Drawn(OPERANDS))

Launch = Callable[..., Contestant]


@pytest.fixture
def launch() -> Iterator[Launch]:
    """Launch kernels of the race's tests, and end their processes afterwards."""
    contestants: list[Contestant] = []

    def start(name: str, file: str = "race_kernels.py") -> Contestant:
        origin = Origin("file", str(SUPPORT / file), name, name, "numpy")
        contestants.append(Contestant(name, origin, threads=1, seed=0))
        contestants[-1].launch()
        contestants[-1].wait_ready()
        return contestants[-1]

    yield start
    for contestant in contestants:
        contestant.close()


def test_a_problem_outside_the_declared_domain_is_declined_without_a_call(launch: Launch) -> None:
    contestant = launch("crashes")
    contestant.supports = Domain.parse("bias and height % 4 == 0 and kernel_h == 3 and isinstance(stride, int)")
    with pytest.raises(Withdrawn, match=r"outside the declared domain: height % 4 == 0 and isinstance") as raised:
        contestant.call(REQUEST)
    assert (raised.value.verdict, raised.value.ended_process) == ("declined", False)
    contestant.supports = Domain.parse("bias")
    with pytest.raises(Withdrawn, match="exit status 3") as raised:
        contestant.call(REQUEST)
    assert raised.value.ended_process


@pytest.mark.parametrize("name", ["plain", "prepared"])
def test_a_call_and_timed_calls_have_the_right_output(launch: Launch, name: str) -> None:
    contestant = launch(name)
    contestant.begin_life(0)
    observation = contestant.call(REQUEST)
    assert observation.output is not None
    np.testing.assert_array_equal(observation.output, oracle.answer(PROBLEM, OPERANDS))
    prepared = contestant.request(prepare_command(Workload(PROBLEM), [Drawn(OPERANDS)] * 2, [[], []], 1))
    assert (prepared.seconds is not None) == (name == "prepared")
    assert contestant.request(WarmUp(0.01)).call_ns
    sampled, elapsed_s = contestant.timed_request(Sample(0, 7), 20.0)
    assert 0 < sampled.calls_ns <= sampled.elapsed_ns <= elapsed_s * 1e9
    output = contestant.request(ReadOutput()).output
    np.testing.assert_array_equal(output, oracle.answer(PROBLEM, OPERANDS))
    assert (contestant.request(MeasureMemory()).peak_bytes or 0) >= 0
    assert contestant.request(TimeCopy(1000, 2)).ns > 0
    contestant.end_life()
    with pytest.raises(Withdrawn, match="ZeroDivisionError"):
        contestant.request(Sample(0, 0))


@pytest.mark.parametrize("is_called_before", [True, False])
@pytest.mark.parametrize("name", ["numbers", "with_cache", "double", "other_names", "weight_first"])
def test_timed_calls_of_an_odd_form_have_the_right_output(launch: Launch, name: str, is_called_before: bool) -> None:
    contestant = launch(name, "odd_forms.py")
    problem = PROBLEM.replace(bias=name != "weight_first")
    operands = draw(problem)
    if is_called_before:
        assert contestant.call(CallRequest(Workload(problem), Drawn(operands))).output is not None
    contestant.request(prepare_command(Workload(problem), [Drawn(operands)], [[]], 1))
    contestant.request(Sample(0, 1))
    timed = contestant.request(ReadOutput())
    np.testing.assert_array_equal(timed.output, oracle.answer(problem, operands))
    assert timed.dtype == "float32"


@pytest.mark.parametrize(
    ("name", "verdict", "reason"),
    [
        ("declines", "declined", "not on a Tuesday"),
        ("asserts", "declined", "not on a Wednesday"),
        ("raises", "failed", "ValueError: .*no such file"),
        ("crashes", "failed", "its process ended the process with exit status 3"),
    ],
)
def test_a_contestant_without_output_withdraws(launch: Launch, name: str, verdict: str, reason: str) -> None:
    with pytest.raises(Withdrawn, match=reason) as withdrawn:
        launch(name).call(REQUEST)
    assert withdrawn.value.verdict == verdict


def test_a_contestant_whose_process_failed_twice_is_not_tried_again(launch: Launch) -> None:
    contestant = launch("crashes")
    for _ in range(2):
        with pytest.raises(Withdrawn, match="exit status 3"):
            contestant.call(REQUEST)
    with pytest.raises(Withdrawn, match="not tried again after 2 deaths of its process"):
        contestant.call(REQUEST)


def test_a_kernel_that_cannot_be_loaded_is_absent(launch: Launch) -> None:
    contestant = launch("no_such_kernel")
    assert "has no 'no_such_kernel'" in contestant.absent
    with pytest.raises(Withdrawn) as withdrawn:
        contestant.call(REQUEST)
    assert withdrawn.value.verdict == "absent"
    assert (contestant.calibrate(), contestant.explanation(PROBLEM), contestant.algorithm) == (0.0, "", "")
