"""The oracle, the comparator and the grades: each is shown to tell right from wrong."""

import math

import numpy as np
import pytest

from convgauge.conformance import problems
from convgauge.dtypes import DTYPES, round_to
from convgauge.problem import Problem
from convgauge.reference import accuracy, compare, oracle
from convgauge.reference.operands import FAMILIES, Operands, draw
from convgauge.worker.call import Observation
from support.rational_oracle import rational_output

SMALL = Problem(batch=2, in_channels=4, height=5, width=6, out_channels=2, kernel=(3, 2), padding=(1, 2), bias=True)
ODD = [
    SMALL,
    SMALL.replace(stride=(2, 3), dilation=(1, 2)),
    SMALL.replace(groups=2, kernel=(2, 4), bias=False),
    SMALL.replace(padding="same", kernel=(4, 2)),
    SMALL.replace(kernel=(1, 1), padding=(0, 0), groups=2),
]


# --- the oracle ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("problem", ODD, ids=str)
@pytest.mark.parametrize("family", ["gaussian", "wide", "cancelling", "subnormal", "small_onto_large"])
def test_oracle_is_the_rational_answer(problem, family):
    single, double = (draw(problem.replace(dtype=dtype), family, 1) for dtype in ("float32", "float64"))
    exact = np.array(rational_output(problem, double), dtype=object)
    step = 5e-324 if family == "subnormal" else 0.0  # scaling back rounds a second time
    assert (np.abs(oracle.summed(problem, double) - exact.astype(np.float64)) <= step).all()
    exact = np.array(rational_output(problem, single), dtype=object).astype(np.float64)
    allowed = 2.0**-52 * (problem.reduction + 2) * oracle.magnitude(problem, single)
    assert (np.abs(oracle.answer(problem, single) - exact) <= allowed).all()


@pytest.mark.parametrize("columns", [1, 40, 400])
def test_oracle_is_the_same_a_few_rows_at_a_time(monkeypatch, columns):
    """What does not fit is laid out by rows, so that no image is too large for it."""
    problem = Problem.parse("n3c4h9w7_o6k3x2_s2x1_p1x1_d1x2_g2_b_float64")
    operands = draw(problem, "gaussian")
    whole = [function.__wrapped__(problem, operands) for function in (oracle.answer, oracle.summed)]
    monkeypatch.setattr(oracle, "COLUMNS", columns)
    monkeypatch.setattr(oracle, "LARGEST", columns)
    for function, expected in zip((oracle.answer, oracle.summed), whole, strict=True):
        np.testing.assert_allclose(function.__wrapped__(problem, operands), expected, rtol=1e-13, atol=1e-13)
    padded = oracle._padded(problem, operands.input)
    assert max(part.size for part in oracle._unfolded(problem, padded)) <= max(columns, 2 * 4 * 6 * 5)


def test_summed_is_right_near_overflow():
    problem = SMALL.replace(dtype="float64")
    operands = draw(problem, "near_overflow", 3)
    exact = np.array(rational_output(problem, operands), dtype=object).astype(np.float64)
    assert (oracle.summed(problem, operands) == exact).all()


@pytest.mark.parametrize("padding", [0, 1])
def test_oracle_is_scipy_s_correlation(padding):
    signal = pytest.importorskip("scipy.signal")
    problem = Problem(height=9, width=8, kernel=(3, 4), padding=(padding, padding), dtype="float64")
    operands = draw(problem, "exact", 5)
    padded = np.pad(operands.input[0, 0], padding)
    expected = signal.correlate2d(padded, operands.weight[0, 0], mode="valid")
    assert (oracle.answer(problem, operands)[0, 0] == expected).all()


def test_oracle_is_ndimage_s_correlation():
    ndimage = pytest.importorskip("scipy.ndimage")
    problem = Problem(height=9, width=8, kernel=(3, 3), padding=(1, 1), dtype="float64")
    operands = draw(problem, "exact", 6)
    expected = ndimage.correlate(operands.input[0, 0], operands.weight[0, 0], mode="constant")
    assert (oracle.answer(problem, operands)[0, 0] == expected).all()


@pytest.mark.parametrize("problem", [*ODD, SMALL.replace(stride=(3, 2), groups=2)], ids=str)
def test_adjoint_is_the_adjoint(problem):
    random = np.random.default_rng(1)
    integers = lambda shape: random.integers(-4, 5, shape).astype(float)  # noqa: E731 - three words
    operands = Operands(integers(problem.input_shape), integers(problem.weight_shape), np.zeros(problem.out_channels))
    upstream = integers(problem.output_shape)
    by_input, by_weight, by_bias = oracle.adjoint(problem, operands, upstream)
    product = (oracle.answer(problem, operands) * upstream).sum()
    assert product == (by_input * operands.input).sum() == (by_weight * operands.weight).sum()
    if problem.bias:
        assert (by_bias == upstream.sum(axis=(0, 2, 3))).all()


def test_root_of_squares_neither_overflows_nor_underflows():
    problem = Problem(height=1, width=2, kernel=(1, 2), dtype="float64")
    for scale in (1e160, 1e-170):
        operands = Operands(np.full((1, 1, 1, 2), 3.0 * scale), np.array([[[[1.0, 4 / 3]]]]), None)
        assert oracle.root_of_squares(problem, operands)[0, 0, 0, 0] == pytest.approx(5 * scale, rel=1e-15)


# --- operands --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
@pytest.mark.parametrize("family", ["exact", *FAMILIES])
def test_operands_are_of_their_dtype_and_their_answer_is_finite(dtype, family):
    for problem in (SMALL.replace(dtype=dtype), SMALL.replace(dtype=dtype, in_channels=64, kernel=(5, 5))):
        operands = draw(problem, family, 2)
        for array in (operands.input, operands.weight, operands.bias):
            assert (round_to(array, dtype) == array).all()
        exact = round_to(oracle.answer(problem, operands), dtype)
        assert np.isfinite(exact).all()
        assert np.count_nonzero(exact) > exact.size // 2


# --- the comparator --------------------------------------------------------------------------------------------------

INF, NAN = math.inf, math.nan


@pytest.mark.parametrize(
    ("got", "expected", "tolerance", "agrees"),
    [
        ([1.0, 2.0], [1.0, 2.0], 0, True),
        ([1.0, 2.5], [1.0, 2.0], 0.25, False),
        ([1.0, 2.25], [1.0, 2.0], 0.25, True),
        ([NAN, 1.0], [NAN, 1.0], 0, True),
        ([NAN, 1.0], [0.0, 1.0], 1e9, False),
        ([0.0, 1.0], [NAN, 1.0], 1e9, False),
        ([NAN, 1.0], [0.0, 1.0], INF, False),
        ([INF], [INF], 0, True),
        ([-INF], [INF], 1e9, False),
        ([INF], [3e38], 1e9, False),
        ([3e38], [INF], 1e9, False),
        ([INF], [NAN], 1e9, False),
        ([0.0], [-0.0], 0, True),
        ([-0.0], [0.0], 0, True),
        ([[1.0]], [1.0], 0, False),
        ([1.0], [1.0, 1.0], 0, False),
        ([[1.0, 1.0]], [[1.0], [1.0]], 0, False),
        ([], [], 0, True),
    ],
)
def test_comparator(got, expected, tolerance, agrees):
    assert (compare.check_values(np.array(got), np.array(expected), tolerance) is None) == agrees


def test_comparator_names_the_first_wrong_output():
    expected = np.zeros((2, 3))
    got = expected.copy()
    got[1, 2] = got[1, 1] = 5
    fault = compare.check_values(got, expected, 0.25)
    assert (fault.index, fault.got, fault.expected, fault.wrong, fault.outputs) == ((1, 1), "5", "0", 2, 6)


def test_comparator_takes_a_bound_for_each_output():
    expected = np.zeros(3)
    assert compare.check_values(np.array([0.0, 1.0, 2.0]), expected, np.array([0, 1, 2])) is None
    assert compare.check_values(np.array([0.0, 1.0, 2.0]), expected, np.array([0, 1, 1])).index == (2,)


def test_form_wants_the_very_shape_and_dtype():
    seen = Observation("answer", np.zeros((1, 2)), "float32")
    assert compare.check_form(seen.shape, seen.dtype, (1, 2), "float32") is None
    assert "shape" in compare.check_form(seen.shape, seen.dtype, (2, 1), "float32").message
    assert "shape" in compare.check_form(seen.shape, seen.dtype, (2,), "float32").message
    assert "dtype" in compare.check_form(seen.shape, seen.dtype, (1, 2), "float64").message


# --- grades ----------------------------------------------------------------------------------------------------------


def terms(problem, operands, dtype):
    """Weights (G, O/G, K, 1) and columns (N, G, 1, K, P) whose products an output adds up."""
    columns = np.concatenate(list(oracle._unfolded(problem, oracle._padded(problem, operands.input, dtype))))
    return operands.weight.astype(dtype).reshape(problem.groups, -1, problem.reduction, 1), columns[:, :, None]


def finished(problem, operands, sums):
    output = sums.reshape(problem.output_shape)
    if operands.bias is not None:
        output = output + operands.bias.astype(sums.dtype)[:, None, None]
    return round_to(output, problem.dtype)


def in_order(order=1, store=None):
    """A sum in the accumulator's type, or rounded to ``store`` after each step."""

    def kernel(problem, operands):
        dtype = DTYPES[problem.dtype].accumulator
        weight, columns = terms(problem, operands, dtype)
        sums = np.zeros((*columns.shape[:2], weight.shape[1], columns.shape[-1]), dtype)
        for k in range(problem.reduction)[::order]:
            sums = sums + weight[:, :, k] * columns[:, :, :, k]
            sums = sums if store is None else round_to(sums, store).astype(dtype)
        return finished(problem, operands, sums)

    return kernel


def pairwise(problem, operands):
    weight, columns = terms(problem, operands, DTYPES[problem.dtype].accumulator)
    products = weight * columns
    while products.shape[3] > 1:
        if products.shape[3] % 2:
            products = np.concatenate([products, np.zeros_like(products[:, :, :, :1])], axis=3)
        products = products[:, :, :, ::2] + products[:, :, :, 1::2]
    return finished(problem, operands, products[:, :, :, 0])


def product(problem, operands, dtype=None):
    weight, columns = terms(problem, operands, dtype or DTYPES[problem.dtype].accumulator)
    return finished(problem, operands, np.matmul(weight[..., 0], columns[:, :, 0]))


def rounded(change, which="both"):
    """Operands narrowed by ``change`` before the product."""

    def kernel(problem, operands):
        input = operands.input if which == "weight" else change(operands.input)
        weight = operands.weight if which == "input" else change(operands.weight)
        return product(problem, Operands(input, weight, operands.bias))

    return kernel


def to_tf32(values, truncated=False):
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    if not truncated:
        bits = bits + np.uint32(0xFFF) + ((bits >> np.uint32(13)) & np.uint32(1))
    return (bits & np.uint32(0xFFFFE000)).view(np.float32)


def spoiled(problem, operands):
    """One output, the largest, 1 % off."""
    output = product(problem, operands)
    place = np.argmax(np.abs(output))
    output.flat[place] *= output.dtype.type(1.01)
    return output


def by_fft(problem, operands):
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


def by_winograd(problem, operands):
    """For 3 x 3 of stride 1, outputs in multiples of 4."""
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


def grades(kernel, table, family, dtype="float32", statistics=True):
    """The grade of each problem's answer."""
    found = []
    for seed, problem in enumerate(one.replace(dtype=dtype) for one in table):
        operands = draw(problem, family, seed)
        with np.errstate(over="ignore", invalid="ignore"):
            output = kernel(problem, operands)
        scale = accuracy.Scale.of(problem, operands)
        found.append(accuracy.measure(output, scale, operands, statistics).grade)
    return found


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_direct_sums_in_any_order_are_of_grade_a(order, family, dtype):
    assert set(grades(ORDERS[order], TABLE, family, dtype, family != "subnormal")) == {"A"}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("order", ["forward", "product"])
def test_direct_sums_in_float64_are_of_grade_a(order, family):
    table = [problem for problem in TABLE if problem.reduction < 300]
    assert set(grades(ORDERS[order], table, family, "float64", family != "subnormal")) == {"A"}


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("family", ["gaussian", "positive", "small_onto_large", "biased"])
def test_a_bias_added_in_the_storage_type_is_of_grade_a(dtype, family):
    def kernel(problem, operands):
        sums = product(problem, Operands(operands.input, operands.weight, None))
        return sums if operands.bias is None else round_to(sums + operands.bias[:, None, None], dtype)

    assert set(grades(kernel, TABLE, family, dtype)) == {"A"}


@pytest.mark.parametrize("family", sorted(set(FAMILIES) - {"near_overflow"}))
def test_fourier_transforms_are_of_grade_b(family):
    found = grades(by_fft, TABLE, family, statistics=family != "subnormal")
    assert set(found) <= {"A", "B"}
    if family == "wide":
        assert "B" in found


@pytest.mark.parametrize("family", sorted(set(FAMILIES) - {"near_overflow", "subnormal_weights"}))
def test_winograd_is_of_grade_b(family):
    found = grades(by_winograd, SUMS, family, statistics=family != "subnormal")
    assert set(found) <= {"A", "B"}
    if family == "wide":
        assert "B" in found


@pytest.mark.parametrize("truncated", [False, True])
@pytest.mark.parametrize("family", ["gaussian", "positive", "cancelling", "wide", "small_onto_large"])
def test_tf32_operands_are_of_grade_c(truncated, family):
    found = grades(rounded(lambda values: to_tf32(values, truncated)), TABLE, family)
    assert set(found) <= {"B", "C"}
    assert found.count("B") <= 2  # a wide range may leave an output or two that count


@pytest.mark.parametrize("which", ["input", "weight"])
def test_one_operand_in_tf32_is_of_grade_c(which):
    assert set(grades(rounded(to_tf32, which), TABLE, "gaussian")) == {"C"}


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("family", ["gaussian", "positive"])
def test_half_accumulation_is_of_grade_c(dtype, family):
    table = [problem for problem in TABLE if problem.reduction > 30]
    assert set(grades(in_order(store=dtype), table, family, dtype)) == {"C"}


def test_float64_in_float32_is_of_grade_c():
    table = [problem for problem in TABLE if problem.reduction < 300]
    assert set(grades(lambda p, o: product(p, o, "float32"), table, "gaussian", "float64")) == {"C"}


@pytest.mark.parametrize("which", ["both", "input", "weight"])
def test_bfloat16_operands_are_of_grade_f(which):
    found = grades(rounded(lambda values: round_to(values, "bfloat16"), which), TABLE, "gaussian")
    assert set(found) <= {"C", "F"}
    assert found.count("F") >= len(found) - 2  # short sums leave an output or two too few to tell


@pytest.mark.parametrize("family", ["gaussian", "positive"])
def test_one_output_off_by_a_hundredth_is_of_grade_f(family):
    table = [LONG.replace(in_channels=count) for count in (1, 8, 64, 128, 256, 512)]
    assert set(grades(spoiled, table, family)) == {"F"}


def test_an_answer_that_is_not_finite_is_of_grade_f():
    for value in (NAN, INF):
        assert grades(lambda p, o, value=value: np.full(p.output_shape, value, p.dtype), [SMALL], "gaussian") == ["F"]
