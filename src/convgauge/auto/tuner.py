"""Choice of an implementation for a layer: predictions first, then a play-off between the candidates.

Implementations are measured twice. Once per machine, on small problems of every kind, in other processes: the cost
model is fitted to these measurements (`calibration`). Once per layer, the few that may be faster by the model are timed
against the baseline with the layer's weights (`play_off`). Both results are kept on disk (`cache`). Arrays are torch's.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from convgauge import registry
from convgauge.auto import cost_model
from convgauge.auto.cache import Choice, Tuning, TuningCache
from convgauge.auto.calibration import calibrated, fit_model
from convgauge.auto.candidates import BASELINE, constant_tensor, is_small, prepared_call
from convgauge.auto.cost_model import Model
from convgauge.auto.play_off import play_off
from convgauge.auto.stopwatch import Stopwatch
from convgauge.problem import Problem
from convgauge.registry import Implementation

if TYPE_CHECKING:
    import torch

    from convgauge.auto.candidates import Run

    PlayOff = Callable[[Mapping[str, Run], torch.Tensor, Stopwatch], dict[str, float]]

MAX_RATIO = 0.9
"""Largest ratio to the baseline of an implementation that is chosen. In a race, among other operands, the ratio is up
to a tenth higher, or in one case of sixty a fifth."""

REPEAT_RATIO = 0.8
"""Ratio above which a play-off is repeated: of many candidates, one is fast by chance from time to time."""

MAX_CANDIDATES = 6
"""Number of candidates of a play-off, the baseline included."""


class Tuner:
    """Chooses an implementation for each layer of a process.

    A choice is valid for the life of the process, whatever others write to the cache. Methods may be called from
    several threads.

    Parameters
    ----------
    open_cache : callable
        Returns the cache for a number of threads.
    fit : callable
        Fits the cost model for a number of threads.
    play_off : callable
        Returns the seconds of one call of each candidate.
    """

    def __init__(
        self,
        open_cache: Callable[[int], TuningCache] = TuningCache.for_threads,
        fit: Callable[[int], Model] = fit_model,
        play_off: PlayOff = play_off,
    ) -> None:
        self._open_cache, self._fit, self._play_off = open_cache, fit, play_off
        self._lock = threading.Lock()
        self._tunings: dict[int, Tuning] = {}
        self._loaded: dict[str, Implementation] = {}

    def calibrate(self, threads: int) -> None:
        """Fit the machine's model if there is none; the first time on a machine, this takes a minute."""
        with self._lock:
            self._tunings[threads] = calibrated(self._open_cache(threads), partial(self._fit, threads))

    def choose(self, problem: Problem, weight: torch.Tensor, bias: torch.Tensor | None, threads: int) -> Run | None:
        """Return the prepared call of the chosen implementation, or None for the baseline.

        Parameters
        ----------
        problem : Problem
            Layer in float32.
        weight : torch.Tensor, shape ``problem.weight_shape``
            Contiguous, on the CPU.
        bias : torch.Tensor or None, shape (out_channels,)
            Contiguous, on the CPU.
        threads : int
            Threads of torch.
        """
        with self._lock:
            tuning = self._tuning(threads)
            if tuning.model is None:
                return None
            if problem.text not in tuning.choices:
                choice = self._choice(problem, tuning.model, weight, bias, threads)
                written = self._open_cache(threads).update(partial(_add_choice, problem.text, choice))
                tuning.choices[problem.text] = written.choices[problem.text]
            choice = tuning.choices[problem.text]
        if choice.chosen == BASELINE:
            return None
        try:
            return prepared_call(self._load(choice.chosen), problem, weight, bias)
        except (KeyError, registry.LoadError, NotImplementedError):
            return None  # removed since it was measured

    def explain(self, problem: Problem, threads: int) -> str:
        """Return the choice for a problem and its reason, in lines; nothing is measured."""
        if is_small(problem):
            return f"{BASELINE}: the problem is too small for a choice to be of use"
        with self._lock:
            tuning = self._tuning(threads)
        if tuning.model is None:
            return f"{BASELINE}: this machine was not calibrated; `convgauge bench auto` does it"
        if problem.text not in tuning.choices:
            return f"{BASELINE}: no choice was made for this problem"
        return explanation(tuning.choices[problem.text], tuning.model)

    def _tuning(self, threads: int) -> Tuning:
        """Return the machine's model, if it was ever calibrated, and choices; the file is read once."""
        if threads not in self._tunings:
            self._tunings[threads] = self._open_cache(threads).read()
        return self._tunings[threads]

    def _load(self, name: str) -> Implementation:
        """Load a registered implementation; a `KeyError` if it is no longer registered."""
        if name not in self._loaded:
            self._loaded[name] = registry.load(registry.known()[name])
        return self._loaded[name]

    def _choice(
        self, problem: Problem, model: Model, weight: torch.Tensor, bias: torch.Tensor | None, threads: int
    ) -> Choice:
        """Select candidates by the model, time them, and choose the fastest if it is clearly faster."""
        times = model.times(problem)
        names = cost_model.candidates(times, model.optimistic_times(problem), BASELINE, MAX_CANDIDATES)
        predicted = {name: seconds for name, seconds in times.items() if name in names}
        if len(names) == 1:
            return Choice(BASELINE, {}, predicted)
        runs = {}
        for name in names:
            with contextlib.suppress(KeyError, registry.LoadError, NotImplementedError):
                runs[name] = prepared_call(self._load(name), problem, weight, bias)
        input, stopwatch = constant_tensor(problem.input_shape), Stopwatch(threads)
        measured = self._play_off(runs, input, stopwatch)
        chosen = cost_model.clearly_fastest(measured, BASELINE, MAX_RATIO)
        if chosen != BASELINE and measured[chosen] > REPEAT_RATIO * measured[BASELINE]:
            measured |= self._play_off({name: runs[name] for name in (BASELINE, chosen)}, input, stopwatch)
            chosen = chosen if measured[chosen] <= MAX_RATIO * measured[BASELINE] else BASELINE
        return Choice(chosen, measured, predicted)


def _add_choice(problem: str, choice: Choice, content: Tuning) -> None:
    content.choices.setdefault(problem, choice)  # another process may have been first


def explanation(choice: Choice, model: Model) -> str:
    """Return a choice in lines: its reason, the predicted and measured time of each candidate, and the model."""
    lines = [f"{choice.chosen}: {_reason(choice)}"]
    for name, seconds in sorted(choice.predicted.items(), key=lambda item: choice.measured.get(item[0], item[1])):
        measured = f", measured {choice.measured[name] * 1e3:.3g} ms" if name in choice.measured else ""
        lines.append(f"  {name}: predicted {seconds * 1e3:.3g} ms{measured}")
    lines.append(f"  model: {model.measurements} measurements of {model.fitted}, in {model.elapsed:.3g} s")
    return "\n".join(lines)


def _reason(choice: Choice) -> str:
    if not choice.predicted:
        return "nothing is predicted for this kind of problem"
    if not choice.measured:
        return "no other implementation is predicted to be nearly as fast"
    baseline, best = choice.measured[BASELINE], min(choice.measured.values())
    if choice.chosen == BASELINE:
        ratio = best / baseline
        return f"none took clearly less time in the play-off (best {ratio:.2f} of its time, needed {MAX_RATIO})"
    return f"{choice.measured[choice.chosen] / baseline:.2f} of the time of {BASELINE} in the play-off"
