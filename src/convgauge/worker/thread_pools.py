"""Thread pools of the numerical libraries in this process, whose number of threads can be set while it runs."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from convgauge.worker.frameworks import Framework

LIBRARIES = ("libgomp", "libiomp", "libomp", "openblas", "libmkl_rt")
"""Parts of the names of libraries that have a pool."""

FUNCTIONS = (
    ("omp_set_num_threads", "omp_get_max_threads"),
    ("MKL_Set_Num_Threads", "MKL_Get_Max_Threads"),
    *(
        (f"{prefix}openblas_set_num_threads{suffix}", f"{prefix}openblas_get_num_threads{suffix}")
        for prefix in ("", "scipy_")
        for suffix in ("", "64_")
    ),
)
"""C functions of these libraries that set and return the number of threads."""


class FixedThreadsError(Exception):
    """The number of threads cannot be set while the process runs; the message is the reason."""


@dataclass(frozen=True)
class Pool:
    """Functions that set and return the number of threads of one pool."""

    set: Callable[[int], object]
    get: Callable[[], int]


def pools(framework: Framework) -> list[Pool]:
    """Return the pools of this process: that of the framework, Numba's, and those of C libraries.

    Raises `FixedThreadsError` if there is none, or if a library that is in use has a fixed number of threads.
    """
    if framework.has_fixed_threads:
        raise FixedThreadsError(f"{framework.name} sets its number of threads when its process starts")
    count = framework.thread_count()
    adjustable = [] if count is None else [Pool(framework.set_threads, lambda: framework.thread_count() or 1)]
    numba = sys.modules.get("numba")
    if numba is not None:
        most = numba.config.NUMBA_NUM_THREADS
        if most == 1:
            raise FixedThreadsError("Numba has one thread in its process")
        adjustable.append(Pool(lambda count: numba.set_num_threads(min(count, most)), numba.get_num_threads))
    adjustable += [pool for path in _loaded_libraries() for pool in _pools_of(path)]
    if not adjustable:
        raise FixedThreadsError("no library in its process has a pool of threads")
    return adjustable


@contextmanager
def threads_of(pools: list[Pool]) -> Iterator[Callable[[int], None]]:
    """Yield the function that sets the number of threads of all pools, and restore the numbers at the end."""
    before = [pool.get() for pool in pools]

    def set_threads(count: int) -> None:
        for pool in pools:
            pool.set(count)

    try:
        yield set_threads
    finally:
        for pool, count in zip(reversed(pools), reversed(before)):  # the framework is last, as it may share a library
            pool.set(count)


def _loaded_libraries() -> list[str]:
    """Return the paths of the loaded libraries that have a pool (Linux)."""
    if sys.platform != "linux":
        return []
    lines = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").splitlines()
    paths = {line.split(maxsplit=5)[-1] for line in lines}
    return sorted(path for path in paths if any(name in os.path.basename(path) for name in LIBRARIES))


def _pools_of(path: str) -> Iterator[Pool]:
    try:
        library = ctypes.CDLL(path, mode=os.RTLD_NOLOAD | os.RTLD_NOW)
    except OSError:
        return
    for setter, getter in FUNCTIONS:
        if hasattr(library, setter) and hasattr(library, getter):
            yield Pool(getattr(library, setter), getattr(library, getter))
