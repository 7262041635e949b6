"""The built-in implementations that compute a gradient, against the oracle."""

from __future__ import annotations

import numpy as np
import pytest

from convgauge import registry
from convgauge.conformance.directions import sizes_of_result
from convgauge.problem import Problem
from convgauge.reference import oracle
from convgauge.reference.operands import draw
from convgauge.worker.call import Call
from convgauge.worker.subject import Subject

pytestmark = pytest.mark.isa
GRADIENTS = {
    name: origin.declaration.direction
    for name, origin in registry.builtins().items()
    if origin.declaration and origin.declaration.direction != "forward"
}
PROBLEMS = [
    "n1c3h7w6_o4k3x2_s1x1_p1x2_d1x1_g1_float32",
    "n2c4h9w8_o6k3x3_s2x3_p2x1_d2x1_g2_float64",
    "n3c6h8w11_o6k2x3_s3x2_p0x0_d1x2_g6_float32",
    "n2c8h6w7_o3k1x1_s1x1_p0x0_d1x1_g1_float16",
    "n1c2h7w9_o3k1x1_s2x3_p1x0_d1x1_g1_float32",
    "n0c2h5w5_o3k3x3_s1x1_p0x0_d1x1_g1_float32",
]


def test_both_gradients_are_built_in_for_numpy_and_torch() -> None:
    engines = {(name.partition("_")[0], direction) for name, direction in GRADIENTS.items()}
    assert engines == {(engine, each) for engine in ("numpy", "torch") for each in ("grad_input", "grad_weight")}


@pytest.mark.parametrize("text", PROBLEMS)
@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients_are_exact_on_integers(name: str, text: str) -> None:
    origin = registry.builtins()[name]
    if origin.absent:
        pytest.skip(origin.absent)
    problem = Problem.parse(f"{text}_{GRADIENTS[name]}")
    operands = draw(problem, seed=3)
    arguments = {**problem.arguments, **sizes_of_result(problem)}
    call = Call(operands.input, operands.weight, None, arguments, (problem.dtype,) * 3)
    observation = Subject(registry.load(origin)).observe(call)
    assert observation.output is not None, observation.message
    assert not observation.side_effects
    assert observation.dtype == problem.dtype
    np.testing.assert_array_equal(observation.output, oracle.answer(problem, operands))
