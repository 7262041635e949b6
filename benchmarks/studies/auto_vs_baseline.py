"""Is what `auto` chooses faster than F.conv2d on real layers, and never slower? The geometric mean and the worst.

    python benchmarks/studies/auto_vs_baseline.py [--seconds 480] [--threads 1] [--seed 0]
        [--layers SET,SET] [--problems N]

The distinct problems of all layer sets are raced in random order, each for a time that grows with its FLOPs, until the
seconds are spent: what was reached is an even sample of the whole, and is said. Calibrating the machine comes first and
is not counted. Needs torch. Prints a line a problem and a summary.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

from convgauge.environment import cores
from convgauge.layers.sets import load, names
from convgauge.problem import Problem
from convgauge.race.contestant import Contestant
from convgauge.race.race import RANKED, Race, Unfit
from convgauge.race.statistics import Ratio
from convgauge.registry import known

BASELINE, CHOOSER = "torch_conv2d", "auto"

LEAST_SHARE = 1.0
CALLS = 45
"""Seconds of a race at least, and how many of the baseline's calls one should have room for: 30 calls are what the
engine asks of the time of one, and half as many again for a slower moment."""

RATE = 5e10
"""FLOP/s of a core, to tell how long a call takes before it is made."""

MOST = 1.05
"""What no ratio should be above."""

TRIES = (1, 4, 16)
"""By how much the time of a race grows where it was too short, as for images that take long for their FLOPs."""


def union(sets: list[str]) -> dict[str, Problem]:
    """The distinct problems of layer sets, by their texts."""
    return {layer.problem.text: layer.problem for name in sets for layer in load(name).layers}


def race(contestants: list[Contestant], problem: Problem, seed: int, pool: ThreadPoolExecutor) -> Race:
    """One problem's race, as long as it has to be. Raises `Unfit`."""
    share = max(LEAST_SHARE, CALLS * problem.flops / RATE / contestants[0].threads)
    for longer in TRIES:
        for contestant in contestants:
            contestant.check_seconds = 0.0  # the problem before may have been a thousand times as large
        found = Race(contestants, problem, share * longer, seed, pool, cores())
        try:
            found.run()
        except Unfit:
            if longer == TRIES[-1]:
                raise
            continue
        if found.entries[2].ratio is not None:
            break
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=480.0, help="wall time for all races together")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0, help="of the order of the problems, and of their operands")
    parser.add_argument("--layers", default=",".join(names()), help="layer sets, comma-separated; all of them")
    parser.add_argument("--problems", type=int, default=0, help="stop after so many")
    options = parser.parse_args()
    problems = list(union(options.layers.split(",")).values())
    random.Random(options.seed).shuffle(problems)

    origins = [known()[BASELINE], known()[BASELINE], known()[CHOOSER]]
    labels = [BASELINE, f"{BASELINE} (control)", CHOOSER]
    pool = ThreadPoolExecutor(cores())
    contestants = [
        Contestant(label, origin, options.threads, options.seed, control=place == 1)
        for place, (label, origin) in enumerate(zip(labels, origins, strict=True))
    ]
    ratios: dict[str, Ratio] = {}
    controls: list[Ratio] = []
    left: dict[str, str] = {}
    try:
        for contestant in contestants:
            contestant.launch()
        for contestant in contestants:
            contestant.greet()
        print(f"calibrating took {contestants[2].calibrate():.1f} s", flush=True)
        end = time.monotonic() + options.seconds
        for problem in problems[: options.problems or None]:
            if time.monotonic() > end:
                break
            try:
                found = race(contestants, problem, options.seed, pool)
            except Unfit as unfit:
                left[problem.text] = str(unfit)
                continue
            entry, control = found.entries[2], found.control.ratio
            if entry.ratio is None or control is None or entry.verdict not in RANKED:
                left[problem.text] = f"{entry.verdict}: {entry.reason}"
                continue
            chosen = contestants[2].explanation(problem).partition(":")[0]
            ratios[problem.text] = entry.ratio
            controls.append(control)
            low, high = entry.ratio.low or math.nan, entry.ratio.high or math.nan
            print(
                f"{entry.ratio.value:6.3f} [{low:.3f}, {high:.3f}]  control {control.value:.3f}"
                f"  {statistics.median(found.baseline.seconds) * 1e3:9.3f} ms  {chosen:20s} {problem}",
                flush=True,
            )
    finally:
        for contestant in contestants:
            contestant.close()
        pool.shutdown()
    summary(ratios, controls, left, len(problems))


def summary(ratios: dict[str, Ratio], controls: list[Ratio], left: dict[str, str], problems: int) -> None:
    """Print what the ratios come to."""
    for text, reason in left.items():
        print(f"not ranked: {text}: {reason}")
    if not ratios:
        print(f"0 of {problems} distinct problems raced: nothing can be said")
        return
    print(f"{len(ratios)} of {problems} distinct problems raced, {len(left)} not ranked")
    mean = statistics.geometric_mean(ratio.value for ratio in ratios.values())
    print(f"geometric mean of the ratios to {BASELINE}: {mean:.3f}")
    for text in sorted(ratios, key=lambda one: -ratios[one].value)[:5]:
        print(f"worst: {ratios[text].value:.3f}  {text}")
    print(f"above {MOST}: {above(list(ratios.values()))}; of {BASELINE} against itself: {above(controls)}")


def above(ratios: list[Ratio]) -> str:
    """How many ratios are above `MOST`, and of how many the whole interval is."""
    surely = sum((ratio.low or 0.0) > MOST for ratio in ratios)
    return f"{sum(ratio.value > MOST for ratio in ratios)}, surely {surely}"


if __name__ == "__main__":
    main()
