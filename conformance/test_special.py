"""Special values: NaN and infinity reach every output whose receptive field holds them, and no other."""

import math
from collections.abc import Callable

import numpy as np

from convgauge.conformance import Case, Judge, cases, images, problems, spec
from convgauge.conformance.execution import Transform
from convgauge.dtypes import DTYPES
from convgauge.problem import Problem
from convgauge.reference.operands import Array, Operands

IEEE = "IEEE 754-2019, sections 6 and 7"

BASE = Problem(batch=2, in_channels=4, height=8, width=9, out_channels=4, kernel=(3, 3), padding=(1, 1), bias=True)
# libraries change the algorithm with the kernel's size: Winograd at 3, transforms at 9 or 12 and larger
TABLE = [
    *problems(BASE, kernel=[(1, 1), (3, 3), (2, 3)], bias=[True, False], padding=[(0, 0), (1, 1)]),
    *problems(BASE, batch=1, in_channels=2, out_channels=2, kernel=[(5, 5), (9, 9), (12, 12)], height=14, width=13,
              padding=[(2, 3)]),
    *problems(BASE, stride=[(2, 2), (1, 3)], kernel=[(3, 3), (1, 1), (5, 5)]),
    *problems(BASE, groups=[2, 4], kernel=[(3, 3), (1, 1)], stride=[(1, 1), (2, 1)]),
    *problems(BASE, dilation=[(2, 2), (1, 3)], kernel=[(3, 3)]),
    *problems(BASE, batch=1, in_channels=[16, 64], kernel=[(3, 3), (1, 1)], height=6, width=6),
    *problems(BASE, batch=1, in_channels=1, out_channels=[1, 3], kernel=[(3, 3), (5, 5)], height=16, width=16),
]  # fmt: skip
UNPADDED = [problem.replace(padding=(0, 0)) for problem in TABLE if problem.bias]

SHOWN = Problem(height=12, width=16, kernel=(3, 3), padding=(1, 1))  # a plane that the report draws


def has_bias(case: Case) -> bool:
    """Return True if there is a bias that a value can be planted in."""
    return case.problem.bias


def is_unpadded(case: Case) -> bool:
    """Return True if no weight meets padding, whose zeros make NaN of an infinity."""
    return case.problem.pads == ((0, 0), (0, 0))


def is_sum(case: Case) -> bool:
    """Return True if each output is a sum of several products."""
    return case.problem.reduction > 1


def pictured(judge: Judge) -> Callable[[Array, Array], None]:
    """Return a function that attaches a picture of the NaN in one plane, once, in float32."""

    def attach(output: Array, expected: Array) -> None:
        if judge.dtype == "float32" and judge.setting.only is None:
            images.attach_locality(judge, f"One NaN in the input of {SHOWN}", output[0, 0], expected[0, 0])

    return attach


def replaced(array: Array, index: int, value: float) -> Array:
    """Return a copy with ``value`` at a flat index, or an empty copy of an empty array."""
    changed = array.copy()
    if changed.size:
        changed.reshape(-1)[index % changed.size] = value
    return changed


def in_input(value: float, *fractions: float) -> Transform:
    """Return a transform that plants ``value`` in the input, at fractions of its length."""

    def plant(case: Case, operands: Operands) -> Operands:
        input = operands.input
        for fraction in fractions:
            input = replaced(input, int(fraction * (input.size - 1)), value)
        return Operands(input, operands.weight, operands.bias)

    return plant


def in_weight(value: float, *fractions: float) -> Transform:
    """Return a transform that plants ``value`` in the weight, at fractions of its length."""

    def plant(case: Case, operands: Operands) -> Operands:
        weight = operands.weight
        for fraction in fractions:
            weight = replaced(weight, int(fraction * (weight.size - 1)), value)
        return Operands(operands.input, weight, operands.bias)

    return plant


def in_bias(value: float) -> Transform:
    """Return a transform that plants ``value`` in the bias of the last output channel."""

    def plant(case: Case, operands: Operands) -> Operands:
        bias = None if operands.bias is None else replaced(operands.bias, -1, value)
        return Operands(operands.input, operands.weight, bias)

    return plant


@spec("special.nan.input", profile="functional", source=IEEE)
def test_nan_in_the_input(judge: Judge) -> None:
    """A NaN in the input makes every output NaN whose receptive field holds it, and no other."""
    for fraction in (0.0, 0.37, 1.0):
        judge.nonfinite(cases(TABLE), in_input(np.nan, fraction))
    judge.nonfinite([Case(SHOWN)], in_input(np.nan, 0.4), on_output=pictured(judge))


@spec("special.local.bfloat16", level="recommended", profile="functional", source=IEEE, dtypes=("bfloat16",))
def test_nan_in_bfloat16_stays_local(judge: Judge) -> None:
    """A NaN or an infinity in a bfloat16 input reaches no output whose receptive field does not hold it."""
    judge.nonfinite(cases(TABLE), in_input(np.nan, 0.37))
    judge.nonfinite(cases(TABLE), in_input(np.inf, 0.5))


@spec("special.nan.weight", profile="functional", source=IEEE)
def test_nan_in_the_weight(judge: Judge) -> None:
    """A NaN in the weight makes every output of its channel NaN, and no other."""
    for fraction in (0.0, 0.6, 1.0):
        judge.nonfinite(cases(UNPADDED), in_weight(np.nan, fraction), needs=is_unpadded)


@spec("special.nan.bias", keeps=("bias",), profile="functional", source=IEEE)
def test_nan_in_the_bias(judge: Judge) -> None:
    """A NaN in the bias makes every output of its channel NaN, and no other."""
    judge.nonfinite(cases(problem for problem in TABLE if problem.bias), in_bias(np.nan), needs=has_bias)


@spec("special.infinity.input", profile="functional", source=IEEE)
def test_infinity_in_the_input(judge: Judge) -> None:
    """An infinity in the input makes each output that sees it infinite, with the sign of the weight it meets."""
    judge.nonfinite(cases(TABLE), in_input(np.inf, 0.5))
    judge.nonfinite(cases(TABLE), in_input(-np.inf, 0.0))


@spec("special.infinity.weight", profile="functional", source=IEEE)
def test_infinity_in_the_weight(judge: Judge) -> None:
    """An infinity in the weight makes each output of its channel infinite, with the sign of the input it meets."""
    judge.nonfinite(cases(UNPADDED), in_weight(np.inf, 0.0), needs=is_unpadded)
    judge.nonfinite(cases(UNPADDED), in_weight(-np.inf, 1.0), needs=is_unpadded)


@spec("special.infinity.bias", keeps=("bias",), profile="functional", source=IEEE)
def test_infinity_in_the_bias(judge: Judge) -> None:
    """An infinity in the bias makes every output of its channel that infinity."""
    judge.nonfinite(cases(problem for problem in TABLE if problem.bias), in_bias(np.inf), needs=has_bias)
    judge.nonfinite(cases(problem for problem in TABLE if problem.bias), in_bias(-np.inf), needs=has_bias)


@spec("special.infinity.difference", profile="functional", source=IEEE)
def test_infinity_less_infinity(judge: Judge) -> None:
    """Infinities of both signs that meet in one sum make NaN; of one sign, that infinity."""

    def plant(case: Case, operands: Operands) -> Operands:
        input = operands.input.copy()
        if input.size:
            input[0, :, input.shape[2] // 2, input.shape[3] // 2] = np.inf
            input[-1, 0, 0, 0] = -np.inf
            input[-1, -1, -1, -1] = np.inf
        return Operands(input, operands.weight, operands.bias)

    judge.nonfinite(cases(TABLE), plant)


@spec("special.infinity.times_zero", profile="functional", source=IEEE)
def test_infinity_times_zero(judge: Judge) -> None:
    """Infinity times zero is NaN: a weight of zero does not hide an infinity or NaN in the input, nor the other way
    round.
    """

    def hidden(value: float) -> Transform:
        def plant(case: Case, operands: Operands) -> Operands:
            weight = operands.weight.copy()
            weight[:, :, ::2] = 0.0
            return in_input(value, 0.4, 0.95)(case, Operands(operands.input, weight, operands.bias))

        return plant

    def unseen(case: Case, operands: Operands) -> Operands:
        input = operands.input.copy()
        input[..., ::2] = 0.0
        return in_weight(np.inf, 0.3)(case, Operands(input, operands.weight, operands.bias))

    def blank(case: Case, operands: Operands) -> Operands:
        input = operands.input.copy()
        input[:1] = 0.0
        return in_weight(np.inf, 0.6)(case, Operands(input, operands.weight, operands.bias))

    # a BLAS computes a sum of one product as a scaled vector, and by definition skips a scale of zero
    several = [problem for problem in TABLE if problem.reduction > 1]
    judge.nonfinite(cases(several), hidden(np.inf), needs=is_sum)
    judge.nonfinite(cases(several), hidden(np.nan), needs=is_sum)
    for plant in (unseen, blank):
        judge.nonfinite(
            cases([problem for problem in UNPADDED if problem.reduction > 1]),
            plant,
            needs=lambda case: is_sum(case) and is_unpadded(case),
        )


@spec("special.overflow", profile="functional", source=IEEE, quick=("float32", "float16"))
def test_overflow(judge: Judge) -> None:
    """A sum beyond the largest finite number is infinite, with its sign; it is neither clamped nor NaN."""

    def plant(case: Case, operands: Operands) -> Operands:
        largest = DTYPES[case.problem.dtype].largest
        sign = np.where(np.arange(case.problem.out_channels) % 2, -1.0, 1.0)[:, None, None, None]
        weight = np.broadcast_to(sign, operands.weight.shape).astype(operands.weight.dtype)
        input = np.ones_like(operands.input)
        input[0, ..., : max(1, case.problem.width // 2)] = largest
        return Operands(input, weight, None if operands.bias is None else operands.bias * 0 + 1)

    judge.nonfinite(cases(problem for problem in TABLE if problem.reduction > 1), plant, needs=is_sum)


@spec("special.product_overflow", profile="functional", source=IEEE)
def test_overflow_of_a_product(judge: Judge) -> None:
    """A single product beyond the largest finite number makes its output infinite."""

    def plant(case: Case, operands: Operands) -> Operands:
        root = 2.0 ** (math.frexp(DTYPES[case.problem.dtype].largest)[1] // 2)
        input = replaced(np.sign(operands.input), operands.input.size // 2, 16 * root)  # clear of a rounding error
        return Operands(input, np.sign(operands.weight) * root, None if operands.bias is None else operands.bias * 0)

    judge.nonfinite(cases(TABLE), plant)


@spec("special.zero_input", source="the definition")
def test_zero_input(judge: Judge) -> None:
    """An input of zeros, of either sign, gives the bias in every output, or zero without one."""

    def plant(case: Case, operands: Operands) -> Operands:
        return Operands(np.copysign(operands.input * 0, operands.input), operands.weight, operands.bias)

    judge.nonfinite(cases(TABLE), plant)


@spec("special.zero_weight", source="the definition")
def test_zero_weight(judge: Judge) -> None:
    """A weight of zeros gives the bias in every output, or zero without one; one filter of zeros gives its own bias."""

    def all_of_it(case: Case, operands: Operands) -> Operands:
        return Operands(operands.input, operands.weight * 0, operands.bias)

    def one_filter(case: Case, operands: Operands) -> Operands:
        weight = operands.weight.copy()
        weight[-1:] = 0
        return Operands(operands.input, weight, operands.bias)

    judge.nonfinite(cases(TABLE), all_of_it)
    judge.nonfinite(cases(TABLE), one_filter)


@spec("special.zero_bias", keeps=("bias",), source="the definition")
def test_zero_bias(judge: Judge) -> None:
    """A bias of zeros changes nothing."""

    def plant(case: Case, operands: Operands) -> Operands:
        return Operands(operands.input, operands.weight, None if operands.bias is None else operands.bias * 0)

    judge.nonfinite(cases(problem for problem in TABLE if problem.bias), plant, needs=has_bias)


@spec("special.constant", source="the definition")
def test_constant_operands(judge: Judge) -> None:
    """Operands that are one value throughout are no special case."""

    def ones(case: Case, operands: Operands) -> Operands:
        return Operands(np.ones_like(operands.input), operands.weight, operands.bias)

    def negative(case: Case, operands: Operands) -> Operands:
        return Operands(-np.abs(operands.input), np.abs(operands.weight), operands.bias)

    judge.nonfinite(cases(TABLE), ones)
    judge.nonfinite(cases(TABLE), negative)
