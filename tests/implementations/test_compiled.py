"""Compiled kernels: paths that small problems do not take, and code for a GPU that is not present."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from convgauge import registry
from convgauge.dtypes import Array
from convgauge.problem import Problem
from convgauge.reference import oracle
from convgauge.reference.operands import draw
from convgauge.worker.call import Call
from convgauge.worker.subject import Subject

pytestmark = pytest.mark.isa


@functools.cache
def loaded(name: str) -> registry.Implementation:
    """Return the implementation, loaded once, so that it is compiled once."""
    origin = registry.builtins()[name]
    if origin.absent:
        pytest.skip(origin.absent)
    return registry.load(origin)


def errors(name: str, text: str) -> Array:
    """Return the output of a prepared layer on exact operands, minus the exact one."""
    problem = Problem.parse(text)
    operands = draw(problem)
    call = Call(
        operands.input, operands.weight, operands.bias, problem.arguments, (problem.dtype,) * 3, check_globals=True
    )
    call.prepared = text
    observation = Subject(loaded(name)).observe(call)
    assert (observation.kind, observation.message, observation.side_effects) == ("answer", "", ())
    assert observation.output is not None
    difference: Array = observation.output - oracle.answer(problem, operands)
    return difference


def prepare(name: str) -> Callable[..., Any]:
    """Return the function that prepares a layer."""
    prepared = loaded(name).prepared
    assert prepared is not None
    return prepared


@pytest.mark.parametrize(
    "text",
    [
        "n2c3h6w7_o6k3x3_s1x1_p1x1_d1x1_g3_b_float32",
        "n1c9h17w33_o9k3x3_s1x1_psame_d1x1_g9_float32",
        "n1c2h1w1_o2k3x3_s1x1_p1x1_d1x1_g2_b_float32",
        "n2c3h6w8_o6k3x3_s2x2_p1x1_d1x1_g3_b_float32",
        "n1c9h15w34_o9k3x3_s2x2_p1x1_d1x1_g9_float32",
        "n1c2h1w2_o2k3x3_s2x2_p1x1_d1x1_g2_b_float32",
        "n1c3h7w9_o3k3x3_s2x2_p1x1_d1x1_g3_b_float32",
    ],
)
def test_depthwise_loops_of_their_own(text: str) -> None:
    assert not errors("numba_depthwise", text).any()


@pytest.mark.parametrize(
    "text",
    [
        "n2c4h25w31_o6k2x2_s1x1_p1x0_d1x1_g2_b_float32",  # several blocks of pixels, the last one short
        "n1c5h40w20_o9k1x1_s1x1_p0x0_d1x1_g1_float32",  # taps and outputs that do not divide
        "n1c2h41w47_o3k3x3_s2x2_p1x1_d1x1_g1_b_float32",
        "n1c7h20w20_o5k1x1_s1x1_p0x0_d1x1_g1_float64",
    ],
)
def test_direct_loops_over_more_than_one_block(text: str) -> None:
    assert not errors("numba_direct", text).any()


def test_packed_filters_are_a_copy_without_gradients() -> None:
    torch = pytest.importorskip("torch")
    problem = Problem.parse("n1c8h9w9_o8k3x3_s1x1_p1x1_d1x1_g1_b_float32")
    random = torch.Generator().manual_seed(0)
    input, weight = (torch.randn(shape, generator=random) for shape in (problem.input_shape, problem.weight_shape))
    bias = torch.randn(8, generator=random)
    expected = torch.conv2d(input, weight, bias, padding=1)
    run = prepare("torch_packed")(problem, weight, bias)
    weight.zero_()
    bias.zero_()
    torch.testing.assert_close(run(input), expected, rtol=1e-4, atol=1e-5)
    with pytest.raises(NotImplementedError, match="asks for gradients"):
        run(input.requires_grad_())
    with torch.no_grad():
        torch.testing.assert_close(run(input), expected, rtol=1e-4, atol=1e-5)
    with pytest.raises(NotImplementedError, match="on meta"):
        prepare("torch_packed")(problem, weight.to("meta"), bias)


def test_pixels_beyond_the_end_of_a_row_are_left_out() -> None:
    """Rows are end to end; excluded pixels must not be multiplied by zero either, because they may be infinite."""
    problem = Problem.parse("n1c1h4w5_o1k3x3_s1x1_p1x1_d1x1_g1_b_float32")
    image, weight = np.ones(problem.input_shape, np.float32), np.ones(problem.weight_shape, np.float32)
    image[0, 0, 2, 4] = np.inf
    output = loaded("numba_depthwise")(image, weight, np.full(1, 2, np.float32), padding=1)
    assert np.isfinite(output[0, 0, :, :3]).all()
    assert np.isinf(output[0, 0, 1:, 3:]).all()


@pytest.mark.skipif(not any(map(shutil.which, ("c++", "g++", "clang++"))), reason="there is no C++ compiler")
def test_torch_compiles_a_depthwise_layer() -> None:
    text = "n1c32h65w66_o32k3x3_s1x1_p1x1_d1x1_g32_b_float32"
    module = loaded("torch_compiled").function.__globals__
    assert Problem.parse(text).flops >= module["MIN_FLOPS"]
    assert not errors("torch_compiled", text).any()
    assert module["compiled_convolution"].cache_info().currsize == 1


def test_triton_declines_problems_that_are_too_large_for_its_interpreter() -> None:
    problem = Problem.parse("n1c512h64w64_o512k3x3_s1x1_p1x1_d1x1_g512_float32")
    zeros = np.zeros(problem.input_shape, np.float32), np.zeros(problem.weight_shape, np.float32)
    call = Call(*zeros, None, problem.arguments, (problem.dtype,) * 3)
    observation = Subject(loaded("triton_implicit_gemm")).observe(call)
    assert observation.kind == "refused"
    assert observation.message.startswith("input and weight make")
    assert "GPU" in observation.message


@pytest.mark.parametrize(("dtype", "short"), [("float32", "fp32"), ("float64", "fp64")])
def test_triton_compiles_for_a_gpu_that_is_not_present(dtype: str, short: str) -> None:
    module = loaded("triton_implicit_gemm").function.__globals__
    import triton
    from triton.backends.compiler import GPUTarget

    kernel = module["gpu_kernel"]
    types = dict.fromkeys(("image", "filters", "offset", "result"), f"*{short}") | {"distances": "*i64"}
    sides = dict(zip(("PIXELS", "OUTPUTS", "TAPS"), (32, 16, 16), strict=True))
    signature = {name: types.get(name, "constexpr" if name in sides else "i32") for name in kernel.arg_names}
    source = triton.compiler.ASTSource(kernel, signature, sides)
    code = triton.compile(source, target=GPUTarget("cuda", 80, 32)).asm["ptx"]
    assert f".f{dtype.removeprefix('float')}" in code
    assert "tf32" not in code, "operands are narrowed"
