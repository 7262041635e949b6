"""Functions that compute a gradient without autograd: their direction, and how they are called.

The meaning of such a function is that of ``conv2d_input`` or ``conv2d_weight`` of `torch.nn.grad`. A transposed
convolution is the gradient by the input of a convolution, whose rows and columns follow from ``output_padding``.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any, Callable

from convgauge.registry.callables import SignedCallable
from convgauge.registry.signature import MEANINGS, SignatureError, UnsupportedArgument, is_default
from convgauge.terms import COMPUTED, Computed

Value = Any  # an argument or a result of a call

SIGNATURES: Mapping[str, str] = {
    "grad_input": "(grad_output, weight, input_size, stride=1, padding=0, dilation=1, groups=1)",
    "grad_weight": "(input, grad_output, weight_size, stride=1, padding=0, dilation=1, groups=1)",
}

SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "grad_output": (
        "grad_out", "grad_y", "output_grad", "out_grad", "grad", "gradient", "upstream", "dy", "gy", "d_out", "dout",
        "d_output", "diff_dst", "top_diff",
    ),
    "input_size": ("input_shape", "in_size", "in_shape", "x_shape", "x_size"),
    "weight_size": ("weight_shape", "w_shape", "w_size", "filter_shape", "filter_size"),
    "kernel_size": ("kernel_shape",),
    "output_padding": ("out_padding", "out_pad"),
}  # fmt: skip
"""Other names of the arguments that a forward convolution lacks."""

_MEANINGS = {name: meaning for meaning, names in SYNONYMS.items() for name in (meaning, *names)}
_CALL = inspect.Signature([
    *[inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in ("input", "weight")],
    *[
        inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default)
        for name, default in (("bias", None), ("stride", 1), ("padding", 0), ("dilation", 1), ("groups", 1))
    ],
    *[inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None) for name in ("input_size", "weight_size")],
])  # fmt: skip
"""Signature of a gradient as the engine calls it: the gradient of the output takes the place of an operand."""


def direction_of(function: Callable[..., Value]) -> Computed:
    """Return the direction that the names of a function's parameters state; "forward" if they state none.

    A function with ``transposed`` computes an output unless that is set.
    """
    parameters = _parameters(function)
    names = set(_meanings(parameters).values())
    if "grad_output" in names and "weight" in names and "input" not in names:
        return "grad_input"
    if "grad_output" in names and "input" in names and "weight" not in names:
        return "grad_weight"
    is_transposed = "output_padding" in names and all("transpose" not in each.name.lower() for each in parameters)
    return "grad_input" if is_transposed else "forward"


class GradientOperator(SignedCallable):
    """A gradient as a function that is called as a convolution is, with the size of the result by name.

    Parameters
    ----------
    function : callable
        Function of the user.
    direction : {"grad_input", "grad_weight"}
        Gradient that it computes.
    parameters : list of inspect.Parameter
        Its parameters.
    meanings : mapping
        Argument that each parameter takes.
    """

    def __init__(
        self,
        function: Callable[..., Value],
        direction: Computed,
        parameters: list[inspect.Parameter],
        meanings: Mapping[str, str],
    ) -> None:
        super().__init__(function, _CALL)
        self._first = "grad_output" if direction == "grad_input" else "input"
        self._second = "weight" if direction == "grad_input" else "grad_output"
        self._parameters, self._meanings = parameters, meanings

    def __call__(self, *args: Value, **kwargs: Value) -> Value:
        """Call the function."""
        by_position, by_name = self.arranged(*args, **kwargs)
        return self.function(*by_position, **by_name)

    def arranged(
        self, input: Value, weight: Value, bias: Value = None, stride: Value = 1, padding: Value = 0,
        dilation: Value = 1, groups: Value = 1, **sizes: Value,
    ) -> tuple[list[Value], dict[str, Value]]:  # fmt: skip
        """Return the positional and the keyword arguments of the function. Raises `UnsupportedArgument`."""
        given = {self._first: input, self._second: weight, "stride": stride, "padding": padding, "dilation": dilation}
        values = _values({**given, "groups": groups, **sizes}, set(self._meanings.values()))
        by_position: list[Value] = []
        by_name: dict[str, Value] = {}
        for each in self._parameters:
            meaning = self._meanings.get(each.name)
            if meaning in values and each.kind is each.POSITIONAL_ONLY:
                by_position.append(values[meaning])
            elif meaning in values:
                by_name[each.name] = values[meaning]
        return by_position, by_name


def as_operator(function: Callable[..., Value], direction: Computed) -> GradientOperator:
    """Return a gradient as a function that is called as a convolution is.

    Raises
    ------
    SignatureError
        The signature is unknown, or a parameter without a default has no clear meaning.
    """
    if direction not in COMPUTED[1:]:
        raise SignatureError(f"direction {direction!r} is not one of {', '.join(COMPUTED)}")
    parameters = _parameters(function)
    if not parameters:
        raise SignatureError(f"its signature cannot be read; write a function {SIGNATURES[direction]} that calls it")
    meanings = _meanings(parameters)
    if direction == "grad_input" and "grad_output" not in meanings.values():
        meanings = {**meanings, parameters[0].name: "grad_output"}  # a transposed convolution calls it its input
    _require_operands(meanings.values(), direction)
    for each in parameters:
        if each.name not in meanings and each.default is each.empty:
            raise SignatureError(f"its parameter {each.name} is no argument of a {direction}")
    return GradientOperator(function, direction, parameters, meanings)


def _parameters(function: Callable[..., Value]) -> list[inspect.Parameter]:
    """Return the named parameters of a function; none if they cannot be read."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return []
    return [each for each in signature.parameters.values() if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)]


def _meanings(parameters: Iterable[inspect.Parameter]) -> dict[str, str]:
    """Return the argument of each parameter whose name has a meaning."""
    named = ((each.name, each.name.strip("_").lower()) for each in parameters)
    meanings = {name: _MEANINGS.get(plain) or MEANINGS.get(plain, "") for name, plain in named}
    return {name: meaning for name, meaning in meanings.items() if meaning}


def _require_operands(meanings: Iterable[str], direction: Computed) -> None:
    operand = "weight" if direction == "grad_input" else "input"
    for name in ("grad_output", operand):
        if name not in meanings:
            raise SignatureError(f"no parameter of this {direction} takes the {name}: it needs {SIGNATURES[direction]}")


def _values(given: Mapping[str, Value], taken: set[str]) -> dict[str, Value]:
    """Return the values of the arguments that a function takes. Raises `UnsupportedArgument` if it lacks one."""
    values = {name: value for name, value in given.items() if name in taken}
    for name, value in given.items():
        if name in ("stride", "padding", "dilation", "groups") and name not in taken and not is_default(name, value):
            raise UnsupportedArgument(f"its signature has no {name}")
    for name in ("weight_size", "input_size"):
        if name in given and name not in taken:
            values.update(_instead_of_size(name, given, taken))
    return values


def _instead_of_size(name: str, given: Mapping[str, Value], taken: set[str]) -> dict[str, Value]:
    """Return what stands for the size of a gradient. Raises `UnsupportedArgument` if the operands leave it open."""
    size, channels = given[name], _channels(given)
    if name == "weight_size" and "kernel_size" in taken:
        if channels == tuple(size[:2]):
            return {"kernel_size": tuple(size[2:])}
    elif name == "input_size" and channels == tuple(size[:2]):
        further = output_padding(given)
        if "output_padding" in taken or not any(further):
            return {"output_padding": further} if "output_padding" in taken else {}
    raise UnsupportedArgument(f"its signature has no {name}")


def _channels(given: Mapping[str, Value]) -> tuple[int, int]:
    """Return the first two numbers of the gradient's size that the operands state."""
    g = tuple(given["grad_output"].shape)
    if "input" in given:
        return g[1], tuple(given["input"].shape)[1] // max(1, given["groups"])
    return g[0], tuple(given["weight"].shape)[1] * given["groups"]


def output_padding(given: Mapping[str, Value]) -> tuple[int, ...]:
    """Return the rows and columns of the input that no window covers: those that a stride leaves over.

    Parameters
    ----------
    given : mapping
        Arguments of the call: "grad_output", "weight", "input_size", "stride", "padding" and "dilation".
    """
    sizes, kernel = given["input_size"][2:], tuple(given["weight"].shape)[2:]
    outputs = tuple(given["grad_output"].shape)[2:]
    pairs = [_pair(given.get(name, default)) for name, default in (("stride", 1), ("padding", 0), ("dilation", 1))]
    return tuple(
        size - ((count - 1) * stride - 2 * padding + dilation * (taps - 1) + 1)
        for size, taps, count, stride, padding, dilation in zip(sizes, kernel, outputs, *pairs)
    )


def _pair(value: Value) -> tuple[int, int]:
    if not isinstance(value, (tuple, list)):
        return (int(value), int(value))
    first, second = value if len(value) == 2 else (value[0], value[0])
    return (int(first), int(second))
