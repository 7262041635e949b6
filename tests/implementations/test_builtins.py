"""The built-in implementations against the oracle, on a small set of hard problems."""

from __future__ import annotations

import functools
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convgauge import registry
from convgauge.problem import Problem
from convgauge.reference import accuracy, oracle
from convgauge.reference.operands import Operands, draw
from convgauge.worker.call import Call, Observation
from convgauge.worker.subject import Subject
from support.engines import imported_modules

pytestmark = pytest.mark.isa
NAMES = [
    name
    for name, origin in registry.builtins().items()
    if origin.declaration and origin.declaration.direction == "forward"
]

# Each problem holds several corner cases at once; sizes differ along every axis so that a swap shows.
ORDINARY = [
    "n1c3h7w6_o4k3x2_s1x1_p1x2_d1x1_g1_b_float32",
    "n2c4h9w8_o6k3x3_s2x3_p2x1_d2x1_g2_b_float32",
    "n1c4h9w8_o4k4x2_s1x1_psame_d1x3_g4_float32",
    "n1c3h8w11_o6k2x3_s3x2_pvalid_d1x2_g3_b_float32",
    "n2c8h6w7_o3k1x1_s1x1_p0x0_d1x1_g1_b_float32",
    "n1c2h7w9_o3k1x1_s2x3_p1x0_d1x1_g1_float32",
    "n1c5h13w12_o7k3x3_s1x1_p1x1_d1x1_g1_b_float32",
    "n2c6h11w10_o4k3x3_s1x1_psame_d1x1_g2_b_float32",
    "n2c3h11w14_o6k3x5_s2x3_p2x4_d1x2_g3_b_float32",
    "n1c1h5w4_o1k1x1_s1x1_p0x0_d1x1_g1_float32",
]
EMPTY = [
    "n0c2h5w5_o3k3x3_s1x1_p0x0_d1x1_g1_b_float32",
    "n1c0h5w5_o3k3x3_s1x1_p1x1_d1x1_g1_b_float32",
    "n1c0h5w5_o4k3x3_s1x1_p0x0_d1x1_g2_float32",
    "n1c2h5w5_o0k3x3_s1x1_p0x0_d1x1_g2_float32",
    "n2c2h0w5_o3k3x3_s1x1_p2x1_d1x1_g1_b_float32",
]
UNCHECKED = {"torch_conv2d"}
"""F.conv2d itself, which answers or refuses empty operands in its own way."""

SLOW_COMPILERS = {"jax", "numba"}
"""Engines that compile for seconds per dtype; only two dtypes of their implementations are tested, to save time."""


@functools.cache
def subject(name: str) -> Subject:
    """Return the implementation, loaded once; skip the test if its engine is absent."""
    origin = registry.builtins()[name]
    if origin.absent:
        pytest.skip(origin.absent)
    loaded = Subject(registry.load(origin))
    if loaded.framework.name == "jax":  # as in a process for 64-bit dtypes
        import jax

        jax.config.update("jax_enable_x64", True)
    return loaded


def observe(name: str, problem: Problem, operands: Operands, prepared: bool = False, **changes: object) -> Observation:
    """Call an implementation, plainly or through ``prepare``, with changed fields of the call."""
    call = Call(
        operands.input, operands.weight, operands.bias, problem.arguments, (problem.dtype,) * 3, check_globals=True
    )
    for attribute, value in changes.items():
        setattr(call, attribute, value)
    call.prepared = problem.text if prepared else ""
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        fresh = Subject(subject(name).implementation)  # other tests have changed globals, with which it compares
        return fresh.observe(call)


def dtypes(name: str) -> list[str]:
    """Return the dtypes to test."""
    supported = subject(name).describe().dtypes
    is_slow = bool(imported_modules(Path(registry.builtins()[name].location)) & SLOW_COMPILERS)
    return [dtype for dtype in supported if dtype in ("float32", "float16") or not is_slow]


def ways(name: str) -> list[bool]:
    """Return the values of ``prepared`` to test: False, and True if there is a ``prepare``."""
    return [False, True] if subject(name).implementation.prepared else [False]


def has_output(name: str, observation: Observation) -> bool:
    """Return True if there is an output to judge; only an implementation that declares limits may decline."""
    if observation.kind == "refused":
        assert name in UNCHECKED or subject(name).implementation.declaration.declines, observation.message
        return False
    assert (observation.kind, observation.message, observation.side_effects) == ("answer", "", ())
    return True


def check(name: str, problem: Problem, family: str = "exact", **changes: object) -> None:
    """Assert that the output is right and the call has no side effects, plainly and through ``prepare``.

    Integers are right bit for bit if the algorithm is direct.
    """
    grade = subject(name).implementation.declaration.grade
    is_exact = family == "exact"
    headroom = accuracy.integer_headroom(problem) if is_exact and grade != "A" else 1.0
    operands = draw(problem, family, headroom=headroom)
    scale = accuracy.Scale.of(problem, operands)
    for prepared in ways(name):
        observation = observe(name, problem, operands, prepared, **changes)
        if not has_output(name, observation):
            continue
        assert observation.output is not None
        assert (observation.shape, observation.dtype) == (problem.output_shape, problem.dtype)
        if is_exact:
            allowed = accuracy.integer_tolerance(problem, grade)
            assert np.abs(observation.output - oracle.answer(problem, operands)).max(initial=0.0) <= allowed
        else:
            measured = accuracy.measure(observation.output, scale, operands, statistics=family == "gaussian")
            assert measured.grade <= grade, measured


@pytest.mark.parametrize("name", NAMES)
def test_declares_what_it_is(name: str) -> None:
    declaration = registry.builtins()[name].declaration
    assert declaration is not None
    assert declaration.summary.endswith(".")
    assert len(declaration.summary) <= 120
    assert declaration.algorithm
    assert declaration.source


@pytest.mark.parametrize("text", ORDINARY)
@pytest.mark.parametrize("name", NAMES)
def test_matches_the_oracle_on_integers(name: str, text: str) -> None:
    check(name, Problem.parse(text))


@pytest.mark.parametrize("text", EMPTY)
@pytest.mark.parametrize("name", NAMES)
def test_empty_operands_give_the_bias_or_nothing(name: str, text: str) -> None:
    if name in UNCHECKED:
        pytest.skip("F.conv2d as it is")
    check(name, Problem.parse(text))


@pytest.mark.parametrize("name", NAMES)
def test_matches_the_oracle_in_every_dtype(name: str) -> None:
    for dtype in dtypes(name):
        if not (name in UNCHECKED and dtype.startswith("complex")):
            check(name, Problem.parse(ORDINARY[1]).replace(dtype=dtype))


@pytest.mark.parametrize(
    "family",
    ["gaussian", "wide", "cancelling", "small_onto_large", "subnormal", "subnormal_weights", "near_overflow"],
)
@pytest.mark.parametrize("name", NAMES)
def test_keeps_the_grade_it_declares(name: str, family: str) -> None:
    if family.startswith("subnormal") and subject(name).framework.name == "jax":
        pytest.skip("JAX flushes subnormal numbers to zero; no spec forbids it")
    for dtype in {"float32", "float64", "float16"} & set(dtypes(name)):
        check(name, Problem.parse(ORDINARY[6]).replace(dtype=dtype), family)


@pytest.mark.parametrize("name", NAMES)
def test_takes_operands_in_every_layout(name: str) -> None:
    problem = Problem.parse(ORDINARY[1]).replace(batch=1, out_channels=4)
    for layout in set(subject(name).framework.layouts) - {"conjugated"}:  # only complex numbers have it
        if layout != "broadcast":
            check(name, problem, layouts=(layout,) * 3)


@pytest.mark.parametrize("name", NAMES)
def test_one_by_one_identity_is_a_fresh_array(name: str) -> None:
    problem = Problem.parse(ORDINARY[-1])
    operands = draw(problem, headroom=accuracy.integer_headroom(problem))
    operands.weight[...] = 1
    for prepared in ways(name):
        observation = observe(name, problem, operands, prepared)
        if has_output(name, observation):
            assert observation.output is not None
            np.testing.assert_allclose(observation.output, operands.input, atol=0.25)


@pytest.mark.parametrize("name", NAMES)
def test_takes_numbers_lists_and_strings(name: str) -> None:
    problem = Problem.parse("n1c2h8w9_o3k3x2_s1x1_psame_d2x2_g1_b_float32")
    operands = draw(problem, headroom=accuracy.integer_headroom(problem))
    exact = oracle.answer(problem, operands)
    for arguments in (
        {"stride": 1, "padding": "same", "dilation": 2, "groups": 1},
        {"stride": [1, 1], "padding": "same", "dilation": [2, 2]},
    ):
        observation = observe(name, problem, operands, arguments=arguments)
        if has_output(name, observation):
            assert observation.output is not None
            np.testing.assert_allclose(observation.output, exact, atol=0.25, err_msg=observation.message)


REFUSALS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    # argument that the message names, other arguments, other shapes; the input is (1, 4, 6, 5), the weight (4, 4, 3, 2)
    ("stride", {"stride": 0}, {}),
    ("stride", {"stride": (1, -1)}, {}),
    ("stride", {"stride": 1.0}, {}),
    ("stride", {"stride": True}, {}),
    ("stride", {"stride": None}, {}),
    ("stride", {"stride": (1, 1, 1)}, {}),
    ("padding", {"padding": -1}, {}),
    ("padding", {"padding": "SAME"}, {}),
    ("padding", {"padding": "same", "stride": 2}, {}),
    ("padding", {"padding": ()}, {}),
    ("dilation", {"dilation": 0}, {}),
    ("dilation", {"dilation": (1, 2.0)}, {}),
    ("groups", {"groups": 0}, {}),
    ("groups", {"groups": -1}, {}),
    ("groups", {"groups": 1.0}, {}),
    ("groups", {"groups": 3}, {}),
    ("groups", {"groups": 2}, {}),
    ("weight", {"groups": 2}, {"weight": (3, 2, 3, 2), "bias": (3,)}),
    ("weight", {}, {"weight": (4, 3, 3, 2)}),
    ("weight", {}, {"weight": (4, 4, 3)}),
    ("weight", {}, {"weight": (4, 4, 0, 2)}),
    ("input", {}, {"input": (1, 1, 4, 6, 5)}),
    ("input", {}, {"input": (6, 5)}),
    ("input", {}, {"input": (1, 4, 2, 5)}),
    ("input", {"dilation": (1, 5)}, {}),
    ("bias", {}, {"bias": (1,)}),
    ("bias", {}, {"bias": (4, 1)}),
    ("bias", {}, {"bias": ()}),
    ("weight", {}, {"dtypes": ("float32", "float64", "float32")}),
    ("bias", {}, {"dtypes": ("float32", "float32", "float64")}),
]


@pytest.mark.parametrize("name", [name for name in NAMES if name not in UNCHECKED])
def test_invalid_calls_are_refused_with_the_argument_named(name: str) -> None:
    for argument, arguments, shapes in REFUSALS:
        dtypes = shapes.get("dtypes", ("float32",) * 3)
        usual = {"input": (1, 4, 6, 5), "weight": (4, 4, 3, 2), "bias": (4,)}
        input, weight, bias = (
            np.ones(shapes.get(operand, shape), dtype)
            for (operand, shape), dtype in zip(usual.items(), dtypes, strict=True)
        )
        observation = subject(name).observe(Call(input, weight, bias, arguments, dtypes))
        case = f"{name} with {arguments} {shapes}: {observation.kind} {observation.error[:1]} {observation.message}"
        assert observation.kind == "raised", case
        assert {"ValueError", "TypeError"} & set(observation.error), case
        assert argument in observation.message, case
