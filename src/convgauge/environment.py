"""The machine and the libraries of a run, and the environment of the processes that it starts."""

from __future__ import annotations

import functools
import os
import platform
import re
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import msgspec

NOT_ENGINES = ("all", "dask", "docs", "images")
"""Extras of the package that install no array library; every other extra is an engine."""


class Machine(msgspec.Struct, frozen=True):
    """The computer that a run was made on. ``memory`` is in bytes."""

    processor: str
    cores: int
    memory: int
    system: str
    architecture: str
    devices: list[str] = []

    @property
    def kind(self) -> tuple[str, int, int, str]:
        """Key that is equal for machines whose timings are comparable: processor, cores, GiB, architecture."""
        return self.processor, self.cores, round(self.memory / 2**30), self.architecture


def machine(devices: Sequence[str] = ()) -> Machine:
    """Return a description of this computer."""
    import psutil

    return Machine(
        processor=processor(),
        cores=cores(),
        memory=psutil.virtual_memory().total,
        system=f"{platform.system()} {platform.release()}",
        architecture=platform.machine(),
        devices=list(devices),
    )


def processor() -> str:
    """Return the processor's model name."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor()
    match = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return match.group(1) if match else platform.processor()


def cores() -> int:
    """Return the number of processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def versions() -> dict[str, str]:
    """Return the versions of Python, NumPy and the installed engines, read without importing them."""
    return {"python": platform.python_version(), **_installed(("numpy", *_requirements(engines_only=True)))}


def dependency_versions() -> dict[str, str]:
    """Return the installed version of every dependency of convgauge, those of its extras included."""
    return _installed(_requirements())


def _installed(names: Sequence[str]) -> dict[str, str]:
    installed = {}
    for name in names:
        try:
            installed[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return installed


@functools.cache
def _requirements(engines_only: bool = False) -> tuple[str, ...]:
    """Return the names of the package's requirements, each once, in the order of the metadata."""
    try:
        lines = metadata.requires("convgauge") or []
    except metadata.PackageNotFoundError:  # run from its source, in an interpreter that it is not installed for
        return ()
    names: dict[str, None] = {}
    for line in lines:
        extra = re.search(r"extra == ['\"]([\w-]+)['\"]", line)
        is_engine = extra is not None and extra.group(1) not in NOT_ENGINES
        if is_engine or not engines_only:
            names[re.split(r"[^\w.-]", line, maxsplit=1)[0]] = None
    return tuple(name for name in names if name != "convgauge")


def thread_environment(threads: int) -> dict[str, str]:
    """Return variables that give the thread pool of every engine ``threads`` threads, which wait passively."""
    pools = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB_MAXIMUM", "NUMBA")
    passive = {
        "OMP_WAIT_POLICY": "PASSIVE",
        "GOMP_SPINCOUNT": "0",
        "KMP_BLOCKTIME": "0",
        "OPENBLAS_THREAD_TIMEOUT": "4",
    }
    return {f"{pool}_NUM_THREADS": str(threads) for pool in pools} | passive
