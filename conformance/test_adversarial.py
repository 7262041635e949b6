"""Adversarial: operands with a structure that random numbers never have, and parameters past the narrow integers.

Only such operands take the shortcuts for box filters, for separable, symmetric and repeated kernels, and for blank and
repeated images. A parameter stored in 8 or 16 bits is wrong only for values of 256 or 65,536 and more.
"""

from collections.abc import Callable, Iterable
from functools import partial

import numpy as np

from convgauge.conformance import Case, Judge, problems, spec
from convgauge.conformance.execution import Transform
from convgauge.dtypes import DTYPES
from convgauge.problem import Problem
from convgauge.reference import compare, oracle
from convgauge.reference.compare import Fault
from convgauge.reference.operands import Array, Operands, draw
from convgauge.worker.call import Observation

CONV2D = "torch.nn.functional.conv2d"

Pattern = Callable[[Array, Array, int, int], Array]
"""Value of each element of a plane, computed from its row, its column, and the height and width of the plane."""

SMALL = Problem(batch=2, in_channels=2, height=8, width=9, out_channels=4, kernel=(3, 3), padding=(1, 1), bias=True)
TABLE = problems(SMALL, kernel=[(3, 3), (5, 3), (2, 4), (5, 5), (3, 7)], padding=[(1, 1), (2, 3)]) + problems(
    SMALL, kernel=[(5, 5), (3, 5)], padding=[(2, 2)], groups=[2], stride=[(1, 1), (2, 1)], bias=[False]
)


def seeded(table: Iterable[Problem]) -> list[Case]:
    """Return the problems as cases of one seed, so that equal shapes have equal operands."""
    return [Case(problem, seed=1) for problem in table]


def outer(rows: Array, columns: Array) -> Array:
    """Return a kernel of rank one for each output and channel."""
    return rows[..., :, None] * columns[..., None, :]


def weights(make: Callable[[Array], Array]) -> Transform:
    """Return a transform that replaces the weight, in its dtype; ``make`` must not exceed the range of the weight."""

    def change(case: Case, operands: Operands) -> Operands:
        weight = make(operands.weight).astype(operands.weight.dtype)
        return Operands(operands.input, np.ascontiguousarray(weight), operands.bias)

    return change


def inputs(make: Callable[[Array], Array]) -> Transform:
    """Return a transform that replaces the input, in its dtype."""

    def change(case: Case, operands: Operands) -> Operands:
        input = make(operands.input).astype(operands.input.dtype)
        return Operands(np.ascontiguousarray(input), operands.weight, operands.bias)

    return change


@spec("adversarial.kernel.box", profile="functional", source=CONV2D)
def test_kernels_of_one_value(judge: Judge) -> None:
    """A kernel whose elements are all equal, all 1, or 1 and -1, is a kernel as any other."""
    table = seeded(TABLE)
    judge.exact(table, transform=weights(np.ones_like))
    judge.exact(table, transform=weights(lambda w: np.broadcast_to(w.reshape(-1)[:1, None, None, None], w.shape)))
    judge.exact(table, transform=weights(lambda w: np.broadcast_to(w[:, :, :1, :1], w.shape)))
    judge.exact(table, transform=weights(lambda w: np.where(w < 0, -1, 1)))


@spec("adversarial.kernel.separable", profile="functional", source=CONV2D)
def test_kernels_of_rank_one(judge: Judge) -> None:
    """A kernel that is the outer product of two vectors is applied as it stands, rows and columns in order."""
    signs = weights(lambda w: outer(np.sign(w[..., :, 0]), w[..., 0, :]))
    mirrored = weights(lambda w: outer(w[..., :, 0], np.sign(w[..., 0, :])))
    for change in (signs, mirrored):
        judge.exact(seeded(TABLE), transform=change)


@spec("adversarial.kernel.symmetric", profile="functional", source=CONV2D)
def test_symmetric_kernels(judge: Judge) -> None:
    """A kernel that is its own mirror image, or the opposite of it, along either axis, counts each element once."""
    for axis in (2, 3):
        for sign in (1, -1):
            judge.exact(seeded(TABLE), transform=weights(partial(_mirrored, axis=axis, sign=sign)))


def _mirrored(weight: Array, axis: int, sign: int) -> Array:
    """Return the weight with its second half the mirror image of its first, times ``sign``."""
    count = weight.shape[axis]
    order = np.minimum(np.arange(count), count - 1 - np.arange(count))
    factor = np.where(np.arange(count) > (count - 1) / 2, sign, 1).astype(weight.dtype)
    shape = [1, 1, 1, 1]
    shape[axis] = count
    mirrored: Array = np.take(weight, order, axis=axis) * factor.reshape(shape)
    return mirrored


@spec("adversarial.kernel.sparse", profile="functional", source=CONV2D)
def test_sparse_kernels(judge: Judge) -> None:
    """A kernel that is zero except for one element, row, column, diagonal or checkerboard is applied in its place."""

    def masked(pattern: Pattern) -> Transform:
        def make(weight: Array) -> Array:
            i, j = np.indices(weight.shape[2:])
            return weight * pattern(i, j, weight.shape[2], weight.shape[3])

        return weights(make)

    patterns: tuple[Pattern, ...] = (
        lambda i, j, h, w: (i == h - 1) & (j == 0),
        lambda i, j, h, w: (i == 0) & (j == w - 1),
        lambda i, j, h, w: i == h // 2,
        lambda i, j, h, w: j == w - 1,
        lambda i, j, h, w: i == j,
        lambda i, j, h, w: (i + j) % 2 == 0,
    )
    for pattern in patterns:
        judge.exact(seeded(TABLE), transform=masked(pattern))


@spec("adversarial.kernel.balanced", profile="functional", source=CONV2D)
def test_balanced_operands(judge: Judge) -> None:
    """Filters, images and biases that add up to zero are filters, images and biases as any other."""

    def balanced(array: Array) -> Array:
        flat = array.reshape(-1)
        half = flat.size // 2
        return np.concatenate([flat[:half], -flat[:half][::-1], flat[2 * half :] * 0]).reshape(array.shape)

    def each(array: Array) -> Array:
        return np.stack([balanced(part) for part in array])

    def planes(array: Array) -> Array:
        return np.stack([each(part) for part in array])

    def biased(case: Case, operands: Operands) -> Operands:
        bias = None if operands.bias is None else balanced(operands.bias)
        return Operands(operands.input, operands.weight, bias)

    for change in (weights(balanced), weights(each), weights(planes), inputs(balanced), inputs(each), inputs(planes)):
        judge.exact(seeded(TABLE), transform=change)
    judge.exact(seeded(TABLE), transform=biased)


@spec("adversarial.repeated", profile="functional", source=CONV2D)
def test_operands_that_repeat_themselves_in_part(judge: Judge) -> None:
    """Images, channels and filters that are equal, opposite, or equal in only one row or column, are kept apart."""
    table = seeded(problems(SMALL, batch=3, out_channels=6, kernel=[(3, 3), (1, 1), (2, 5)], groups=[1, 2]))

    def equal(array: Array) -> Array:
        return np.broadcast_to(array[:1], array.shape)

    def opposite(array: Array) -> Array:
        signed: Array = array[:1] * np.where(np.arange(len(array)) % 2, -1, 1).reshape(-1, 1, 1, 1)
        return signed

    def first_row(array: Array) -> Array:
        changed = array.copy()
        changed[:, :, 0] = changed[:1, :, 0]
        return changed

    def first_column(array: Array) -> Array:
        changed = array.copy()
        changed[..., 0] = changed[:1, ..., 0]
        return changed

    def channels(array: Array) -> Array:
        return np.broadcast_to(array[:, :1], array.shape)

    for make in (equal, opposite, first_row, first_column, channels):
        judge.exact(table, transform=weights(make))
        judge.exact(table, transform=inputs(make))


@spec("adversarial.image", profile="functional", source=CONV2D, dtypes=("float64", "float32"))
def test_structured_images(judge: Judge) -> None:
    """Images that are constant, striped, ramps, checkered or of a single bright point are convolved as any other."""

    def drawn(pattern: Pattern) -> Transform:
        def make(array: Array) -> Array:
            y, x = np.indices(array.shape[2:])
            plane = pattern(y, x, array.shape[2], array.shape[3])
            image: Array = np.broadcast_to(plane, array.shape) * np.sign(array[:1, :1, :1, :1])
            return image

        return inputs(make)

    patterns: tuple[Pattern, ...] = (
        lambda y, x, h, w: np.ones((h, w)),
        lambda y, x, h, w: y % 2 + 0 * x,
        lambda y, x, h, w: x % 3 - 1,
        lambda y, x, h, w: (x + y) % 2,
        lambda y, x, h, w: (y == h - 1) & (x == w - 1),
        lambda y, x, h, w: (y == 0) & (x == w // 2),
        lambda y, x, h, w: x - w // 2,
    )
    for pattern in patterns:
        judge.exact(seeded(TABLE), transform=drawn(pattern))
    judge.exact(seeded(TABLE), transform=inputs(np.abs))


@spec("adversarial.image.bytes", profile="functional", source=CONV2D, dtypes=("float64", "float32"))
def test_images_of_bytes(judge: Judge) -> None:
    """Images and kernels of integers that fit a byte are floats if their dtype is, and so are their sums."""

    def bytes_(case: Case, operands: Operands) -> Operands:
        random = np.random.default_rng(7)
        image = random.integers(0, 256, operands.input.shape).astype(operands.input.dtype)
        image.reshape(-1)[:2] = 255, 0
        return Operands(image, np.sign(operands.weight), None if operands.bias is None else np.sign(operands.bias))

    def signed(case: Case, operands: Operands) -> Operands:
        """Most sums need more than 16 bits, and none needs more than 24."""
        random = np.random.default_rng(case.problem.kernel)
        input, weight = (
            random.integers(low, 128, array.shape).astype(array.dtype)
            for low, array in ((0, operands.input), (-32, operands.weight))
        )
        return Operands(input, weight, None if operands.bias is None else np.sign(operands.bias))

    for change in (bytes_, signed):
        judge.exact(seeded(TABLE), transform=change)


@spec("adversarial.arguments_new", profile="functional", source=CONV2D)
def test_the_same_operands_with_other_arguments(judge: Judge) -> None:
    """The same operands with another stride, padding or dilation give another answer, also one of the same shape."""
    table = [
        *problems(SMALL, kernel=[(3, 3)], padding=[(1, 1)], dilation=[(1, 1)]),
        *problems(SMALL, kernel=[(3, 3)], padding=[(2, 2)], dilation=[(2, 2)]),
        *problems(SMALL, kernel=[(3, 3)], padding=["same"], dilation=[(3, 3), (1, 2), (2, 1)]),
        *problems(SMALL, kernel=[(3, 3)], padding=[(0, 0), (1, 0)], stride=[(2, 2)]),
        *problems(SMALL, kernel=[(3, 3)], padding=[(1, 1)], stride=[(3, 3)], dilation=[(1, 1), (2, 2)]),
        *problems(SMALL, kernel=[(3, 3)], padding=[(2, 2)], stride=[(3, 3)], dilation=[(2, 2), (3, 3)]),
        *problems(SMALL, kernel=[(3, 3)], padding=[(1, 1)], stride=[(5, 5), (6, 7)]),  # equal output shapes
    ]

    def same(case: Case, operands: Operands) -> Operands:
        problem = SMALL.replace(dtype=case.problem.dtype)
        return draw(problem, "exact", 1, judge.headroom(problem))

    def has_shapes(case: Case) -> bool:
        problem = case.problem
        shapes = (problem.input_shape, problem.weight_shape, problem.bias)
        return shapes == (SMALL.input_shape, SMALL.weight_shape, SMALL.bias)

    judge.exact(seeded(table + table[::-1]), transform=same, reuse=True, needs=has_shapes)


@spec("adversarial.byte", keeps=("large",), source=CONV2D)
def test_parameters_past_a_byte(judge: Judge) -> None:
    """Strides, paddings, dilations, groups, channels, images and kernels of 256 and more are kept in full."""
    thin = Problem(batch=1, in_channels=1, height=2, width=3, out_channels=2, kernel=(1, 2), bias=True)
    judge.satisfies(
        [
            *problems(thin, width=[600, 261], stride=[(1, 256), (1, 257), (300, 259)]),
            *problems(thin, height=[600, 258], stride=[(256, 1), (257, 2)], kernel=[(2, 1)]),
            *problems(thin, padding=[(0, 256), (257, 0), (1, 300)]),
            *problems(thin, width=[262], dilation=[(1, 256), (1, 257), (1, 260)]),
            *problems(thin, height=[262], kernel=[(2, 1)], dilation=[(256, 1), (259, 1)]),
            *problems(
                thin, in_channels=[256, 257, 260], out_channels=[256, 257, 260, 514, 520], groups=[256, 257, 260]
            ),
            *problems(thin, batch=[256, 257, 300]),
            *problems(thin, kernel=[(1, 256), (1, 257), (1, 300)], width=[301]),
            *problems(thin, kernel=[(256, 1), (257, 1), (300, 1)], height=[301]),
        ],
        judge.check_exact,
    )


@spec("adversarial.sixteen_bits", keeps=("large",), source=CONV2D, dtypes=("float32",))
def test_parameters_past_sixteen_bits(judge: Judge) -> None:
    """Rows, columns, images, channels, strides, paddings and dilations past 32,768 or 65,536 are kept in full."""
    thin = Problem(batch=1, in_channels=1, height=1, width=3, out_channels=1, kernel=(1, 2), bias=True)
    over = [32_769, 65_537]
    rows = [
        *problems(thin, width=over),
        *problems(thin, height=over, kernel=[(2, 1)]),
        *problems(thin, out_channels=over),
        *problems(thin, width=[70_000], stride=[(1, size) for size in over]),
        *problems(thin, padding=[(0, size) for size in over]),
        *problems(thin, width=[32_773], dilation=[(1, over[0])]),
        *problems(thin, width=[65_541], dilation=[(1, over[1])]),
    ]
    largest = over[1]
    many = [*problems(thin, batch=over[::-1]), *problems(thin, in_channels=over[::-1], kernel=[(1, 1)])]
    groups = problems(thin, in_channels=largest, out_channels=largest, groups=largest)
    judge.satisfies(rows + many[2:3] if judge.setting.tier == "quick" else rows + many + groups, judge.check_exact)


INTEGERS = ("int64", "int32", "int16", "int8")
COMPLEX = ("complex128", "complex64")


GEOMETRY = [
    *TABLE[:3],
    *problems(SMALL, kernel=[(3, 3), (1, 1)], groups=[2], stride=[(1, 1), (2, 2)], dilation=[(1, 1), (1, 2)]),
    *problems(SMALL, in_channels=4, groups=[4], out_channels=[4, 8], kernel=[(3, 3), (5, 5)], padding=["same"]),
    *problems(SMALL, in_channels=[8, 33], out_channels=[16], kernel=[(1, 1), (3, 2)], bias=[True, False]),
]
LONG = Problem(batch=1, in_channels=64, height=7, width=8, out_channels=32, kernel=(3, 3), padding=(1, 1), bias=True)
"""More than a million products."""


@spec("adversarial.integer", profile="functional", source=CONV2D, dtypes=INTEGERS, quick=INTEGERS)
def test_integers_are_never_wrong(judge: Judge) -> None:
    """Integer operands are refused, or added up exactly and given back in their own dtype."""
    judge.refuses(seeded(GEOMETRY), unless=judge.check_exact)
    judge.refuses(seeded([LONG]), unless=judge.check_exact)


@spec("adversarial.integer.unlike", profile="functional", source=CONV2D, dtypes=INTEGERS, quick=INTEGERS)
def test_integers_of_different_sizes(judge: Judge) -> None:
    """Small integers times large ones are refused, or exact: neither operand is cut to half of the digits."""

    def enlarged(large: str) -> Transform:
        def change(case: Case, operands: Operands) -> Operands:
            digits = DTYPES[judge.dtype].digits
            room = 2 ** max(1, digits - 3 - case.problem.reduction.bit_length())
            arrays = {"input": np.sign(operands.input), "weight": np.sign(operands.weight) * 2}
            random = np.random.default_rng(case.seed)
            drawn = random.integers(-room, room, arrays[large].shape, endpoint=True)
            arrays[large] = drawn.astype(arrays[large].dtype)
            bias = None if operands.bias is None else operands.bias // 4
            return Operands(arrays["input"], arrays["weight"], bias)

        return change

    for large in ("input", "weight"):
        judge.refuses(seeded(GEOMETRY[::2]), unless=judge.check_exact, transform=enlarged(large))


@spec("adversarial.integer.wraps", profile="functional", source=CONV2D, dtypes=INTEGERS, quick=INTEGERS)
def test_integers_that_overflow(judge: Judge) -> None:
    """Integer sums that the dtype does not hold are refused, or wrap around; they do not saturate."""

    def full(case: Case, operands: Operands) -> Operands:
        limits = np.iinfo(operands.input.dtype)
        random = np.random.default_rng(case.seed)
        input, weight = (
            np.asarray(random.integers(limits.min, limits.max, array.shape, array.dtype, endpoint=True))
            for array in (operands.input, operands.weight)
        )
        return Operands(input, weight, operands.bias)

    def wrapped(case: Case, operands: Operands, observation: Observation) -> Fault | None:
        expected = oracle.answer(case.problem, operands).astype(operands.input.dtype)
        return compare.check_output(observation.output, observation.dtype, expected, case.problem.dtype, 0)

    judge.refuses(seeded(GEOMETRY[::2]), unless=wrapped, transform=full)


@spec("adversarial.complex", profile="functional", source=CONV2D, dtypes=COMPLEX, quick=COMPLEX)
def test_complex_operands_are_never_wrong(judge: Judge) -> None:
    """Complex operands are refused, or multiplied without conjugation and added up exactly."""
    judge.refuses(seeded(GEOMETRY), unless=judge.check_exact)
