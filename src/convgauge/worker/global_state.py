"""State of the process that a convolution must not change, beyond the state of one framework.

A kernel that sets a global to the same value in each call leaves no trace if the value is already there. For that
reason globals are moved to other values before a call that is checked.
"""

from __future__ import annotations

import contextlib
import gc
import os
import random
import sys
import warnings
from collections.abc import Iterator, Mapping

import numpy as np

from convgauge.worker.call import SideEffect

GlobalState = dict[str, object]
"""Comparable values by the name of what they describe."""

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "KMP_DUPLICATE_LIB_OK")
_SUBNORMAL = np.full(1, 5e-324)  # times 1 it is 0 if the processor flushes subnormal numbers
_MAY_CHANGE_LATE = ("the warning filters", "the recursion limit", "the environment variables")
"""State that a late import may change."""


def global_state() -> GlobalState:
    """Return the present state of Python and NumPy."""
    kind, keys, *rest = np.random.get_state(legacy=True)
    return {
        "Python's random state": hash(random.getstate()),
        "NumPy's random state": (kind, np.asarray(keys).tobytes(), *rest),
        "NumPy's error state": tuple(sorted(np.geterr().items())),
        "the warning filters": tuple(map(str, warnings.filters)),
        "the recursion limit": sys.getrecursionlimit(),
        "NumPy's print options": str(np.get_printoptions()),
        "the environment variables": dict(os.environ),
        "the working directory": os.getcwd(),
        "the processors it may run on": os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else (),
        "the garbage collector": gc.isenabled(),
        "arithmetic with subnormal numbers": bool(_SUBNORMAL * 1.0 != 0.0),
    }


def permanent_state(state: GlobalState) -> GlobalState:
    """Return the part of ``state`` that no call may change since the implementation was loaded."""
    return {name: value for name, value in state.items() if "random" not in name and name not in _MAY_CHANGE_LATE}


def changes(before: Mapping[str, object], after: Mapping[str, object], when: str = "") -> list[SideEffect]:
    """Return a side effect for each part of the state that differs."""
    return [
        SideEffect("global_state", name, f"changed {name}{when}") for name in before if before[name] != after.get(name)
    ]


def seed_rng(seed: int) -> None:
    """Seed the global random generators, so that an implementation that uses them is repeatable."""
    random.seed(seed)
    np.random.seed(seed % 2**32)


def perturb_rng() -> None:
    """Draw from the global random generators, so that a kernel that seeds them again changes their state."""
    random.random()
    np.random.random()


@contextlib.contextmanager
def perturbed_globals() -> Iterator[None]:
    """Move global settings away from where earlier calls may have left them, and restore them at the end."""
    perturb_rng()
    previous = {name: os.environ.get(name) for name in _THREAD_VARIABLES}
    with np.errstate(divide="ignore", over="warn", under="ignore", invalid="warn"), warnings.catch_warnings():
        warnings.filterwarnings("default", message="a filter that is to stay the first")
        os.environ.update(dict.fromkeys(_THREAD_VARIABLES, "3"))
        try:
            yield
        finally:
            for name, value in previous.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
