"""Padding: zeros around the input, as numbers, pairs and words."""

from convgauge.conformance import problems, spec
from convgauge.conformance.cases import spelled

CONV2D = "torch.nn.functional.conv2d"


@spec("padding.pair", source=CONV2D)
def test_pair_pads_rows_and_columns(judge):
    """Padding (p, q) puts p rows of zeros above and below the input and q columns to its left and right."""
    judge.exact(
        problems(padding=[(0, 0), (1, 0), (0, 1), (1, 2), (2, 1), (3, 4)], kernel=[(1, 1), (3, 2), (2, 4), (5, 5)])
    )


@spec("padding.int", profile="functional", source=CONV2D)
def test_int_pads_both_ways_alike(judge):
    """Padding p means (p, p)."""
    judge.exact([spelled(p, {"padding": p.padding[0]}) for p in problems(padding=[(0, 0), (1, 1), (2, 2), (5, 5)])])


@spec("padding.same.even_kernel", profile="functional", source=CONV2D)
def test_same_puts_the_odd_row_of_an_even_kernel_last(judge):
    """With padding='same' and an even kernel, the extra row and column are added at the bottom and right."""
    judge.exact(problems(kernel=[(2, 2), (4, 3), (2, 5), (6, 4)], padding=["same"], dilation=[(1, 1), (1, 2), (3, 1)]))
