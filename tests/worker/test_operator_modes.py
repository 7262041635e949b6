"""Inspection of custom operators: operators of torch itself are left out, and what differs is stated."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from convgauge.worker.call import Call  # noqa: E402 torch may be missing
from convgauge.worker.call_modes import CALL_MODES, UnsupportedCall  # noqa: E402
from convgauge.worker.forms import Form  # noqa: E402
from convgauge.worker.frameworks import framework  # noqa: E402
from convgauge.worker.operator_modes import NAMESPACES_OF_TORCH, text_array, text_of  # noqa: E402

LIBRARY = torch.library.Library("convgauge_tests", "DEF")


class Kernel:
    """Implementation whose function is called in its form."""

    def __init__(self, function: Any) -> None:
        self.function, self.prepared = Form(function), None

    def __call__(self, *operands: Any, **arguments: Any) -> Any:
        return self.function(*operands, **arguments)


def void(_: Any) -> None:
    """Return nothing, as an operator does that writes to an argument."""


def operator(name: str, schema: str, kernel: Any, fake: Any = None) -> Any:
    LIBRARY.define(f"{name}{schema}")
    LIBRARY.impl(name, kernel, "CPU")
    if fake is not None:
        torch.library.register_fake(f"convgauge_tests::{name}", fake, lib=LIBRARY)
    return getattr(torch.ops.convgauge_tests, name)


double = operator("double", "(Tensor x) -> Tensor", lambda x: 2 * x, torch.empty_like)
wider = operator("wider", "(Tensor x) -> Tensor", lambda x: 2 * x, lambda x: torch.empty_like(x).double())
unfaked = operator("unfaked", "(Tensor x) -> Tensor", lambda x: 2 * x)
same = operator("same", "(Tensor x) -> Tensor", lambda x: x)
mark = operator("mark", "(Tensor(a!) x) -> ()", lambda x: void(x.fill_(1)), lambda x: None)
fixed = operator("fixed", "(Tensor x) -> Tensor", lambda x: 2 * x, lambda x: x.new_empty(int(x.shape[0]), *x.shape[1:]))


def observe(mode: str, function: Any, wanted: str = "") -> str:
    """Return the text of a call mode on a function of the input alone."""
    call = Call(np.empty(0), np.empty(0), None, {}, wanted=wanted)
    arrays = [torch.ones(2, 3, 5, 7), torch.ones(1), None]
    kernel: Any = Kernel(lambda input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1: function(input))
    _, (text,) = CALL_MODES[mode](kernel, framework("torch"), call, arrays)
    return text_of(text.numpy())


def marked(input: Any) -> Any:
    """Write to a new tensor by an operator whose schema states this."""
    output = torch.empty_like(input)
    mark(output)
    return output


@pytest.mark.isa
def test_a_text_is_an_array_of_bytes() -> None:
    assert text_of(text_array("strides ≠").numpy()) == "strides ≠"
    assert text_of(text_array("").numpy()) == text_of(None) == ""


def test_operators_of_torch_itself_are_left_out() -> None:
    present = {name.partition("::")[0] for name in torch._C._dispatch_get_all_op_names()}
    assert {"aten", "mkldnn", "prims"} <= NAMESPACES_OF_TORCH & present
    with pytest.raises(UnsupportedCall, match="no custom operator"):
        observe("fake_operators", torch.nn.functional.relu)


def test_a_fake_output_is_compared_with_the_real_one() -> None:
    assert observe("fake_operators", double) == ""
    assert observe("fake_operators", unfaked) == ""  # nothing is stated, so that nothing is false
    expected = "the fake output of convgauge_tests::wider has dtype torch.float64, and the real one torch.float32"
    assert observe("fake_operators", lambda x: wider(double(x))) == expected


def test_a_schema_is_judged_on_the_operands_before_the_call() -> None:
    assert observe("checked_operators", double, "test_schema") == ""
    assert "fails test_schema" in observe("checked_operators", same, "test_schema")
    assert observe("checked_operators", marked, "test_schema") == ""


def test_a_size_that_becomes_a_constant_is_named() -> None:
    assert observe("symbolic_operators", double) == ""
    expected = "convgauge_tests::fixed is traced for a size of 2 alone: tensor 0, axis 0"
    assert observe("symbolic_operators", fixed) == expected
