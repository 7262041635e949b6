"""Tests of the calibration: its problems, what it measures, and one calibration per machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from convgauge.auto.cache import TuningCache
from convgauge.auto.calibration import (
    PROBLEMS_PER_KIND,
    OutOfTime,
    calibrated,
    calibration_problems,
    measure,
    time_call,
    time_limit,
)
from convgauge.auto.cost_model import LAW_KINDS, Law, Model
from convgauge.auto.stopwatch import Stopwatch
from convgauge.problem import Problem
from convgauge.registry import Declaration, Implementation

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.isa

PROBLEM = Problem.parse("n1c32h24w20_o48k3x3_s1x1_p1x1_d1x1_g1_b_float32")


def declared(function: Callable[..., Any], name: str) -> Implementation:
    return Implementation(Declaration(name, "torch", "direct", "A"), function)


def declines(*_: Any, **__: Any) -> Any:
    raise NotImplementedError


def fails(*_: Any, **__: Any) -> Any:
    raise ValueError


def hangs(*_: Any, **__: Any) -> Any:
    while True:
        pass


def test_implementations_that_decline_fail_or_hang_have_no_measurements() -> None:
    kernels = {
        "torch_conv2d": torch.conv2d,
        "same": torch.conv2d,
        "declines": declines,
        "fails": fails,
        "hangs": hangs,
    }
    problems = [problem for problem in calibration_problems() if LAW_KINDS[problem.kind] == "pointwise"]
    assert len(problems) == PROBLEMS_PER_KIND
    loaded = {name: declared(kernel, name) for name, kernel in kernels.items()}
    measurements = measure(loaded, problems, threads=1, allowance_s=0.3)
    names = [measurement.implementation for measurement in measurements]
    assert set(names) <= {"torch_conv2d", "same"}
    assert names.count("torch_conv2d") == len(problems)
    assert all(measurement.seconds > 0 for measurement in measurements)


def test_there_are_problems_of_every_kind_and_always_the_same() -> None:
    problems = calibration_problems()
    assert problems == calibration_problems()
    kinds = set(LAW_KINDS.values())
    assert kinds == {"dense", "depthwise", "grouped", "pointwise", "strided or dilated"}
    assert len(problems) == len(set(problems)) == len(kinds) * PROBLEMS_PER_KIND
    assert {LAW_KINDS[problem.kind] for problem in problems} == kinds


def test_a_first_call_that_compiles_is_not_measured() -> None:
    class Compiling(Stopwatch):
        """Stopwatch that reads 3 s for the first call and 0.1 ms for others."""

        readings = iter([3.0])

        def seconds(self, call: Callable[[], object], calls: int = 1) -> float:
            return next(self.readings, 1e-4)

    assert time_call(declared(torch.conv2d, "compiles"), PROBLEM, 2e-4, Compiling(1)) == 1e-4


def test_the_time_limit_interrupts_what_runs_for_too_long() -> None:
    with pytest.raises(OutOfTime), time_limit(0.1):
        hangs()
    with time_limit(60.0):
        pass


MODEL = Model({"dense": {"torch_conv2d": Law([1.0] + [0.0] * 6, 1.1)}}, 24, "a test's day", 1.5)


def test_a_machine_is_calibrated_once(tmp_path: Path) -> None:
    cache = TuningCache({"processor": "of a test"}, tmp_path)
    assert calibrated(cache, lambda: MODEL).model == MODEL
    assert calibrated(cache, lambda: pytest.fail("calibrated again")).model == MODEL


@pytest.mark.parametrize("change", ["key", "file"])
def test_a_model_of_another_machine_or_in_a_damaged_file_is_fitted_again(tmp_path: Path, change: str) -> None:
    cache = TuningCache({"processor": "of a test"}, tmp_path)
    calibrated(cache, lambda: Model({}, 1))
    if change == "key":
        cache = TuningCache({"processor": "another"}, tmp_path)
    else:
        cache.path.write_bytes(cache.path.read_bytes()[:-9])
    assert calibrated(cache, lambda: MODEL).model == MODEL
    assert cache.read().model == MODEL


def test_a_calibration_without_measurements_is_not_kept(tmp_path: Path) -> None:
    cache = TuningCache({"processor": "of a test"}, tmp_path)
    assert calibrated(cache, lambda: Model({}, 0)).model is None
    assert cache.read().model is None
