"""Ratio of `auto` to F.conv2d on real layers: the geometric mean and the worst ones.

    python benchmarks/studies/auto_vs_baseline.py [--seconds 480] [--threads 1] [--seed 0]
        [--layers SET,SET] [--problems N]

The distinct problems of all layer sets are raced in random order, each for a time that grows with its FLOPs, until the
seconds are spent. The problems raced are then a random sample, whose size is printed. Calibrating the machine comes
first and does not count. Needs torch. Prints one line per problem and a summary.

Figure, two shared cores of an Intel Xeon with AMX, PyTorch 2.13, 480 seconds at one thread: geometric mean 0.853 over
105 of 361 problems; 3 ratios above 1.05, none with its whole interval, and 2 of F.conv2d against itself. With two
threads 0.618 over 41 problems, none above 1.05. docs/method.md names the study under "Choosing" without the figure.
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
from convgauge.race.race import BaselineFailed, Race
from convgauge.race.statistics import Ratio
from convgauge.race.workload import Workload
from convgauge.registry import known
from convgauge.terms import RANKED

BASELINE, CHOOSER = "torch_conv2d", "auto"

MIN_SHARE_S = 1.0
CALLS = 45
"""Least seconds of a race, and the number of the baseline's calls that fit in it: the engine needs the time of 30
calls, and half as many more allow for a slower moment."""

RATE = 5e10
"""FLOP/s of a core, which predict the time of a call before the first one."""

MAX_RATIO = 1.05
"""Ratio that no problem should exceed."""

TRIES = (1, 4, 16)
"""Factors by which the time of a race grows if it was too short, as for images that are slow for their FLOPs."""


def union(sets: list[str]) -> dict[str, Problem]:
    """Return the distinct problems of layer sets, by their texts."""
    return {layer.problem.text: layer.problem for name in sets for layer in load(name).layers}


def race(contestants: list[Contestant], problem: Problem, seed: int, pool: ThreadPoolExecutor) -> Race:
    """Race one problem, longer each time that no ratio came out.

    Raises
    ------
    BaselineFailed
        If the baseline cannot be timed even in the longest race.
    """
    share = max(MIN_SHARE_S, CALLS * problem.flops / RATE / contestants[0].threads)
    for longer in TRIES:
        for contestant in contestants:
            contestant.check_seconds = 0.0  # the problem before may have been a thousand times as large
        current = Race(contestants, Workload(problem), share * longer, seed, pool, cores())
        try:
            current.run()
        except BaselineFailed:
            if longer == TRIES[-1]:
                raise
            continue
        if current.entrants[2].ratio is not None:
            break
    return current


def main() -> None:
    """Run the study as a command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=480.0, help="wall time for all races together")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0, help="seed of the order of the problems, and of their operands")
    parser.add_argument("--layers", default=",".join(names()), help="layer sets, comma-separated; all of them")
    parser.add_argument("--problems", type=int, default=0, help="stop after this number of problems")
    options = parser.parse_args()
    problems = list(union(options.layers.split(",")).values())
    random.Random(options.seed).shuffle(problems)

    origins = [known()[BASELINE], known()[BASELINE], known()[CHOOSER]]
    labels = [BASELINE, f"{BASELINE} (control)", CHOOSER]
    pool = ThreadPoolExecutor(cores())
    contestants = [
        Contestant(label, origin, options.threads, options.seed, control=index == 1)
        for index, (label, origin) in enumerate(zip(labels, origins, strict=True))
    ]
    ratios: dict[str, Ratio] = {}
    controls: list[Ratio] = []
    unranked: dict[str, str] = {}
    try:
        for contestant in contestants:
            contestant.launch()
        for contestant in contestants:
            contestant.wait_ready()
        print(f"calibrating took {contestants[2].calibrate():.1f} s", flush=True)
        end = time.monotonic() + options.seconds
        for problem in problems[: options.problems or None]:
            if time.monotonic() > end:
                break
            try:
                current = race(contestants, problem, options.seed, pool)
            except BaselineFailed as failure:
                unranked[problem.text] = str(failure)
                continue
            entry, control = current.entrants[2], current.control.ratio
            if entry.ratio is None or control is None or entry.verdict not in RANKED:
                unranked[problem.text] = f"{entry.verdict}: {entry.reason}"
                continue
            chosen = contestants[2].explanation(problem).partition(":")[0]
            ratios[problem.text] = entry.ratio
            controls.append(control)
            low, high = entry.ratio.low or math.nan, entry.ratio.high or math.nan
            print(
                f"{entry.ratio.value:6.3f} [{low:.3f}, {high:.3f}]  control {control.value:.3f}"
                f"  {statistics.median(current.baseline.seconds) * 1e3:9.3f} ms  {chosen:20s} {problem}",
                flush=True,
            )
    finally:
        for contestant in contestants:
            contestant.close()
        pool.shutdown()
    summary(ratios, controls, unranked, len(problems))


def summary(ratios: dict[str, Ratio], controls: list[Ratio], unranked: dict[str, str], problems: int) -> None:
    """Print the mean of the ratios, the worst ones, and the problems without one."""
    for text, reason in unranked.items():
        print(f"not ranked: {text}: {reason}")
    if not ratios:
        print(f"0 of {problems} distinct problems raced: no figure")
        return
    print(f"{len(ratios)} of {problems} distinct problems raced, {len(unranked)} not ranked")
    mean = statistics.geometric_mean(ratio.value for ratio in ratios.values())
    print(f"geometric mean of the ratios to {BASELINE}: {mean:.3f}")
    for text in sorted(ratios, key=lambda text: -ratios[text].value)[:5]:
        print(f"worst: {ratios[text].value:.3f}  {text}")
    print(f"above {MAX_RATIO}: {above(list(ratios.values()))}; of {BASELINE} against itself: {above(controls)}")


def above(ratios: list[Ratio]) -> str:
    """Return the number of ratios above `MAX_RATIO`, and of those with the whole interval above it."""
    surely = sum((ratio.low or 0.0) > MAX_RATIO for ratio in ratios)
    return f"{sum(ratio.value > MAX_RATIO for ratio in ratios)}, surely {surely}"


if __name__ == "__main__":
    main()
