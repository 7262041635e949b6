"""Implementations that `auto` chooses from, and their calls on torch tensors."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from convgauge.problem import Problem
from convgauge.registry import Implementation

if TYPE_CHECKING:
    import torch

    Run = Callable[[torch.Tensor], torch.Tensor]

BASELINE = "torch_conv2d"
"""Implementation that is used if none is clearly faster, and in every case that is not measured."""

CHOICE_ALGORITHM = "choice"
"""Algorithm of an implementation that itself chooses among others, and so is not a candidate."""

SMALL_FLOPS = 1_000_000
"""FLOPs that a library computes in some 20 µs. Wrappers cost as much, so the baseline is used below."""

SMALL_BYTES = 128 << 10
"""Bytes of input and output that a library moves in some 20 µs; the baseline is used below both bounds."""


def is_eligible(implementation: Implementation) -> bool:
    """Return True if it computes outputs in the baseline's grade, and its arrays share memory with torch's."""
    declaration = implementation.declaration
    shares_memory = declaration.framework in ("torch", "numpy")
    is_chosen = declaration.algorithm != CHOICE_ALGORITHM and declaration.direction == "forward"
    return declaration.grade == "A" and shares_memory and is_chosen


def is_small(problem: Problem) -> bool:
    """Return True if a problem is so small that a choice is of no use."""
    elements = math.prod(problem.input_shape) + math.prod(problem.output_shape)
    return problem.flops < SMALL_FLOPS and 4 * elements < SMALL_BYTES


def prepared_call(
    implementation: Implementation, problem: Problem, weight: torch.Tensor, bias: torch.Tensor | None
) -> Run:
    """Prepare an implementation for a layer.

    Parameters
    ----------
    implementation : Implementation
        Eligible implementation.
    problem : Problem
        Layer in float32.
    weight : torch.Tensor, shape ``problem.weight_shape``
        Contiguous, on the CPU.
    bias : torch.Tensor or None, shape (out_channels,)
        Contiguous, on the CPU.

    Returns
    -------
    callable
        ``run(input)`` on torch tensors. Its output is contiguous, as the baseline's is for a contiguous input. The
        time of making it so counts.

    Raises
    ------
    NotImplementedError
        If the implementation declines the problem. Other exceptions of its ``prepare`` pass through.
    """
    import torch

    if implementation.declaration.dtypes and problem.dtype not in implementation.declaration.dtypes:
        raise NotImplementedError(f"dtype {problem.dtype}")
    is_numpy = implementation.declaration.framework == "numpy"
    operands = (weight, bias) if not is_numpy else (weight.numpy(), None if bias is None else bias.numpy())
    if implementation.prepared is not None:
        run = implementation.prepared(problem, *operands)
    else:
        arguments = problem.arguments

        def run(input: torch.Tensor) -> torch.Tensor:
            return implementation.function(input, *operands, **arguments)

    if is_numpy:
        return lambda input: torch.from_numpy(run(input.numpy(force=True))).contiguous()
    return lambda input: run(input).contiguous()


def constant_tensor(shape: tuple[int, ...]) -> torch.Tensor:
    """Return a float32 tensor with memory of its own, filled with a number that no arithmetic is slow for."""
    import torch

    return torch.full(shape, 0.5)
