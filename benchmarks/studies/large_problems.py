"""Cost of judging large problems: the kernel's call, and each part of what the suite adds to it.

    python benchmarks/studies/large_problems.py [TARGET] [--height 1.0] [--repeat 5]

The problems need 1 GFLOP each; ``--height`` multiplies their heights. The table gives, on one thread, the least of
several repetitions of the call in the child, of the draw of the operands, of the check by projections, of the oracle
that it replaces, and of the whole case: draw, transfer, call, observation and check. Exit status 1 if the check takes
longer than the call, or a whole case more than three times the call and the draw together. The bounds need a quiet
machine.

Figures, sums of six problems of 1 GFLOP in float32 on one of two quiet shared cores: F.conv2d 90 ms, draws 31 ms,
projections 67 ms, the oracle in their place 196 ms, whole cases 349 ms. The rest, 27 ms for each problem, is the
transfer of the operands and the output, and the observation of side effects. The documentation quotes the ratios.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from convgauge.conformance.cases import Case
from convgauge.conformance.execution import Execution
from convgauge.problem import Problem
from convgauge.process.by_width import start_subject
from convgauge.process.runner import Limits
from convgauge.reference import accuracy, oracle, projection
from convgauge.reference.operands import draw
from convgauge.registry import resolve

MAX_RATIO = 3.0
"""Largest ratio of a whole case to the call and the draw: the check may take as long as both, and so may the rest."""

PROBLEMS = [
    Problem.parse(text)
    for text in (
        "n1c128h58w60_o128k3x3_s1x1_p1x1_d1x1_g1_b_float32",
        "n8c64h40w43_o64k3x3_s1x1_p1x1_d1x1_g1_b_float32",
        "n2c256h47w41_o512k1x1_s1x1_p0x0_d1x1_g1_b_float32",
        "n1c256h83w83_o256k3x3_s2x2_p1x1_d1x1_g2_b_float32",
        "n1c3h229w463_o128k7x7_s2x2_p3x3_d1x1_g1_b_float32",
        "n1c32h37w41_o64k15x11_s1x1_p7x5_d1x1_g1_b_float32",
    )
]
COLUMNS = ("call", "draw", "projections", "oracle", "whole case")


def least_s(function: Callable[[], object], repeat: int) -> float:
    """Return the least seconds of several calls of a function."""
    durations = []
    for _ in range(repeat):
        started = time.perf_counter()
        function()
        durations.append(time.perf_counter() - started)
    return min(durations)


def measure(execution: Execution, problem: Problem, repeat: int) -> list[float]:
    """Return the seconds of each of `COLUMNS`."""
    case, headroom = Case(problem), execution.headroom(problem)
    tolerance = accuracy.integer_tolerance(problem, execution.declared_grade)
    calls: list[float] = []

    def judge() -> None:
        executed = execution.run_once(case)
        output = executed.observation.output
        assert output is not None, executed.observation.message
        assert abs(projection.answer(problem, executed.operands, output, tolerance) - output).max() <= tolerance
        calls.append(executed.observation.seconds)

    whole_s = least_s(judge, repeat)
    operands = draw(problem, "exact", 0, headroom)
    output = oracle.answer(problem, operands).astype(problem.dtype)
    return [
        min(calls),
        least_s(lambda: draw(problem, "exact", 0, headroom), repeat),
        least_s(lambda: projection.answer(problem, operands, output, tolerance), repeat),
        least_s(lambda: oracle.answer(problem, operands), repeat),
        whole_s,
    ]


def main() -> int:
    """Print the table; return 1 if the bound is exceeded."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("target", nargs="?", default="torch_conv2d", metavar="TARGET", help="implementation")
    parser.add_argument("--height", type=float, default=1.0, metavar="F", help="factor of the heights (1)")
    parser.add_argument("--repeat", type=int, default=5, metavar="N", help="repetitions of each measurement (5)")
    options = parser.parse_args()
    subject = start_subject(resolve(options.target)[0], Limits(timeout_s=120.0))
    grid = Table("problem", "GFLOP", *(f"{column} ms" for column in COLUMNS))
    sums = [0.0] * len(COLUMNS)
    try:
        subject.wait_ready()
        execution = Execution(subject, "cpu")
        for original in PROBLEMS:
            problem = original.replace(height=max(original.extent[0], round(original.height * options.height)))
            durations = measure(execution, problem, options.repeat)
            sums = [total + seconds for total, seconds in zip(sums, durations, strict=True)]
            grid.add_row(problem.text, f"{problem.flops / 1e9:.2f}", *(f"{seconds * 1e3:.1f}" for seconds in durations))
    finally:
        subject.close()
    grid.add_row("sum", "", *(f"{seconds * 1e3:.1f}" for seconds in sums))
    Console(width=120).print(grid)
    call_s, draw_s, check_s, _, whole_s = sums
    print(f"a whole case takes {whole_s / call_s:.2f} times the call alone")
    return int(check_s > call_s or whole_s > MAX_RATIO * (call_s + draw_s))


if __name__ == "__main__":
    sys.exit(main())
