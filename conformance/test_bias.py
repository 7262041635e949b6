"""Bias: one number for each output channel, added once."""

from dataclasses import replace

import numpy as np

from convgauge.conformance import Case, Judge, cases, problems, spec
from convgauge.problem import Problem
from convgauge.reference.operands import Operands

CONV2D = "torch.nn.functional.conv2d"

SMALL = Problem(batch=2, in_channels=2, height=5, width=6, out_channels=3, kernel=(3, 2), bias=True)


@spec("bias.every_channel", source=CONV2D)
def test_every_channel_has_its_own(judge: Judge) -> None:
    """The o-th element of the bias is added to every output of channel o, in every image."""
    judge.exact(problems(SMALL, batch=[1, 2, 3], out_channels=[1, 2, 3, 5, 8, 17], kernel=[(1, 1), (3, 2)]))


@spec("bias.none", source=CONV2D)
def test_none_adds_nothing(judge: Judge) -> None:
    """With bias None nothing is added."""
    judge.exact(
        problems(SMALL, bias=[False], batch=[1, 2], in_channels=[1, 3], out_channels=[1, 4], kernel=[(1, 1), (3, 3)])
    )


@spec("bias.along_channels", source=CONV2D)
def test_it_goes_along_the_channels_if_sizes_are_equal(judge: Judge) -> None:
    """The bias goes along the output channels also where there are as many rows, columns or images as channels."""
    equal_sizes = [
        SMALL.replace(batch=b, out_channels=n, height=n, width=n, kernel=(1, 1)) for n in (2, 3, 4, 5) for b in (1, n)
    ]
    judge.exact([*equal_sizes, *(p.replace(kernel=(3, 3), padding=(1, 1)) for p in equal_sizes)])


@spec("bias.in_groups", source=CONV2D)
def test_it_is_counted_over_all_groups(judge: Judge) -> None:
    """The bias is counted over the outputs of all groups."""
    judge.exact(
        [
            SMALL.replace(groups=g, in_channels=g * i, out_channels=g * o, kernel=kernel)
            for g in (2, 3, 4, 6)
            for i, o in [(1, 1), (2, 1), (1, 2), (3, 2)]
            for kernel in [(1, 1), (3, 2)]
        ]
    )


@spec("bias.everywhere", source=CONV2D)
def test_with_stride_padding_and_dilation(judge: Judge) -> None:
    """The bias is added with every stride, padding and dilation, and once only."""
    judge.exact(
        problems(
            SMALL.replace(height=7, width=8),
            stride=[(1, 1), (2, 1), (2, 2)],
            padding=[(0, 0), (1, 1), (2, 1)],
            dilation=[(1, 1), (1, 2), (2, 2)],
        )
    )


def has_bias(case: Case) -> bool:
    return case.problem.bias


def every_second_zero(case: Case, operands: Operands) -> Operands:
    """Return the operands with every second element of the bias zero."""
    assert operands.bias is not None
    bias = operands.bias.copy()
    bias[::2] = 0
    return replace(operands, bias=bias)


@spec("bias.zero", source=CONV2D)
def test_a_bias_of_zeros_changes_nothing(judge: Judge) -> None:
    """A bias of zeros, and one with zeros among its elements, is added as any other."""
    judge.satisfies(
        cases(problems(SMALL, out_channels=[1, 3, 4], kernel=[(1, 1), (3, 2)])),
        judge.check_exact,
        transform=every_second_zero,
        needs=has_bias,
    )


@spec("bias.alone", source=CONV2D)
def test_under_weights_or_inputs_of_zero_it_is_all_there_is(judge: Judge) -> None:
    """With weights that are all zero, or an input that is, every output is its channel's bias."""
    blank = cases(problems(SMALL, out_channels=[2, 5], padding=[(0, 0), (1, 1)], kernel=[(1, 1), (3, 2)], groups=[1]))

    def blanked(case: Case, operands: Operands) -> Operands:
        name = "input" if case.problem.padding == (0, 0) else "weight"
        return replace(operands, **{name: np.zeros_like(getattr(operands, name))})

    judge.satisfies(blank, judge.check_exact, transform=blanked, needs=has_bias)


@spec("bias.large", source=CONV2D)
def test_the_bias_may_be_far_larger_than_the_sum(judge: Judge) -> None:
    """A bias far larger than the sum of products, of either sign, is added without loss."""

    def enlarged(case: Case, operands: Operands) -> Operands:
        assert operands.bias is not None
        sign = np.where(np.arange(operands.bias.size) % 2, -1, 1)
        return replace(
            operands,
            input=np.sign(operands.input),
            weight=np.sign(operands.weight),
            bias=(sign * np.abs(operands.bias).max()).astype(operands.bias.dtype),
        )

    judge.satisfies(
        cases(problems(SMALL, out_channels=[2, 5], kernel=[(1, 1), (3, 2)])),
        judge.check_exact,
        transform=enlarged,
        needs=has_bias,
    )
