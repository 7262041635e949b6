"""Accuracy: real operands, judged by a bound from rounding-error theory, and by mean square and bias."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from convgauge.conformance import Case, Judge, problems, spec
from convgauge.conformance.execution import Transform
from convgauge.dtypes import DTYPES, FLOATS, round_to
from convgauge.problem import Problem, ProblemError
from convgauge.reference.operands import Array, Operands

HIGHAM = "Higham 2002, Accuracy and Stability of Numerical Algorithms, sections 3.1 and 23.2"
DEMMEL = "Demmel et al. 2024, tests that grade the accuracy of matrix products"
TOSA = "TOSA specification, precision requirements of dot products; Higham and Mary 2019"

MAX_FLOPS = 600_000  # of one case, so that loops in plain Python end in time
PLANE = Problem(batch=2, in_channels=3, height=8, width=8, out_channels=5, kernel=(3, 3), padding=(1, 1), bias=True)


def reductions() -> list[Problem]:
    """Return one problem for each length of the sum, from 1 product to thousands, on about 60 to 300 outputs."""
    table = {
        (1, 1): (1, 2, 3, 4, 8, 16, 31, 64, 127, 256, 512, 1024, 2048, 4608),
        (3, 3): (1, 2, 3, 7, 16, 32, 64, 113, 128, 256, 512),
        (1, 3): (1, 5, 170),
        (3, 1): (4, 43),
        (2, 2): (1, 6, 256),
        (5, 5): (1, 3, 16, 41, 164),
        (7, 7): (1, 3, 32, 84),
        (1, 31): (1, 8),
        (31, 1): (2,),
        (12, 12): (1, 8),
        (11, 11): (1, 3, 17),
        (31, 31): (1, 3),
    }
    table_of_lengths: list[Problem] = []
    for kernel, channels in table.items():
        for count in channels:
            long = count * kernel[0] * kernel[1] >= 1000
            rows, outputs = (4, 4) if long else (6, 8)
            table_of_lengths.append(
                Problem(
                    batch=1,
                    in_channels=count,
                    height=rows + kernel[0] - 1,
                    width=rows + kernel[1] - 1,
                    out_channels=outputs,
                    kernel=kernel,
                    bias=bool(len(table_of_lengths) % 2),
                )
            )
    return sorted(table_of_lengths, key=lambda problem: problem.reduction)


def usual(outputs: int = 8) -> list[Problem]:
    """Return a table of kernels, channels, strides, groups and dilations for the harder operands."""
    base = Problem(batch=2, in_channels=4, height=9, width=10, out_channels=outputs, kernel=(3, 3))
    return [
        *problems(base, kernel=[(1, 1), (3, 3), (5, 5), (2, 3), (1, 7), (9, 1)], padding=[(0, 0), (1, 2)], bias=[True]),
        *problems(base, kernel=[(3, 3), (4, 5)], stride=[(1, 1), (2, 1), (2, 2)], bias=[False, True], padding=[(1, 1)]),
        *problems(base, kernel=[(3, 3)], dilation=[(2, 2), (1, 3)], padding=[(2, 3)], groups=[1, 2, 4]),
        *problems(base, in_channels=[1, 16, 64, 160], kernel=[(3, 3)], padding=["same"], bias=[True]),
        *problems(base, in_channels=[8], groups=[8], kernel=[(3, 3), (5, 5)], padding=["same"], bias=[True]),
        *problems(base, in_channels=[512], height=6, width=6, out_channels=4, kernel=[(1, 1), (3, 3)]),
    ]


@cache
def mixture(count: int) -> list[Problem]:
    """Return ``count`` problems in which each axis takes its values equally often, in an order of its own."""
    axes: dict[str, list[Any]] = {
        "channels": [(1, 1, 1), (3, 8, 1), (16, 16, 16), (8, 16, 8), (12, 8, 4), (64, 24, 1), (32, 66, 2), (130, 20, 1),
                     (20, 130, 1), (5, 5, 1), (48, 33, 3), (24, 24, 12)],
        "kernel": [(3, 3), (1, 1), (2, 3), (5, 5), (1, 7), (7, 1), (4, 4)],
        "stride": [(1, 1), (2, 2), (1, 2), (3, 1)],
        "padding": [(1, 1), (0, 0), (2, 3), "same"],
        "size": [(8, 8), (9, 11), (13, 7), (7, 18)],
        "dilation": [(1, 1), (2, 2), (1, 3)],
        "batch": [1, 2, 5],
        "bias": [True, False],
    }  # fmt: skip
    random = np.random.default_rng(0)
    mixed: dict[Problem, None] = {}
    while len(mixed) < count:
        columns = [random.permutation(np.arange(count) % len(values)) for values in axes.values()]
        for row in zip(*columns, strict=True):
            values = {name: axis[index] for (name, axis), index in zip(axes.items(), row, strict=True)}
            (into, out, groups), (height, width) = values.pop("channels"), values.pop("size")
            try:
                problem = Problem(
                    in_channels=into, out_channels=out, groups=groups, height=height, width=width, **values
                )
            except ProblemError:
                continue
            if problem.flops <= MAX_FLOPS:
                mixed[problem] = None
    return list(mixed)[:count]


@spec("accuracy.gaussian", quick=FLOATS, source=HIGHAM)
def test_gaussian(judge: Judge) -> None:
    """On normal operands each output errs by no more than the rounding of its K products and their sum explains."""
    judge.accurate(usual())


@spec("accuracy.reduction", source=DEMMEL)
def test_every_length_of_the_sum(judge: Judge) -> None:
    """From one product to thousands the bound holds, and mean square and bias of the errors are those of rounding."""
    judge.accurate(reductions())


@spec("accuracy.positive", source=TOSA)
def test_positive(judge: Judge) -> None:
    """If nothing cancels and partial sums grow, the errors are still those of the accumulator's own precision."""
    judge.accurate([*reductions()[::2], *usual()[::2]], "positive")


@spec("accuracy.geometry", source=TOSA)
def test_the_same_accuracy_everywhere(judge: Judge) -> None:
    """Accuracy does not depend on stride, padding, dilation, groups, channels, batch, bias or size."""
    judge.accurate(mixture(40 if judge.setting.tier == "quick" else 250))


@spec("accuracy.tails", source=TOSA)
def test_the_same_accuracy_in_every_output(judge: Judge) -> None:
    """Accuracy does not depend on where an output lies: which channel, image, row or column, small plane or large."""
    judge.accurate(
        [
            *problems(PLANE, out_channels=[1, 4, 7, 15, 17, 33, 65, 129, 257], height=5, width=6),
            *problems(PLANE, in_channels=[63, 65, 129, 257], height=5, width=6),
            *problems(PLANE, batch=[1, 3, 9, 17, 33], height=5, width=6),
            *problems(PLANE, width=[1, 15, 17, 33, 65, 129, 257], height=3),
            *problems(PLANE, height=[1, 15, 17, 33, 65, 129, 257], width=3),
            *problems(PLANE, batch=1, in_channels=1, out_channels=1, height=[64, 130], width=[64, 131]),
            *problems(PLANE, batch=1, in_channels=1, out_channels=1, height=258, width=[260]),
        ]
    )


@spec("accuracy.widths", source=TOSA)
def test_the_same_accuracy_in_every_width(judge: Judge) -> None:
    """Accuracy does not depend on how many channels and filters there are: round numbers have kernels of their own."""
    base = Problem(height=5, width=4, kernel=(3, 3), padding=(1, 0), bias=True)
    widths = [(8, 8), (16, 16), (32, 32), (64, 64), (4, 64), (64, 8), (24, 40), (128, 16), (16, 128), (48, 80)]
    pointwise = [base.replace(in_channels=i, out_channels=o, kernel=(1, 1), padding=(0, 0)) for i, o in widths]
    larger = [base.replace(in_channels=i, out_channels=o, kernel=(1, 1), batch=3) for i, o in ((128, 128), (256, 64))]
    groups = [base.replace(in_channels=c, out_channels=c, groups=g) for c, g in ((64, 2), (128, 8), (64, 64))]
    judge.accurate([*(base.replace(in_channels=i, out_channels=o) for i, o in widths), *pointwise, *larger, *groups])


@spec("accuracy.large_problem", source=TOSA)
def test_the_same_accuracy_in_a_large_problem(judge: Judge) -> None:
    """Accuracy does not depend on how much there is to compute."""
    large = Problem(in_channels=32, height=28, width=28, out_channels=32, kernel=(3, 3), padding=(1, 1), bias=True)
    judge.accurate(
        [large] if judge.setting.tier == "quick" else [large, large.replace(in_channels=64, out_channels=64)]
    )


@spec("accuracy.wide", source=HIGHAM)
def test_wide_range(judge: Judge) -> None:
    """With scales spread over many decades, grade A keeps small outputs accurate, and grade B the large ones."""
    judge.accurate([*usual(), *reductions()[::4]], "wide")


@spec("accuracy.cancelling", source=HIGHAM)
def test_cancelling(judge: Judge) -> None:
    """If products cancel, the error stays in proportion to the sum of their magnitudes."""
    judge.accurate([*usual(), *reductions()[::3]], "cancelling")


@spec("accuracy.small_onto_large", source=DEMMEL)
def test_small_onto_large(judge: Judge) -> None:
    """Small products added to a large one are not lost."""
    judge.accurate([*usual()[::2], *reductions()[::2]], "small_onto_large")


@spec("accuracy.contract", level="recommended", dtypes=("float64", "float32"), source=DEMMEL)
def test_declared_grade_is_needed(judge: Judge) -> None:
    """An implementation that declares grade B or C is not better than that: it does what it declares."""
    if judge.declared_grade in ("", "A"):
        judge.skip("neither B nor C is declared")
    judge.needs_declared_grade(
        [*usual(), *problems(PLANE, height=[12, 19], kernel=[(3, 3), (5, 5)])], ("wide", "gaussian")
    )


@spec("accuracy.bias", keeps=("bias",), source=HIGHAM)
def test_large_bias(judge: Judge) -> None:
    """A bias far larger than the sum is added in full precision."""
    judge.accurate([problem for problem in [*usual(), *reductions()[1::4]] if problem.bias], "biased")


def nearly(make: Callable[[Array, Array], tuple[Array, Array]]) -> Transform:
    """Return a transform: ``make(input, weight)``, with random errors in the lower half of the digits."""

    def change(case: Case, operands: Operands) -> Operands:
        random = np.random.default_rng(case.seed)
        digits = DTYPES[case.problem.dtype].digits
        input, weight = (
            round_to(plain * (1 + random.standard_normal(plain.shape) * 2.0 ** -(digits // 2 + 1)), case.problem.dtype)
            for plain in make(operands.input.astype(float), operands.weight.astype(float))
        )
        return Operands(input, weight, operands.bias)

    return change


@spec("accuracy.nearly", profile="functional", quick=("float32", "float64"), source=HIGHAM)
def test_nearly_structured_operands(judge: Judge) -> None:
    """Kernels that are nearly separable, symmetric or constant, and images nearly blank, are not treated as such."""
    for make in (
        lambda x, w: (x, w[..., :, :1] * w[..., :1, :]),
        lambda x, w: (x, w + w[..., ::-1, ::-1]),
        lambda x, w: (x, np.broadcast_to(w[:, :, :1, :1], w.shape)),
        lambda x, w: (np.ones_like(x), w),
        lambda x, w: (np.broadcast_to(x[:, :1], x.shape), np.broadcast_to(w[:1], w.shape)),
        lambda x, w: (np.where(np.abs(x) < 0.5, x * 2.0**-6, x), np.where(np.abs(w) < 0.5, w * 2.0**-6, w)),
    ):
        judge.accurate(NEARLY, statistics=False, transform=nearly(make))


NEARLY = [
    *problems(PLANE, kernel=[(3, 3), (5, 5), (2, 4)], padding=[(1, 2)], stride=[(1, 1), (2, 2)]),
    *problems(PLANE, in_channels=4, out_channels=4, groups=[2, 4], kernel=[(3, 3), (7, 5)], padding=["same"]),
    *problems(PLANE, in_channels=6, out_channels=6, groups=[6], bias=[False], kernel=[(3, 3), (1, 1)]),
]


@spec("accuracy.mixed_zeros", source="IEEE 754")
def test_mixed_zeros(judge: Judge) -> None:
    """Zeros of either sign among the operands change nothing."""
    judge.accurate(usual(), "mixed_zeros")


@spec(
    "accuracy.subnormal",
    profile="functional",
    dtypes=("float64", "float32", "float16"),
    source="IEEE 754",
    frameworks=("numpy", "torch"),
)
def test_subnormal(judge: Judge) -> None:
    """Subnormal numbers are kept: neither operands nor results are flushed to zero."""
    if judge.device != "cpu":
        judge.skip("an accelerator may flush subnormals")
    for family in ("subnormal", "subnormal_weights"):
        judge.accurate(usual(), family, statistics=False)


@spec(
    "accuracy.subnormal.bfloat16",
    level="recommended",
    profile="functional",
    dtypes=("bfloat16",),
    source="Intel's VDPBF16PS flushes subnormals whatever the control register says; TOSA lets bfloat16 do so",
)
def test_subnormal_bfloat16(judge: Judge) -> None:
    """Subnormal bfloat16 numbers are kept, though some processors' bfloat16 instructions flush them to zero."""
    judge.accurate(usual(), "subnormal", statistics=False)


@spec("accuracy.near_overflow", source="IEEE 754")
def test_near_overflow(judge: Judge) -> None:
    """Sums that come near the largest finite number, and not beyond it, are finite and right."""
    judge.accurate(usual(), "near_overflow")
    judge.accurate(usual()[::2], "large")
