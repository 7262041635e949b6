"""Stride: how far the window moves."""

from convgauge.conformance import Judge, problems, spec
from convgauge.conformance.cases import with_arguments
from convgauge.problem import Problem

CONV2D = "torch.nn.functional.conv2d"

SMALL = Problem(batch=2, in_channels=2, height=8, width=9, out_channels=3, kernel=(3, 2), bias=True)


@spec("stride.pair", source=CONV2D)
def test_pair_moves_down_and_right(judge: Judge) -> None:
    """Stride (s, t) moves the window s rows down and t columns to the right."""
    judge.exact(
        problems(SMALL, stride=[(1, 2), (2, 1), (2, 2), (2, 3), (3, 1)], kernel=[(1, 1), (3, 2), (3, 3), (2, 4)])
    )


@spec("stride.int", profile="functional", source=CONV2D)
def test_int_moves_along_both_axes(judge: Judge) -> None:
    """Stride s means (s, s)."""
    judge.exact(
        [with_arguments(p, {"stride": p.stride[0]}) for p in problems(SMALL, stride=[(1, 1), (2, 2), (3, 3), (5, 5)])]
    )


@spec("stride.list", profile="functional", source=CONV2D)
def test_a_list_is_as_good_as_a_tuple(judge: Judge) -> None:
    """Stride [s, t] means (s, t)."""
    judge.exact(
        [with_arguments(p, {"stride": list(p.stride)}) for p in problems(SMALL, stride=[(1, 2), (2, 1), (3, 2)])]
    )


@spec("stride.remainder", source=CONV2D)
def test_rows_left_over_are_not_used(judge: Judge) -> None:
    """If the stride does not divide the distance, the rows and columns left over at the end are not used."""
    judge.exact(
        problems(
            SMALL,
            height=[7, 8, 9, 10],
            width=[9, 10, 11],
            stride=[(2, 2), (3, 3), (4, 3), (2, 4)],
            padding=[(0, 0), (1, 1)],
            kernel=[(3, 3), (2, 2)],
        )
    )


@spec("stride.larger_than_the_kernel", source=CONV2D)
def test_a_stride_larger_than_the_kernel_skips(judge: Judge) -> None:
    """A stride larger than the kernel leaves out the rows and columns between windows."""
    judge.exact(
        problems(
            SMALL.replace(height=11, width=12),
            kernel=[(1, 1), (2, 2), (1, 3), (3, 1)],
            stride=[(4, 4), (3, 5), (5, 2)],
            padding=[(0, 0), (1, 2)],
        )
    )


@spec("stride.larger_than_the_input", source=CONV2D)
def test_a_stride_larger_than_the_input_gives_one_output(judge: Judge) -> None:
    """A stride as large as the input or larger gives a single row or column."""
    judge.exact(
        problems(SMALL, stride=[(8, 9), (9, 1), (1, 20), (100, 100)], kernel=[(1, 1), (3, 2)], padding=[(0, 0), (1, 1)])
    )


@spec("stride.pointwise", source=CONV2D)
def test_pointwise_with_stride(judge: Judge) -> None:
    """A 1 x 1 kernel with stride takes every s-th row and t-th column."""
    judge.exact(
        problems(
            SMALL.replace(kernel=(1, 1)),
            stride=[(2, 2), (2, 1), (1, 2), (3, 2), (4, 4)],
            height=[8, 9],
            width=[9, 10],
            groups=[1],
            bias=[True, False],
        )
    )


@spec("stride.with_dilation", source=CONV2D)
def test_stride_together_with_dilation(judge: Judge) -> None:
    """Stride moves the window in input pixels, however far apart a dilated kernel's elements are."""
    judge.exact(
        problems(
            SMALL.replace(height=11, width=12),
            kernel=[(3, 3), (2, 3)],
            stride=[(2, 1), (1, 2), (2, 2), (3, 2)],
            dilation=[(2, 1), (1, 2), (2, 2), (2, 3)],
            padding=[(0, 0), (2, 1)],
        )
    )


@spec("stride.one_wide_kernels", source=CONV2D)
def test_kernels_of_one_row_or_column(judge: Judge) -> None:
    """Kernels of a single row or column are strided along it and across it, in groups and without."""
    judge.exact(
        problems(
            SMALL.replace(in_channels=4, out_channels=4, padding=(1, 1)),
            kernel=[(3, 1), (1, 3), (5, 1), (1, 4), (2, 1)],
            stride=[(2, 1), (1, 2), (2, 2), (3, 1)],
            groups=[1, 4],
        )
    )


@spec("stride.with_groups", source=CONV2D)
def test_stride_in_groups(judge: Judge) -> None:
    """Every group is strided in the same way."""
    judge.exact(
        problems(
            SMALL.replace(in_channels=6, out_channels=6),
            groups=[2, 3, 6],
            kernel=[(3, 3), (1, 1), (2, 3)],
            stride=[(2, 2), (1, 2), (3, 1)],
            padding=[(0, 0), (1, 1)],
        )
    )


@spec("stride.down_sampling", source="He, Zhang, Ren and Sun 2016, Deep residual learning, section 3.3")
def test_halving_layers_of_residual_networks(judge: Judge) -> None:
    """Kernels that shrink images in common networks (7 x 7, 5 x 5, 3 x 3, 1 x 1, patches) do so at every parity."""
    halving = [((7, 7), (2, 2), (3, 3)), ((5, 5), (2, 2), (2, 2)), ((3, 3), (2, 2), (1, 1)), ((1, 1), (2, 2), (0, 0))]
    patches = [((4, 4), (4, 4), (0, 0)), ((2, 2), (2, 2), (0, 0)), ((11, 11), (4, 4), (2, 2))]
    judge.exact(
        [
            SMALL.replace(batch=1, in_channels=c, height=h, width=w, kernel=kernel, stride=stride, padding=padding)
            for kernel, stride, padding in halving + patches
            for c, h, w in [(1, 14, 14), (3, 15, 15), (2, 16, 13), (3, 14, 16), (1, 17, 18)]
        ]
    )
