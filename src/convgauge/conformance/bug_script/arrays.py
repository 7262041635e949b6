"""Arrays as code: spelled out if they are small, else drawn from a seeded generator."""

from __future__ import annotations

import math
from dataclasses import dataclass
from textwrap import wrap

import numpy as np

from convgauge.conformance.bug_script.failure import NoScriptError
from convgauge.conformance.call_text import MODULES, number
from convgauge.dtypes import DTYPES, round_to
from convgauge.reference.operands import Array

MAX_SPELLED = 64
"""Elements of an array that is spelled out: about four lines of text."""

MAX_EXCEPTIONS = 4
"""Elements that differ from all others of an array which is written as a constant."""

LINE_CHARS = 118
MAX_NESTED_CHARS = 70
"""Characters of an array that is written as a nested list in one line; a longer one is a flat list with a shape."""

_LARGEST_DRAWN = 8


@dataclass(frozen=True)
class Code:
    """An array, and the lines that assign it to a name."""

    array: Array
    lines: list[str]


def type_text(dtype: str, framework: str) -> str:
    """Return the name of a dtype in the framework: ``np.float32``."""
    return f"{MODULES[framework]}.{dtype}"


def spelled(name: str, array: Array, dtype: str, framework: str) -> Code | None:
    """Return the code that spells an array out; None if it is too large."""
    kind = type_text(dtype, framework)
    if not array.size:
        return Code(array, [f"{name} = {MODULES[framework]}.zeros({array.shape}, dtype={kind})"])
    if array.size > MAX_SPELLED:
        return _constant(name, array, kind, framework)
    constructor = {"numpy": "np.array", "torch": "torch.tensor", "jax": "jnp.array"}[framework]
    nested = _nested(array)
    if len(nested) <= MAX_NESTED_CHARS:
        return Code(array, [f"{name} = {constructor}({nested}, dtype={kind})"])
    flat = ", ".join(map(_number, array.reshape(-1)))
    line = f"{name} = {constructor}([{flat}], dtype={kind}).reshape({array.shape})"
    if len(line) <= LINE_CHARS:
        return Code(array, [line])
    numbers = wrap(flat, LINE_CHARS - 4, break_on_hyphens=False)
    lines = [f"{name} = {constructor}([", *(f"    {line}" for line in numbers)]
    return Code(array, [*lines, f"], dtype={kind}).reshape({array.shape})"])


def _constant(name: str, array: Array, kind: str, framework: str) -> Code | None:
    """Return the code of an array whose elements are equal, except a few; None if there are more."""
    values, counts = np.unique(array.reshape(-1), return_counts=True, equal_nan=True)
    usual = values[int(np.argmax(counts))]
    same = (array == usual) | (np.isnan(array) & np.isnan(usual))
    exceptions = np.argwhere(~same)
    if len(exceptions) > (MAX_EXCEPTIONS if framework != "jax" else 0):
        return None
    lines = [f"{name} = {MODULES[framework]}.full({array.shape}, {_number(usual)}, dtype={kind})"]
    for index in exceptions:
        position = ", ".join(map(str, index))
        lines.append(f"{name}[{position}] = {_number(array[tuple(index)])}")
    return Code(array, lines)


def drawn(name: str, array: Array, dtype: str, framework: str, random: np.random.Generator) -> Code:
    """Return the code that draws an array of the same shape with the generator ``random``.

    Integers are drawn from the range of the array's own, real numbers from the normal distribution.

    Raises
    ------
    NoScriptError
        If the array has NaN or infinite elements, which matter by their position.
    """
    if not np.isfinite(array).all():
        raise NoScriptError(f"its {name} of {array.size} elements has special values, which a script cannot draw")
    expression = _draw_text(array)
    values = round_to(_draw(array, random), dtype).astype(DTYPES[dtype].carrier)
    kind = type_text(dtype, framework)
    text = {
        "numpy": f"{expression}.astype({kind})",
        "torch": f"torch.from_numpy({expression}).to({kind})",
        "jax": f"jnp.asarray({expression}, dtype={kind})",
    }[framework]
    return Code(values, [f"{name} = {text}"])


def _is_integer(array: Array) -> bool:
    return bool((np.round(array.real) == array.real).all() and float(np.abs(array).max(initial=0)) <= 2.0**40)


def _range(array: Array) -> int:
    return max(1, min(_LARGEST_DRAWN, int(np.abs(array.real).max(initial=0))))


def _draw_text(array: Array) -> str:
    if array.dtype.kind == "c":
        raise NoScriptError("it needs large complex operands, which a script does not draw")
    if _is_integer(array):
        return f"rng.integers({-_range(array)}, {_range(array) + 1}, {array.shape})"
    return f"rng.standard_normal({array.shape})"


def _draw(array: Array, random: np.random.Generator) -> Array:
    if _is_integer(array):
        return np.asarray(random.integers(-_range(array), _range(array) + 1, array.shape))
    return np.asarray(random.standard_normal(array.shape))


def _nested(array: Array) -> str:
    """Return an array as a nested list in one line."""
    if not array.ndim:
        return _number(array.reshape(-1)[0])
    return f"[{', '.join(_nested(part) for part in array)}]"


def _number(value: np.generic) -> str:
    """Return a number as an expression in which NaN and infinity are those of NumPy."""
    text = number(value)
    if value.dtype.kind != "c" and not math.isfinite(float(value)):
        return "np.nan" if math.isnan(float(value)) else ("np.inf" if float(value) > 0 else "-np.inf")
    return text


def expected_lines(name: str, array: Array) -> list[str] | None:
    """Return the lines that spell an expected array out in NumPy, in its default types; None if it is too large."""
    code = spelled(name, array, array.dtype.name, "numpy")
    if code is None or not array.size:
        return None
    lines = [line.replace(f", dtype=np.{array.dtype.name}", "") for line in code.lines]
    return _joined(lines)


def _joined(lines: list[str]) -> list[str]:
    """Return the lines of one statement as one, if it is short enough."""
    line = "".join(part.strip() if part.startswith("]") else f"{part.strip()} " for part in lines).strip()
    line = line.replace("[ ", "[").replace(" ]", "]")
    return [line] if len(line) <= LINE_CHARS and lines[0].endswith("([") else lines
