"""Ways to inspect the custom operators of torch that a call runs, and to trace a call with sizes that may change.

Each mode is a `call_mode` of torch, as those in `convgauge.worker.call_modes`. A mode on operators makes a plain call,
and returns a text per property of the operators that is wrong, empty if it is right. A text is an array of its UTF-8
bytes, because further outputs of a call are arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from convgauge.registry import Implementation
from convgauge.worker.call import Call
from convgauge.worker.call_modes import Arrays, Outputs, UnsupportedCall, call_mode
from convgauge.worker.forms import Form
from convgauge.worker.frameworks import Array, Framework

NAMESPACES_OF_TORCH = frozenset((
    "_c10d_functional", "_c10d_functional_autograd", "_dtensor", "_native", "_quantized", "_test", "aten", "c10d",
    "debug_mode_ops", "debugprims", "export", "higher_order", "inductor", "inductor_prims", "mkl", "mkldnn",
    "mkldnn_prepacked", "onednn", "prepacked", "prim", "prims", "profiler", "quantization", "quantized", "rngprims",
    "sparse", "static_runtime", "symm_mem", "xnnpack",
))  # fmt: skip
"""Namespaces of the operators that torch has itself (torch._C._dispatch_get_all_op_names)."""

MAX_OPERATORS = 4
"""Operator calls of one call that are inspected: a kernel that loops over images runs one operator many times."""


class OperatorCall(NamedTuple):
    """A call of a custom operator: its arguments, copies of them as they were before it, and what it returned."""

    operator: Any
    given: tuple[tuple[Any, ...], dict[str, Any]]
    copies: tuple[tuple[Any, ...], dict[str, Any]]
    output: Any

    @property
    def name(self) -> str:
        """Name of the operator with its namespace."""
        return str(self.operator._schema.name)


def text_array(text: str) -> Array:
    """Return a text as a tensor of bytes."""
    import torch

    return torch.from_numpy(np.frombuffer(text.encode(), np.uint8).copy())


def text_of(array: np.ndarray | None) -> str:
    """Return the text of `text_array`."""
    return "" if array is None else array.astype(np.uint8).tobytes().decode()


def _recorded(implementation: Implementation, call: Call, arrays: Arrays) -> tuple[Array, list[OperatorCall]]:
    """Make a plain call; return its output and the calls of custom operators in it. Raises `UnsupportedCall`."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_map_only

    calls: list[OperatorCall] = []

    class Recorder(TorchDispatchMode):  # type: ignore[misc]  # torch is not type-checked here
        def __torch_dispatch__(
            self,
            operator: Any,  # noqa: ANN401 torch's own
            types: object,
            arguments: tuple[Any, ...] = (),
            keywords: Mapping[str, Any] | None = None,
        ) -> Any:  # noqa: ANN401 torch's own
            given = (arguments, dict(keywords or {}))
            if operator.namespace in NAMESPACES_OF_TORCH or len(calls) == MAX_OPERATORS:
                return operator(*arguments, **given[1])
            copies = tree_map_only(torch.Tensor, lambda tensor: tensor.detach().clone(), given)
            output = operator(*arguments, **given[1])
            calls.append(OperatorCall(operator, given, copies, output))
            return output

    with Recorder():
        output = implementation(*arrays, **call.arguments)
    if not calls:
        raise UnsupportedCall("the call runs no custom operator of torch")
    return output, calls


# --- the fake implementation -----------------------------------------------------------------------------------------


@call_mode
def fake_operators(implementation: Implementation, framework: Framework, call: Call, arrays: Arrays) -> Outputs:
    """Compare what the fake implementations of custom operators return with what the operators return."""
    output, calls = _recorded(implementation, call, arrays)
    return output, [text_array(next(filter(None, map(_difference_of_fake, calls)), ""))]


def _difference_of_fake(call: OperatorCall) -> str:
    """Return how a fake output differs from the real one; "" if it does not, or if there is no fake output."""
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.utils._pytree import tree_flatten, tree_map_only

    mode = FakeTensorMode()
    arguments, keywords = tree_map_only(torch.Tensor, mode.from_tensor, call.given)
    try:
        with mode:
            fake = call.operator(*arguments, **keywords)
    except Exception:
        return ""  # there is none, or it refuses: `checked_operators` states this
    pairs = zip(tree_flatten(fake)[0], tree_flatten(call.output)[0])
    differences = [
        difference for returned, real in pairs if isinstance(real, torch.Tensor)
        for difference in _differences(returned, real)
    ]  # fmt: skip
    return f"the fake output of {call.name} {differences[0]}" if differences else ""


def _differences(fake: Array, real: Array) -> Iterator[str]:
    if tuple(fake.shape) != tuple(real.shape):
        yield f"has shape {tuple(fake.shape)}, and the real one {tuple(real.shape)}"
    elif fake.dtype != real.dtype:
        yield f"has dtype {fake.dtype}, and the real one {real.dtype}"
    elif _steps(fake) != _steps(real):
        yield f"has strides {tuple(fake.stride())}, and the real one {tuple(real.stride())}"


def _steps(array: Array) -> list[int]:
    """Return the strides that have a meaning: those of axes of several elements."""
    return [step for size, step in zip(array.shape, array.stride()) if size > 1] if array.numel() else []


# --- opcheck ---------------------------------------------------------------------------------------------------------


@call_mode
def checked_operators(implementation: Implementation, framework: Framework, call: Call, arrays: Arrays) -> Outputs:
    """Judge custom operators by the test ``wanted`` of torch.library.opcheck."""
    import torch

    if not hasattr(torch.library, "opcheck"):
        raise UnsupportedCall(f"torch {torch.__version__} has no torch.library.opcheck")
    output, calls = _recorded(implementation, call, arrays)
    return output, [text_array(next(filter(None, (_failure(each, call.wanted) for each in calls)), ""))]


def _failure(call: OperatorCall, test: str) -> str:
    """Return the reason why an operator fails a test of opcheck, or ""."""
    import torch
    from torch.utils._pytree import tree_map_only

    requires_grad = test == "test_autograd_registration"

    def leaf(tensor: Array) -> Array:
        return tensor.detach().requires_grad_(requires_grad and tensor.is_floating_point())

    arguments, keywords = tree_map_only(torch.Tensor, leaf, call.copies)
    result = torch.library.opcheck(call.operator, arguments, keywords, test_utils=test, raise_exception=False)[test]
    return "" if result == "SUCCESS" else f"{call.name} fails {test}: {str(result).strip().splitlines()[0]}"


@call_mode
def symbolic_operators(implementation: Implementation, framework: Framework, call: Call, arrays: Arrays) -> Outputs:
    """Trace custom operators with symbols for all sizes; a size that the trace replaces by a number is specialised."""
    output, calls = _recorded(implementation, call, arrays)
    return output, [text_array(next(filter(None, map(_specialised, calls)), ""))]


def _specialised(call: OperatorCall) -> str:
    """Return the argument and the axis that a trace of an operator specialises, or ""."""
    import torch
    from torch.fx.experimental.proxy_tensor import make_fx
    from torch.utils._pytree import tree_flatten, tree_unflatten

    flat, structure = tree_flatten(call.given)
    tensors = [value for value in flat if isinstance(value, torch.Tensor)]

    def run(*traced: Array) -> Any:  # noqa: ANN401 whatever the operator returns
        remaining = iter(traced)
        values = [next(remaining) if isinstance(value, torch.Tensor) else value for value in flat]
        arguments, keywords = tree_unflatten(values, structure)
        return call.operator(*arguments, **keywords)

    traced = make_fx(run, tracing_mode="symbolic")(*tensors)
    inputs = [node.meta["val"] for node in traced.graph.nodes if node.op == "placeholder"]
    for number, (symbolic, tensor) in enumerate(zip(inputs, tensors)):
        for axis, (size, present) in enumerate(zip(symbolic.shape, tensor.shape)):
            if present > 1 and (isinstance(size, int) or size.node.maybe_as_int() is not None):
                return f"{call.name} is traced for a size of {present} alone: tensor {number}, axis {axis}"
    return ""


# --- traces of the whole call ----------------------------------------------------------------------------------------


def _direct(implementation: Implementation, call: Call, arrays: Arrays) -> tuple[Callable[..., Array], list[Array]]:
    """Return the function of the tensors of a call without the adaptations around it, and these tensors."""
    form: Form = implementation.function  # type: ignore[assignment]  # `Subject` made it
    present = [array for array in arrays if array is not None]

    def function(*operands: Array) -> Array:
        given = [*operands, *[None] * (len(arrays) - len(operands))]
        by_position, by_name = form.arranged(*given, **call.arguments)
        return form.function(*by_position, **by_name)

    return function, present


def _with_other_batch(input: Array) -> Array:
    """Return an input of another batch: the images in reverse order, and the first three again negated."""
    import torch

    return torch.cat([input.flip(0), -input[:3]])


@call_mode
def functionalized(implementation: Implementation, framework: Framework, call: Call, arrays: Arrays) -> Outputs:
    """Call under torch.func.functionalize, which replaces writes by new tensors."""
    import torch

    function, operands = _direct(implementation, call, arrays)
    form: Form = implementation.function  # type: ignore[assignment]  # as above
    return form.result(torch.func.functionalize(function)(*operands)), []


@call_mode
def compiled_dynamic(implementation: Implementation, framework: Framework, call: Call, arrays: Arrays) -> Outputs:
    """Compile for any batch, and call with two batches by one graph. Extra output: that of the second batch."""
    import torch

    form: Form = implementation.function  # type: ignore[assignment]  # `Subject` made it
    torch._dynamo.reset()
    graphs: list[object] = []

    def counted(graph: Any, _: object) -> Any:  # noqa: ANN401 a graph of torch
        graphs.append(graph)
        return graph.forward

    compiled = torch.compile(form.function, backend=counted, fullgraph=True)

    def answer(input: Array) -> Array:
        torch._dynamo.mark_dynamic(input, 0)  # the batch alone: equal sizes would share one symbol
        by_position, by_name = form.arranged(input, *arrays[1:], **call.arguments)
        return form.result(compiled(*by_position, **by_name))

    output, second = answer(arrays[0].detach()), answer(_with_other_batch(arrays[0]))
    if len(graphs) > 1:
        raise RuntimeError("torch.compile specialised the batch: it made a second graph for another batch")
    return output, [second]


@call_mode
def exported(implementation: Implementation, framework: Framework, call: Call, arrays: Arrays) -> Outputs:
    """Export for any batch by torch.export, and call with two batches. Extra output: that of the second batch."""
    import torch

    function, (input, *others) = _direct(implementation, call, arrays)
    form: Form = implementation.function  # type: ignore[assignment]  # as above

    class Exported(torch.nn.Module):  # type: ignore[misc]  # torch is not type-checked here
        def forward(self, *operands: Array) -> Array:
            return form.result(function(*operands))

    shapes = ({0: torch.export.Dim("batch", min=2)}, *[None] * len(others))
    program = torch.export.export(Exported(), (input, *others), dynamic_shapes=(shapes,)).module()
    return program(input, *others), [program(_with_other_batch(input), *others)]
