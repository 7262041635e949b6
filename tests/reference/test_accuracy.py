"""Tests of accuracy: grades of kernels with known errors."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from convgauge.conformance import problems
from convgauge.dtypes import DTYPES, round_to
from convgauge.problem import Problem
from convgauge.reference import accuracy, oracle
from convgauge.reference.operands import FAMILIES, Array, Operands, draw
from convgauge.terms import Grade

Kernel = Callable[[Problem, Operands], Array]

SMALL = Problem(batch=2, in_channels=4, height=5, width=6, out_channels=2, kernel=(3, 2), padding=(1, 2), bias=True)


def terms(problem: Problem, operands: Operands, dtype: str) -> tuple[Array, Array]:
    """Return weights (G, O/G, K, 1) and columns (N, G, 1, K, P) whose products an output adds up."""
    columns = np.concatenate(list(oracle.unfold(problem, oracle.pad(problem, operands.input, dtype))))
    return operands.weight.astype(dtype).reshape(problem.groups, -1, problem.reduction, 1), columns[:, :, None]


def finished(problem: Problem, operands: Operands, sums: Array) -> Array:
    output = sums.reshape(problem.output_shape)
    if operands.bias is not None:
        output = output + operands.bias.astype(sums.dtype)[:, None, None]
    return round_to(output, problem.dtype)


def in_order(order: int = 1, store: str | None = None) -> Kernel:
    """Return a kernel that adds in the accumulator's type, or rounded to ``store`` after each step."""

    def kernel(problem: Problem, operands: Operands) -> Array:
        dtype = DTYPES[problem.dtype].accumulator
        weight, columns = terms(problem, operands, dtype)
        sums = np.zeros((*columns.shape[:2], weight.shape[1], columns.shape[-1]), dtype)
        for k in range(problem.reduction)[::order]:
            sums = sums + weight[:, :, k] * columns[:, :, :, k]
            sums = sums if store is None else round_to(sums, store).astype(dtype)
        return finished(problem, operands, sums)

    return kernel


def pairwise(problem: Problem, operands: Operands) -> Array:
    weight, columns = terms(problem, operands, DTYPES[problem.dtype].accumulator)
    products = weight * columns
    while products.shape[3] > 1:
        if products.shape[3] % 2:
            products = np.concatenate([products, np.zeros_like(products[:, :, :, :1])], axis=3)
        products = products[:, :, :, ::2] + products[:, :, :, 1::2]
    return finished(problem, operands, products[:, :, :, 0])


def product(problem: Problem, operands: Operands, dtype: str | None = None) -> Array:
    weight, columns = terms(problem, operands, dtype or DTYPES[problem.dtype].accumulator)
    return finished(problem, operands, np.matmul(weight[..., 0], columns[:, :, 0]))


def rounded(change: Callable[[Array], Array], which: str = "both") -> Kernel:
    """Return a kernel whose operands are narrowed by ``change`` before the product."""

    def kernel(problem: Problem, operands: Operands) -> Array:
        input = operands.input if which == "weight" else change(operands.input)
        weight = operands.weight if which == "input" else change(operands.weight)
        return product(problem, Operands(input, weight, operands.bias))

    return kernel


def to_tf32(values: Array, truncated: bool = False) -> Array:
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    if not truncated:
        bits = bits + np.uint32(0xFFF) + ((bits >> np.uint32(13)) & np.uint32(1))
    return (bits & np.uint32(0xFFFFE000)).view(np.float32)


def disturbed(problem: Problem, operands: Operands) -> Array:
    """Return an output whose largest element is 1 % off."""
    output = product(problem, operands)
    largest = np.argmax(np.abs(output))
    output.flat[largest] *= output.dtype.type(1.01)
    return output


def by_fft(problem: Problem, operands: Operands) -> Array:
    dtype = DTYPES[problem.dtype].accumulator
    padded = np.pad(operands.input.astype(dtype), ((0, 0), (0, 0), *problem.pads))
    fft = pytest.importorskip("scipy.fft")
    size = padded.shape[2:]
    dh, dw = problem.dilation
    spaced = np.zeros((*operands.weight.shape[:2], *size), dtype)
    spaced[:, :, : problem.extent[0] : dh, : problem.extent[1] : dw] = operands.weight
    images = fft.rfft2(padded).reshape(problem.batch, problem.groups, -1, size[0], size[1] // 2 + 1)
    filters = fft.rfft2(spaced).conj().reshape(problem.groups, -1, *images.shape[2:])
    spectra = np.einsum("ngchw,gochw->ngohw", images, filters)
    (oh, ow), (sh, sw) = problem.output_size, problem.stride
    full = fft.irfft2(spectra.astype(images.dtype), size)[..., : oh * sh : sh, : ow * sw : sw]
    return finished(problem, operands, np.ascontiguousarray(full))


WINOGRAD = (  # F(4x4, 3x3), Lavin and Gray 2016
    [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]],
    [[1 / 4, 0, 0], [-1 / 6, -1 / 6, -1 / 6], [-1 / 6, 1 / 6, -1 / 6], [1 / 24, 1 / 12, 1 / 6],
     [1 / 24, -1 / 12, 1 / 6], [0, 0, 1]],
    [[4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0], [0, -2, -1, 2, 1, 0], [0, 2, -1, -2, 1, 0],
     [0, 4, 0, -5, 0, 1]],
)  # fmt: skip


def by_winograd(problem: Problem, operands: Operands) -> Array:
    """Compute 3 x 3 convolutions of stride 1 whose output sizes are multiples of 4."""
    out, filter, into = (np.array(matrix, np.float32) for matrix in WINOGRAD)
    padded = np.pad(operands.input.astype(np.float32), ((0, 0), (0, 0), *problem.pads))
    tiles = np.lib.stride_tricks.sliding_window_view(padded, (6, 6), axis=(2, 3))[:, :, ::4, ::4]
    weight = operands.weight.astype(np.float32)
    product = np.einsum("ocij,nchwij->nohwij", filter @ weight @ filter.T, into @ tiles @ into.T).astype(np.float32)
    return finished(problem, operands, np.ascontiguousarray((out @ product @ out.T).swapaxes(3, 4)))


LONG = Problem(in_channels=64, height=6, width=10, out_channels=8, kernel=(3, 3), padding=(0, 0), bias=True)
SUMS = [LONG.replace(in_channels=count) for count in (1, 4, 32, 160)]
TABLE = [
    *SUMS,
    *problems(LONG, kernel=[(1, 1), (5, 5)], in_channels=[1, 16], padding=[(2, 1)], stride=[(1, 1), (2, 1)]),
    *problems(LONG, in_channels=[16], groups=[4, 8], dilation=[(1, 1), (2, 2)]),
]
ORDERS = {"forward": in_order(), "backward": in_order(-1), "pairwise": pairwise, "product": product}


def grades(
    kernel: Kernel, table: Sequence[Problem], family: str, dtype: str = "float32", statistics: bool = True
) -> list[Grade]:
    """Return the grade of each problem's output."""
    graded = []
    for seed, problem in enumerate(plain.replace(dtype=dtype) for plain in table):
        operands = draw(problem, family, seed)
        with np.errstate(over="ignore", invalid="ignore"):
            output = kernel(problem, operands)
        scale = accuracy.Scale.of(problem, operands)
        graded.append(accuracy.measure(output, scale, operands, statistics).grade)
    return graded


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_direct_sums_in_any_order_are_of_grade_a(order: str, family: str, dtype: str) -> None:
    assert set(grades(ORDERS[order], TABLE, family, dtype, family != "subnormal")) == {"A"}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("order", ["forward", "product"])
def test_direct_sums_in_float64_are_of_grade_a(order: str, family: str) -> None:
    table = [problem for problem in TABLE if problem.reduction < 300]
    assert set(grades(ORDERS[order], table, family, "float64", family != "subnormal")) == {"A"}


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("family", ["gaussian", "positive", "small_onto_large", "biased"])
def test_a_bias_added_in_the_storage_type_is_of_grade_a(dtype: str, family: str) -> None:
    def kernel(problem: Problem, operands: Operands) -> Array:
        sums = product(problem, Operands(operands.input, operands.weight, None))
        return sums if operands.bias is None else round_to(sums + operands.bias[:, None, None], dtype)

    assert set(grades(kernel, TABLE, family, dtype)) == {"A"}


@pytest.mark.parametrize("family", sorted(set(FAMILIES) - {"near_overflow"}))
def test_fourier_transforms_are_of_grade_b(family: str) -> None:
    graded = grades(by_fft, TABLE, family, statistics=family != "subnormal")
    assert set(graded) <= {"A", "B"}
    if family == "wide":
        assert "B" in graded


@pytest.mark.parametrize("family", sorted(set(FAMILIES) - {"near_overflow", "subnormal_weights"}))
def test_winograd_is_of_grade_b(family: str) -> None:
    graded = grades(by_winograd, SUMS, family, statistics=family != "subnormal")
    assert set(graded) <= {"A", "B"}
    if family == "wide":
        assert "B" in graded


@pytest.mark.parametrize("truncated", [False, True])
@pytest.mark.parametrize("family", ["gaussian", "positive", "cancelling", "wide", "small_onto_large"])
def test_tf32_operands_are_of_grade_c(truncated: bool, family: str) -> None:
    graded = grades(rounded(lambda values: to_tf32(values, truncated)), TABLE, family)
    assert set(graded) <= {"B", "C"}
    assert graded.count("B") <= 2  # a wide range may leave an output or two that count


@pytest.mark.parametrize("which", ["input", "weight"])
def test_one_operand_in_tf32_is_of_grade_c(which: str) -> None:
    assert set(grades(rounded(to_tf32, which), TABLE, "gaussian")) == {"C"}


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("family", ["gaussian", "positive"])
def test_half_accumulation_is_of_grade_c(dtype: str, family: str) -> None:
    table = [problem for problem in TABLE if problem.reduction > 30]
    assert set(grades(in_order(store=dtype), table, family, dtype)) == {"C"}


def test_float64_in_float32_is_of_grade_c() -> None:
    table = [problem for problem in TABLE if problem.reduction < 300]
    assert set(grades(lambda p, o: product(p, o, "float32"), table, "gaussian", "float64")) == {"C"}


@pytest.mark.parametrize("which", ["both", "input", "weight"])
def test_bfloat16_operands_are_of_grade_f(which: str) -> None:
    graded = grades(rounded(lambda values: round_to(values, "bfloat16"), which), TABLE, "gaussian")
    assert set(graded) <= {"C", "F"}
    assert graded.count("F") >= len(graded) - 2  # short sums leave an output or two too few to tell


@pytest.mark.parametrize("family", ["gaussian", "positive"])
def test_one_output_off_by_a_hundredth_is_of_grade_f(family: str) -> None:
    table = [LONG.replace(in_channels=count) for count in (1, 8, 64, 128, 256, 512)]
    assert set(grades(disturbed, table, family)) == {"F"}


def test_an_answer_that_is_not_finite_is_of_grade_f() -> None:
    def constant(value: float) -> Kernel:
        return lambda problem, operands: np.full(problem.output_shape, value, problem.dtype)

    for value in (math.nan, math.inf):
        assert grades(constant(value), [SMALL], "gaussian") == ["F"]


# --- few products and few weights ------------------------------------------------------------------------------------

FEW = [
    ("n16c2h96w11_o2k1x1_s2x2_pvalid_d2x2_g2_bfloat16", "gaussian", 75),
    ("n16c2h5w32_o2k1x2_s1x1_p0x0_d1x1_g2_bfloat16", "wide", 888),
    ("n2c6h40w32_o6k1x1_s1x1_p0x0_d1x1_g6_bfloat16", "wide", 615),
]
"""Problems whose correctly rounded outputs have errors of unequal sign: problem, family and seed."""


def correctly_rounded(problem: Problem, operands: Operands) -> Array:
    return round_to(oracle.answer(problem, operands), problem.dtype)


@pytest.mark.parametrize(("text", "family", "seed"), FEW)
@pytest.mark.parametrize("kernel", [correctly_rounded, in_order(), pairwise])
def test_few_products_do_not_make_a_sound_sum_biased(text: str, family: str, seed: int, kernel: Kernel) -> None:
    problem = Problem.parse(text)
    operands = draw(problem, family, seed)
    scale = accuracy.Scale.of(problem, operands)
    assert accuracy.measure(kernel(problem, operands), scale, operands).grade == "A"


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_a_correctly_rounded_output_is_of_grade_a_at_any_seed(dtype: str) -> None:
    base = Problem(batch=4, height=24, width=17, kernel=(1, 1), dtype=dtype)
    for seed in range(40):
        problem = base.replace(
            in_channels=1 + seed % 3, groups=1 + seed % 3, out_channels=1 + seed % 3, bias=seed % 2 > 0
        )
        for family in ("gaussian", "positive", "wide"):
            operands = draw(problem, family, seed)
            measured = accuracy.measure(
                correctly_rounded(problem, operands), accuracy.Scale.of(problem, operands), operands
            )
            assert measured.grade == "A", (problem.text, family, seed, measured)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_truncated_products_are_biased(dtype: str) -> None:
    problem = Problem(batch=16, in_channels=2, height=48, width=6, out_channels=2, groups=2, kernel=(1, 1), dtype=dtype)
    operands = draw(problem, "gaussian", 75)
    exact = oracle.answer(problem, operands)
    rounded = round_to(exact, dtype).astype(np.float64)
    spacing = 2 * DTYPES[dtype].roundoff * 2.0 ** np.floor(np.log2(np.abs(rounded)))
    truncated = np.where(np.abs(rounded) > np.abs(exact), rounded - np.sign(exact) * spacing, rounded)
    scale = accuracy.Scale.of(problem, operands)
    measured = accuracy.measure(truncated, scale, operands)
    assert measured.bias > 1
    assert measured.grade != "A"


def test_equal_significands_count_as_one_error() -> None:
    values = np.array([1.0, 2.0, -0.5, 3.0, 1.5])
    assert accuracy.effective_size(values) == 5
    assert accuracy.effective_size(np.frexp(np.abs(values))[0]) == pytest.approx(25 / (9 + 4))
    assert accuracy.effective_size(np.empty(0)) == 0
