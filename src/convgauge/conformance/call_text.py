"""Text of one call for a terminal: its operands, its arguments as they are spelled, its output and its fault."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import numpy as np

from convgauge.domain import CONTIGUOUS
from convgauge.reference.compare import Fault
from convgauge.reference.operands import Array
from convgauge.worker import gradient_modes, operator_modes  # noqa: F401 register their modes
from convgauge.worker.call import Call, Observation
from convgauge.worker.call_modes import CALL_MODES

MAX_NUMBERS = 40
"""Elements of an array that is printed whole: five rows of eight, about two lines of text."""
MAX_FIRST_NUMBERS = 8
"""Elements that are printed of a larger array."""
LINE_CHARS = 110

CONSTRUCTORS = {"numpy": "np.array({}, {})", "torch": "torch.tensor({}, dtype={})", "jax": "jnp.array({}, {})"}
"""Expressions that make an array of a nested list and a dtype, by framework."""
MODULES = {"numpy": "np", "torch": "torch", "jax": "jnp"}


def call_lines(call: Call, name: str, framework: str) -> Iterator[str]:
    """Yield the lines of a call as code: the operands, then the call with its arguments as they are spelled.

    Parameters
    ----------
    call : Call
        The call.
    name : str
        Name of the implementation.
    framework : str
        Framework of its arrays.
    """
    first, second, _ = call.operand_names
    arrays = dict(zip(call.operand_names, (call.input, call.weight, call.bias), strict=True))
    for (operand, array), dtype, layout in zip(arrays.items(), call.dtypes, call.layouts, strict=True):
        if array is not None:
            yield _assignment(operand, array, dtype, layout, framework)
    if call.extra_operand is not None:
        yield _assignment("extra", call.extra_operand, call.dtypes[0], call.extra_layout, framework)
    keywords = [f"{key}={value!r}" for key, value in call.arguments.items()]
    bias = "bias" if call.bias is not None else "None"
    if call.prepared:
        yield f'run    = {name}.prepare(Problem.parse("{call.prepared}"), weight, {bias})'
        yield "output = run(input)"
    else:
        operands = [first, second, bias]
        if call.direction != "forward":
            operands = [f"{operand}={operand}" for operand in (first, second)]
        yield f"output = {name}({', '.join([*operands, *keywords])})"
    if call.device != "cpu":
        yield f"# operands on {call.device}"
    if call.mode:
        sentence = (CALL_MODES[call.mode].__doc__ or "").partition("\n")[0]
        yield f"# mode {call.mode}{f' of {call.wanted!r}' * bool(call.wanted)}: {sentence}"


def _assignment(name: str, array: Array, dtype: str, layout: str, framework: str) -> str:
    """Return the assignment of an array, or a comment with its shape and first elements if it is large."""
    start = f"{name:6} = "
    comment = "" if layout in CONTIGUOUS else f"  # in memory: {layout}"
    if array.size > MAX_NUMBERS:
        return f"# {start}{summary(array, dtype)}{comment}"
    if not array.size:
        return f"{start}{MODULES.get(framework, 'np')}.zeros({array.shape}){comment}"
    constructor = CONSTRUCTORS.get(framework, CONSTRUCTORS["numpy"])
    prefix, _, suffix = constructor.partition("{}")
    element = suffix.format(f"{MODULES.get(framework, 'np')}.{dtype}")
    return f"{start}{prefix}{_nested(array, len(start) + len(prefix))}{element}{comment}"


def _nested(array: Array, indent: int) -> str:
    """Return an array as a nested list."""
    text = np.array2string(
        array, max_line_width=LINE_CHARS, separator=", ", prefix=" " * indent, threshold=array.size + 1,
        formatter={"all": number},  # type: ignore[arg-type]  # NumPy's own functions take any number
    )  # fmt: skip
    return re.sub(r"\n+", "\n", text)


def number(value: np.generic) -> str:
    """Return the shortest Python expression of a number."""
    if value.dtype.kind == "c":
        return str(value.item())
    if not np.isfinite(value):
        return f'float("{float(value):g}")'
    if float(value).is_integer() and abs(float(value)) < 2.0**53 and not (value == 0 and math.copysign(1, value) < 0):
        return str(int(value))
    return str(value)


def summary(array: Array, dtype: str) -> str:
    """Return the dtype, the shape and the first elements of an array."""
    first = [number(value) for value in array.reshape(-1)[:MAX_FIRST_NUMBERS]]
    return f"{dtype} of shape {array.shape}{': ' * bool(first)}{', '.join(first)}{', …' * (array.size > len(first))}"


def output_lines(observation: Observation, expected: Observation, fault: Fault | None) -> Iterator[str]:
    """Yield the lines of a call's result: the output and the expected one, or the exception, then the fault.

    Parameters
    ----------
    observation : Observation
        Observation of the call.
    expected : Observation
        Answer of a sound implementation; its kind is not "answer" if there is none, or if it is not known.
    fault : Fault or None
        Fault of the case.
    """
    if observation.printed.strip():
        yield f"printed   {observation.printed.strip()}"
    if observation.output is None:
        error = f"{observation.error[0]}: " if observation.error else ""
        yield f"{observation.kind:<9} {error}{observation.message}"
    else:
        yield f"got       {_elements(observation.output, observation.dtype)}"
    if expected.output is not None:
        yield f"expected  {_elements(expected.output, expected.dtype)}"
    elif expected.kind == "raised":
        yield f"expected  an exception, such as {expected.error[0]}: {expected.message}"
    if fault is not None and fault.index:
        yield f"first at  {fault.index}: got {fault.got}, expected {fault.expected} (within {fault.bound})"


def _elements(array: Array, dtype: str) -> str:
    """Return the elements of an output; of a large or an empty one its dtype, its shape and its first elements."""
    return _nested(array, 10) if 0 < array.size <= MAX_NUMBERS else summary(array, dtype)
