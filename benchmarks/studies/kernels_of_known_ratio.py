"""Kernels with a known ratio of times: F.conv2d under two names, and one with 3.1 % more work.

    convgauge bench benchmarks/studies/kernels_of_known_ratio.py:repeated_once_more --framework torch
        --baseline benchmarks/studies/kernels_of_known_ratio.py:repeated --budget 8
        --layers n1c32h28w28_o64k3x3_s1x1_p1x1_d1x1_g1_float32

The file contains kernels for races. interleaving.py times them by several methods and in many races. Needs torch.

Figures of two runs, two shared cores of an AMD EPYC, busy with other work for 76 % and 69 % of the time, PyTorch 2.13:
ratio 1.04 (0.973 to 1.08) and 1.02 (0.973 to 1.07), both undecided. The true ratio is 1.031. The documentation quotes
neither.
"""

from __future__ import annotations

from typing import TypeAlias

from torch import Tensor
from torch.nn.functional import conv2d

Operand: TypeAlias = Tensor | None
Argument: TypeAlias = int | str | tuple[int, int] | Tensor | None

REPEATS = 32
"""Convolutions in one call of `repeated`; one more is 1 / 32 = 3.1 % more work."""


def first(*args: Operand, **kwargs: Argument) -> Tensor:
    """Return the output of F.conv2d."""
    return conv2d(*args, **kwargs)


def second(*args: Operand, **kwargs: Argument) -> Tensor:
    """Return the output of F.conv2d, under another name."""
    return conv2d(*args, **kwargs)


def repeated(*args: Operand, **kwargs: Argument) -> Tensor:
    """Return the output of F.conv2d after `REPEATS` calls."""
    return [conv2d(*args, **kwargs) for _ in range(REPEATS)][-1]


def repeated_once_more(*args: Operand, **kwargs: Argument) -> Tensor:
    """Return the output of F.conv2d after one more call than `repeated`."""
    return [conv2d(*args, **kwargs) for _ in range(REPEATS + 1)][-1]
