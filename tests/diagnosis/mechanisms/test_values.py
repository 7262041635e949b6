"""NaN, signs, scales, narrow integers and shortcuts: the mechanism of a mutant predicts every failing case."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from convgauge.diagnosis.mechanism import Mechanism
from convgauge.diagnosis.outcome import outcome
from convgauge.diagnosis.sample import Sample
from convgauge.reference.operands import Array, Operands
from support.mutant_samples import declared
from support.value_samples import BASE, Plant, ValueCase, named, observe_values

PROBLEMS = (
    BASE,
    BASE.replace(kernel=(3, 5), groups=2, out_channels=6),
    BASE.replace(kernel=(9, 9), padding=(4, 4), height=10, width=11, in_channels=2),
)


def weights(change: Callable[[Array], Array]) -> Plant:
    return lambda o: Operands(o.input, np.ascontiguousarray(change(o.weight)).astype(o.weight.dtype), o.bias)


def inputs(change: Callable[[Array], Array]) -> Plant:
    return lambda o: Operands(np.ascontiguousarray(change(o.input)).astype(o.input.dtype), o.weight, o.bias)


def biases(change: Callable[[Array], Array]) -> Plant:
    return lambda o: Operands(o.input, o.weight, None if o.bias is None else change(o.bias).astype(o.bias.dtype))


def replaced(value: float, fraction: float = 0.4) -> Callable[[Array], Array]:
    def plant(array: Array) -> Array:
        changed = array.copy()
        changed.reshape(-1)[int(fraction * array.size)] = value
        return changed

    return plant


def hidden(value: float) -> Plant:
    """Return a plant of a value in the input under a weight with rows of zeros."""

    def plant(operands: Operands) -> Operands:
        weight = operands.weight.copy()
        weight[:, :, ::2] = 0
        return Operands(replaced(value)(operands.input), weight, operands.bias)

    return plant


def overflowing(operands: Operands) -> Operands:
    input = np.ones_like(operands.input)
    input[0, ..., :3] = np.finfo(operands.input.dtype).max
    sign = np.where(np.arange(len(operands.weight)) % 2, -1.0, 1.0)[:, None, None, None]
    return Operands(input, np.broadcast_to(sign, operands.weight.shape).astype(input.dtype), operands.bias)


def balanced(array: Array) -> Array:
    flat = array.reshape(len(array), -1)
    half = flat.shape[1] // 2
    rest = flat[:, 2 * half :] * 0
    return np.concatenate([flat[:, :half], -flat[:, :half][:, ::-1], rest], axis=1).reshape(array.shape)


def equal_rows(array: Array) -> Array:
    changed = array.copy()
    changed[1:, :, 0] = changed[:1, :, 0]
    return changed


SPECIAL = [
    inputs(replaced(np.nan)), inputs(replaced(np.inf)), weights(replaced(np.nan)), weights(replaced(-np.inf)),
    biases(replaced(np.nan)), biases(replaced(np.inf)), hidden(np.inf), hidden(np.nan), overflowing,
]  # fmt: skip
BLANK = [
    inputs(lambda x: x * 0), weights(lambda w: w * 0), biases(lambda b: b * 0),
    lambda o: Operands(np.concatenate([o.input[:1] * 0, o.input[1:]]), replaced(np.inf)(o.weight), o.bias),
]  # fmt: skip
STRUCTURED = [
    weights(np.ones_like), weights(lambda w: np.where(w < 0, -1, 1)), weights(lambda w: w + w[..., ::-1]),
    weights(equal_rows), weights(lambda w: np.concatenate([w[:1], np.abs(w[:1]), -np.abs(w[:1]), w[3:]])),
    weights(balanced), inputs(balanced), inputs(equal_rows), inputs(lambda x: np.abs(x) % 256), inputs(np.ones_like),
    lambda o: Operands(np.abs(o.input) % 128, np.abs(o.weight) % 128, None),
]  # fmt: skip


def contradicted(mechanism: Mechanism, judged: list[Sample]) -> int:
    """Return the number of passing samples that a mechanism would have changed."""
    return sum(outcome(mechanism, sample) == "differs" for sample in judged if sample.fault is None)


def planted(name: str, plants: list[Plant], *dtypes: str) -> list[Sample]:
    cases = [
        ValueCase(problem.replace(dtype=dtype, bias=plant is not STRUCTURED[-1]), "exact", 0, plant)
        for dtype in dtypes
        for problem in PROBLEMS
        for plant in plants
    ]
    return observe_values(name, cases)


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("nan_input_is_zero", "input_nan_zeroed"),
        ("nan_weight_is_zero", "weight_nan_zeroed"),
        ("bias_not_finite_left_out", "bias_nonfinite_zeroed"),
        ("infinity_clamped", "output_infinity_clamped"),
        ("nan_output_lost", "output_nan_to_minus_infinity"),
        ("nan_spoils_the_row", "nan_spread_over_row"),
        ("nan_everywhere", ""),
    ],
)
def test_unconditional_faults_are_predicted_and_their_rivals_contradicted(name: str, slug: str) -> None:
    judged = planted(name, SPECIAL, "float32")
    candidates = named(judged)
    uncontradicted = {s for s, each in candidates.items() if each.cost <= 1.0 and not contradicted(each, judged)}
    assert uncontradicted == ({slug} if slug else set())
    if slug:
        assert candidates[slug].kind == declared()[name].mechanism


@pytest.mark.parametrize(
    ("name", "slug", "plants"),
    [
        ("half_saturates", "output_overflow_clamped", SPECIAL),
        ("large_kernel_spreads_nan", "nonfinite_spread_over_everything", SPECIAL[:4]),
        ("infinity_becomes_nan", "infinity_becomes_nan", SPECIAL),
        ("blank_input_without_bias", "zeros_for_zero_input", BLANK),
        ("blank_weight_without_bias", "zeros_for_zero_weight", BLANK),
        ("blank_bias_blanks_output", "zeros_for_zero_bias", BLANK),
        ("blank_images_skipped", "blank_images_skipped", BLANK),
        ("constant_image_without_border", "constant_image_without_border", STRUCTURED),
        ("repeated_image_by_its_top_row", "images_equal_by_top_row", STRUCTURED),
        ("filters_deduplicated_by_first_row", "filters_equal_by_first_row", STRUCTURED),
        ("opposite_filters_confused", "opposite_filters_confused", STRUCTURED),
        ("balanced_images_skipped", "zero_sum_images_dropped", STRUCTURED),
        ("symmetric_kernel_middle_twice", "weight_middle_column_doubled_if_symmetric", STRUCTURED),
        ("binary_weights_lose_a_sign", "weight_last_column_absolute", STRUCTURED),
        ("images_of_bytes_wrap", "input_of_bytes_wraps", STRUCTURED),
        ("bytes_saturate_16_bits", "sums_of_bytes_saturate", STRUCTURED),
        ("wrong_on_integers", "zeros_for_whole_input", STRUCTURED),
    ],
)
def test_shortcuts_are_predicted_with_their_kind(name: str, slug: str, plants: list[Plant]) -> None:
    candidates = named(planted(name, plants, "float16" if name == "half_saturates" else "float32"))
    assert slug in candidates, sorted(candidates)
    assert candidates[slug].kind == declared()[name].mechanism


@pytest.mark.parametrize(
    ("name", "slug", "dtype"),
    [
        ("saturated", "integers_saturate", "int16"),
        ("complex_weight_conjugated", "weight_conjugated", "complex64"),
        ("imaginary_part_lost", "weight_imaginary_part_dropped", "complex64"),
        ("integers_in_float32", "integers_rounded_to_float32", "int32"),
    ],
)
def test_integers_and_complex_numbers(name: str, slug: str, dtype: str) -> None:
    small = [problem.replace(dtype=dtype, kernel=(3, 3), padding=(1, 1)) for problem in PROBLEMS]
    large = [inputs(lambda x: np.where(x > 0, 2**15 - 1, x))] if dtype == "int16" else []
    cases = [
        ValueCase(problem, "exact", seed, plant) for problem in small for seed in (0, 1) for plant in (None, *large)
    ]
    candidates = named(observe_values(name, cases))
    assert slug in candidates, sorted(candidates)
    assert candidates[slug].kind == declared()[name].mechanism


def test_a_factor_is_read_off() -> None:
    cases = [ValueCase(problem, family) for problem in PROBLEMS for family in ("exact", "gaussian", "positive")]
    candidates = named(observe_values("scaled_slightly", cases))
    assert "output_times_1.0001" in candidates
    assert not {"sums_times_1.0001", "output_divided_by_products"} & set(candidates)


def test_an_average_is_named_by_its_divisor() -> None:
    single = BASE.replace(height=5, width=4, kernel=(5, 4), padding=(0, 0))
    larger = BASE.replace(height=3, width=3, padding=(0, 0))
    judged = observe_values(
        "global_kernel_averaged", [ValueCase(p, f) for p in (single, larger) for f in ("exact", "gaussian")]
    )
    cheapest = min(named(judged).values(), key=lambda mechanism: mechanism.cost)
    assert cheapest.slug == "sums_divided_by_taps"


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("subnormal_inputs_flushed", "input_subnormals_flushed"),
        ("subnormal_results_flushed", "output_subnormals_flushed"),
    ],
)
def test_flushed_subnormals(name: str, slug: str) -> None:
    families = ("subnormal", "subnormal_weights", "gaussian")
    judged = observe_values(
        name, [ValueCase(p.replace(dtype=d), f) for p in PROBLEMS[:2] for d in ("float32", "float64") for f in families]
    )
    candidates = named(judged)
    assert [s for s, each in candidates.items() if each.cost <= 1.0 and not contradicted(each, judged)] == [slug]


def test_an_fft_that_is_declared_direct() -> None:
    large = BASE.replace(kernel=(5, 5), padding=(2, 2))
    judged = observe_values("fft_declared_direct", [ValueCase(large, f) for f in ("wide", "exact", "near_overflow")])
    candidates = named(judged)
    assert "transform_declared_direct" in candidates
    assert not [slug for slug, each in candidates.items() if each.cost < 2.0], sorted(candidates)


def test_overflow_on_the_way() -> None:
    judged = observe_values(
        "overflows_on_the_way", [ValueCase(p, f) for p in PROBLEMS for f in ("near_overflow", "gaussian")]
    )
    candidates = {slug for slug, each in named(judged).items() if not contradicted(each, judged)}
    assert {slug for slug in candidates if slug.startswith("sums_overflow_by_")}
