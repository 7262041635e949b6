"""Forms of functions: what is adapted, what is refused, and which faults stay faults."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from convgauge.problem import Problem
from convgauge.reference import oracle
from convgauge.reference.operands import draw
from convgauge.registry import Declaration, Implementation
from convgauge.registry.callables import as_function
from convgauge.worker.call import Call, Observation
from convgauge.worker.subject import Subject
from support import odd_forms

conv: Callable[..., Any] = odd_forms.conv

Kernel = Callable[..., Any]

PLAIN = Problem.parse("n2c3h7w9_o4k3x2_s2x2_p1x1_d1x1_g1_b_float32")
PAIRS = PLAIN.replace(stride=(2, 1), padding=(1, 2))


def subject(kernel: Any, *, is_declared: bool = False) -> Subject:
    function, adaptations = as_function(kernel)
    declaration = Declaration("kernel", "numpy")
    return Subject(Implementation(declaration, function, is_declared=is_declared, adaptations=adaptations))


def call(problem: Problem, spelled: dict[str, Any] | None = None, **fields: Any) -> Call:
    given = draw(problem, "exact", 1)
    arguments = {**problem.arguments, **(spelled or {})}
    fields = {"is_valid": True, "spelled": tuple(spelled or {}), **fields}
    return Call(given.input, given.weight, given.bias, arguments, (problem.dtype,) * 3, **fields)


def is_right(observation: Observation, problem: Problem) -> bool:
    expected = oracle.answer(problem, draw(problem, "exact", 1))
    return observation.output is not None and np.array_equal(observation.output, expected)


@pytest.mark.parametrize(
    ("kernel", "problem", "adaptation"),
    [
        (odd_forms.other_names, PAIRS, "passes padding as pad"),
        (odd_forms.no_bias, PAIRS.replace(bias=False), "is called without bias, dilation and groups"),
        (odd_forms.numbers, PLAIN, "takes padding as one number"),
        (odd_forms.asserted_numbers, PLAIN, "takes stride as one number"),
        (odd_forms.positional_only, PAIRS, "passes padding as pad"),
        (odd_forms.bias_needed, PLAIN.replace(bias=False), "takes zeros where there is no bias"),
        (odd_forms.weight_first, PAIRS.replace(bias=False), "passes the weight before the input"),
        (odd_forms.with_cache, PLAIN, "takes the first of 2 results"),
        (odd_forms.double, PAIRS, "gives float64 for narrower operands"),
        (odd_forms.partial, PAIRS, "passes padding as pad"),
        (odd_forms.Stateless, PAIRS, "calls an instance of the class"),
        (odd_forms.instance, PAIRS, "passes padding as pad"),
    ],
)
def test_a_form_is_adapted(kernel: Any, problem: Problem, adaptation: str) -> None:
    observation = subject(kernel).observe(call(problem))
    assert is_right(observation, problem), observation
    assert observation.dtype == "float32"
    assert adaptation in "; ".join(observation.adaptations)


@pytest.mark.parametrize(
    ("kernel", "problem", "message"),
    [
        (odd_forms.no_bias, PLAIN, "its signature has no bias"),
        (odd_forms.numbers, PLAIN.replace(bias=False, dilation=(2, 1)), "its signature has no dilation"),
        (odd_forms.numbers, PAIRS, "takes stride as one number"),
        (odd_forms.numbers, PLAIN.replace(padding=(0, 1)), "takes padding as one number"),
        (odd_forms.numbers, PLAIN.replace(padding="same", stride=(1, 1)), "does not take padding by name"),
    ],
)
def test_what_a_form_cannot_express_is_refused(kernel: Kernel, problem: Problem, message: str) -> None:
    observation = subject(kernel).observe(call(problem))
    assert observation.kind == "refused", observation
    assert message in observation.message


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_the_order_of_calls_does_not_matter(order: tuple[int, ...]) -> None:
    problems = [PLAIN, PAIRS, PLAIN.replace(bias=False, padding="same", stride=(1, 1))]
    observed = subject(odd_forms.numbers)
    kinds = {index: observed.observe(call(problems[index])).kind for index in order}
    assert kinds[0] == "answer"
    assert kinds[1] == "refused"
    assert kinds[2] == "refused"


def test_a_usual_function_is_not_adapted() -> None:
    observation = subject(odd_forms.conv).observe(call(PAIRS))
    assert is_right(observation, PAIRS)
    assert observation.adaptations == ()


# --- spellings that a case is about ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "message"),
    [([2, 2], "stride as a list"), (2, "stride as one number"), ((2,), "stride as a tuple of one")],
)
def test_a_spelling_that_is_not_taken_is_a_limit(value: Any, message: str) -> None:
    def pairs(input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, **rest: Any) -> Any:
        rows, columns = {(2, 2): (2, 2), (1, 1): (1, 1)}[stride]
        return conv(input, weight, bias, (rows, columns), padding)

    observation = subject(pairs).observe(call(PLAIN, {"stride": value}))
    assert observation.kind == "refused"
    assert observation.message == f"does not take {message}"


def test_a_spelling_of_a_case_is_not_adapted() -> None:
    observation = subject(odd_forms.numbers).observe(call(PLAIN, {"stride": (2, 2)}))
    assert observation.kind == "refused"
    assert observation.message == "does not take stride as a tuple"


def test_a_limit_names_the_first_spelling_that_is_refused_alone() -> None:
    mixed = {"stride": 2, "padding": (1, 1), "dilation": (1, 1)}
    observation = subject(odd_forms.numbers).observe(call(PLAIN, mixed))
    assert observation.message == "does not take padding as a tuple"


def test_an_invalid_call_keeps_its_exception() -> None:
    observation = subject(odd_forms.numbers).observe(call(PLAIN, is_valid=False))
    assert observation.error[0] == "TypeError"
    assert "takes" not in observation.message.partition(":")[0]


# --- faults that stay faults -----------------------------------------------------------------------------------------


class RaisesInTurns:
    """Kernel that raises in every call number ``period``, ``2 * period``, … counted from ``first``."""

    def __init__(self, period: int, first: int) -> None:
        self.period, self.calls = period, first

    def __call__(self, input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, **_: Any) -> Any:
        self.calls += 1
        if self.calls % self.period == 0:
            [].pop()
        return conv(input, weight, bias, stride, padding)


@pytest.mark.parametrize(("period", "first"), [(p, f) for p in (1, 2, 3, 5, 7) for f in range(p)])
def test_an_exception_in_some_calls_is_not_adapted_away(period: int, first: int) -> None:
    observed = subject(RaisesInTurns(period, first))
    kinds = [observed.observe(call(PLAIN)).kind for _ in range(period)]
    assert "raised" in kinds


def test_an_exception_for_some_strides_is_not_taken_for_a_spelling() -> None:
    def kernel(input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, **rest: Any) -> Any:
        if isinstance(stride, tuple) and stride[0] > 1:
            raise_index_error()
        return conv(input, weight, bias, stride, padding)

    def raise_index_error() -> None:
        [].pop()

    observation = subject(kernel).observe(call(PLAIN))
    assert observation.kind == "raised"
    assert observation.adaptations == ()


def test_an_exception_for_some_names_is_not_taken_for_a_limit() -> None:
    def kernel(input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, **rest: Any) -> Any:
        if padding == "same" and weight.shape[2] > 1:
            [].pop()
        return conv(input, weight, bias, stride, 0 if isinstance(padding, str) else padding)

    problem = PLAIN.replace(padding="same", stride=(1, 1))
    assert subject(kernel).observe(call(problem)).kind == "raised"


def test_a_bias_of_none_that_is_the_default_is_not_replaced() -> None:
    def kernel(input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, **rest: Any) -> Any:
        return conv(input, weight, None, stride, padding) + bias[:, None, None]

    assert subject(kernel).observe(call(PLAIN.replace(bias=False))).kind == "raised"


# --- results ---------------------------------------------------------------------------------------------------------


def test_the_output_must_be_the_first_result() -> None:
    def kernel(input: Any, weight: Any, bias: Any = None, **rest: Any) -> Any:
        return "cache", input

    observation = subject(kernel).observe(call(PLAIN))
    assert observation.kind == "not_an_array"
    assert observation.message.endswith("[1]")


def test_a_list_with_an_array_per_image_is_no_output() -> None:
    def kernel(input: Any, weight: Any, bias: Any = None, **rest: Any) -> Any:
        return list(input)

    assert subject(kernel).observe(call(PLAIN)).kind == "not_an_array"


def test_a_dictionary_is_described() -> None:
    observation = subject(odd_forms.dictionary).observe(call(PLAIN))
    assert observation.kind == "not_an_array"
    assert "returned a dict" in observation.message
    assert "['out']" in observation.message


def test_float64_results_are_refused_where_the_dtype_is_tested() -> None:
    observation = subject(odd_forms.double).observe(call(PLAIN, tests_dtype=True))
    assert observation.kind == "refused"
    assert observation.message == "gives float64 for float32 operands"


def test_a_declared_implementation_is_not_rounded() -> None:
    observation = subject(odd_forms.double, is_declared=True).observe(call(PLAIN))
    assert observation.dtype == "float64"


def test_a_rounded_output_that_shares_memory_is_still_reported() -> None:
    output = np.zeros((2, 4, 4, 5))

    def kernel(input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, **rest: Any) -> Any:
        output[...] = conv(input, weight, bias, stride, padding)
        return output

    observed = subject(kernel)
    observed.observe(call(PLAIN))
    given = call(PLAIN)
    given.input = -given.input
    assert observed.observe(given).side_effects
