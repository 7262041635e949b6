"""Patches: a function of a library or of the harness that an implementation replaces is found."""

from __future__ import annotations

import importlib
import sys
import time
import types

import numpy as np
import pytest

from convgauge.worker.patches import HARNESS, PatchDetector
from convgauge.worker.refusals import OwnCode


@pytest.fixture
def detector() -> PatchDetector:
    return PatchDetector(OwnCode([__file__]))


def test_nothing_is_replaced(detector: PatchDetector) -> None:
    assert detector.find() == ()


def test_comparisons_and_clocks_are_watched(detector: PatchDetector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(np, "allclose", lambda *_: True)
    monkeypatch.setattr(time, "perf_counter", lambda: 0.0)
    assert detector.find() == ("numpy.allclose", "time.perf_counter")


def test_what_was_replaced_before_the_implementation_was_loaded_is_not_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(np, "allclose", lambda *_: True)
    assert PatchDetector(OwnCode([__file__])).find() == ()


def test_functions_and_methods_of_the_harness_are_watched(
    detector: PatchDetector, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = types.ModuleType(HARNESS[0])
    checker = type("Checker", (), {"find": lambda self: (), "__module__": HARNESS[0]})
    vars(module).update(check=lambda: None, Checker=checker, copy=np.copy)
    monkeypatch.setitem(sys.modules, HARNESS[0], module)
    assert set(detector.find()) == {f"{HARNESS[0]}.check", f"{HARNESS[0]}.Checker.find"}


def test_the_harness_itself_is_not_a_patch(detector: PatchDetector) -> None:
    for name in HARNESS:
        importlib.import_module(name)
    assert detector.find() == ()
