"""Tests of smaller problems of the same kind."""

from __future__ import annotations

import pytest

from convgauge.layers.sets import load
from convgauge.problem import Problem
from convgauge.race.budget import MIN_PROBE_FLOPS
from convgauge.race.scaled_down import MAX_EXCESS, parts, scaled_down


@pytest.mark.parametrize("flops", [1, 10_000, 2_000_000])
@pytest.mark.parametrize(
    "text",
    [
        "n1c8h16w16_o8k3x3_s1x1_p1x1_d1x1_g1_b_float32",
        "n4c32h56w56_o64k7x7_s2x2_p3x3_d1x1_g32_float32",
        "n1c9h7w7_o5k1x1_s1x1_p0x0_d1x1_g1_float32",
    ],
)
def test_a_part_of_a_problem_is_of_its_kind_and_small(text: str, flops: int) -> None:
    problem = Problem.parse(text)
    part = scaled_down(problem, flops)
    smallest = problem.replace(batch=1, in_channels=1, out_channels=1, groups=1, bias=False).flops
    assert part.flops <= max(MAX_EXCESS * flops, smallest)
    assert part.flops == problem.flops or part.flops >= min(flops, problem.flops) / 8
    assert (part.kernel, part.stride, part.dtype) == (problem.kernel, problem.stride, problem.dtype)


def test_a_small_problem_is_its_own_part() -> None:
    problem = Problem.parse("n1c8h16w16_o8k3x3_s1x1_p1x1_d1x1_g1_float32")
    assert scaled_down(problem, problem.flops) is problem


@pytest.mark.parametrize("name", ["resnet50", "mobilenet_v2"])
def test_a_part_of_a_layer_has_its_channels_and_groups(name: str) -> None:
    for layer in load(name).layers:
        for part in parts(layer.problem, MIN_PROBE_FLOPS):
            channels = (part.in_channels, part.out_channels, part.groups)
            assert channels == (layer.problem.in_channels, layer.problem.out_channels, layer.problem.groups)
            assert (part.height == part.width) == (layer.problem.height == layer.problem.width)


def test_the_channels_are_halved_if_one_output_pixel_is_far_too_large() -> None:
    problem = Problem.parse("n2c4096h14w14_o4096k7x7_s1x1_p3x3_d1x1_g1_float32")
    part = scaled_down(problem, MIN_PROBE_FLOPS)
    assert part.flops <= MIN_PROBE_FLOPS
    assert part.in_channels < 4096


def test_parts_grow_up_to_the_problem() -> None:
    problem = Problem.parse("n8c64h56w56_o64k3x3_s1x1_p1x1_d1x1_g1_float32")
    flops = [part.flops for part in parts(problem, MIN_PROBE_FLOPS)]
    assert flops == sorted(set(flops))
    assert len(flops) == 4
    assert parts(problem, MIN_PROBE_FLOPS)[-1] == problem
    small = Problem.parse("n1c8h8w8_o8k3x3_s1x1_p1x1_d1x1_g1_float32")
    assert parts(small, MIN_PROBE_FLOPS) == [small]
