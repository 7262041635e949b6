"""Calls as code: the operands of a call, and the call in its mode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from convgauge.conformance.bug_script.arrays import Code, drawn, spelled
from convgauge.conformance.bug_script.failure import NoScriptError
from convgauge.conformance.bug_script.layouts import layout_lines
from convgauge.reference.operands import Array
from convgauge.registry.signature import is_default
from convgauge.worker.call import OPERANDS, Call
from convgauge.worker.call_modes import LETTERS

KERNEL = "kernel"
"""Name of the implementation in a script."""

GRADIENT_MODES = ("gradient", "gradient_of_sum")
_POSITIONAL = ("stride", "padding", "dilation", "groups")


def operand_lines(call: Call, framework: str, random: np.random.Generator | None) -> tuple[Call, list[str]]:
    """Return a call and the lines that make its operands, which are drawn by ``random`` where they are large.

    Parameters
    ----------
    call : Call
        The call.
    framework : str
        Framework of its operands.
    random : numpy.random.Generator or None
        Generator in the state that it has in the script; None to spell every operand out.

    Returns
    -------
    tuple
        The call with the operands that the script has, and the lines.

    Raises
    ------
    NoScriptError
        If an operand is large and not drawn, or cannot be written.
    """
    lines: list[str] = []
    arrays: dict[str, Any] = {}
    values = {"input": call.input, "weight": call.weight, "bias": call.bias, "extra_operand": call.extra_operand}
    dtypes = dict(zip(OPERANDS, call.dtypes, strict=True))
    for operand, array in values.items():
        if array is None:
            continue
        name, dtype = _name(call, operand), dtypes.get(operand, call.dtypes[0])
        code = _code(name, array, dtype, framework, random)
        arrays[operand] = code.array
        lines += [*code.lines, *layout_lines(name, _layout(call, operand), array.shape, dtype, framework)]
    return replace(call, **arrays), lines


def _code(name: str, array: Array, dtype: str, framework: str, random: np.random.Generator | None) -> Code:
    """Return the code of an array: spelled out in one line, or drawn if there is a generator, or else in several."""
    code = spelled(name, array, dtype, framework)
    if random is None:
        if code is None:
            raise NoScriptError(f"its {name} of {array.size} elements is too large to be spelled out")
        return code
    if code is not None and (len(code.lines) == 1 or array.dtype.kind == "c" or not np.isfinite(array).all()):
        return code
    return drawn(name, array, dtype, framework, random)


def _name(call: Call, operand: str) -> str:
    """Return the name of an operand in the script."""
    if operand == "extra_operand" and call.mode in GRADIENT_MODES:
        return "grad_output"
    return dict(zip(OPERANDS, call.operand_names, strict=True)).get(operand, operand)


def _layout(call: Call, operand: str) -> str:
    if operand == "extra_operand":
        return call.extra_layout
    return call.layouts[OPERANDS.index(operand)]


def call_lines(call: Call) -> list[str]:
    """Return the lines that make a call and assign its output.

    Raises
    ------
    NoScriptError
        If the call's mode, its threads or its device need convgauge.
    """
    if call.prepared:
        raise NoScriptError("it is a prepared call, which takes a Problem of convgauge")
    if call.threads > 1:
        raise NoScriptError("it fails in calls of several threads, which a script does not order as the check does")
    if call.device != "cpu":
        raise NoScriptError(f"it fails on {call.device}, and scripts are written for the CPU")
    if call.mode not in _MODES:
        raise NoScriptError(f"it fails in calls of the mode {call.mode}, which convgauge makes")
    return _MODES[call.mode](call)


def plain_call(call: Call, input: str = "{}") -> str:
    """Return the expression of a plain call, with an expression of its first operand ``{}``: "-{}"."""
    first, second, _ = call.operand_names
    if call.direction != "forward":
        named = (f"{first}={input.format(first)}", f"{second}={second}")
        given = {name: value for name, value in call.arguments.items() if not is_default(name, value)}
        return f"{KERNEL}({', '.join([*named, *_keywords(replace(call, arguments=given))])})"
    return f"{KERNEL}({', '.join([input.format(first), second, _bias(call), *_keywords(call)])})"


def _bias(call: Call) -> str:
    return "None" if call.bias is None else "bias"


def _keywords(call: Call) -> list[str]:
    return [f"{name}={value!r}" for name, value in call.arguments.items()]


def _by_keyword(call: Call) -> list[str]:
    operands = ["input=input", "weight=weight", f"bias={_bias(call)}"]
    return [f"output = {KERNEL}({', '.join([*operands, *_keywords(call)])})"]


def _by_position(call: Call) -> list[str]:
    arguments = [repr(call.arguments[name]) for name in _POSITIONAL]
    return [f"output = {KERNEL}({', '.join(['input', 'weight', _bias(call), *arguments])})"]


def _numpy_integers(call: Call) -> list[str]:
    keywords = [f"{name}={_as_numpy(value)}" for name, value in call.arguments.items()]
    return [f"output = {KERNEL}({', '.join(['input', 'weight', _bias(call), *keywords])})"]


def _as_numpy(value: object) -> str:
    if isinstance(value, tuple | list):
        opening, closing = ("[", "]") if isinstance(value, list) else ("(", ")" if len(value) != 1 else ",)")
        return opening + ", ".join(map(_as_numpy, value)) + closing
    return f"np.int64({value})" if isinstance(value, int) else repr(value)


def _autocast(call: Call) -> list[str]:
    return ['with torch.autocast("cpu", dtype=torch.bfloat16):', f"    output = {plain_call(call)}"]


def _vmapped(call: Call) -> list[str]:
    return [f"output = torch.func.vmap(lambda image: {plain_call(call, 'image')})(input[:, None])[:, 0]"]


def _compiled(call: Call) -> list[str]:
    compiled = f'{KERNEL} = torch.compile({KERNEL}, backend="aot_eager", fullgraph=True, dynamic=False)'
    return [compiled, f"output = {plain_call(call)}"]


def _gradient(call: Call) -> list[str]:
    leaves = [
        f"{name} = {name}.detach().requires_grad_()"
        for letter, name in zip(LETTERS, OPERANDS, strict=True)
        if letter in call.wanted and getattr(call, name) is not None
    ]
    backward = "output.sum().backward()" if call.mode == "gradient_of_sum" else "output.backward(grad_output)"
    return [*leaves, f"output = {plain_call(call)}", "if output.requires_grad:", f"    {backward}"]


_MODES: dict[str, Callable[[Call], list[str]]] = {
    "": lambda call: [f"output = {plain_call(call)}"],
    "by_keyword": _by_keyword,
    "by_position": _by_position,
    "without_bias": lambda call: [f"output = {KERNEL}({', '.join(['input', 'weight', *_keywords(call)])})"],
    "numpy_integers": _numpy_integers,
    "one_array": lambda call: [f"output = {KERNEL}({', '.join(['input', 'input', _bias(call), *_keywords(call)])})"],
    "unbatched": lambda call: [f"output = {plain_call(call, '{}[0]')}"],
    "autocast": _autocast,
    "vmapped": _vmapped,
    "compiled": _compiled,
    **dict.fromkeys(GRADIENT_MODES, _gradient),
}
"""Lines of a call by its mode (`convgauge.worker.call_modes`)."""
