"""The machine, the installed versions and the environment of processes."""

from __future__ import annotations

import re

import msgspec
import numpy as np
import pytest

from convgauge import environment
from convgauge.environment import Machine


def test_the_machine_describes_this_computer() -> None:
    machine = environment.machine(["cpu"])
    assert machine.processor
    assert machine.cores == environment.cores() >= 1
    assert machine.memory > 1 << 28
    assert machine.devices == ["cpu"]


@pytest.mark.parametrize(
    ("change", "is_comparable"),
    [
        ({"memory": (16 << 30) + (100 << 20)}, True),
        ({"system": "another kernel"}, True),
        ({"memory": 32 << 30}, False),
        ({"cores": 3}, False),
        ({"processor": "another"}, False),
        ({"architecture": "arm64"}, False),
    ],
)
def test_machines_of_one_kind_have_comparable_timings(change: dict[str, object], is_comparable: bool) -> None:
    machine = Machine("a processor", 2, 16 << 30, "Linux", "x86_64")
    assert (msgspec.structs.replace(machine, **change).kind == machine.kind) == is_comparable


def test_versions_are_those_of_python_numpy_and_the_engines_only() -> None:
    versions = environment.versions()
    assert re.fullmatch(r"3\.\d+\.\d+.*", versions["python"])
    assert versions["numpy"] == np.__version__
    assert "msgspec" not in versions
    assert "dask" not in versions, "an extra, but no engine"


def test_thread_pools_of_every_engine_are_limited() -> None:
    variables = environment.thread_environment(3)
    pools = {name: value for name, value in variables.items() if name.endswith("_NUM_THREADS")}
    assert set(pools.values()) == {"3"}
    assert {"OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"} <= set(pools)
