"""Inspection of targets: the roles of parameters, and the arrays of an instance."""

from __future__ import annotations

from typing import Any

import pytest

from convgauge.worker.inspection import CHANNELS_IN, CHANNELS_OUT, KERNEL, inspect_target, keys_of, role
from support import odd_forms


@pytest.mark.parametrize(
    ("name", "is_constructor", "expected"),
    [
        ("kernel", False, "weight"),
        ("kernel", True, "kernel_size"),
        ("filters", True, "out_channels"),
        ("bias", True, "has_bias"),
        ("C_in", True, "in_channels"),
        ("stride_x", False, "stride_w"),
        ("strides", True, "stride"),
        ("lookup", False, ""),
    ],
)
def test_the_role_of_a_name(name: str, is_constructor: bool, expected: str) -> None:
    assert role(name, is_constructor=is_constructor) == expected


def test_keys_are_read_from_subscripts_and_methods() -> None:
    source = "def f(x, p):\n    return p['stride'], p.get('pad', 0), x['no'], p[1]"
    assert keys_of(source, "p") == ["stride", "pad"]
    assert keys_of("not Python (", "p") == []


def test_unknown_names_of_the_operands_are_taken_in_their_order() -> None:
    def conv(first: Any, second: Any, stride: int = 1) -> Any:
        return first

    inspected = inspect_target(conv, "numpy")
    assert [each.role for each in inspected.parameters] == ["input", "weight", "stride"]


def test_an_instance_shows_the_shapes_of_its_arrays() -> None:
    inspected = inspect_target(odd_forms.Layer, "numpy")
    assert inspected.kind == "class"
    assert inspected.method == "forward"
    assert inspected.arrays == {"W": [CHANNELS_OUT, CHANNELS_IN, KERNEL[0], KERNEL[0]], "b": [CHANNELS_OUT, 1]}


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        (7, "is int, no function"),
        (lambda *images: images, "takes no weight"),
        (type("Empty", (), {}), "is a class without a method"),
    ],
)
def test_a_target_that_is_no_convolution_has_a_reason(target: Any, reason: str) -> None:
    inspected = inspect_target(target, "numpy")
    assert inspected.kind == "unknown"
    assert reason in inspected.error
