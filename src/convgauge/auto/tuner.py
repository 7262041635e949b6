"""Choosing an implementation for a layer: predictions first, then a play-off between those that may be faster.

Implementations are measured twice. Once for a machine, on small problems of every kind, in a process of their own: the
cost model of `convgauge.auto.cost_model` is fitted to that. Once for a layer, the few that may be faster by the model
are timed against the baseline with the layer's own weights. Both are kept on disk by `convgauge.auto.cache`.
Arrays are torch's.
"""

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
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import filelock
import msgspec
import numpy as np

from convgauge import registry
from convgauge.auto import cache, cost_model
from convgauge.auto.cache import Choice, Wisdom
from convgauge.auto.cost_model import Measurement, Model
from convgauge.problem import Problem
from convgauge.registry import Implementation

BASELINE = "torch_conv2d"
"""What is chosen where nobody is clearly faster, and in every case that is not measured."""

CHOOSES = "choice"
"""The algorithm that an implementation declares which itself chooses among others, and so is not chosen."""

SMALL, LIGHT = 1_000_000, 128 << 10
"""FLOPs, and bytes of input and output, of which a library makes short work (some 20 µs): wrappers cost as much, and
the baseline is kept below both."""

CLEARLY = 0.9
"""Part of the baseline's time that a winner may take: what it takes in a race, among other operands, is up to a tenth
more, or in one case of sixty a fifth."""

NARROW = 0.8
"""Part of the baseline's time from which on a winner has to win again: of many contenders one is lucky now and then."""

CONTENDERS = 6
"""How many take part in a play-off, the baseline included."""

BEHIND = 1.5
"""By what factor a contender may be behind the fastest before it leaves a play-off."""

PLAY_OFF = 0.4
"""Seconds for the rounds of a play-off, of which there are at least the first and at most the second number."""
ROUNDS = (2, 20)

LONG = 0.02
"""Seconds of a first call from which on what is done in first calls alone does not count, unless it would put its
contender out."""

SAMPLE = 0.0005
"""Seconds that one sample of the baseline takes at least: its calls are counted accordingly."""

OF_EACH_KIND = 12
"""Problems of each kind that the model is fitted to: twice a law's coefficients."""

ALLOWANCE = 1.0
"""Processor seconds that one implementation's calibration may take. Whoever compiles for longer, in each process that
is to use it, or takes longer for a million products, is not for choosing."""

COMPILING = 20.0
"""Processor seconds that it may take before, in another process, to compile what it keeps on disk for later ones."""

HOPELESS = 4.0
"""By what factor an implementation may be slower than the baseline on two problems before others of the kind are
spared it."""

FIT_TIMEOUT = 600.0
"""Seconds for each half of the calibration, which takes a minute in all where nothing else runs."""


class OutOfTime(BaseException):
    """An implementation's allowance is used up. No `Exception`, which its own code might catch."""


# --- who may be chosen, and how it is called -------------------------------------------------------------------------


def eligible(implementation: Implementation) -> bool:
    """Whether it may be chosen: it promises the baseline's grade, and its arrays share memory with torch's."""
    said = implementation.declaration
    return said.grade == "A" and said.framework in ("torch", "numpy") and said.algorithm != CHOOSES


def layer(implementation: Implementation, problem: Problem, weight: Any, bias: Any) -> Callable[[Any], Any]:
    """``run(input)`` on torch tensors, prepared with ``weight`` and ``bias``. Raises what the implementation raises.

    Its output is contiguous, as that of the baseline for a contiguous input: what else it takes to be so is counted.
    """
    import torch

    if implementation.declaration.dtypes and problem.dtype not in implementation.declaration.dtypes:
        raise NotImplementedError(f"dtype {problem.dtype}")
    of_numpy = implementation.declaration.framework == "numpy"
    if of_numpy:
        weight, bias = weight.numpy(), None if bias is None else bias.numpy()
    if implementation.prepared is not None:
        run = implementation.prepared(problem, weight, bias)
    else:
        arguments = problem.arguments

        def run(input: Any) -> Any:
            return implementation.function(input, weight, bias, **arguments)

    if of_numpy:
        return lambda input: torch.from_numpy(run(input.numpy(force=True))).contiguous()
    return lambda input: run(input).contiguous()


def small(problem: Problem) -> bool:
    """Whether a problem is too small for a choice to be worth anything."""
    return problem.flops < SMALL and 4 * (math.prod(problem.input_shape) + math.prod(problem.output_shape)) < LIGHT


# --- once for a machine ----------------------------------------------------------------------------------------------


def known(threads: int) -> Wisdom:
    """What is known for this machine and these versions."""
    key = cache.key(threads)
    return cache.read(cache.place(key), key)


def calibrated(threads: int) -> Wisdom:
    """What is known for this machine and these versions; the model is fitted first where there is none."""
    found = known(threads)
    if found.model is not None:
        return found
    key = found.key
    path = cache.place(key)
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # the folder cannot be written: calibrate for this process alone
            path.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(filelock.FileLock(path.with_suffix(".fit.lock"), timeout=FIT_TIMEOUT))
        found = known(threads)  # another process may have been first
        if found.model is not None:
            return found
        model = _fitted(threads)

        def keep(content: Wisdom) -> None:
            content.model = model

        return cache.update(path, key, keep) if model.measurements else found


def _fitted(threads: int) -> Model:
    """A model of measurements made by another process, so that engines and compilers leave nothing in this one."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "measurements.json"
        package = str(Path(__file__).parents[2])
        found = os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])
        for call in (f"warm_up({threads})", f"main({threads}, {str(path)!r})"):
            code = f"from convgauge.auto import tuner; tuner.{call}"
            with contextlib.suppress(subprocess.SubprocessError, OSError):
                subprocess.run(
                    [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": found}, timeout=FIT_TIMEOUT,
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True,
                )  # fmt: skip
        try:
            measured = msgspec.json.decode(path.read_bytes(), type=list[Measurement])
        except (OSError, msgspec.MsgspecError):
            measured = []
    elapsed = time.perf_counter() - started
    return Model(cost_model.fit(measured, BASELINE), len(measured), time.strftime("%Y-%m-%d %H:%M"), round(elapsed, 1))


def warm_up(threads: int) -> None:
    """Call every eligible implementation on one problem of each kind, so that compilers have kept their results."""
    measure(_loaded(threads, COMPILING), calibration()[::OF_EACH_KIND], threads, COMPILING)


def main(threads: int, path: str) -> None:
    """Measure every eligible implementation on the calibration's problems; the measurements are left in ``path``."""
    measured = measure(_loaded(threads, ALLOWANCE), calibration(), threads)
    Path(path).write_bytes(msgspec.json.encode(measured))


def _loaded(threads: int, allowance: float) -> dict[str, Implementation]:
    """Every eligible implementation that can be loaded in so many processor seconds."""
    import torch

    torch.set_num_threads(threads)
    loaded = {}
    for name, origin in registry.known().items():
        with contextlib.suppress(registry.LoadError, OutOfTime), _limited(allowance):
            if not origin.absent and eligible(implementation := registry.load(origin)):
                loaded[name] = implementation
    return loaded


def calibration() -> list[Problem]:
    """Problems of every kind, drawn evenly over the logarithms of sizes; each some 10 µs to some ms for a library."""
    random = np.random.default_rng(0)
    found: dict[str, list[Problem]] = {}

    def size(least: int, most: int) -> int:
        return round(math.exp(random.uniform(math.log(least), math.log(most))))

    while len(found) < 5 or min(map(len, found.values())) < OF_EACH_KIND:
        c, o, h, k = size(1, 512), size(1, 512), size(7, 512), (1, 3, 3, 5, 7, size(2, 32))[random.integers(6)]
        groups = (1, 1, c, size(2, 16))[random.integers(4)]
        stride = int(random.integers(1, 3))
        o = c if groups == c else o // groups * groups
        c = c // groups * groups
        if not c or not o or h < k:
            continue
        problem = Problem(1, c, h, h, o, (k, k), (stride, stride), (k // 2, k // 2), groups=groups)
        of_kind = found.setdefault(cost_model.kind(problem), [])
        if 500_000 < problem.flops < 100_000_000 and problem.least_bytes < 1 << 23 and len(of_kind) < OF_EACH_KIND:
            of_kind.append(problem)
    return [problem for what in sorted(found) for problem in found[what]]


def measure(
    loaded: dict[str, Implementation], problems: list[Problem], threads: int, allowance: float = ALLOWANCE
) -> list[Measurement]:
    """Seconds of each implementation on each problem, but for those that decline, are hopeless or out of time."""
    found: list[Measurement] = []
    left = dict.fromkeys(loaded, allowance)
    behind: dict[tuple[str, str], int] = {}
    for problem in problems:
        limit = math.inf
        for name in sorted(loaded, key=lambda one: one != BASELINE):
            what = (cost_model.kind(problem), name)
            if left[name] <= 0 or behind.get(what, 0) > 1:
                continue
            started = time.process_time()
            try:
                with _limited(left[name]):
                    seconds = _calibrate(loaded[name], problem, limit, threads)
            except NotImplementedError:
                continue
            except (Exception, OutOfTime):
                left[name] = 0.0  # it fails where it does not decline, or takes too long
                continue
            finally:
                left[name] -= (time.process_time() - started) * (name != BASELINE)
            found.append(Measurement(name, problem.text, seconds))
            behind[what] = behind.get(what, 0) + (seconds > limit)
            limit = HOPELESS * seconds if name == BASELINE else limit
    return found


def _calibrate(implementation: Implementation, problem: Problem, limit: float, threads: int) -> float:
    weight, bias, input = _filled(problem.weight_shape), None, _filled(problem.input_shape)
    call = partial(layer(implementation, problem, weight, bias), input)
    first = sampled(call, 1, threads)
    if first > limit:  # a first call may compile, or load what was compiled
        first = sampled(call, 1, threads)
    return first if first > HOPELESS * limit else least_seconds(call, limit, threads)


def _filled(shape: tuple[int, ...]) -> Any:
    """An array whose memory is its own, of numbers that no arithmetic takes longer for."""
    import torch

    return torch.full(shape, 0.5)


@contextlib.contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Raise `OutOfTime` in the main thread once the process has used so much more processor time.

    A thread watches: a timer of the system (ITIMER_PROF) would have Linux count processor time in ticks of 4 ms.
    """
    end, over = time.process_time() + seconds, threading.Event()

    def watch() -> None:
        while not over.wait(0.05):
            if time.process_time() > end:
                signal.raise_signal(signal.SIGINT)  # again and again: one may be lost in a destructor

    def ring(*_: Any) -> None:
        if not over.is_set():
            raise OutOfTime

    before = signal.signal(signal.SIGINT, ring)
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
        signal.signal(signal.SIGINT, before)


# --- the clock -------------------------------------------------------------------------------------------------------


def clock(threads: int) -> Callable[[], int]:
    """Nanoseconds: for one thread, of processor time, in which other programs do not count; for several, of time."""
    return time.process_time_ns if threads == 1 else time.perf_counter_ns


def least_seconds(call: Callable[[], Any], limit: float, threads: int, samples: int = 4) -> float:
    """Seconds of a call, the least of some samples; of one call alone where that takes more than ``limit``."""
    first = sampled(call, 1, threads)
    if first > limit:
        return first
    calls = math.ceil(SAMPLE / max(first, 1e-7))
    return min(sampled(call, calls, threads) for _ in range(samples))


def sampled(call: Callable[[], Any], calls: int, threads: int) -> float:
    """Seconds of a call, the mean of so many in a row."""
    now = clock(threads)
    started = now()
    for _ in range(calls):
        call()
    return max(1, now() - started) * 1e-9 / calls


# --- once for a layer ------------------------------------------------------------------------------------------------


class Chooser:
    """Chooses for each layer of a process. A choice stands for the life of the process, whatever others write."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._wisdom: dict[int, Wisdom] = {}
        self._loaded: dict[str, Implementation] = {}

    def calibrate(self, threads: int) -> None:
        """See to it that there is a model; the first time on a machine this takes seconds."""
        with self._turn:
            self._wisdom[threads] = calibrated(threads)

    def known(self, threads: int) -> Wisdom:
        """The machine's model, if it was ever calibrated, and choices; read once."""
        if threads not in self._wisdom:
            self._wisdom[threads] = known(threads)
        return self._wisdom[threads]

    def load(self, name: str) -> Implementation:
        """A registered implementation. Raises `registry.LoadError`, and `KeyError` where it is registered no more."""
        if name not in self._loaded:
            self._loaded[name] = registry.load(registry.known()[name])
        return self._loaded[name]

    def choose(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Callable[[Any], Any] | None:
        """A prepared call of the one to use; None for the baseline."""
        with self._turn:
            here = self.known(threads)
            if here.model is None:
                return None
            if problem.text not in here.choices:
                choice = self._play_off(problem, here.model, weight, bias, threads)
                kept = cache.update(cache.place(here.key), here.key, partial(_keep, problem.text, choice))
                here.choices[problem.text] = kept.choices[problem.text]
            choice = here.choices[problem.text]
        if choice.chosen == BASELINE:
            return None
        try:
            return layer(self.load(choice.chosen), problem, weight, bias)
        except (KeyError, registry.LoadError, NotImplementedError):
            return None  # gone since it was measured

    def _play_off(self, problem: Problem, model: Model, weight: Any, bias: Any, threads: int) -> Choice:
        """Time the contenders in turns, those too far behind leaving; the winner and what was measured."""
        predicted = model.predict(problem)
        names = cost_model.contenders(predicted, model.hope(problem), BASELINE, CONTENDERS)
        shown = {name: seconds for name, seconds in predicted.items() if name in names}
        if len(names) == 1:
            return Choice(BASELINE, {}, shown)
        runs = {}
        for name in names:
            with contextlib.suppress(KeyError, registry.LoadError, NotImplementedError):
                runs[name] = layer(self.load(name), problem, weight, bias)
        input = _filled(problem.input_shape)
        measured = play_off(runs, input, threads)
        chosen = cost_model.winner(measured, BASELINE, CLEARLY)
        if chosen != BASELINE and measured[chosen] > NARROW * measured[BASELINE]:
            measured |= play_off({name: runs[name] for name in (BASELINE, chosen)}, input, threads)
            chosen = chosen if measured[chosen] <= CLEARLY * measured[BASELINE] else BASELINE
        return Choice(chosen, measured, shown)

    def explain(self, problem: Problem, threads: int) -> str:
        """What was chosen for a problem and why, in lines; nothing is measured for it."""
        if small(problem):
            return f"{BASELINE}: too small for a choice to be worth anything"
        with self._turn:
            here = self.known(threads)
        if here.model is None:
            return f"{BASELINE}: this machine was not calibrated; `convgauge bench auto` does it"
        if problem.text not in here.choices:
            return f"{BASELINE}: no choice was made for this problem"
        return explanation(here.choices[problem.text], here.model)


def _keep(problem: str, choice: Choice, content: Wisdom) -> None:
    content.choices.setdefault(problem, choice)  # another process may have been first


def play_off(runs: dict[str, Callable[[Any], Any]], input: Any, threads: int) -> dict[str, float]:
    """Seconds of a call of each, the least of its samples; the rounds are over in `PLAY_OFF` seconds or so."""
    least, started = {}, time.perf_counter()
    for name, run in runs.items():
        least[name] = sampled(partial(run, input), 1, threads)
        if least[name] < LONG or least[name] > BEHIND * least[BASELINE]:  # for all we know it was compiling
            least[name] = sampled(partial(run, input), 1, threads)
    calls = math.ceil(SAMPLE / max(least[BASELINE], 1e-7))
    for done in range(ROUNDS[1]):
        if done >= ROUNDS[0] and time.perf_counter() - started > PLAY_OFF:
            break
        bound = BEHIND * min(least.values())
        for name, run in runs.items():
            if least[name] <= bound or name == BASELINE:
                least[name] = min(least[name], sampled(partial(run, input), calls, threads))
    return least


def explanation(choice: Choice, model: Model) -> str:
    """A choice in lines: who was chosen, what each contender took or was predicted to take, where that comes from."""
    lines = [f"{choice.chosen}: {_why(choice)}"]
    for name, seconds in sorted(choice.predicted.items(), key=lambda one: choice.measured.get(one[0], one[1])):
        measured = f", measured {choice.measured[name] * 1e3:.3g} ms" if name in choice.measured else ""
        lines.append(f"  {name}: predicted {seconds * 1e3:.3g} ms{measured}")
    lines.append(f"  model: {model.measurements} measurements of {model.fitted}, in {model.elapsed:.3g} s")
    return "\n".join(lines)


def _why(choice: Choice) -> str:
    if not choice.predicted:
        return "nothing is predicted for this kind of problem"
    if not choice.measured:
        return "nobody else is predicted to come near it"
    baseline, best = choice.measured[BASELINE], min(choice.measured.values())
    if choice.chosen == BASELINE:
        return f"nobody took clearly less in the play-off (best {best / baseline:.2f} of its time, needed {CLEARLY})"
    return f"{choice.measured[choice.chosen] / baseline:.2f} of the time of {BASELINE} in the play-off"
