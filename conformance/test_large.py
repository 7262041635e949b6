"""Large problems: above some size, libraries change their algorithm, split their sums and share their work.

The sizes are no multiples of a block along height and width, so that there are incomplete blocks at every size. The
outputs are integers. Every one is judged by random projections (`convgauge.reference.projection`), which cost less
than the call. A part of each problem is judged first. The problem itself follows if the parts are right, and if their
time shows that the implementation needs no seconds for the whole.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from convgauge.conformance import Case, Judge, spec
from convgauge.conformance.call_time import smallest_part, within_time
from convgauge.problem import Problem
from convgauge.reference.operands import Operands

GEORGANAS = "Georganas et al. 2018, Anatomy of high-performance deep learning convolutions on SIMD architectures"
HIGHAM = "Higham 2002, Accuracy and Stability of Numerical Algorithms, section 3.1"
FREIVALDS = "Freivalds 1977, Probabilistic machines can use less running time"
WHOLE = ("float32", "float64")

BASE = Problem(batch=1, in_channels=64, out_channels=96, width=37, kernel=(3, 3), padding=(1, 1), bias=True)
KINDS = (
    BASE,
    BASE.replace(in_channels=192, out_channels=208, kernel=(1, 1), padding=(0, 0)),
    BASE.replace(batch=3, in_channels=96, out_channels=128, groups=2),
    BASE.replace(in_channels=67, out_channels=83, width=53, stride=(2, 2)),
    BASE.replace(batch=9, width=11, in_channels=128, out_channels=64),
    BASE.replace(in_channels=48, out_channels=64, kernel=(5, 5), padding=(4, 4), dilation=(2, 2), bias=False),
    BASE.replace(in_channels=3, out_channels=64, width=229, kernel=(7, 7), stride=(2, 2), padding=(3, 3)),
    BASE.replace(in_channels=16, out_channels=24, kernel=(15, 13), padding=(7, 6)),
)
"""Kinds of convolution with the channels of usual layers; the height is chosen for a number of FLOPs."""


def of_flops(kind: Problem, flops: float) -> Problem:
    """Return the problem of a kind with the smallest odd height that needs so many FLOPs."""
    height = kind.extent[0]
    per_row = kind.replace(height=height + 64).flops - kind.replace(height=height).flops
    height = max(height, int(64 * flops / per_row)) | 1
    while kind.replace(height=height).flops < flops:
        height += 2
    return kind.replace(height=height)


def steps(judge: Judge, exponents: Sequence[float]) -> list[Problem]:
    """Return problems of 10^e FLOPs for each exponent: of three kinds in turn, or of every kind at exhaustive."""
    count = len(KINDS) if judge.setting.tier == "exhaustive" else 3
    return [
        of_flops(KINDS[(index * count + turn) % len(KINDS)], 10.0**exponent)
        for index, exponent in enumerate(exponents)
        for turn in range(count)
    ]


def judge_large(judge: Judge, problems: Iterable[Problem], judge_cases: Callable[[list[Problem]], None]) -> None:
    """Judge a part of each problem; then, if all are right, the problems that are answered in time."""
    problems = list(problems)
    judge_cases(list(dict.fromkeys(map(smallest_part, problems))))
    if not judge.tally.faults:
        judge_cases(within_time(judge, problems))


@spec("large.flops", source=f"{GEORGANAS}; {FREIVALDS}", dtypes=WHOLE)
def test_problems_of_many_flops(judge: Judge) -> None:
    """Every output of a problem of 10^8 FLOPs and more is right, in whatever order blocks are computed and stored."""
    if judge.setting.tier == "quick":
        due = steps(judge, [8.02])
    else:
        due = steps(judge, [7, 7.3, 7.7, 8.02, 8.3, 8.5, 8.7, 9.02] if judge.dtype == "float32" else [7.7, 8.02, 8.5])
    judge_large(judge, due, judge.exact)


@spec("large.accuracy", source=HIGHAM, dtypes=WHOLE)
def test_accuracy_of_many_flops(judge: Judge) -> None:
    """A problem of 10^8 FLOPs and more is as accurate as a small one: no operand is narrowed to save time."""
    due = [of_flops(KINDS[0], 10**8.02)]
    if judge.setting.tier != "quick":
        due += [of_flops(kind, 10**8.02) for kind in KINDS[1:6]] + [of_flops(KINDS[0], 10**8.7)]
    judge_large(judge, due, judge.accurate)


ENDS = 8
"""Weights at the end of a filter that are not zero; half as many at its start."""


def present_at_the_ends(case: Case, operands: Operands) -> Operands:
    """Return operands whose filters have no zeros at their ends.

    So many products add up without error only if most weights are zero, unless grade A is declared. A part of a sum
    that is dropped is most often its end.
    """
    filters = operands.weight.reshape(len(operands.weight), -1).copy()
    ends = np.r_[0 : ENDS // 2, filters.shape[1] - ENDS : filters.shape[1]]
    for filter in filters:
        inner = np.flatnonzero(filter[ENDS // 2 : -ENDS])[: len(ends)] + ENDS // 2
        if len(inner) == len(ends) and not filter[ends].all():
            filter[ends], filter[inner] = filter[inner], filter[ends]
    return replace(operands, weight=filters.reshape(operands.weight.shape))


@spec("large.reduction", source=GEORGANAS, dtypes=WHOLE)
def test_reductions_of_a_hundred_thousand_products(judge: Judge) -> None:
    """More than 100,000 products are added up for an output, whether the sum is split or not."""
    base = Problem(batch=2, height=3, width=4, out_channels=4, bias=True)
    due = [
        base.replace(in_channels=11_301, kernel=(3, 3), height=2, width=3, padding=(1, 1)),
        base.replace(in_channels=105_001, height=1, width=2),
        base.replace(in_channels=107, height=32, width=32, kernel=(31, 31), out_channels=3),
        base.replace(in_channels=2 * 25_301, kernel=(2, 2), groups=2),
        base.replace(in_channels=65_537, height=2, width=2, kernel=(2, 1)),
        base.replace(in_channels=131_101, out_channels=3, height=1, width=3),
    ]
    due = due[:2] if judge.setting.tier == "quick" else due
    judge_large(judge, due, partial(judge.exact, transform=present_at_the_ends))


@spec("large.planes", keeps=("large",), source=GEORGANAS, dtypes=WHOLE)
def test_large_planes_of_several_channels(judge: Judge) -> None:
    """Planes of more than 65,536 pixels are right in every channel and image, not only in the first."""
    base = Problem(batch=2, in_channels=2, height=259, width=257, out_channels=3, kernel=(2, 2), bias=True)
    due = [base]
    if judge.setting.tier != "quick":
        due += [
            base.replace(in_channels=3, out_channels=2, kernel=(3, 3), padding=(1, 1), height=521, width=131),
            base.replace(in_channels=4, out_channels=4, groups=4, kernel=(3, 3), padding=(1, 1)),
            base.replace(in_channels=5, out_channels=17, kernel=(1, 1), height=263, width=269),
            base.replace(in_channels=3, out_channels=8, kernel=(3, 3), stride=(2, 2), height=531, width=519),
            base.replace(batch=3, in_channels=2, height=2, width=70_001, kernel=(1, 3)),
            base.replace(batch=517, in_channels=8, out_channels=16, height=17, width=19, kernel=(3, 3)),
        ]
    judge_large(judge, due, judge.exact)
