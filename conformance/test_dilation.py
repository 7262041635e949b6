"""Dilation: how far apart the kernel's elements are."""

from convgauge.conformance import Judge, problems, spec
from convgauge.conformance.cases import with_arguments
from convgauge.problem import Problem

CONV2D = "torch.nn.functional.conv2d"

SMALL = Problem(batch=2, in_channels=2, height=9, width=10, out_channels=3, kernel=(3, 2), bias=True)


@spec("dilation.pair", source=CONV2D)
def test_pair_spreads_rows_and_columns(judge: Judge) -> None:
    """Dilation (d, e) puts the kernel's rows d apart and its columns e apart."""
    judge.exact(
        problems(SMALL, dilation=[(1, 2), (2, 1), (2, 3), (3, 2), (4, 1)], kernel=[(3, 2), (3, 3), (2, 4), (2, 2)])
    )


@spec("dilation.int", profile="functional", source=CONV2D)
def test_int_spreads_rows_and_columns(judge: Judge) -> None:
    """Dilation d means (d, d)."""
    judge.exact(
        [
            with_arguments(p, {"dilation": p.dilation[0]})
            for p in problems(SMALL, dilation=[(1, 1), (2, 2), (3, 3), (4, 4)])
        ]
    )


@spec("dilation.list", profile="functional", source=CONV2D)
def test_a_list_is_as_good_as_a_tuple(judge: Judge) -> None:
    """Dilation [d, e] means (d, e)."""
    judge.exact(
        [with_arguments(p, {"dilation": list(p.dilation)}) for p in problems(SMALL, dilation=[(1, 2), (2, 1), (3, 2)])]
    )


@spec("dilation.one_wide", source=CONV2D)
def test_dilation_along_an_axis_of_one_means_nothing(judge: Judge) -> None:
    """Dilation along an axis of the kernel of length 1 changes nothing, however large it is."""
    judge.exact(
        problems(
            SMALL,
            kernel=[(1, 1), (1, 3), (3, 1)],
            dilation=[(1, 1), (4, 1), (1, 4), (20, 1), (1, 20), (20, 20)],
            stride=[(1, 1), (2, 2)],
        )
    )


@spec("dilation.extent", source=CONV2D)
def test_a_dilated_kernel_as_large_as_the_padded_input(judge: Judge) -> None:
    """A dilated kernel may cover just the whole padded input, and one row or column less."""
    judge.exact(
        problems(
            SMALL,
            kernel=[(3, 3), (2, 4), (5, 2)],
            dilation=[(2, 3), (4, 4), (8, 3), (8, 9), (2, 9), (5, 5)],
            padding=[(0, 0), (0, 1), (1, 0), (1, 1)],
        )
    )


@spec("dilation.larger_than_the_input", source=CONV2D)
def test_elements_that_reach_into_the_padding_alone(judge: Judge) -> None:
    """If dilation is larger than the input, all but one row or column of the kernel falls into the padding."""
    judge.exact(
        problems(
            SMALL.replace(height=4, width=5),
            kernel=[(3, 3), (2, 3)],
            dilation=[(5, 6), (6, 5), (4, 7)],
            padding=[(5, 6), (6, 7), (8, 8)],
        )
    )


@spec("dilation.even_kernel", source=CONV2D)
def test_even_kernels_dilated(judge: Judge) -> None:
    """Even kernels are dilated as odd ones are."""
    judge.exact(
        problems(
            SMALL, kernel=[(2, 2), (4, 2), (2, 4)], dilation=[(2, 2), (1, 2), (2, 1)], padding=[(0, 0), (1, 2), (2, 1)]
        )
    )


@spec("dilation.with_groups", source=CONV2D)
def test_dilation_in_groups(judge: Judge) -> None:
    """Every group's kernel is dilated in the same way."""
    judge.exact(
        problems(
            SMALL.replace(in_channels=6, out_channels=6),
            groups=[2, 3, 6],
            kernel=[(3, 3), (2, 3)],
            dilation=[(2, 2), (1, 2), (3, 1)],
            padding=[(0, 0), (2, 2)],
            stride=[(1, 1), (2, 1)],
        )
    )


@spec(
    "dilation.atrous",
    source="Chen, Papandreou, Schroff and Adam 2017, Rethinking atrous convolution for semantic image segmentation",
)
def test_rates_of_segmentation_networks(judge: Judge) -> None:
    """3 x 3 kernels keep the size with dilation and padding of 2, 4, 6, 12, 18 and 24, also beyond the input's size."""
    judge.exact(
        [
            SMALL.replace(height=h, width=w, kernel=(3, 3), dilation=(d, d), padding=(d, d))
            for d in (2, 4, 6, 12, 18, 24)
            for h, w in [(9, 10), (13, 8)]
        ]
    )
