"""Tests of the choices of `auto`, their explanations, and the outputs. No test depends on the time of a call."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from convgauge import race, registry
from convgauge.auto.cache import CACHE_FOLDER_VARIABLE, Choice, Tuning, TuningCache, machine_key
from convgauge.auto.candidates import is_small
from convgauge.auto.cost_model import LAW_KINDS, Law, Model, features
from convgauge.auto.tuner import Tuner
from convgauge.problem import Problem
from convgauge.registry import Implementation
from convgauge.request import BenchRequest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.isa

PROBLEM = Problem.parse("n1c32h24w20_o48k3x3_s1x1_p1x1_d1x1_g1_b_float32")
assert not is_small(PROBLEM)


def law(seconds: float) -> Law:
    """Return a law that predicts the same time for every problem."""
    return Law([float(torch.tensor(seconds).log2()), *[0.0] * (len(features(PROBLEM)) - 1)], 1.0)


def model(**seconds: float) -> Model:
    kind = LAW_KINDS[PROBLEM.kind]
    return Model({kind: {name: law(value) for name, value in seconds.items()}}, 24, "a test's day", 1.5)


class PlayOffs:
    """Play-offs with known results, one after the other; the last result is repeated."""

    def __init__(self, *results: dict[str, float]) -> None:
        self.results = list(results)
        self.played: list[list[str]] = []

    def __call__(self, runs: Mapping[str, Any], *_: Any) -> dict[str, float]:
        result = self.results[min(len(self.played), len(self.results) - 1)]
        self.played.append(sorted(runs))
        return {name: result[name] for name in runs}


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_FOLDER_VARIABLE, str(tmp_path / "cache"))


def tuner(play_offs: PlayOffs, **predicted: float) -> Tuner:
    """Return a calibrated tuner with known predictions and play-offs."""
    result = Tuner(fit=lambda threads: model(**predicted), play_off=play_offs)
    result.calibrate(threads=1)
    return result


def operands(problem: Problem = PROBLEM, seed: int = 0) -> tuple[Any, Any, Any]:
    random = torch.Generator().manual_seed(seed)
    shapes = (problem.input_shape, problem.weight_shape, (problem.out_channels,))
    input, weight, bias = (torch.randn(shape, generator=random) for shape in shapes)
    return input, weight, bias if problem.bias else None


def choose(tuner: Tuner) -> Any:
    _, weight, bias = operands()
    return tuner.choose(PROBLEM, weight, bias, threads=1)


def test_the_play_off_decides_among_the_candidates_of_the_model() -> None:
    play_offs = PlayOffs({"torch_conv2d": 1.0, "torch_channels_last": 0.9, "torch_unfold_bmm": 0.5})
    chooser = tuner(play_offs, torch_conv2d=1.5, torch_channels_last=1.0, torch_unfold_bmm=1.4, numpy_im2col=5.0)
    run = choose(chooser)
    assert play_offs.played == [["torch_channels_last", "torch_conv2d", "torch_unfold_bmm"]]
    input, weight, bias = operands()
    torch.testing.assert_close(run(input), torch.conv2d(input, weight, bias, 1, 1))
    explanation = chooser.explain(PROBLEM, threads=1)
    assert explanation.startswith("torch_unfold_bmm: 0.50 of the time of torch_conv2d in the play-off")
    assert "torch_channels_last: predicted 1e+03 ms, measured 900 ms" in explanation
    assert "numpy_im2col" not in explanation
    assert "model: 24 measurements of a test's day, in 1.5 s" in explanation


def test_a_choice_is_kept_for_this_process_and_the_next() -> None:
    play_offs = PlayOffs({"torch_conv2d": 1.0, "numpy_im2col": 0.5})
    first = tuner(play_offs, torch_conv2d=1.0, numpy_im2col=1.0)
    input = operands()[0]
    outputs = [choose(first)(input) for _ in range(3)]
    second = Tuner(fit=lambda threads: pytest.fail("calibrated again"), play_off=play_offs)
    outputs.append(choose(second)(input))
    assert len(play_offs.played) == 1
    assert second.explain(PROBLEM, 1) == first.explain(PROBLEM, 1)
    assert all(torch.equal(outputs[0], output) for output in outputs)


def test_the_first_choice_of_several_processes_counts() -> None:
    chooser = tuner(PlayOffs({"torch_conv2d": 1.0, "numpy_im2col": 0.5}), torch_conv2d=1.0, numpy_im2col=1.0)
    earlier = Choice("torch_unfold_bmm", {"torch_conv2d": 1.0, "torch_unfold_bmm": 0.1}, {"torch_conv2d": 1.0})
    TuningCache.for_threads(1).update(lambda tuning: tuning.choices.update({PROBLEM.text: earlier}))
    choose(chooser)
    assert chooser.explain(PROBLEM, 1).startswith("torch_unfold_bmm: 0.10")


def test_without_a_model_the_baseline_is_chosen() -> None:
    chooser = Tuner(fit=lambda threads: Model({}, 0))
    chooser.calibrate(threads=1)
    assert choose(chooser) is None
    assert chooser.explain(PROBLEM, 1).startswith("torch_conv2d: this machine was not calibrated")


def test_choosing_does_not_calibrate() -> None:
    """No call waits for a calibration."""
    assert choose(Tuner(fit=lambda threads: pytest.fail("calibrated"))) is None


def test_a_small_advantage_is_measured_twice() -> None:
    play_offs = PlayOffs(
        {"torch_conv2d": 1.0, "numpy_im2col": 0.9, "torch_unfold_bmm": 2.0},
        {"torch_conv2d": 1.0, "numpy_im2col": 1.2},
    )
    chooser = tuner(play_offs, torch_conv2d=1.0, numpy_im2col=1.0, torch_unfold_bmm=1.0)
    assert choose(chooser) is None
    assert play_offs.played == [["numpy_im2col", "torch_conv2d", "torch_unfold_bmm"], ["numpy_im2col", "torch_conv2d"]]
    assert chooser.explain(PROBLEM, 1).startswith("torch_conv2d: none took clearly less time")


def test_there_is_no_play_off_without_a_candidate() -> None:
    play_offs = PlayOffs({})
    chooser = tuner(play_offs, torch_conv2d=1.0, numpy_im2col=3.0)
    assert choose(chooser) is None
    assert not play_offs.played
    reason = "torch_conv2d: no other implementation is predicted to be nearly as fast"
    assert chooser.explain(PROBLEM, 1).startswith(reason)


# --- the implementation ----------------------------------------------------------------------------------------------


def auto_with(*choices: tuple[Problem, str]) -> Implementation:
    """Return the implementation, freshly loaded, with a model and choices in the cache."""

    def change(tuning: Tuning) -> None:
        tuning.model = model(torch_conv2d=1.0)
        tuning.choices.update({problem.text: Choice(name) for problem, name in choices})

    TuningCache.for_threads(torch.get_num_threads()).update(change)
    return registry.load(registry.builtins()["auto"])


@pytest.mark.parametrize(
    "chosen", ["numpy_im2col", "torch_channels_last", "torch_packed", "onnxruntime", "numba_depthwise", "removed"]
)
def test_outputs_are_right_whatever_is_chosen(chosen: str) -> None:
    """The choice may be not installed, may decline the problem, or may be no longer registered."""
    auto = auto_with((PROBLEM, chosen))
    assert auto.prepared
    input, weight, bias = operands()
    expected = torch.conv2d(input, weight, bias, 1, 1)
    run = auto.prepared(PROBLEM, weight, bias)
    weight.zero_()  # the prepared layer has a copy
    before = input.clone()
    torch.testing.assert_close(run(input), expected, rtol=1e-4, atol=1e-4)
    assert run(input).is_contiguous()  # as that of F.conv2d, on which later code may rely
    rows_last = input.contiguous(memory_format=torch.channels_last)
    assert run(rows_last).stride() == torch.conv2d(rows_last, weight.add(1), bias, 1, 1).stride()
    torch.testing.assert_close(run(input.transpose(2, 3).contiguous().transpose(2, 3)), expected, rtol=1e-4, atol=1e-4)
    assert torch.equal(input, before)
    with pytest.raises(ValueError, match="input of shape"):
        run(input[:, :, 1:])
    gradient = torch.autograd.grad(run(input.requires_grad_()).sum(), input)[0]
    assert gradient.shape == input.shape


@pytest.mark.parametrize(
    "problem",
    [PROBLEM.replace(height=3, width=3, in_channels=4), PROBLEM.replace(dtype="float64"), PROBLEM.replace(batch=0)],
)
def test_nothing_is_measured_for_a_problem_without_a_choice(problem: Problem) -> None:
    auto = auto_with()
    assert auto.prepared
    assert auto.explained
    input, weight, bias = (operand.to(getattr(torch, problem.dtype)) for operand in operands(problem))
    assert auto.prepared(problem, weight, bias)(input).shape == problem.output_shape
    assert auto.explained(problem).startswith("torch_conv2d: ")
    assert not TuningCache.for_threads(torch.get_num_threads()).read().choices


def test_an_uncalibrated_implementation_is_the_baseline() -> None:
    auto = registry.load(registry.builtins()["auto"])
    assert auto.prepared
    input, weight, bias = operands()
    assert torch.equal(auto.prepared(PROBLEM, weight, bias)(input), torch.conv2d(input, weight, bias, 1, 1))


# --- the command line ------------------------------------------------------------------------------------------------


def test_bench_explains_each_layer() -> None:
    key = {**machine_key(1), "engines": "1"}  # as in the processes of a race

    def change(tuning: Tuning) -> None:
        tuning.model = model(torch_conv2d=1.0)

    TuningCache(key).update(change)
    output = io.StringIO()
    request = BenchRequest(("auto",), layers=PROBLEM.text, budget_s=2.0, explain=True)
    status = race.bench(request, Console(file=output, width=160))
    assert status == 0
    assert "auto chose torch_conv2d: no other implementation is predicted" in output.getvalue()
    assert "model: 24 measurements" in output.getvalue()


def test_the_specs_of_prepared_layers_pass() -> None:
    options = ["check", "auto", "--tier", "quick", "--dtype", "float32", "-k", "test_prepare.py", "--quiet"]
    command = [sys.executable, "-m", "convgauge", *options]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout + process.stderr
