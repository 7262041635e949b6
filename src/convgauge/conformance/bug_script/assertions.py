"""Assertions by kind of fault: the lines before the call, and those after it."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from convgauge.conformance.bug_script.arrays import expected_lines
from convgauge.conformance.bug_script.calls import GRADIENT_MODES, KERNEL, call_lines, plain_call
from convgauge.conformance.bug_script.failure import Failure, NoScriptError
from convgauge.conformance.bug_script.values import COMPARISON, value_assertions
from convgauge.dtypes import round_to
from convgauge.reference import oracle
from convgauge.reference.operands import Array, Operands
from convgauge.terms import FaultKind
from convgauge.worker.call import OPERANDS, Call


@dataclass(frozen=True)
class Body:
    """Lines of a script that begin with the call: the call between what is noted before and what is asserted after."""

    lines: list[str]
    uses_reader: bool = False
    imports: list[str] = field(default_factory=list)


Bodies = Callable[[Failure, Call], Iterator[Body]]

_UNWRITTEN: dict[FaultKind, str] = {
    "crashed": "its process ends, so that a script would end without a message",
    "out_of_bounds": "its process ends, so that a script would end without a message",
    "timed_out": "the call does not return",
    "noise": "the fault is what its process writes to convgauge",
    "relation": "each single output is right within its bound, and only a relation of several is not",
    "declaration": "the fault is its declaration, not the output of one call",
    "irreproducible": "the fault is a difference of two calls, not the output of one",
    "operator": "the fault is the registration of an operator, not the output of one call",
    "device": "the fault is the device of its output",
    "vacuous": "the case proves nothing",
    "": "the kind of its fault is not known",
}
"""Sentences on the kinds of faults that no script shows."""


def bodies(failure: Failure, call: Call) -> Iterator[Body]:
    """Yield the bodies of scripts that may show a failure, the clearest one first.

    Parameters
    ----------
    failure : Failure
        The failing case.
    call : Call
        Its call with the operands of the script.

    Raises
    ------
    NoScriptError
        If no script can show it.
    """
    kind = failure.fault.kind
    if kind not in _BODIES:
        raise NoScriptError(_UNWRITTEN.get(kind, f"the fault is of the kind {kind}"))
    yield from _BODIES[kind](failure, call)


def _values(failure: Failure, call: Call) -> Iterator[Body]:
    for lines in value_assertions(failure, call):
        yield Body([*call_lines(call), "", *lines], uses_reader=True)


def _shape(failure: Failure, call: Call) -> Iterator[Body]:
    shape = failure.problem.output_shape[1:] if call.mode == "unbatched" else failure.problem.output_shape
    line = f'assert tuple(output.shape) == {shape}, f"shape {{tuple(output.shape)}}, expected {shape}"'
    yield Body([*call_lines(call), line])


def _dtype(failure: Failure, call: Call) -> Iterator[Body]:
    dtype = failure.problem.dtype
    kind = f"torch.{dtype}" if failure.framework == "torch" else f'"{dtype}"'
    yield Body([*call_lines(call), f'assert output.dtype == {kind}, f"dtype {{output.dtype}}, expected {dtype}"'])


def _type(failure: Failure, call: Call) -> Iterator[Body]:
    kind = {"numpy": "np.ndarray", "torch": "torch.Tensor", "jax": "jax.Array"}[failure.framework]
    yield Body([*call_lines(call), f'assert isinstance(output, {kind}), f"returned {{type(output)}}, not {kind}"'])


def _raised(failure: Failure, call: Call) -> Iterator[Body]:
    name = failure.fault.got
    kind = name if isinstance(getattr(builtins, name, None), type) else "Exception"
    lines = [f"    {line}" for line in call_lines(call)]
    message = f'raise AssertionError(f"a valid call raised {name}: {{error}}") from error'
    yield Body(["try:", *lines, f"except {kind} as error:", f"    {message}"])


def _answered_invalid(failure: Failure, call: Call) -> Iterator[Body]:
    lines = [f"    {line}" for line in call_lines(call)]
    message = failure.fault.message.replace("\\", "\\\\").replace('"', "'")
    yield Body(["try:", *lines, "except Exception:", "    pass", "else:", f'    raise AssertionError("{message}")'])


def _unstable(failure: Failure, call: Call) -> Iterator[Body]:
    if call.mode or call.threads > 1:
        call_lines(call)  # raises the reason
        raise NoScriptError(f"equal calls of the mode {call.mode} differ")
    lines = [
        "outputs = []",
        f"for _ in range({max(20, call.repeat)}):",
        f"    output = {plain_call(call)}",
        "    outputs.append(to_numpy(output).tobytes())",
        "different = [number for number, output in enumerate(outputs) if output != outputs[0]]",
        'assert not different, f"equal calls give other bits: calls {different} of {len(outputs)}"',
    ]
    yield Body(lines, uses_reader=True)


def _rewritten(failure: Failure, call: Call) -> Iterator[Body]:
    yield from (_shared(failure, call) if failure.fault.kind == "aliased" else _changed(failure, call))


def _changed(failure: Failure, call: Call) -> Iterator[Body]:
    """Yield a script in which an output changes when another call is made."""
    lines = [
        *call_lines(call), "before = to_numpy(output).tobytes()", f"{plain_call(call, '-{}')}",
        'assert to_numpy(output).tobytes() == before, "a later call changed an output that was returned before"',
    ]  # fmt: skip
    yield Body(lines, uses_reader=True)


def _shared(failure: Failure, call: Call) -> Iterator[Body]:
    """Yield the scripts of an output that shares memory with an operand, with an earlier output or with itself."""
    target = next((e.target for e in failure.observation.side_effects if e.kind == "aliased"), "")
    if target == "itself":
        strides = "output.stride()" if failure.framework == "torch" else "output.strides"
        yield Body([*call_lines(call), f'assert 0 not in {strides}, "elements of the output share memory"'])
        return
    other = target if target in OPERANDS else "earlier"
    before = [] if target in OPERANDS else [f"earlier = {plain_call(call, '-{}')}"]
    shares = {
        "numpy": f"np.shares_memory(output, {other})",
        "torch": f"output.untyped_storage().data_ptr() == {other}.untyped_storage().data_ptr()",
        "jax": f"output.unsafe_buffer_pointer() == {other}.unsafe_buffer_pointer()",
    }[failure.framework]
    what = f"the {target}" if target in OPERANDS else "an earlier output"
    yield Body([*before, *call_lines(call), f'assert not {shares}, "the output shares memory with {what}"'])


def _side_effect(failure: Failure, call: Call) -> Iterator[Body]:
    """Yield the scripts of a call that changes an operand or an argument."""
    effects = [effect for effect in failure.observation.side_effects if effect.kind == "mutated"]
    target, sentence = (effects[0].target, effects[0].sentence) if effects else ("", "")
    message = f'"the call {sentence}"'
    if target == "arguments":
        arguments = f"arguments = {dict(call.arguments)!r}"
        bias = "None" if call.bias is None else "bias"
        called = [f"{KERNEL}(input, weight, {bias}, **arguments)"]
        yield Body([arguments, "before = repr(arguments)", *called, f"assert repr(arguments) == before, {message}"])
    elif target in OPERANDS and "memory" in sentence:
        for memory in _memories(call, target):
            content = _content(memory, failure.framework, call.dtypes[OPERANDS.index(target)])
            yield Body([f"before = {content}", *call_lines(call), f"assert {content} == before, {message}"])
    elif target in OPERANDS:
        strides = (
            f"{target}.stride()" if failure.framework == "torch" else f"{target}.strides, {target}.flags.writeable"
        )
        form = f"({target}.shape, {strides})"
        yield Body([f"before = {form}", *call_lines(call), f"assert {form} == before, {message}"])
    else:
        raise NoScriptError("the call changes what a script cannot compare")


def _memories(call: Call, target: str) -> list[str]:
    """Return the names of arrays whose content may change: the operand, and the memory that contains it."""
    layout = call.layouts[OPERANDS.index(target)]
    return [target] if layout == "contiguous" else [target, f"{target}_memory"]


def _content(name: str, framework: str, dtype: str) -> str:
    if framework != "torch":
        return f"np.asarray({name}).tobytes()"
    return f"{name}.view(torch.int16).numpy().tobytes()" if dtype == "bfloat16" else f"{name}.numpy().tobytes()"


STATES = {
    "Python's random state": ("random.getstate()", "import random"),
    "NumPy's random state": ("repr(np.random.get_state())", ""),
    "NumPy's error state": ("np.geterr()", ""),
    "NumPy's print options": ("str(np.get_printoptions())", ""),
    "the warning filters": ("list(map(str, warnings.filters))", "import warnings"),
    "the recursion limit": ("sys.getrecursionlimit()", "import sys"),
    "the environment variables": ("dict(os.environ)", "import os"),
    "the working directory": ("os.getcwd()", "import os"),
    "the garbage collector": ("gc.isenabled()", "import gc"),
    "torch's random state": ("torch.random.get_rng_state().numpy().tobytes()", ""),
    "torch's default dtype": ("torch.get_default_dtype()", ""),
    "torch's thread count": ("torch.get_num_threads()", ""),
    "torch's gradient mode": ("torch.is_grad_enabled()", ""),
    "torch's deterministic mode": ("torch.are_deterministic_algorithms_enabled()", ""),
    "torch's precision of float32 products": ("torch.get_float32_matmul_precision()", ""),
}
"""Expressions of parts of the global state (`convgauge.worker.global_state`), and the import that they need."""


def _global_state(failure: Failure, call: Call) -> Iterator[Body]:
    targets = [effect.target for effect in failure.observation.side_effects if effect.kind == "global_state"]
    known = [target for target in targets if target in STATES]
    if not known:
        raise NoScriptError(f"the call changes {' and '.join(targets) or 'state'}, which a script does not read")
    state, imported = STATES[known[0]]
    message = f'"the call changed {known[0]}"'
    body = [f"before = {state}", *call_lines(call), f"assert {state} == before, {message}"]
    yield Body(body, imports=[imported] if imported else [])


def _layout(failure: Failure, call: Call) -> Iterator[Body]:
    if call.mode != "channels_last":
        raise NoScriptError("the fault is the memory layout of its output")
    form = "output.is_contiguous(memory_format=torch.channels_last)"
    yield Body([f"output = {plain_call(call)}", f'assert {form}, "the output is not in channels-last memory"'])


def _gradient(failure: Failure, call: Call) -> Iterator[Body]:
    """Yield the script of a wrong gradient."""
    name, expected = _expected_gradient(failure, call)
    lines = expected_lines("expected", expected.astype(np.float64 if expected.dtype.kind != "c" else np.complex128))
    if lines is None:
        raise NoScriptError(f"the gradient by the {name} has {expected.size} elements, too many to be spelled out")
    bound = failure.fault.bound or "0"
    if ": shape " in failure.fault.message:
        shape = f"tuple({name}.grad.shape)"
        after = [f'assert {shape} == {expected.shape}, f"shape {{{shape}}}, expected {expected.shape}"']
    else:
        after = ["", f"result = to_numpy({name}.grad)", *lines, f"bound = {bound}", *COMPARISON]
    yield Body([*call_lines(call), *after], uses_reader=True)


def _expected_gradient(failure: Failure, call: Call) -> tuple[str, Array]:
    """Return the operand by which the gradient is wrong, and the right gradient."""
    name = _differentiated(failure, call)
    operands = Operands(call.input, call.weight, call.bias)
    grad_output = np.ones(failure.problem.output_shape) if call.mode == "gradient_of_sum" else call.extra_operand
    assert grad_output is not None
    gradients = oracle.adjoint(failure.problem, operands, grad_output)
    gradient = gradients[OPERANDS.index(name)]
    assert gradient is not None
    is_exact = failure.fault.bound in ("0", "0.25")
    return name, round_to(gradient, failure.problem.dtype) if is_exact else gradient


def _differentiated(failure: Failure, call: Call) -> str:
    """Return the operand that the message of a fault names. Raises `NoScriptError`."""
    if call.mode not in GRADIENT_MODES:
        raise NoScriptError(f"it fails in calls of the mode {call.mode}, which convgauge makes")
    named = [name for name in OPERANDS if f"by the {name}" in failure.fault.message]
    if not named:
        raise NoScriptError("its fault concerns no single gradient")
    return named[0]


def _graph(failure: Failure, call: Call) -> Iterator[Body]:
    name = _differentiated(failure, call)
    is_missing = "no gradient" in failure.fault.message
    condition = f"{name}.grad is {'not ' * is_missing}None"
    message = f"there is {'no' if is_missing else 'a'} gradient by the {name}"
    yield Body([*call_lines(call), f'assert {condition}, "{message}"'])


_BODIES: dict[FaultKind, Bodies] = {
    "values": _values,
    "accuracy": _values,
    "shape": _shape,
    "dtype": _dtype,
    "type": _type,
    "raised": _raised,
    "answered_invalid": _answered_invalid,
    "unstable": _unstable,
    "rewritten": _rewritten,
    "aliased": _rewritten,
    "side_effect": _side_effect,
    "global_state": _global_state,
    "layout": _layout,
    "gradient": _gradient,
    "graph": _graph,
}
"""Function that yields the bodies of scripts for a kind of fault."""
