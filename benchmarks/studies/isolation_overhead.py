"""What isolation costs: ``python benchmarks/studies/isolation_overhead.py [--tier quick] [--repeat N]``.

First a call as the race measures it in the child against the same call timed by a plain loop in a plain process, which
changes one element between calls as the race does; sample by sample, in turns. The two may differ by a hundredth.
Samples in which the system ran something else are left out in pairs: a busy machine makes the figure slower to come
by, not wrong. Then ``check`` with and without a child process, alternating, by the clock on the wall; it may add at
most a quarter.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

from convgauge.problem import Problem
from convgauge.process.isolation import thread_environment
from convgauge.race.contestant import Contestant
from convgauge.race.race import ready_command
from convgauge.reference.operands import draw
from convgauge.registry import resolve

MOST_ADDED = 0.25  # part of the time without isolation that it may add
MOST_DIFFERENCE = 0.01  # by which a time measured in the child may differ
ROUNDS = 400
CLEAN = 60  # undisturbed pairs that are enough

PROBLEMS = {  # calls in a sample, so that it takes a few milliseconds
    "n1c16h14w14_o16k3x3_s1x1_p1x1_d1x1_g1_b_float32": 40,
    "n1c64h28w28_o64k3x3_s1x1_p1x1_d1x1_g1_b_float32": 3,
}

PLAIN = """
import sys, time
import numpy as np, torch
from convgauge.reference.operands import draw
from convgauge.problem import Problem
from convgauge.registry import load, resolve
torch.set_num_threads(1)
problem = Problem.parse(sys.argv[1])
sets = [[torch.from_numpy(np.array(one)) for one in vars(draw(problem, "gaussian", seed)).values()] for seed in (0, 1)]
arguments = problem.arguments
conv, status = load(resolve("torch_conv2d")[0]).function, open("/proc/thread-self/schedstat", "rb", buffering=0)
def delay():
    status.seek(0)
    return int(status.read(80).split()[1])
for line in sys.stdin:
    calls, before = int(line), delay()
    taken = 0
    for number in range(calls):
        input, weight, bias = sets[number % 2]
        input[0, 0, 0, 0] = -input[0, 0, 0, 0]
        output = None
        started = time.perf_counter_ns()
        output = conv(input, weight, bias, **arguments)
        taken += time.perf_counter_ns() - started
    print(taken / calls, delay() - before, flush=True)
"""


def check(tier: str, *, isolated: bool) -> float:
    """Seconds that a check of torch's own convolution takes, the engines with one thread either way."""
    words = ["check", "torch_conv2d", "--tier", tier, "-q", *([] if isolated else ["--no-isolation"])]
    started = time.perf_counter()
    environment = {**os.environ, **thread_environment(1)}
    command = [sys.executable, "-m", "convgauge", *words]
    subprocess.run(command, stdout=subprocess.DEVNULL, env=environment, check=False)
    return time.perf_counter() - started


def wall(tier: str, repeat: int) -> bool:
    """Print what isolation adds to a whole check; whether that is little enough."""
    isolated, plain = [], []
    for turn in range(repeat):
        for with_child in (True, False) if turn % 2 == 0 else (False, True):
            (isolated if with_child else plain).append(check(tier, isolated=with_child))
    one, other = statistics.median(isolated), statistics.median(plain)
    print(f"check torch_conv2d --tier {tier}, median of {repeat}, in turns:")
    goal = f"(goal: at most {MOST_ADDED:.0%})"
    print(f"  isolated {one:8.2f} s   without {other:8.2f} s   adds {one / other - 1:+.1%} {goal}")
    return one / other - 1 <= MOST_ADDED


def sampler(problem: Problem, calls: int) -> tuple[Callable[[], tuple[float, int]], Callable[[], None]]:
    """What takes a sample in a child of the race, nanoseconds a call and of delay; and what ends the child."""
    contestant = Contestant("torch_conv2d", resolve("torch_conv2d")[0], 1, 0)
    contestant.launch()
    contestant.greet()
    sets = [draw(problem, "gaussian", seed) for seed in (0, 1)]
    contestant.ask(60.0, *ready_command(problem, sets, [[(0, 0, 0, 0)], [(0, 0, 1, 1)]], 1))

    def sample() -> tuple[float, int]:
        content, _, _ = contestant.ask(60.0, "race_sample", 0, calls - 1)
        return content["ns"] / calls, content["delayed"]

    return sample, contestant.close


def call(problem: Problem, calls: int) -> bool:
    """Print by how much the race's figure for a call differs from a plain loop's; whether that is little enough."""
    inside, end = sampler(problem, calls)
    plain = subprocess.Popen(
        [sys.executable, "-c", PLAIN, problem.text], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert plain.stdin is not None
    assert plain.stdout is not None

    def outside() -> tuple[float, int]:
        print(calls, file=plain.stdin, flush=True)
        seconds, delay = plain.stdout.readline().split()
        return float(seconds), int(delay)

    pairs: list[tuple[float, float]] = []
    for turn in range(ROUNDS):
        first, second = (inside, outside) if turn % 2 else (outside, inside)
        one, other = first(), second()
        (a, delayed), (b, late) = (one, other) if turn % 2 else (other, one)
        if turn >= 10 and not delayed and not late:
            pairs.append((a, b))
        if len(pairs) >= CLEAN:
            break
    end()
    plain.stdin.close()
    plain.wait()
    if len(pairs) < 8:
        print(f"{problem}: the machine was too busy: {len(pairs)} of {ROUNDS} pairs were undisturbed")
        return False
    ratios = sorted(a / b for a, b in pairs)
    ratio = statistics.median(ratios)
    a, b = (statistics.median(column) * 1e-3 for column in zip(*pairs, strict=True))
    low, high = ratios[len(ratios) // 4], ratios[3 * len(ratios) // 4]
    print(f"{problem}, {len(pairs)} undisturbed pairs:")
    print(f"  race {a:10.2f} us   plain {b:10.2f} us   differs by {ratio - 1:+.2%} (half of the pairs within"
          f" {low - 1:+.2%} and {high - 1:+.2%}; goal: at most {MOST_DIFFERENCE:.0%})")  # fmt: skip
    return abs(ratio - 1) <= MOST_DIFFERENCE


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tier", default="standard")
    parser.add_argument("--repeat", type=int, default=1, help="pairs of checks (1)")
    options = parser.parse_args()
    os.environ.update(thread_environment(1))
    called = [call(Problem.parse(text), calls) for text, calls in PROBLEMS.items()]
    good = wall(options.tier, options.repeat) and all(called)
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
