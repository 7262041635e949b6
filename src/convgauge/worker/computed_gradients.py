"""Calls of implementations that compute a gradient, where others take it by automatic differentiation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from convgauge.terms import Computed
from convgauge.worker.call import SIZE_ARGUMENTS, Call
from convgauge.worker.call_modes import Arrays, Outputs, extra_operand
from convgauge.worker.forms import Form
from convgauge.worker.frameworks import Array, Framework

Value = Any  # an argument of a call


def computed_gradient(form: Form, framework: Framework, call: Call, arrays: Arrays, direction: Computed) -> Outputs:
    """Return the gradient that an implementation computes, as one of the gradients by input, weight and bias."""
    operands, sizes = _operands(extra_operand(framework, call), arrays, direction)
    gradient = form(*operands, **call.arguments, **sizes)
    return gradient, [gradient, None, None] if direction == "grad_input" else [None, gradient, None]


def bound_gradient(
    form: Form, dtype: str, grad_output: Array, arrays: Arrays, arguments: Mapping[str, Value], direction: Computed
) -> Callable[[Array], Array]:
    """Return the call as a function of the gradient of the output, with as little work as possible in it.

    Parameters
    ----------
    form : Form
        Function of the implementation, which was made by `convgauge.registry.as_operator`.
    dtype : str
        Dtype of the operands.
    grad_output : array
        Gradient of the output (N, O, OH, OW).
    arrays : list of arrays
        Input (N, C, H, W), weight (O, C/G, KH, KW), and bias or None.
    arguments : mapping
        Stride, padding, dilation and groups.
    direction : {"grad_input", "grad_weight"}
        Gradient that is computed.
    """
    operands, sizes = _operands(grad_output, arrays, direction)
    form.make_first_call(dtype, operands, {**arguments, **sizes})
    by_position, by_name = form.arranged(*operands, **arguments, **sizes)
    operator: Any = form.function
    positional, named = operator.arranged(*by_position, **by_name)
    function = operator.function
    index = next((number for number, value in enumerate(positional) if value is grad_output), None)
    if index is not None:
        before, after = positional[:index], positional[index + 1 :]
        return lambda array: function(*before, array, *after, **named)
    name = next(name for name, value in named.items() if value is grad_output)
    others = {key: value for key, value in named.items() if key != name}
    return lambda array: function(*positional, **{name: array}, **others)


def _operands(grad_output: Array, arrays: Arrays, direction: Computed) -> tuple[Arrays, dict[str, tuple[int, ...]]]:
    """Return the operands of the call, and the argument that states the size of the gradient."""
    replaced = 0 if direction == "grad_input" else 1
    operands = [*arrays[:2], None]
    size = tuple(operands[replaced].shape)
    operands[replaced] = grad_output
    return operands, {SIZE_ARGUMENTS[direction]: size}
