"""Calls with 64-bit dtypes of JAX are made in a process that enables them, and others in one with the defaults."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convgauge.process.by_width import SubjectByWidth, start_subject, wide_variables
from convgauge.process.client import IsolatedSubject
from convgauge.process.runner import Limits
from convgauge.registry import resolve
from convgauge.worker.call import Call

KERNEL = """
import os

import jax

MADE_AT_IMPORT = jax.numpy.zeros(1)
PID = os.getpid()


def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return jax.numpy.zeros((1, 1, 1, 1)) + MADE_AT_IMPORT + PID % 1000
"""


def call(dtype: str) -> Call:
    ones = np.ones((1, 1, 1, 1), dtype)
    return Call(ones, ones, None, {}, (dtype,) * 3)


@pytest.fixture
def subject(tmp_path: Path) -> Iterator[Any]:
    pytest.importorskip("jax")
    (tmp_path / "kernel.py").write_text(KERNEL)
    (origin,) = resolve(f"{tmp_path / 'kernel.py'}:conv2d", "jax")
    runner = start_subject(origin, Limits(timeout_s=60.0))
    runner.wait_ready()
    yield runner
    runner.close()


def test_each_width_has_a_process_with_its_defaults(subject: Any) -> None:
    dtypes = ["float32", "float64", "float64", "int32", "float64"]
    outputs = ["float32", "float64", "float64", "float32", "float64"]
    observations = [observation for _, observation in subject.stream((name, call(name)) for name in dtypes)]
    assert [observation.kind for observation in observations] == ["answer"] * 5, observations
    assert [observation.dtype for observation in observations] == outputs
    narrow, *wide, other, last = [observation.output.item() for observation in observations]
    assert narrow == other
    assert {*wide, last} == {wide[0]} != {narrow}


def test_only_a_framework_with_wide_dtypes_has_two_processes() -> None:
    (numpy_origin,) = resolve("numpy_windows", "")
    (jax_origin,) = resolve("jax_lax", "")
    assert wide_variables(numpy_origin) == {}
    assert wide_variables(jax_origin) == {"JAX_ENABLE_X64": "1"}
    runner = start_subject(numpy_origin, Limits())
    assert isinstance(runner, IsolatedSubject)
    runner.close()


def test_no_process_for_64_bits_is_started_before_a_call_needs_it(subject: Any) -> None:
    assert isinstance(subject, SubjectByWidth)
    subject.observe(call("float32"))
    assert subject._wide is None


def test_a_64_bit_array_is_not_made_in_a_process_without_them(subject: Any) -> None:
    observation = subject._narrow.observe(call("float64"))
    assert (observation.kind, observation.output) == ("unsupported", None)
    assert "JAX_ENABLE_X64" in observation.message
