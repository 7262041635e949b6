"""Parameters of a function, matched with the arguments of conv2d."""

from __future__ import annotations

from typing import Any

import pytest

from convgauge.registry.signature import UnsupportedArgument, is_default, parameters_of

GIVEN = {"input": "x", "weight": "w", "bias": None, "stride": 2, "padding": (1, 1), "dilation": 1, "groups": 1}


def test_a_usual_call_is_made_unchanged() -> None:
    def conv(
        a: Any, b: Any, c: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: Any = 1
    ) -> Any:
        return a

    parameters = parameters_of(conv)
    assert parameters.is_usual
    assert parameters.adaptations() == ()
    assert parameters.arrange(GIVEN) == (
        ["x", "w", None],
        {"stride": 2, "padding": (1, 1), "dilation": 1, "groups": 1},
    )


def test_a_default_fills_a_gap_before_a_later_positional_argument() -> None:
    def conv(x: Any, w: Any, b: Any = None, tile: Any = 8, s: Any = 1, p: Any = 0, /) -> Any:
        return x

    assert parameters_of(conv).arrange(GIVEN) == (["x", "w", None, 8, 2, (1, 1)], {})
    assert parameters_of(conv).arrange({"input": "x", "weight": "w"}) == (["x", "w"], {})


def test_operands_are_passed_by_their_names_in_another_order() -> None:
    def conv(kernel: Any, image: Any, *, strides: Any) -> Any:
        return image

    arranged = parameters_of(conv).arrange({**GIVEN, "padding": 0})
    assert arranged == (["w", "x"], {"strides": 2})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dilation": (2, 1)}, "its signature has no dilation"),
        ({"padding": "same"}, "its signature has no padding"),
        ({"stride": ...}, "its stride has no default value"),
    ],
)
def test_an_argument_that_cannot_be_passed_is_unsupported(change: dict[str, Any], message: str) -> None:
    def conv(x: Any, w: Any, stride: Any) -> Any:
        return x

    given = {name: value for name, value in {**GIVEN, "padding": 0, **change}.items() if value is not ...}
    with pytest.raises(UnsupportedArgument, match=message):
        parameters_of(conv).arrange(given)


@pytest.mark.parametrize(
    ("argument", "value", "expected"),
    [
        ("stride", 1, True), ("stride", (1, 1), True), ("stride", [1], True), ("stride", True, False),
        ("stride", (1, 1, 1), False), ("stride", [], False), ("stride", 1.0, False), ("padding", "valid", True),
        ("padding", "same", False), ("groups", (1,), False), ("bias", None, True), ("bias", 0, False),
    ],
)  # fmt: skip
def test_the_default_of_an_argument_in_any_spelling(argument: str, value: Any, expected: bool) -> None:
    assert is_default(argument, value) is expected
