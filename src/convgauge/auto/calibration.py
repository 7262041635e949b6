"""Calibration: measures all eligible implementations once per machine, in other processes, for the cost model."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import filelock
import msgspec
import numpy as np

from convgauge import registry
from convgauge.auto import cost_model
from convgauge.auto.cache import Tuning, TuningCache
from convgauge.auto.candidates import BASELINE, constant_tensor, is_eligible, prepared_call
from convgauge.auto.cost_model import LAW_KINDS, Measurement, Model
from convgauge.auto.stopwatch import Stopwatch
from convgauge.problem import Problem
from convgauge.registry import Implementation

PROBLEMS_PER_KIND = 12
"""Problems of each kind that the model is fitted to: twice the number of a law's coefficients."""

MEASURING_ALLOWANCE_S = 1.0
"""Processor seconds for the calibration of one implementation. An implementation that compiles for longer in each
process, or that takes longer for a million products, has no law and is not chosen."""

COMPILING_ALLOWANCE_S = 20.0
"""Processor seconds for compiling code that is kept on disk, in a process before the measurements."""

SLOW_FACTOR = 4.0
"""Factor by which an implementation may be slower than the baseline; after two such problems, others of the kind are
skipped."""

MAX_SLOW_PROBLEMS = 1
"""Number of problems of one kind on which an implementation may exceed `SLOW_FACTOR`."""

FIT_TIMEOUT_S = 600.0
"""Seconds for each of the two processes of a calibration, which takes a minute in total on an idle machine."""


class OutOfTime(BaseException):
    """An implementation's allowance is used up. Not an `Exception`, which the implementation might catch."""


def calibrated(cache: TuningCache, fit: Callable[[], Model]) -> Tuning:
    """Return the tuning of a cache; if it has no model, fit one and write it.

    A lock makes processes take turns, so that a machine is calibrated once.
    """
    tuning = cache.read()
    if tuning.model is not None:
        return tuning
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # the folder cannot be written: calibrate for this process alone
            cache.path.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(filelock.FileLock(cache.path.with_suffix(".fit.lock"), timeout=FIT_TIMEOUT_S))
        tuning = cache.read()  # another process may have been first
        if tuning.model is not None:
            return tuning
        model = fit()

        def set_model(content: Tuning) -> None:
            content.model = model

        return cache.update(set_model) if model.measurements else tuning


def fit_model(threads: int) -> Model:
    """Fit a model to measurements of other processes, so that engines and compilers leave nothing in this one."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "measurements.json"
        _run(f"compile_all({threads})")
        _run(f"measure_all({threads}, {str(path)!r})")
        try:
            measurements = msgspec.json.decode(path.read_bytes(), type=list[Measurement])
        except (OSError, msgspec.MsgspecError):
            measurements = []
    laws = cost_model.fit(measurements, BASELINE)
    elapsed = round(time.perf_counter() - started, 1)
    return Model(laws, len(measurements), time.strftime("%Y-%m-%d %H:%M"), elapsed)


def _run(call: str) -> None:
    """Make a call of this module in another process; its failure is ignored, because no result is a result."""
    package = str(Path(__file__).parents[2])
    path = os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])
    code = f"from convgauge.auto import calibration; calibration.{call}"
    with contextlib.suppress(subprocess.SubprocessError, OSError):
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}, timeout=FIT_TIMEOUT_S,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True,
        )  # fmt: skip


def compile_all(threads: int) -> None:
    """Call every eligible implementation on one problem of each kind, so that compilers keep their results on disk."""
    loaded = _load_eligible(threads, COMPILING_ALLOWANCE_S)
    measure(loaded, calibration_problems()[::PROBLEMS_PER_KIND], threads, COMPILING_ALLOWANCE_S)


def measure_all(threads: int, path: str) -> None:
    """Measure every eligible implementation on the problems of the calibration; write the measurements to ``path``."""
    measurements = measure(_load_eligible(threads, MEASURING_ALLOWANCE_S), calibration_problems(), threads)
    Path(path).write_bytes(msgspec.json.encode(measurements))


def _load_eligible(threads: int, allowance_s: float) -> dict[str, Implementation]:
    """Load every eligible implementation that loads within the allowance of processor seconds."""
    import torch

    torch.set_num_threads(threads)
    loaded = {}
    for name, origin in registry.known().items():
        with contextlib.suppress(registry.LoadError, OutOfTime), time_limit(allowance_s):
            if not origin.absent and is_eligible(implementation := registry.load(origin)):
                loaded[name] = implementation
    return loaded


def calibration_problems() -> list[Problem]:
    """Return `PROBLEMS_PER_KIND` problems of every kind, ordered by kind.

    Sizes are uniform in their logarithms; a library takes from some 10 µs to some ms for each problem.
    """
    random = np.random.default_rng(0)
    by_kind: dict[str, list[Problem]] = {kind: [] for kind in sorted(set(LAW_KINDS.values()))}
    while min(map(len, by_kind.values())) < PROBLEMS_PER_KIND:
        problem = _random_problem(random)
        if problem is None:
            continue
        of_kind = by_kind[LAW_KINDS[problem.kind]]
        is_fast = 500_000 < problem.flops < 100_000_000 and problem.least_bytes < 1 << 23
        if is_fast and len(of_kind) < PROBLEMS_PER_KIND:
            of_kind.append(problem)
    return [problem for problems in by_kind.values() for problem in problems]


def _random_problem(random: np.random.Generator) -> Problem | None:
    """Return a problem in float32, or None if the sizes do not fit together."""

    def size(low: int, high: int) -> int:
        return round(math.exp(random.uniform(math.log(low), math.log(high))))

    c, o, h, k = size(1, 512), size(1, 512), size(7, 512), (1, 3, 3, 5, 7, size(2, 32))[random.integers(6)]
    groups = (1, 1, c, size(2, 16))[random.integers(4)]
    stride = int(random.integers(1, 3))
    o = c if groups == c else o // groups * groups
    c = c // groups * groups
    if not c or not o or h < k:
        return None
    return Problem(1, c, h, h, o, (k, k), (stride, stride), (k // 2, k // 2), groups=groups)


def measure(
    loaded: Mapping[str, Implementation],
    problems: Sequence[Problem],
    threads: int,
    allowance_s: float = MEASURING_ALLOWANCE_S,
) -> list[Measurement]:
    """Measure each implementation on each problem.

    Parameters
    ----------
    loaded : mapping
        Implementations by name, the baseline included.
    problems : sequence of Problem
        Problems in float32.
    threads : int
        Threads of the implementations; they determine the clock.
    allowance_s : float
        Processor seconds of each implementation except the baseline.

    Returns
    -------
    list of Measurement
        Without problems that an implementation declines. An implementation that fails, or that has used its
        allowance, has no further measurements, and a slow one (`SLOW_FACTOR`) none of the same kind.
    """
    stopwatch = Stopwatch(threads)
    measurements: list[Measurement] = []
    left_s = dict.fromkeys(loaded, allowance_s)
    slow_problems: dict[tuple[str, str], int] = {}
    for problem in problems:
        limit = math.inf
        for name in sorted(loaded, key=lambda name: name != BASELINE):
            key = (LAW_KINDS[problem.kind], name)
            if left_s[name] <= 0 or slow_problems.get(key, 0) > MAX_SLOW_PROBLEMS:
                continue
            started = time.process_time()
            try:
                with time_limit(left_s[name]):
                    seconds = time_call(loaded[name], problem, limit, stopwatch)
            except NotImplementedError:
                continue
            except (Exception, OutOfTime):
                left_s[name] = 0.0  # it fails on a problem that it does not decline, or takes too long
                continue
            finally:
                left_s[name] -= (time.process_time() - started) * (name != BASELINE)
            measurements.append(Measurement(name, problem.text, seconds))
            slow_problems[key] = slow_problems.get(key, 0) + (seconds > limit)
            limit = SLOW_FACTOR * seconds if name == BASELINE else limit
    return measurements


def time_call(implementation: Implementation, problem: Problem, limit: float, stopwatch: Stopwatch) -> float:
    """Return the least seconds of one call of an implementation on a problem.

    Parameters
    ----------
    implementation : Implementation
        Eligible implementation.
    problem : Problem
        Problem in float32.
    limit : float
        Seconds above which the implementation is slow; one call that exceeds it is not repeated.
    stopwatch : Stopwatch
        Clock of the calls.
    """
    run = prepared_call(implementation, problem, constant_tensor(problem.weight_shape), None)
    call = partial(run, constant_tensor(problem.input_shape))
    first = stopwatch.seconds(call)
    if first > limit:  # a first call may compile, or load compiled code
        first = stopwatch.seconds(call)
    return first if first > SLOW_FACTOR * limit else stopwatch.least_seconds(call, limit)


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `OutOfTime` in the main thread as soon as the process has used so many processor seconds.

    A thread watches. A timer of the system (ITIMER_PROF) would make Linux count processor time in ticks of 4 ms.
    """
    end, is_over = time.process_time() + seconds, threading.Event()

    def watch() -> None:
        while not is_over.wait(0.05):
            if time.process_time() > end:
                signal.raise_signal(signal.SIGINT)  # repeatedly: one signal may be lost in a destructor

    def interrupt(*_: object) -> None:
        if not is_over.is_set():
            raise OutOfTime

    previous = signal.signal(signal.SIGINT, interrupt)
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        is_over.set()
        watcher.join()
        signal.signal(signal.SIGINT, previous)
