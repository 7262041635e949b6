"""Kernels with known ratios of times: F.conv2d under several names, and kernels that call it more often than another.

    convgauge bench benchmarks/studies/kernels_of_known_ratio.py:percent_5 --framework torch
        --baseline benchmarks/studies/kernels_of_known_ratio.py:hundred --budget 8
        --layers n1c32h14w14_o32k3x3_s1x1_p1x1_d1x1_g1_float32

The file contains kernels for races. coverage.py times them in many races. Needs torch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from torch import Tensor
from torch.nn.functional import conv2d

Operand: TypeAlias = Tensor | None
Argument: TypeAlias = int | str | tuple[int, int] | Tensor | None
Kernel: TypeAlias = Callable[..., Tensor]


def named(name: str, calls: int = 1) -> Kernel:
    """Return a kernel that calls F.conv2d so many times and returns its last output."""

    def kernel(*args: Operand, **kwargs: Argument) -> Tensor:
        for _ in range(calls - 1):
            conv2d(*args, **kwargs)
        return conv2d(*args, **kwargs)

    kernel.__name__ = kernel.__qualname__ = name
    return kernel


first = named("first")
second = named("second")
third = named("third")
fourth = named("fourth")
fifth = named("fifth")

hundred = named("hundred", 100)
hundred_again = named("hundred_again", 100)
percent_1 = named("percent_1", 101)
percent_2 = named("percent_2", 102)
percent_5 = named("percent_5", 105)
percent_10 = named("percent_10", 110)
