"""Exceptions that report an absent device, by their texts: the libraries that raise them need not be installed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from convgauge.conformance.limits import MAX_REASON
from convgauge.registry import Declaration, Implementation
from convgauge.worker.absent_device import ABSENT, ELSEWHERE, INTERPRETER
from convgauge.worker.call import Call, Observation
from convgauge.worker.frameworks import framework
from convgauge.worker.subject import Subject


class CUDARuntimeError(RuntimeError):
    """Error of CuPy."""


class CudaSupportError(ImportError):
    """Error of Numba."""


def observe(error: Exception) -> Observation:
    """Return the observation of a call in which a library raises an exception."""
    library: dict[str, Any] = {"error": error}
    exec(compile("def fail():\n    raise error", "/usr/lib/library.py", "exec"), library)
    call = Call(np.ones((1, 1, 2, 2), np.float32), np.ones((1, 1, 1, 1), np.float32), None, {})

    def kernel(*_: object, **__: object) -> object:
        return library["fail"]()

    return Subject(Implementation(Declaration("kernel", "numpy"), kernel)).observe(call)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU"),
        AssertionError("Torch not compiled with CUDA enabled"),
        RuntimeError("No CUDA GPUs are available"),
        RuntimeError("input must be a CUDA tensor"),
        AssertionError("assert input.is_cuda"),
        CUDARuntimeError("cudaErrorInsufficientDriver: CUDA driver version is insufficient for CUDA runtime version"),
        CudaSupportError("Error at driver init: CUDA driver library cannot be found."),
        RuntimeError("Unknown backend: 'gpu' requested, but no platforms that are instances of gpu are present."),
    ],
    ids=lambda error: str(error)[:30],
)
def test_a_call_without_its_device_is_refused(error: Exception) -> None:
    observation = observe(error)
    assert observation.kind == "refused"
    assert observation.error[0] == type(error).__name__
    assert observation.message.startswith(f"{ABSENT}: {error}")


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("0 active drivers ([]). There should only be one."),
        ValueError("Pointer argument (at 0) cannot be accessed from Triton (cpu tensor?)"),
    ],
    ids=["without a GPU", "operands beside it"],
)
def test_a_triton_kernel_without_a_gpu_is_shown_how_to_run_interpreted(error: Exception) -> None:
    observation = observe(error)
    assert observation.kind == "refused"
    assert observation.message.startswith(f"{ABSENT}; {INTERPRETER}: {error}")
    assert "TRITON_INTERPRET=1" in observation.message[:MAX_REASON], "a verdict shows it"


def test_a_call_on_the_cpu_of_a_machine_with_another_device_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framework("numpy"), "devices", lambda: ("cpu", "cuda:0"))
    observation = observe(RuntimeError("input must be a CUDA tensor"))
    assert observation.kind == "refused"
    assert observation.message.startswith(ELSEWHERE)


def test_another_exception_of_a_library_is_an_error() -> None:
    observation = observe(RuntimeError("CUDA error: an illegal memory access was encountered"))
    assert (observation.kind, observation.error[0]) == ("raised", "RuntimeError")
