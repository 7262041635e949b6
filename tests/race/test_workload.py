"""Gradients as workloads of a race: exact answers, and races through automatic differentiation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from convgauge import race, results
from convgauge.layers import BenchError
from convgauge.problem import Problem
from convgauge.race.workload import Workload
from convgauge.reference.operands import Operands
from convgauge.request import BenchRequest, RequestError
from convgauge.results import TimingRecord
from convgauge.terms import DIRECTIONS, RANKED, Direction
from support.paths import SUPPORT

PROBLEM = Problem.parse("n3c4h9w8_o6k3x3_s2x1_p1x0_d1x2_g2_b_float32")
LAYER = "n2c8h12w12_o8k3x3_s1x1_p1x1_d1x1_g1_float32"


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_the_reduction_is_the_longest_sum_of_products(direction: Direction) -> None:
    """Every element of an answer on operands of ones is the number of its products."""
    problem = PROBLEM.replace(bias=False)
    work = Workload(problem, direction)
    drawn = work.draw("gaussian", 0)
    ones = type(drawn)(
        Operands(np.ones_like(drawn.operands.input), np.ones_like(drawn.operands.weight), None),
        None if drawn.grad_output is None else np.ones_like(drawn.grad_output),
    )
    longest = work.answer(ones).max()
    assert longest <= work.reduction
    assert longest >= work.reduction / 2 or direction == "grad_input", "strides leave taps out"


def test_the_answer_to_both_joins_the_gradients() -> None:
    by_input, by_weight, both = (Workload(PROBLEM, direction) for direction in DIRECTIONS[1:])
    drawn = both.draw("gaussian", 3)
    parts = [work.answer(drawn) for work in (by_input, by_weight)]
    assert [part.shape for part in parts] == [PROBLEM.input_shape, PROBLEM.weight_shape]
    np.testing.assert_array_equal(both.answer(drawn), np.concatenate([part.ravel() for part in parts]))
    assert both.flops == 2 * by_input.flops == 2 * PROBLEM.flops


def test_gradients_of_an_output_are_linear_in_the_array_that_changes() -> None:
    work = Workload(PROBLEM, "grad_weight")
    drawn = work.draw("gaussian", 3)
    doubled = drawn.with_changing(2 * drawn.changing)
    np.testing.assert_allclose(work.answer(doubled), 2 * work.answer(drawn))
    assert drawn.changing.shape == PROBLEM.output_shape


def run(tmp_path: Path, direction: Direction, *names: str, layers: str = LAYER) -> dict[str, TimingRecord]:
    path, file = tmp_path / "run.jsonl", SUPPORT / "torch_race_kernels.py"
    targets = tuple(f"{file}:{name}" for name in ("plain", *names))
    request = BenchRequest(
        targets, framework="torch", baseline="plain", layers=layers, budget_s=4.0, direction=direction, output=str(path)
    )
    race.bench(request, Console(quiet=True))
    timings = [record for record in results.read(path).records if isinstance(record, TimingRecord)]
    return {record.implementation: record for record in timings}


@pytest.mark.isa
@pytest.mark.parametrize("direction", DIRECTIONS[1:])
def test_gradients_are_raced_and_wrong_ones_are_not_ranked(tmp_path: Path, direction: Direction) -> None:
    pytest.importorskip("torch")
    names = ("own_backward", "forgets_an_image", "keeps_gradients", "without_gradient")
    records = run(tmp_path, direction, *names)
    assert {record.direction for record in records.values()} == {direction}
    assert records["plain"].flops == Workload(Problem.parse(LAYER), direction).flops
    assert records["own_backward"].verdict in RANKED
    assert records["forgets_an_image"].verdict in (RANKED if direction == "grad_input" else ("wrong",))
    assert records["keeps_gradients"].verdict == "wrong"
    assert "in the timing" in records["keeps_gradients"].reason
    assert records["without_gradient"].verdict in ("wrong", "failed")


def test_the_forward_direction_is_not_affected_by_a_wrong_gradient(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    assert run(tmp_path, "forward", "forgets_an_image")["forgets_an_image"].verdict in RANKED


def test_gradients_that_cannot_be_raced(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    with pytest.raises(BenchError, match="has integers, which have no gradients"):
        run(tmp_path, "both", layers=LAYER.replace("float32", "int32"))
    with pytest.raises(RequestError, match="direction 'backward' is not one of forward, grad_input"):
        BenchRequest(direction="backward")  # type: ignore[arg-type]  # a word that is no direction
    request = BenchRequest((f"{SUPPORT / 'race_kernels.py'}:plain",), "numpy", baseline="plain", layers=LAYER,
                           budget_s=2.0, direction="both")  # fmt: skip
    with pytest.raises(BenchError, match="numpy arrays have no gradients here: they need torch"):
        race.bench(request, Console(quiet=True))
