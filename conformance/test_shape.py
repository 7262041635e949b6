"""The output's shape: batch, output channels, and floor((size + padding - extent) / stride) + 1 rows and columns."""

from typing import Any

from convgauge.conformance import Judge, problems, spec
from convgauge.conformance.cases import BASE
from convgauge.problem import Problem

GUIDE = "Dumoulin and Visin 2016, A guide to convolution arithmetic for deep learning, relationship 6"

TWO = ("float32", "float16")  # shapes do not depend on the dtype; two of them are enough
TINY = Problem(batch=1, in_channels=1, height=4, width=4, out_channels=2)


@spec("shape.axes", source="torch.nn.functional.conv2d")
def test_axes_are_batch_channels_rows_columns(judge: Judge) -> None:
    """The output's axes are batch, output channels, rows and columns, whichever of them are equal."""
    judge.exact(
        problems(TINY, batch=[1, 2, 3], out_channels=[1, 2, 3], in_channels=[1, 2], height=[3, 5], width=[3, 5])
    )


@spec("shape.rows", source=GUIDE, dtypes=TWO)
def test_rows_are_the_floor_of_the_steps_that_fit(judge: Judge) -> None:
    """There are floor((height + 2 padding - dilation (kernel - 1) - 1) / stride) + 1 output rows."""
    judge.exact(
        [
            p.replace(kernel=(p.kernel[0], 2), padding=(p.padding[0], 1))
            for p in problems(
                TINY.replace(width=3),
                height=[5, 6, 7, 8, 11, 12],
                kernel=[(1, 1), (2, 1), (3, 1), (4, 1)],
                stride=[(1, 1), (2, 1), (3, 1), (4, 1), (5, 1)],
                padding=[(0, 0), (1, 0), (2, 0)],
                dilation=[(1, 1), (2, 1)],
            )
        ]
    )


@spec("shape.columns", source=GUIDE, dtypes=TWO)
def test_columns_are_the_floor_of_the_steps_that_fit(judge: Judge) -> None:
    """There are floor((width + 2 padding - dilation (kernel - 1) - 1) / stride) + 1 output columns."""
    judge.exact(
        [
            p.replace(kernel=(2, p.kernel[1]), padding=(1, p.padding[1]))
            for p in problems(
                TINY.replace(height=3),
                width=[5, 6, 7, 8, 11, 12],
                kernel=[(1, 1), (1, 2), (1, 3), (1, 4)],
                stride=[(1, 1), (1, 2), (1, 3), (1, 4), (1, 5)],
                padding=[(0, 0), (0, 1), (0, 2)],
                dilation=[(1, 1), (1, 2)],
            )
        ]
    )


@spec("shape.one", source="torch.nn.functional.conv2d")
def test_axes_of_one_stay(judge: Judge) -> None:
    """Axes of length 1 stay in the output: one image, one channel, one row, one column."""
    judge.exact(
        [
            *problems(TINY, batch=[1, 2], out_channels=[1, 3], height=[1, 4], width=[1, 5]),
            *problems(TINY, batch=[1, 2], out_channels=[1, 3], kernel=[(4, 4), (4, 1), (1, 4), (3, 3)], bias=[True]),
        ]
    )


@spec("shape.odd_and_even", source=GUIDE)
def test_height_and_width_of_every_parity(judge: Judge) -> None:
    """Heights and widths of every combination of remainders, by 2 and by 4, are covered to the last row and column."""
    sizes = [4, 5, 6, 7, 8, 9, 10, 11]
    judge.exact(
        [
            BASE.replace(in_channels=2, out_channels=2, batch=1, height=h, width=w, **case)
            for h in sizes
            for w in sizes
            for case in [_CONFIGURATIONS[(h * 3 + w) % len(_CONFIGURATIONS)]]
        ]
    )


_CONFIGURATIONS: list[dict[str, Any]] = [
    {"kernel": (3, 3), "padding": (1, 1)},
    {"kernel": (3, 3), "padding": (0, 0), "stride": (2, 2)},
    {"kernel": (2, 2), "padding": (0, 0), "stride": (2, 2)},
    {"kernel": (1, 1), "padding": (0, 0), "stride": (2, 2)},
    {"kernel": (3, 3), "padding": (1, 1), "stride": (2, 2)},
]
