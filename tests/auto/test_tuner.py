"""What `auto` chooses, how it says so, and that it stays right. No test depends on how long anything takes."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from convgauge import race, registry
from convgauge.auto import cache, cost_model, tuner
from convgauge.auto.cost_model import Law, Model
from convgauge.problem import Problem
from convgauge.registry import Declaration, Implementation
from convgauge.request import BenchRequest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.isa

PROBLEM = Problem.parse("n1c32h24w20_o48k3x3_s1x1_p1x1_d1x1_g1_b_float32")
assert not tuner.small(PROBLEM)


def law(seconds: float) -> Law:
    """A law by which everything takes so long."""
    return Law([float(torch.tensor(seconds).log2()), *[0.0] * (len(cost_model.features(PROBLEM)) - 1)], 1.0)


def model(**seconds: float) -> Model:
    return Model(
        {cost_model.kind(PROBLEM): {name: law(value) for name, value in seconds.items()}}, 24, "a test's day", 1.5
    )


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cache.FOLDER, str(tmp_path / "cache"))


@pytest.fixture
def auto() -> Any:
    """The implementation, freshly loaded: it knows nothing yet."""
    return registry.load(registry.builtins()["auto"])


def settle(monkeypatch: pytest.MonkeyPatch, predicted: dict[str, float], measured: dict[str, float]) -> list[Any]:
    """Have calibration and play-offs come out so; the play-offs are noted."""
    played: list[Any] = []

    def play_off(runs: dict[str, Any], *_: Any) -> dict[str, float]:
        played.append(sorted(runs))
        return {name: measured[name] for name in runs}

    monkeypatch.setattr(tuner, "_fitted", lambda threads: model(**predicted))
    monkeypatch.setattr(tuner, "play_off", play_off)
    return played


def operands(problem: Problem = PROBLEM, seed: int = 0) -> tuple[Any, Any, Any]:
    random = torch.Generator().manual_seed(seed)
    shapes = (problem.input_shape, problem.weight_shape, (problem.out_channels,))
    input, weight, bias = (torch.randn(shape, generator=random) for shape in shapes)
    return input, weight, bias if problem.bias else None


def test_the_play_off_decides_among_those_the_model_puts_in_front(auto: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    predicted = {"torch_conv2d": 1.5, "torch_channels_last": 1.0, "torch_unfold_bmm": 1.4, "numpy_im2col": 5.0}
    measured = {"torch_conv2d": 1.0, "torch_channels_last": 0.9, "torch_unfold_bmm": 0.5}
    played = settle(monkeypatch, predicted, measured)
    auto.calibrated()
    input, weight, bias = operands()
    run = auto.prepared(PROBLEM, weight, bias)
    assert played == [["torch_channels_last", "torch_conv2d", "torch_unfold_bmm"]]
    torch.testing.assert_close(run(input), torch.conv2d(input, weight, bias, 1, 1))
    said = auto.explained(PROBLEM)
    assert said.startswith("torch_unfold_bmm: 0.50 of the time of torch_conv2d in the play-off")
    assert "torch_channels_last: predicted 1e+03 ms, measured 900 ms" in said
    assert "numpy_im2col" not in said
    assert "model: 24 measurements of a test's day, in 1.5 s" in said


def test_a_choice_stands_in_this_process_and_the_next(auto: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    predicted = {"torch_conv2d": 1.0, "numpy_im2col": 1.0}
    played = settle(monkeypatch, predicted, {"torch_conv2d": 1.0, "numpy_im2col": 0.5})
    auto.calibrated()
    input, weight, bias = operands()
    outputs = [auto.prepared(PROBLEM, weight, bias)(input) for _ in range(3)]
    assert len(played) == 1

    monkeypatch.setattr(tuner, "_fitted", lambda threads: pytest.fail("calibrated though the model is kept"))
    again = registry.load(registry.builtins()["auto"])
    outputs.append(again.prepared(PROBLEM, weight, bias)(input))
    assert len(played) == 1
    assert again.explained(PROBLEM) == auto.explained(PROBLEM)
    assert all(torch.equal(outputs[0], one) for one in outputs)


def test_what_another_process_chose_first_counts(auto: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(monkeypatch, {"torch_conv2d": 1.0, "numpy_im2col": 1.0}, {"torch_conv2d": 1.0, "numpy_im2col": 0.5})
    auto.calibrated()
    key = cache.key(torch.get_num_threads())
    tuned = cache.Choice("torch_unfold_bmm", {"torch_conv2d": 1.0, "torch_unfold_bmm": 0.1}, {"torch_conv2d": 1.0})
    cache.update(cache.place(key), key, lambda kept: kept.choices.update({PROBLEM.text: tuned}))
    auto.prepared(PROBLEM, *operands()[1:])
    assert auto.explained(PROBLEM).startswith("torch_unfold_bmm: 0.10")


@pytest.mark.parametrize("unfit", ["changed", "damaged"])
def test_a_model_that_does_not_hold_is_fitted_anew(auto: Any, monkeypatch: pytest.MonkeyPatch, unfit: str) -> None:
    settle(monkeypatch, {"torch_conv2d": 1.0}, {})
    auto.calibrated()
    key = cache.key(torch.get_num_threads())
    path = cache.place(key)
    if unfit == "damaged":
        path.write_bytes(path.read_bytes()[:-9])
    else:
        monkeypatch.setattr(cache, "_fixed", lambda: {"processor": "another"})
    fitted = []
    monkeypatch.setattr(tuner, "_fitted", lambda threads: fitted.append(threads) or model(torch_conv2d=2.0))
    assert tuner.calibrated(torch.get_num_threads()).model == model(torch_conv2d=2.0)
    assert fitted == [torch.get_num_threads()]
    assert tuner.calibrated(torch.get_num_threads()).model == model(torch_conv2d=2.0)
    assert len(fitted) == 1


def test_without_a_model_it_is_the_baseline(auto: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuner.subprocess, "run", lambda *_, **__: None)  # a calibration that leaves nothing
    auto.calibrated()
    input, weight, bias = operands()
    assert torch.equal(auto.prepared(PROBLEM, weight, bias)(input), torch.conv2d(input, weight, bias, 1, 1))
    assert auto.explained(PROBLEM).startswith("torch_conv2d: this machine was not calibrated")
    key = cache.key(torch.get_num_threads())
    assert cache.read(cache.place(key), key).model is None  # so that it is tried again


def test_a_narrow_win_has_to_be_won_again(auto: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    played = settle(monkeypatch, {"torch_conv2d": 1.0, "numpy_im2col": 1.0, "torch_unfold_bmm": 1.0}, {})
    rounds = [
        {"torch_conv2d": 1.0, "numpy_im2col": 0.9, "torch_unfold_bmm": 2.0},
        {"torch_conv2d": 1.0, "numpy_im2col": 1.2},
    ]

    def play_off(runs: dict[str, Any], *_: Any) -> dict[str, float]:
        played.append(sorted(runs))
        return rounds[len(played) - 1]

    monkeypatch.setattr(tuner, "play_off", play_off)
    auto.calibrated()
    auto.prepared(PROBLEM, *operands()[1:])
    assert played == [["numpy_im2col", "torch_conv2d", "torch_unfold_bmm"], ["numpy_im2col", "torch_conv2d"]]
    assert auto.explained(PROBLEM).startswith("torch_conv2d: nobody took clearly less")


def test_nobody_near_means_no_play_off(auto: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    played = settle(monkeypatch, {"torch_conv2d": 1.0, "numpy_im2col": 3.0}, {})
    auto.calibrated()
    auto.prepared(PROBLEM, *operands()[1:])
    assert not played
    assert auto.explained(PROBLEM).startswith("torch_conv2d: nobody else is predicted to come near it")


@pytest.mark.parametrize(
    "chosen", ["numpy_im2col", "torch_channels_last", "torch_packed", "onnxruntime", "numba_depthwise", "gone"]
)
def test_whoever_is_chosen_the_layer_is_right(auto: Any, monkeypatch: pytest.MonkeyPatch, chosen: str) -> None:
    """Also where the one chosen is not installed, declines after all, or is registered no more."""
    settle(monkeypatch, {"torch_conv2d": 1.0}, {})
    auto.calibrated()
    key = cache.key(torch.get_num_threads())
    cache.update(cache.place(key), key, lambda kept: kept.choices.update({PROBLEM.text: cache.Choice(chosen)}))
    auto = registry.load(registry.builtins()["auto"])
    input, weight, bias = operands()
    expected = torch.conv2d(input, weight, bias, 1, 1)
    run = auto.prepared(PROBLEM, weight, bias)
    weight.zero_()  # what was prepared is the layer's own
    kept = input.clone()
    torch.testing.assert_close(run(input), expected, rtol=1e-4, atol=1e-4)
    assert run(input).is_contiguous()  # as that of F.conv2d, which code after it may count on
    rows_last = input.contiguous(memory_format=torch.channels_last)
    assert run(rows_last).stride() == torch.conv2d(rows_last, weight.add(1), bias, 1, 1).stride()
    torch.testing.assert_close(run(input.transpose(2, 3).contiguous().transpose(2, 3)), expected, rtol=1e-4, atol=1e-4)
    assert torch.equal(input, kept)
    with pytest.raises(ValueError, match="input of shape"):
        run(input[:, :, 1:])
    gradient = torch.autograd.grad(run(input.requires_grad_()).sum(), input)[0]
    assert gradient.shape == input.shape


@pytest.mark.parametrize(
    "problem",
    [PROBLEM.replace(height=3, width=3, in_channels=4), PROBLEM.replace(dtype="float64"), PROBLEM.replace(batch=0)],
)
def test_nothing_is_measured_for_what_is_no_choice(
    auto: Any, monkeypatch: pytest.MonkeyPatch, problem: Problem
) -> None:
    played = settle(monkeypatch, {"torch_conv2d": 1.0, "numpy_im2col": 1.0}, {})
    auto.calibrated()
    input, weight, bias = (one.to(getattr(torch, problem.dtype)) for one in operands(problem))
    assert auto.prepared(problem, weight, bias)(input).shape == problem.output_shape
    assert auto.explained(problem).startswith("torch_conv2d: ")
    assert not played


def test_preparing_does_not_calibrate(auto: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that no call waits for it."""
    monkeypatch.setattr(tuner, "_fitted", lambda threads: pytest.fail("calibrated unasked"))
    input, weight, bias = operands()
    assert torch.equal(auto.prepared(PROBLEM, weight, bias)(input), torch.conv2d(input, weight, bias, 1, 1))


# --- measuring -------------------------------------------------------------------------------------------------------


def declared(function: Any, name: str = "one", **said: Any) -> Implementation:
    return Implementation(
        Declaration(name, **{"framework": "torch", "algorithm": "direct", "grade": "A"} | said), function
    )


def conv2d(input: Any, weight: Any, bias: Any = None, **arguments: Any) -> Any:
    return torch.conv2d(input, weight, bias, **arguments)


def test_only_those_that_keep_the_grade_are_chosen_from() -> None:
    assert tuner.eligible(declared(conv2d))
    assert not tuner.eligible(declared(conv2d, grade="B"))
    assert not tuner.eligible(declared(conv2d, framework="jax"))
    assert not tuner.eligible(registry.load(registry.builtins()["auto"]))


def test_calibration_measures_all_but_those_that_decline_fail_or_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuner, "ALLOWANCE", 0.3)

    def declines(*_: Any, **__: Any) -> Any:
        raise NotImplementedError

    def fails(*_: Any, **__: Any) -> Any:
        raise ValueError

    def hangs(*_: Any, **__: Any) -> Any:
        while True:
            pass

    kernels = {"torch_conv2d": conv2d, "same": conv2d, "declines": declines, "fails": fails, "hangs": hangs}
    problems = [one for one in tuner.calibration() if cost_model.kind(one) == "pointwise"]
    assert len(problems) == tuner.OF_EACH_KIND
    found = tuner.measure({name: declared(one, name) for name, one in kernels.items()}, problems, 1)
    assert {one.implementation for one in found} <= {"torch_conv2d", "same"}
    assert len([one for one in found if one.implementation == "torch_conv2d"]) == len(problems)
    assert all(one.seconds > 0 for one in found)


def test_calibration_has_problems_of_every_kind() -> None:
    problems = tuner.calibration()
    assert problems == tuner.calibration()
    assert len(problems) == len(set(problems)) == 5 * tuner.OF_EACH_KIND
    assert {cost_model.kind(one) for one in problems} == {
        "dense", "depthwise", "grouped", "pointwise", "strided or dilated"
    }  # fmt: skip


def test_a_real_play_off_times_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuner, "PLAY_OFF", 0.0)
    input, weight, bias = operands()
    kernels = {name: declared(conv2d, name) for name in ("torch_conv2d", "twin")}
    runs = {name: tuner.layer(one, PROBLEM, weight, bias) for name, one in kernels.items()}
    seconds = tuner.play_off(runs, input, 1)
    assert set(seconds) == set(runs)
    assert all(value > 0 for value in seconds.values())


def test_a_contender_that_compiles_in_its_first_call_stays_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuner, "PLAY_OFF", 0.0)
    first = {"compiles": 3.0, "slow": 3.0}
    then = {"torch_conv2d": 0.4, "compiles": 0.2, "slow": 2.0}
    called: list[str] = []

    def sampled(call: Any, calls: int, threads: int) -> float:
        (name,) = call()
        called.append(name)
        return first.pop(name, then[name])

    monkeypatch.setattr(tuner, "sampled", sampled)
    runs = {name: lambda _, name=name: (name,) for name in then}
    assert tuner.play_off(runs, None, 1) == then
    assert called.count("slow") == 2  # it is known to be, and left


# --- the command line ------------------------------------------------------------------------------------------------


def test_bench_explains_each_layer() -> None:
    key = {**cache.key(1), "engines": "1"}  # as in a race's processes

    def change(kept: cache.Wisdom) -> None:
        kept.model = model(torch_conv2d=1.0)

    cache.update(cache.place(key), key, change)
    shown = io.StringIO()
    request = BenchRequest(("auto",), layers=PROBLEM.text, budget_s=2.0, explain=True)
    status = race.bench(request, Console(file=shown, width=160))
    assert status == 0
    assert "auto chose torch_conv2d: nobody else is predicted to come near it" in shown.getvalue()
    assert "model: 24 measurements" in shown.getvalue()


def test_keeps_the_specs_of_prepared_layers() -> None:
    words = ["check", "auto", "--tier", "quick", "--dtype", "float32", "-k", "test_prepare.py", "--quiet"]
    found = subprocess.run([sys.executable, "-m", "convgauge", *words], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


def test_a_first_call_that_compiles_is_not_what_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter([3.0])
    monkeypatch.setattr(tuner, "sampled", lambda call, calls, threads: next(seconds, 1e-4))
    compiles = Implementation(Declaration("compiles", "torch", "direct", grade="A"), lambda *_, **__: None)
    assert tuner._calibrate(compiles, PROBLEM, 2e-4, 1) == 1e-4
