"""The definition: cross-correlation, and how mathematical convolution follows from it."""

from dataclasses import replace

import numpy as np

from convgauge.conformance import Case, Judge, problems, spec
from convgauge.problem import Problem
from convgauge.reference.operands import Array, Operands

CONV2D = "torch.nn.functional.conv2d"
GUIDE = "Dumoulin and Visin 2016, A guide to convolution arithmetic for deep learning"

PLANE = Problem(height=5, width=6, kernel=(3, 2))
KERNELS = [(1, 2), (2, 1), (2, 2), (3, 3), (2, 3), (3, 4), (5, 6)]


@spec("definition.cross_correlation", source=CONV2D)
def test_the_kernel_is_not_turned(judge: Judge) -> None:
    """Each output is the sum of products of the kernel, not turned, with the window of the input that begins there."""
    judge.exact(problems(PLANE, kernel=KERNELS, batch=[1, 2], bias=[False, True]))


@spec("definition.channel_sum", source=CONV2D)
def test_all_input_channels_are_added(judge: Judge) -> None:
    """Each output adds up its window of every input channel, each with weights of its own."""
    judge.exact(problems(PLANE, in_channels=[1, 2, 3, 5, 8], out_channels=[1, 2, 7], kernel=[(1, 1), (3, 2)]))


@spec("definition.convolution", source="numpy.convolve; scipy.signal.convolve2d")
def test_with_the_kernel_turned_it_is_mathematical_convolution(judge: Judge) -> None:
    """With the kernel turned by 180° and padded by its size less one, it is the full mathematical convolution."""
    full = [
        p.replace(padding=(p.kernel[0] - 1, p.kernel[1] - 1))
        for p in problems(PLANE, kernel=KERNELS, in_channels=[1, 3], out_channels=[1, 2])
    ]
    judge.equals(
        full, lambda case, operands: _convolved(operands.input, operands.weight[:, :, ::-1, ::-1]), needs=_is_full
    )


@spec("definition.scipy", source="scipy.ndimage.correlate")
def test_it_agrees_with_scipy(judge: Judge) -> None:
    """One channel's result is that of scipy.ndimage.correlate, where the kernel lies within the image."""
    try:
        from scipy.ndimage import correlate  # scipy.signal takes six times as long to import
    except ImportError as absent:
        judge.skip(f"scipy is not installed: {absent}")

    def expected(case: Case, operands: Operands) -> Array:
        (rows, columns), (height, width) = case.problem.kernel, case.problem.output_size
        whole: Array = correlate(
            operands.input[0, 0].astype(float), operands.weight[0, 0].astype(float), mode="constant"
        )
        top, left = rows // 2, columns // 2  # the centre of the kernel, where scipy.ndimage puts the result
        return whole[None, None, top : top + height, left : left + width]

    judge.equals(problems(PLANE, kernel=KERNELS, height=[5, 9, 16], width=[6, 7, 33]), expected, needs=_is_plane)


@spec("definition.delta", source=GUIDE)
def test_a_delta_kernel_picks_one_element_of_the_window(judge: Judge) -> None:
    """A kernel with a single 1 at (i, j) of channel c gives channel c of the input, beginning at row i and column j."""
    judge.equals(
        [
            p
            for kernel in [(3, 3), (2, 3), (4, 1)]
            for p in problems(PLANE, in_channels=[3], out_channels=[4 * 5], kernel=[kernel])
        ],
        lambda case, operands: _picked(case.problem, operands),
        transform=_deltas,
        needs=_is_unpadded,
    )


@spec("definition.identity", source=GUIDE)
def test_an_identity_kernel_gives_the_input_back(judge: Judge) -> None:
    """A kernel of one 1 at its centre from each channel to itself, padded to the same size, gives the input itself."""
    centred = [
        p.replace(padding=((p.kernel[0] - 1) // 2, (p.kernel[1] - 1) // 2))
        for p in problems(PLANE, kernel=[(1, 1), (3, 3), (5, 1), (1, 7), (9, 11)], in_channels=[1, 4], batch=[1, 3])
    ]
    judge.equals(
        [p.replace(out_channels=p.in_channels) for p in centred],
        lambda case, operands: operands.input.astype(float),
        transform=_identity,
        needs=_is_centred,
    )


def _is_plain(case: Case) -> bool:
    """Return True if each output is the sum of products with one window, apart from padding."""
    problem = case.problem
    return problem.stride == problem.dilation == (1, 1) and problem.groups == 1 and not problem.bias


def _is_unpadded(case: Case) -> bool:
    return _is_plain(case) and case.problem.pads == ((0, 0), (0, 0))


def _is_plane(case: Case) -> bool:
    """Return True if one channel of one image gives one channel."""
    problem = case.problem
    return _is_unpadded(case) and problem.batch == problem.in_channels == problem.out_channels == 1


MAX_ROWS = 10_000
"""Calls of numpy.convolve for the expected output of one case, which take about 0.1 s."""


def _is_full(case: Case) -> bool:
    """Return True if the padding is the size of the kernel less one, and the expected output takes few calls."""
    (top, bottom), (left, right) = case.problem.pads
    rows, columns = case.problem.kernel
    planes = case.problem.batch * case.problem.in_channels * case.problem.out_channels
    is_small = planes * case.problem.height * rows <= MAX_ROWS
    return is_small and _is_plain(case) and top == bottom == rows - 1 and left == right == columns - 1


def _is_centred(case: Case) -> bool:
    """Return True if there are as many outputs as channels, and the padding is half of the kernel's size less one."""
    problem = case.problem
    (top, bottom), (left, right) = problem.pads
    is_centred = problem.kernel == (top + bottom + 1, left + right + 1) and (top, left) == (bottom, right)
    return _is_plain(case) and is_centred and problem.in_channels == problem.out_channels


def _convolved(input: Array, kernel: Array) -> Array:
    """Return the full convolution, by numpy.convolve: input row y and kernel row i add to output row y + i."""
    (n, c, h, w), (o, _, kh, kw) = input.shape, kernel.shape
    output = np.zeros((n, o, h + kh - 1, w + kw - 1))
    for image, out, channel, y, i in np.ndindex(n, o, c, h, kh):
        output[image, out, y + i] += np.convolve(input[image, channel, y], kernel[out, channel, i])
    return output


def _deltas(case: Case, operands: Operands) -> Operands:
    """Replace the weight: filter o has a single 1, at its element o modulo the number of elements."""
    weight = np.zeros_like(operands.weight)
    for out, filter in enumerate(weight):
        filter.reshape(-1)[out % filter.size] = 1
    return replace(operands, weight=weight)


def _picked(problem: Problem, operands: Operands) -> Array:
    """Return the planes of the input that the kernels of `_deltas` pick."""
    (height, width), (kh, kw) = problem.output_size, problem.kernel
    chosen = [
        np.unravel_index(out % problem.reduction, (problem.in_channels, kh, kw)) for out in range(problem.out_channels)
    ]
    planes = [operands.input[:, c, i : i + height, j : j + width] for c, i, j in chosen]
    picked: Array = np.stack(planes, axis=1).astype(float)
    return picked


def _identity(case: Case, operands: Operands) -> Operands:
    weight = np.zeros_like(operands.weight)
    (top, _), (left, _) = case.problem.pads
    for channel in range(case.problem.in_channels):
        weight[channel, channel, top, left] = 1
    return replace(operands, weight=weight)
