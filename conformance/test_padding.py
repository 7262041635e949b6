"""Padding: zeros around the input, as numbers, pairs and words."""

from convgauge.conformance import Judge, problems, spec
from convgauge.conformance.cases import with_arguments
from convgauge.problem import Problem

CONV2D = "torch.nn.functional.conv2d"

SMALL = Problem(batch=2, in_channels=2, height=4, width=5, out_channels=3, kernel=(3, 3), bias=True)


@spec("padding.pair", source=CONV2D)
def test_pair_pads_rows_and_columns(judge: Judge) -> None:
    """Padding (p, q) puts p rows of zeros above and below the input and q columns to its left and right."""
    judge.exact(
        problems(padding=[(0, 0), (1, 0), (0, 1), (1, 2), (2, 1), (3, 4)], kernel=[(1, 1), (3, 2), (2, 4), (5, 5)])
    )


@spec("padding.int", profile="functional", source=CONV2D)
def test_int_pads_rows_and_columns(judge: Judge) -> None:
    """Padding p means (p, p)."""
    judge.exact(
        [with_arguments(p, {"padding": p.padding[0]}) for p in problems(padding=[(0, 0), (1, 1), (2, 2), (5, 5)])]
    )


@spec("padding.list", profile="functional", source=CONV2D)
def test_a_list_is_as_good_as_a_tuple(judge: Judge) -> None:
    """Padding [p, q] means (p, q)."""
    judge.exact(
        [with_arguments(p, {"padding": list(p.padding)}) for p in problems(padding=[(0, 0), (1, 0), (1, 2), (3, 1)])]
    )


@spec("padding.none", source=CONV2D)
def test_without_padding_nothing_is_added_or_lost(judge: Judge) -> None:
    """Padding (0, 0), and 0 along one axis only, leaves the edge of the input as it is."""
    judge.exact(
        problems(SMALL, padding=[(0, 0), (0, 2), (2, 0)], kernel=[(1, 1), (2, 2), (3, 3), (4, 5)], bias=[False, True])
    )


@spec("padding.valid", profile="functional", source=CONV2D)
def test_valid_adds_nothing(judge: Judge) -> None:
    """Padding 'valid' means 0, with any stride and dilation."""
    judge.exact(
        problems(
            padding=["valid"],
            kernel=[(1, 1), (3, 2), (2, 4)],
            stride=[(1, 1), (2, 3)],
            dilation=[(1, 1), (2, 1), (1, 2)],
        )
    )


@spec("padding.same", profile="functional", source=CONV2D)
def test_same_keeps_the_size(judge: Judge) -> None:
    """Padding 'same' gives an output of the input's height and width, whatever the kernel and the dilation."""
    judge.exact(
        problems(
            padding=["same"],
            kernel=[(1, 1), (3, 3), (5, 3), (1, 7), (9, 11)],
            dilation=[(1, 1), (2, 1), (1, 3), (2, 2)],
            groups=[1],
        )
    )


@spec("padding.same.even_kernel", keeps=("padding", "padding_word", "even_kernel"), profile="functional", source=CONV2D)
def test_same_puts_the_odd_row_of_an_even_kernel_last(judge: Judge) -> None:
    """With padding='same' and an even kernel, the extra row and column are added at the bottom and right."""
    judge.exact(problems(kernel=[(2, 2), (4, 3), (2, 5), (6, 4)], padding=["same"], dilation=[(1, 1), (1, 2), (3, 1)]))


@spec("padding.same.grouped", profile="functional", source=CONV2D)
def test_same_in_groups(judge: Judge) -> None:
    """Padding 'same' means the same with groups, depthwise kernels, no bias and any batch."""
    judge.exact(
        problems(
            SMALL.replace(in_channels=4, out_channels=4, padding="same"),
            groups=[2, 4],
            kernel=[(3, 3), (2, 2), (1, 4)],
            dilation=[(1, 1), (2, 1)],
            bias=[False, True],
            batch=[1, 3],
        )
    )


@spec("padding.same.stride_one", profile="functional", source=CONV2D)
def test_same_with_stride_one_spelled_out(judge: Judge) -> None:
    """Padding 'same' is no error where stride is 1, spelled in any way."""
    same = problems(SMALL, padding=["same"], kernel=[(3, 3), (2, 3)])
    judge.exact([with_arguments(p, {"stride": stride}) for p in same for stride in (1, (1, 1), [1, 1])])


@spec("padding.same.smaller_than_kernel", profile="functional", source=CONV2D)
def test_same_on_an_input_smaller_than_the_kernel(judge: Judge) -> None:
    """Padding 'same' keeps the size also where the kernel is larger than the input."""
    judge.exact(
        problems(SMALL, padding=["same"], height=[1, 2, 3], width=[1, 2, 3], kernel=[(4, 5), (5, 4), (7, 7), (2, 6)])
    )


@spec("padding.at_least_the_kernel", source=CONV2D)
def test_outputs_that_see_only_padding(judge: Judge) -> None:
    """With padding as wide as the kernel or wider, the outputs that see only padding are the bias."""
    judge.exact(
        problems(
            SMALL.replace(height=7, width=8),
            kernel=[(1, 1), (2, 2), (3, 2), (2, 3)],
            padding=[(1, 1), (2, 2), (2, 0), (0, 2), (3, 3)],
            stride=[(1, 1), (2, 2)],
        )
    )


@spec("padding.larger_than_the_input", source=CONV2D)
def test_padding_larger_than_the_input(judge: Judge) -> None:
    """Padding may be larger than the input itself."""
    judge.exact(
        problems(
            SMALL, height=[1, 2, 3], width=[1, 2, 4], kernel=[(3, 3), (5, 7)], padding=[(2, 3), (3, 2), (4, 4), (5, 6)]
        )
    )


@spec("padding.one_axis_far_larger", source=CONV2D)
def test_padding_far_larger_along_one_axis(judge: Judge) -> None:
    """Padding along one axis may be many times that along the other."""
    judge.exact(
        problems(
            SMALL, kernel=[(3, 3), (1, 9), (9, 1), (2, 5)], padding=[(0, 8), (8, 0), (1, 12), (12, 1), (0, 31), (31, 0)]
        )
    )


@spec("padding.pointwise", source=CONV2D)
def test_pointwise_with_padding(judge: Judge) -> None:
    """A 1 x 1 kernel is padded as any other: the border is the bias."""
    judge.exact(
        problems(
            SMALL.replace(height=6, width=7, kernel=(1, 1)),
            padding=[(1, 1), (1, 0), (0, 1), (2, 1)],
            stride=[(1, 1), (2, 2), (2, 1), (3, 2)],
            groups=[1],
            bias=[True, False],
        )
    )


@spec("padding.with_stride", source=CONV2D)
def test_padding_shifts_where_a_stride_begins(judge: Judge) -> None:
    """Windows begin in the top left corner of the padding, whatever the stride."""
    judge.exact(
        problems(
            SMALL.replace(height=8, width=9),
            kernel=[(3, 3), (2, 3)],
            padding=[(1, 0), (0, 1), (1, 1), (2, 1), (1, 2)],
            stride=[(2, 1), (1, 2), (2, 2), (3, 3)],
        )
    )


@spec("padding.with_dilation", source=CONV2D)
def test_padding_is_counted_in_pixels_with_dilation(judge: Judge) -> None:
    """Padding counts rows and columns of the input, however far apart a dilated kernel's elements are."""
    judge.exact(
        problems(
            SMALL.replace(height=8, width=9),
            kernel=[(3, 3), (2, 3)],
            padding=[(1, 0), (0, 1), (1, 1), (2, 3), (4, 2)],
            dilation=[(2, 1), (1, 2), (2, 2), (3, 2)],
        )
    )


@spec("padding.with_groups", source=CONV2D)
def test_padding_in_groups(judge: Judge) -> None:
    """Every group is padded in the same way, and without bias its border is zero."""
    judge.exact(
        problems(
            SMALL.replace(in_channels=6, out_channels=6),
            groups=[2, 3, 6],
            kernel=[(3, 3), (1, 1), (2, 3)],
            padding=[(1, 1), (1, 0), (0, 2)],
            bias=[False, True],
        )
    )


@spec("padding.extent", source=CONV2D)
def test_kernel_as_large_as_the_padded_input(judge: Judge) -> None:
    """A kernel just as large as the padded input gives one output row or column."""
    fitting = [
        p.replace(kernel=(p.height + sum(p.pads[0]), p.width + sum(p.pads[1])))
        for p in problems(SMALL, height=[1, 3, 4], width=[2, 5], padding=[(0, 0), (1, 0), (0, 2), (2, 1)])
    ]
    rows = [p.replace(kernel=(p.kernel[0], 2)) for p in fitting]
    columns = [p.replace(kernel=(1, p.kernel[1]), stride=(2, 3)) for p in fitting]
    judge.exact([*fitting, *rows, *columns])
