"""Other ways to make a call than to call: with gradients, prepared more than once, under torch's transformations.

Each mode is a function (implementation, framework, call, arrays) -> (output, further arrays). This module runs where
the implementation runs; it judges nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from convgauge.problem import Problem
from convgauge.worker.frameworks import Framework

Made = tuple[Any, list[Any]]


class Unsupported(Exception):
    """The framework cannot make such a call; the message says why."""


def _prepared(implementation: Any, call: Any, weight: Any, bias: Any) -> Callable[[Any], Any]:
    run: Callable[[Any], Any] = implementation.prepared(Problem.parse(call.prepared), weight, bias)
    return run


def _another(framework: Framework, call: Any, carrier: np.ndarray) -> Any:
    """An array of the input's dtype on the call's device."""
    return framework.make(carrier, call.dtypes[0], call.device, "contiguous")[0]


# --- how the arguments are passed ------------------------------------------------------------------------------------

OPERANDS = ("input", "weight", "bias")


def _by_keyword(implementation: Any, framework: Framework, call: Any, arrays: list[Any]) -> Made:
    """Every argument by its name."""
    return implementation(**dict(zip(OPERANDS, arrays)), **call.arguments), []


def _by_position(implementation: Any, framework: Framework, call: Any, arrays: list[Any]) -> Made:
    """Every argument by its place."""
    return implementation(*arrays, *(call.arguments[name] for name in ("stride", "padding", "dilation", "groups"))), []


def _without_bias(implementation: Any, framework: Framework, call: Any, arrays: list[Any]) -> Made:
    """Without naming the bias, which is none."""
    return implementation(*arrays[:2], **call.arguments), []


def _numpy_integers(implementation: Any, framework: Framework, call: Any, arrays: list[Any]) -> Made:
    """Every number among the arguments as a NumPy integer."""

    def said(value: Any) -> Any:
        if isinstance(value, (tuple, list)):
            return type(value)(map(said, value))
        return np.int64(value) if isinstance(value, int) else value

    return implementation(*arrays, **{name: said(value) for name, value in call.arguments.items()}), []


def _one_array(implementation: Any, framework: Framework, call: Any, arrays: list[Any]) -> Made:
    """One and the same array as input and as weight."""
    return implementation(arrays[0], arrays[0], arrays[2], **call.arguments), []


# --- prepare ---------------------------------------------------------------------------------------------------------


def _several_inputs(implementation: Any, framework: Framework, call: Any, arrays: list[Any]) -> Made:
    """One run for the input, for another (``upstream``), and for the first again."""
    run = _prepared(implementation, call, arrays[1], arrays[2])
    first = run(arrays[0])
    return first, [run(_another(framework, call, call.upstream)), run(arrays[0])]


def _two_layers(implementation: Any, framework: Framework, call: Any, arrays: list[Any]) -> Made:
    """Two layers prepared, the second with other weights (``upstream``), and run in turns."""
    run = _prepared(implementation, call, arrays[1], arrays[2])
    other = _prepared(implementation, call, _another(framework, call, call.upstream), arrays[2])
    first = run(arrays[0])
    return first, [other(arrays[0]), run(arrays[0])]


def _overwritten(implementation: Any, framework: Framework, call: Any, arrays: list[Any]) -> Made:
    """A layer prepared, then other weights (``upstream``) written into the array that it was prepared with."""
    if not framework.refills:
        raise Unsupported(f"{framework.name}'s arrays cannot be written to")
    run = _prepared(implementation, call, arrays[1], arrays[2])
    framework.refill(arrays[1], call.upstream)
    return run(arrays[0]), []


# --- gradients -------------------------------------------------------------------------------------------------------


def _leaves(call: Any, arrays: list[Any]) -> list[Any]:
    """The operands as leaves of a graph; those in ``wanted`` (letters of "iwb") ask for their gradient."""
    return [
        None if one is None else one.detach().requires_grad_(letter in call.wanted)
        for letter, one in zip("iwb", arrays)
    ]


def _gradient(implementation: Any, framework: Framework, call: Any, arrays: list[Any]) -> Made:
    """The gradients of <output, upstream> by input, weight and bias; None for those not asked for or not reached."""
    import torch

    leaves = _leaves(call, arrays)
    output = implementation(*leaves, **call.arguments)
    if output.requires_grad and not call.wanted:
        raise RuntimeError("the output asks for a gradient though no operand does")
    if output.requires_grad:
        torch.autograd.backward(output, _another(framework, call, call.upstream))
    return output, [None if leaf is None else leaf.grad for leaf in leaves]


def _gradient_of_sum(implementation: Any, framework: Framework, call: Any, arrays: list[Any]) -> Made:
    """The gradients of the sum of the output: the upstream gradient is one 1, repeated."""
    leaves = _leaves(call, arrays)
    output = implementation(*leaves, **call.arguments)
    output.sum().backward()
    return output, [None if leaf is None else leaf.grad for leaf in leaves]


def _gradient_turned(implementation: Any, framework: Framework, call: Any, arrays: list[Any]) -> Made:
    """As `_gradient`, with an upstream gradient whose rows and columns are swapped in memory."""
    import torch

    leaves = _leaves(call, arrays)
    output = implementation(*leaves, **call.arguments)
    turned = framework.make(call.upstream, call.dtypes[0], call.device, "transposed")[0]
    torch.autograd.backward(output, turned)
    return output, [None if leaf is None else leaf.grad for leaf in leaves]


def _second_gradient(implementation: Any, framework: Framework, call: Any, arrays: list[Any]) -> Made:
    """Derivatives of <input's gradient, input> by weight and upstream, of <weight's gradient, weight> by the others."""
    import torch

    leaves = _leaves(call, arrays)
    upstream = _another(framework, call, call.upstream).requires_grad_(True)
    output = implementation(*leaves, **call.arguments)
    by_input, by_weight = torch.autograd.grad(output, leaves[:2], upstream, create_graph=True)
    first = torch.autograd.grad((by_input * arrays[0]).sum(), (leaves[1], upstream), retain_graph=True)
    second = torch.autograd.grad((by_weight * arrays[1]).sum(), (leaves[0], upstream))
    return output, [*first, *second]


def _two_graphs(implementation: Any, framework: Framework, call: Any, arrays: list[Any]) -> Made:
    """Two calls, the second on turned and negated operands, then the gradients of either by input and weight."""
    import torch

    leaves = _leaves(call, arrays)
    turned = [(-leaf.detach().flip(2, 3)).requires_grad_(True) for leaf in leaves[:2]]
    upstream = _another(framework, call, call.upstream)
    first = implementation(*leaves, **call.arguments)
    second = implementation(*turned, leaves[2], **call.arguments)
    by_first = torch.autograd.grad(first, leaves[:2], upstream)
    return first, [*by_first, *torch.autograd.grad(second, turned, upstream)]


# --- torch -----------------------------------------------------------------------------------------------------------


def _unbatched(implementation: Any, framework: Framework, call: Any, arrays: list[Any]) -> Made:
    """The first image without its batch axis."""
    return implementation(arrays[0][0], *arrays[1:], **call.arguments), []


def _meta(implementation: Any, framework: Framework, call: Any, arrays: list[Any]) -> Made:
    """Operands without content: only the output's shape, dtype and device count. Further: whether it is on meta."""
    import torch

    output = implementation(*(None if one is None else one.to("meta") for one in arrays), **call.arguments)
    return torch.zeros(output.shape, dtype=output.dtype), [torch.tensor([output.is_meta])]


def _channels_last(implementation: Any, framework: Framework, call: Any, arrays: list[Any]) -> Made:
    """Further: whether the output is in channels-last memory."""
    import torch

    output = implementation(*arrays, **call.arguments)
    return output, [torch.tensor([output.is_contiguous(memory_format=torch.channels_last)])]


def _compiled(implementation: Any, framework: Framework, call: Any, arrays: list[Any]) -> Made:
    """Traced into one graph by torch.compile; run without a code generator, since none may be installed."""
    import torch

    torch._dynamo.reset()
    compiled = torch.compile(implementation.function, backend="aot_eager", fullgraph=True, dynamic=False)
    return compiled(*arrays, **call.arguments), []


def _vmapped(implementation: Any, framework: Framework, call: Any, arrays: list[Any]) -> Made:
    """Mapped by torch.func.vmap over the images."""
    import torch

    output = torch.func.vmap(lambda one: implementation(one, *arrays[1:], **call.arguments))(arrays[0][:, None])
    return output[:, 0], []


def _autocast(implementation: Any, framework: Framework, call: Any, arrays: list[Any]) -> Made:
    """Under torch.autocast to bfloat16."""
    import torch

    with torch.autocast(arrays[0].device.type, dtype=torch.bfloat16):
        return implementation(*arrays, **call.arguments), []


def _used_later(implementation: Any, framework: Framework, call: Any, arrays: list[Any]) -> Made:
    """Without a gradient, and then as an operand in a graph that has one: further, that graph's gradient."""
    import torch

    output = implementation(*arrays, **call.arguments)
    factor = torch.full((), 3, dtype=output.dtype, requires_grad=True)
    (output * factor).sum().backward()
    output.add_(0)
    return output, [factor.grad]


def _in_module(implementation: Any, framework: Framework, call: Any, arrays: list[Any]) -> Made:
    """In the place of F.conv2d in an nn.Conv2d whose padding mode is ``wanted``."""
    import torch

    class Layer(torch.nn.Conv2d):  # type: ignore[misc]  # torch is not type-checked here
        def _conv_forward(self, input: Any, weight: Any, bias: Any) -> Any:
            padded = torch.nn.functional.pad(input, self._reversed_padding_repeated_twice, mode=call.wanted)
            return implementation(padded, weight, bias, self.stride, 0, self.dilation, self.groups)

    problem = Problem.parse(call.prepared)
    layer = Layer(
        problem.in_channels, problem.out_channels, problem.kernel, problem.stride, problem.padding, problem.dilation,
        problem.groups, problem.bias, call.wanted, "meta", arrays[1].dtype,
    )  # fmt: skip
    own = {"weight": arrays[1], **({} if arrays[2] is None else {"bias": arrays[2]})}
    parameters = {name: torch.nn.Parameter(array, requires_grad=False) for name, array in own.items()}
    return torch.func.functional_call(layer, parameters, arrays[0]), []


MODES: dict[str, Callable[[Any, Framework, Any, list[Any]], Made]] = {
    "by_keyword": _by_keyword,
    "by_position": _by_position,
    "without_bias": _without_bias,
    "numpy_integers": _numpy_integers,
    "one_array": _one_array,
    "several_inputs": _several_inputs,
    "two_layers": _two_layers,
    "overwritten": _overwritten,
    "gradient": _gradient,
    "gradient_of_sum": _gradient_of_sum,
    "gradient_turned": _gradient_turned,
    "second_gradient": _second_gradient,
    "two_graphs": _two_graphs,
    "unbatched": _unbatched,
    "meta": _meta,
    "channels_last": _channels_last,
    "compiled": _compiled,
    "vmapped": _vmapped,
    "autocast": _autocast,
    "in_module": _in_module,
    "used_later": _used_later,
}
