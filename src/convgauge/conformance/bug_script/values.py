"""Assertions about values: the expected array with its bound, spelled out or computed by a short reference."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from convgauge.conformance.bug_script.arrays import expected_lines
from convgauge.conformance.bug_script.calls import GRADIENT_MODES
from convgauge.conformance.bug_script.failure import Failure, NoScriptError
from convgauge.diagnosis.sample import PLAIN_MODES
from convgauge.dtypes import DTYPES, round_to
from convgauge.problem import Problem
from convgauge.reference import accuracy, oracle
from convgauge.reference.operands import Array, Operands
from convgauge.worker.call import Call

VALUE_MODES = (*PLAIN_MODES, "vmapped", "compiled")
"""Modes whose output is that of a plain call, compiled and vectorized calls included."""

_WIDE = {"f": "np.float64", "i": "np.int64", "c": "np.complex128"}
_WIDER = {"float64": "np.longdouble", "complex128": "np.clongdouble"}
"""Type in which the reference adds up, where float64 is not wider than the output."""


def value_assertions(failure: Failure, call: Call) -> Iterator[list[str]]:
    """Yield the lines of assertions about the output, the clearest one first: not all of them need to fail.

    Parameters
    ----------
    failure : Failure
        The failing case.
    call : Call
        Its call with the operands of the script.
    """
    problem, operands = failure.problem, Operands(call.input, call.weight, call.bias)
    if call.mode in GRADIENT_MODES or call.mode in VALUE_MODES:
        read = ["result = to_numpy(output)"]
        if failure.fault.kind == "accuracy" or failure.family != "exact":
            yield from (read + lines for lines in _accuracy(failure, problem, operands))
            return
        expected = round_to(oracle.answer(problem, operands), problem.dtype)
        tolerance = accuracy.integer_tolerance(problem, failure.declared_grade)
        yield read + _expected(problem, operands, expected) + ["bound = " + f"{tolerance:g}"] + COMPARISON
        return
    raise NoScriptError(f"it fails in calls of the mode {call.mode}, whose output is not written in a script")


COMPARISON = [
    "bad = ~np.isclose(result, expected, rtol=0, atol=bound, equal_nan=True)",
    "assert not bad.any(), (",
    '    f"{bad.sum()} of {bad.size} are wrong; at {np.argwhere(bad)[0].tolist()}:'
    ' {result[bad][0]}, not {expected[bad][0]}"',
    ")",
]
"""Lines that compare ``result`` with ``expected`` within ``bound``."""


def helper_lines(framework: str, dtype: str) -> list[str]:
    """Return the lines of the function ``to_numpy``: a copy of an array in a type that holds its values."""
    kind = DTYPES[dtype].kind
    if framework != "torch":
        return ["def to_numpy(array):", f"    return np.asarray(array).astype({_WIDE[kind]})"]
    wide = _WIDE[kind].replace("np.", "torch.")
    return ["def to_numpy(array):", f"    return array.detach().to({wide}).resolve_conj().resolve_neg().numpy()"]


def _expected(problem: Problem, operands: Operands, expected: Array) -> list[str]:
    """Return the lines that assign the expected output: spelled out, or computed from the operands."""
    wide = expected.astype({"c": "complex128", "i": "int64"}.get(expected.dtype.kind, "float64"))
    if problem.direction != "forward":
        return expected_lines("expected", wide) or gradient_lines(problem)
    return expected_lines("expected", wide) or reference_lines(problem, has_bias=operands.bias is not None)


def reference_lines(problem: Problem, *, has_bias: bool) -> list[str]:
    """Return the lines that compute the output with a loop over the taps of the kernel."""
    (top, bottom), (left, right) = problem.pads
    (rows, columns), groups = problem.output_size, problem.groups
    (sh, sw), (dh, dw) = problem.stride, problem.dilation
    wide = _WIDER.get(problem.dtype, _WIDE[DTYPES[problem.dtype].kind])
    per_group = problem.in_channels // groups
    outputs = problem.out_channels // groups
    narrow = f".astype(np.{problem.dtype})" if DTYPES[problem.dtype].kind == "i" else ""
    widened = f".astype({wide})" if problem.dtype in _WIDER else ""
    field = f"x[:, first : first + {per_group}, i * {dh} :: {sh}, j * {dw} :: {sw}][:, :, :{rows}, :{columns}]"
    pads = f"((0, 0), (0, 0), ({top}, {bottom}), ({left}, {right}))"
    return [
        f"x, w = np.pad(to_numpy(input), {pads}){widened}, to_numpy(weight)",
        f"expected = np.zeros({problem.output_shape}, {wide})",
        f"for o, i, j in np.ndindex({problem.out_channels}, {problem.kernel[0]}, {problem.kernel[1]}):",
        f"    first = o // {outputs} * {per_group}",
        f"    field = {field}",
        "    expected[:, o] += (field * w[o, :, i, j, None, None]).sum(axis=1)",
        *(["expected += to_numpy(bias)[None, :, None, None]"] if has_bias else []),
        *([f"expected = expected{narrow}"] if narrow else []),
    ]


def gradient_lines(problem: Problem) -> list[str]:
    """Return the lines that compute a gradient with a loop over the taps of the kernel."""
    (top, bottom), (left, right) = problem.pads
    (rows, columns), (sh, sw), (dh, dw) = problem.output_size, problem.stride, problem.dilation
    wide = _WIDER.get(problem.dtype, _WIDE[DTYPES[problem.dtype].kind])
    per_group, outputs = problem.in_channels // problem.groups, problem.out_channels // problem.groups
    field = f"x[:, first : first + {per_group}, i * {dh} :: {sh}, j * {dw} :: {sw}][:, :, :{rows}, :{columns}]"
    loop = [
        f"for o, i, j in np.ndindex({problem.out_channels}, {problem.kernel[0]}, {problem.kernel[1]}):",
        f"    first = o // {outputs} * {per_group}",
    ]
    if problem.direction == "grad_weight":
        pads = f"((0, 0), (0, 0), ({top}, {bottom}), ({left}, {right}))"
        return [
            f"x, g = np.pad(to_numpy(input), {pads}).astype({wide}), to_numpy(grad_output)",
            f"expected = np.zeros({problem.output_shape}, {wide})",
            *loop,
            f"    field = {field}",
            "    expected[o, :, i, j] = (field * g[:, o, None]).sum(axis=(0, 2, 3))",
        ]
    shape = (problem.batch, problem.in_channels, top + problem.height + bottom, left + problem.width + right)
    return [
        f"g, w = to_numpy(grad_output).astype({wide}), to_numpy(weight)",
        f"x = np.zeros({shape}, {wide})",
        *loop,
        f"    field = {field}",
        "    field += g[:, o, None] * w[o, :, i, j, None, None]",
        f"expected = x[:, :, {top} : {top + problem.height}, {left} : {left + problem.width}]",
    ]


def _accuracy(failure: Failure, problem: Problem, operands: Operands) -> Iterator[list[str]]:
    """Yield the lines of assertions about the errors: each one, then their mean square and their mean."""
    grade = failure.declared_grade or "B"
    try:
        scale = accuracy.Scale.of(problem, operands)
    except ValueError:  # an operand is not finite
        yield from _special(failure, problem, operands)
        return
    bounds, sigma = scale.bounds(grade, operands)
    if not np.isfinite(scale.exact).all() or not np.isfinite(bounds).all():
        yield from _special(failure, problem, operands)
        return
    expected = _expected(problem, operands, scale.exact)
    for bound in (f"{_up(bounds.max(initial=0.0)):.3g}", *_spelled_bounds(bounds)):
        yield [*expected, f"bound = {bound}", *COMPARISON]
    allowed = float(sigma.max(initial=0.0)) * math.sqrt(scale.mean_square_allowed)
    if not math.isfinite(allowed):  # of too few outputs
        return
    yield [
        *expected,
        "error = float(np.sqrt(np.mean((result - expected) ** 2)))",
        f'assert error <= {_up(allowed):.3g}, f"the root of the mean square error is {{error:.3g}}"',
    ]
    allowed = float(sigma.max(initial=0.0)) * scale.bias_allowed(grade)
    yield [
        *expected,
        "error = abs(float(np.mean((result - expected) * np.sign(expected))))",
        f'assert error <= {_up(allowed):.3g}, f"the mean error is {{error:.3g}}"',
    ]


def _up(value: float) -> float:
    """Return a number that is not smaller after it is rounded to three digits."""
    return value * 1.005


def _spelled_bounds(bounds: Array) -> list[str]:
    lines = expected_lines(
        "bound", np.array([float(f"{_up(b):.3g}") for b in bounds.reshape(-1)]).reshape(bounds.shape)
    )
    return [] if lines is None else ["\n".join(lines).removeprefix("bound = ")]


def _special(failure: Failure, problem: Problem, operands: Operands) -> Iterator[list[str]]:
    """Yield the lines for operands or sums with NaN or infinity."""
    expected = round_to(oracle.answer(problem, operands), problem.dtype)
    bound = failure.fault.bound or "0"
    yield [*_expected(problem, operands, expected), f"bound = {bound}", *COMPARISON]
