"""Ways to take gradients: of graphs that are alive at once, by several passes, through hooks, in other threads.

Each mode is a `call_mode` of torch, as those in `convgauge.worker.call_modes`. `Call.wanted` holds the letters of the
operands whose gradients are asked for.
"""

from __future__ import annotations

import threading
from typing import Any

from convgauge.registry import Implementation
from convgauge.worker.call import Call
from convgauge.worker.call_modes import LETTERS, Arrays, Outputs, call_mode, extra_operand
from convgauge.worker.frameworks import Array, Framework

ACCUMULATED = 3
"""Gradient that every leaf has before `gradient_accumulated`."""


def _leaves(call: Call, arrays: Arrays) -> Arrays:
    """Return the operands as leaves of a graph; those whose letter is in ``wanted`` require their gradient."""
    return [
        None if array is None else array.detach().requires_grad_(letter in call.wanted)
        for letter, array in zip(LETTERS, arrays)
    ]


def _gradients(leaves: Arrays) -> list[Array]:
    return [None if leaf is None else leaf.grad for leaf in leaves]


@call_mode
def gradient(implementation: Implementation, framework: Framework, call: Call, arrays: Arrays) -> Outputs:
    """Return the gradients of <output, extra operand> by input, weight and bias.

    A gradient is None if it is not in ``wanted`` or not reached.
    """
    import torch

    leaves = _leaves(call, arrays)
    output = implementation(*leaves, **call.arguments)
    if output.requires_grad and not call.wanted:
        raise RuntimeError("the output asks for a gradient though no operand does")
    if output.requires_grad:
        torch.autograd.backward(output, extra_operand(framework, call))
    return output, _gradients(leaves)


@call_mode
def gradient_of_sum(implementation: Implementation, framework: Framework, call: Call, arrays: Arrays) -> Outputs:
    """Return the gradients of the sum of the output: the gradient of the output is one 1, repeated by stride 0."""
    leaves = _leaves(call, arrays)
    output = implementation(*leaves, **call.arguments)
    output.sum().backward()
    return output, _gradients(leaves)


@call_mode
def second_gradient(implementation: Implementation, framework: Framework, call: Call, arrays: Arrays) -> Outputs:
    """Return second derivatives.

    Derivatives of <gradient by the input, input> by weight and gradient of the output; then derivatives of
    <gradient by the weight, weight> by input and gradient of the output.
    """
    import torch

    leaves = _leaves(call, arrays)
    grad_output = extra_operand(framework, call).requires_grad_(True)
    output = implementation(*leaves, **call.arguments)
    by_input, by_weight = torch.autograd.grad(output, leaves[:2], grad_output, create_graph=True)
    try:
        first = torch.autograd.grad((by_input * arrays[0]).sum(), (leaves[1], grad_output), retain_graph=True)
        second = torch.autograd.grad((by_weight * arrays[1]).sum(), (leaves[0], grad_output))
    except RuntimeError:
        # only a whole backward pass reaches the node by which torch reports `once_differentiable`
        (by_input.sum() + by_weight.sum()).backward()
        raise
    return output, [*first, *second]


# --- several passes, and operands in several graphs ------------------------------------------------------------------


def _taken(output: Array, leaves: Arrays, grad_output: Array, **options: Any) -> list[Array]:  # noqa: ANN401 torch's own
    """Return the gradients by the leaves that require one, without adding them to those that the leaves have."""
    import torch

    due = [leaf for leaf in leaves if leaf is not None and leaf.requires_grad]
    if not output.requires_grad:
        return [None] * len(leaves)
    taken = iter(torch.autograd.grad(output, due, grad_output, allow_unused=True, **options))
    return [next(taken) if leaf is not None and leaf.requires_grad else None for leaf in leaves]


def _turned(leaf: Array) -> Array:
    """Return another operand of the same shape: flipped along rows and columns, and negated."""
    return -leaf.detach().flip(2, 3)


@call_mode
def two_graphs(implementation: Implementation, framework: Framework, call: Call, arrays: Arrays) -> Outputs:
    """Make two calls, the second on flipped and negated operands, then take the gradients of both."""
    import torch

    leaves = _leaves(call, arrays)
    turned = [_turned(leaf).requires_grad_(True) for leaf in leaves[:2]]
    grad_output = extra_operand(framework, call)
    first = implementation(*leaves, **call.arguments)
    second = implementation(*turned, leaves[2], **call.arguments)
    by_first = torch.autograd.grad(first, leaves[:2], grad_output)
    return first, [*by_first, *torch.autograd.grad(second, turned, grad_output)]


@call_mode
def gradient_retained(implementation: Implementation, framework: Framework, call: Call, arrays: Arrays) -> Outputs:
    """Take the gradients of one graph twice, the second time of the gradient of the output times -2."""
    leaves, grad_output = _leaves(call, arrays), extra_operand(framework, call)
    output = implementation(*leaves, **call.arguments)
    first = _taken(output, leaves, grad_output, retain_graph=True)
    return output, [*first, *_taken(output, leaves, -2 * grad_output)]


@call_mode
def gradient_accumulated(implementation: Implementation, framework: Framework, call: Call, arrays: Arrays) -> Outputs:
    """Add the gradients to those that the operands have, `ACCUMULATED` everywhere."""
    import torch

    leaves = _leaves(call, arrays)
    for leaf in leaves:
        if leaf is not None and leaf.requires_grad:
            leaf.grad = torch.full_like(leaf, ACCUMULATED)
    output = implementation(*leaves, **call.arguments)
    torch.autograd.backward(output, extra_operand(framework, call))
    return output, _gradients(leaves)


@call_mode
def gradient_shared(implementation: Implementation, framework: Framework, call: Call, arrays: Arrays) -> Outputs:
    """Call with the input and with a flipped and negated one, then take the gradients of both outputs at once."""
    import torch

    leaves, grad_output = _leaves(call, arrays), extra_operand(framework, call)
    output = implementation(*leaves, **call.arguments)
    other = implementation(_turned(leaves[0]), *leaves[1:], **call.arguments)
    torch.autograd.backward([output, other], [grad_output, grad_output])
    return output, _gradients(leaves)


@call_mode
def gradient_interleaved(implementation: Implementation, framework: Framework, call: Call, arrays: Arrays) -> Outputs:
    """Make a call without gradients, on flipped and negated operands, before the backward pass of a first one."""
    import torch

    leaves = _leaves(call, arrays)
    output = implementation(*leaves, **call.arguments)
    with torch.no_grad():
        implementation(*map(_turned, leaves[:2]), leaves[2], **call.arguments)
    return output, _taken(output, leaves, extra_operand(framework, call))


@call_mode
def gradient_after_update(implementation: Implementation, framework: Framework, call: Call, arrays: Arrays) -> Outputs:
    """Take gradients, negate weight and bias in place as an optimizer changes them, and call again."""
    import torch

    leaves, grad_output = _leaves(call, arrays), extra_operand(framework, call)
    _taken(implementation(*leaves, **call.arguments), leaves, grad_output)
    with torch.no_grad():
        for leaf in leaves[1:]:
            if leaf is not None:
                leaf.neg_()
    output = implementation(*leaves, **call.arguments)
    return output, _taken(output, leaves, grad_output)


@call_mode
def gradient_modified(implementation: Implementation, framework: Framework, call: Call, arrays: Arrays) -> Outputs:
    """Negate input and weight in place between the call and its backward pass."""
    import torch

    leaves = _leaves(call, arrays)
    output = implementation(*leaves, **call.arguments)
    with torch.no_grad():
        for leaf in leaves[:2]:
            leaf.neg_()
    return output, _taken(output, leaves, extra_operand(framework, call))


# --- the graph around a call -----------------------------------------------------------------------------------------


@call_mode
def gradient_in_place(implementation: Implementation, framework: Framework, call: Call, arrays: Arrays) -> Outputs:
    """Change the output in place as networks do, by mul_(2), add_(1) and relu_(), then take the gradients."""
    leaves = _leaves(call, arrays)
    output = implementation(*leaves, **call.arguments)
    output = output.mul_(2).add_(1).relu_()
    return output, _taken(output, leaves, extra_operand(framework, call))


@call_mode
def gradient_in_thread(implementation: Implementation, framework: Framework, call: Call, arrays: Arrays) -> Outputs:
    """Take the gradients in another thread."""
    leaves, grad_output = _leaves(call, arrays), extra_operand(framework, call)
    output = implementation(*leaves, **call.arguments)
    taken: list[Array] = []
    errors: list[BaseException] = []

    def take() -> None:
        try:
            taken.extend(_taken(output, leaves, grad_output))
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=take)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return output, taken


@call_mode
def gradient_hooked(implementation: Implementation, framework: Framework, call: Call, arrays: Arrays) -> Outputs:
    """Take the gradients through hooks: one that negates that of the output, and those that double the operands'.

    The tensors that the graph saves are copied when it saves them.
    """
    import torch

    leaves = _leaves(call, arrays)
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: tensor.detach().clone(), lambda tensor: tensor):
        output = implementation(*leaves, **call.arguments)
    if output.requires_grad:
        output.register_hook(lambda gradient: -gradient)
    for leaf in leaves:
        if leaf is not None and leaf.requires_grad:
            leaf.register_hook(lambda gradient: 2 * gradient)
    return output, _taken(output, leaves, extra_operand(framework, call))


@call_mode
def gradient_recomputed(implementation: Implementation, framework: Framework, call: Call, arrays: Arrays) -> Outputs:
    """Call without gradients, and call again inside the backward pass, as activation checkpointing does."""
    import torch

    class Recomputed(torch.autograd.Function):  # type: ignore[misc]  # torch is not type-checked here
        @staticmethod
        def forward(context: Any, *operands: Array) -> Array:  # noqa: ANN401 torch's own
            context.save_for_backward(*operands)
            return implementation(*operands, **call.arguments)

        @staticmethod
        def backward(context: Any, grad_output: Array) -> tuple[Array, ...]:  # noqa: ANN401 torch's own
            with torch.enable_grad():
                inner = [
                    None if operand is None else operand.detach().requires_grad_(is_needed)
                    for operand, is_needed in zip(context.saved_tensors, context.needs_input_grad)
                ]
                return tuple(_taken(implementation(*inner, **call.arguments), inner, grad_output))

    leaves = _leaves(call, arrays)
    output = Recomputed.apply(*leaves)
    return output, _taken(output, leaves, extra_operand(framework, call))


# --- transformations of functions ------------------------------------------------------------------------------------


@call_mode
def gradient_of_function(implementation: Implementation, framework: Framework, call: Call, arrays: Arrays) -> Outputs:
    """Take the gradients by torch.func.vjp."""
    import torch

    present = [array for array in arrays if array is not None]
    missing = [None] * (len(arrays) - len(present))
    output, pull_back = torch.func.vjp(
        lambda *operands: implementation(*operands, *missing, **call.arguments), *present
    )
    return output, [*pull_back(extra_operand(framework, call)), *missing]


@call_mode
def gradient_per_image(implementation: Implementation, framework: Framework, call: Call, arrays: Arrays) -> Outputs:
    """Take the gradient by the weight for every image by itself, by torch.func.vmap of torch.func.grad."""
    import torch

    input, weight, bias = arrays

    def product(filters: Array, image: Array, grad_output: Array) -> Array:
        return (implementation(image[None], filters, bias, **call.arguments)[0] * grad_output).sum()

    by_image = torch.func.vmap(torch.func.grad(product), in_dims=(None, 0, 0))
    return _gradients_alone([by_image(weight, input, extra_operand(framework, call))], input)


def _gradients_alone(gradients: list[Array], output: Array) -> Outputs:
    """Return gradients of a call whose output is not judged: the first of them stands for it, if there is one."""
    first = next((gradient for gradient in gradients if gradient is not None), output)
    return first.detach().clone(), gradients


# --- autocast --------------------------------------------------------------------------------------------------------


def _autocast(arrays: Arrays) -> Any:  # noqa: ANN401 a context of torch
    import torch

    return torch.autocast(arrays[0].device.type, dtype=torch.bfloat16)


@call_mode
def gradient_autocast(implementation: Implementation, framework: Framework, call: Call, arrays: Arrays) -> Outputs:
    """Call under torch.autocast to bfloat16, and take the gradients after it."""
    leaves, grad_output = _leaves(call, arrays), extra_operand(framework, call)
    with _autocast(arrays):
        output = implementation(*leaves, **call.arguments)
    return _gradients_alone(_taken(output, leaves, grad_output.to(output.dtype)), output)


@call_mode
def gradient_autocast_after_evaluation(
    implementation: Implementation, framework: Framework, call: Call, arrays: Arrays
) -> Outputs:
    """Call without gradients, then with them, under one torch.autocast, which may have stored its casts."""
    import torch

    leaves, grad_output = _leaves(call, arrays), extra_operand(framework, call)
    with _autocast(arrays):
        with torch.no_grad():
            implementation(*leaves, **call.arguments)
        output = implementation(*leaves, **call.arguments)
    return _gradients_alone(_taken(output, leaves, grad_output.to(output.dtype)), output)


@call_mode
def gradient_autocast_after_update(
    implementation: Implementation, framework: Framework, call: Call, arrays: Arrays
) -> Outputs:
    """Call under torch.autocast, negate weight and bias in place, and call under another torch.autocast."""
    import torch

    leaves, grad_output = _leaves(call, arrays), extra_operand(framework, call)
    with _autocast(arrays):
        implementation(*leaves, **call.arguments)
    with torch.no_grad():
        for leaf in leaves[1:]:
            if leaf is not None:
                leaf.neg_()
    with _autocast(arrays):
        output = implementation(*leaves, **call.arguments)
    return _gradients_alone(_taken(output, leaves, grad_output.to(output.dtype)), output)
