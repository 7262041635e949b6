"""Decorators that declare a mutant or a correct build, and the correct convolution that faults are planted in.

The self-test reads a declaration from the file's text and loads the function in a child process alone. A sentence and
its keywords are therefore literals.
"""

from collections.abc import Callable, Sequence
from typing import Any, SupportsIndex, TypeVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from convgauge.arguments import PaddingSize, Size, resolve
from convgauge.dtypes import DTYPES
from convgauge.problem import Problem

__all__ = [
    "DTYPES", "Array", "Pads", "computed", "contracted", "conv", "correct", "finished", "mutant", "padded", "pair",
    "resolve", "windows",
]  # fmt: skip

Array = np.ndarray[Any, Any]
Pads = Sequence[tuple[int, int]]
Build = TypeVar("Build")


def mutant(
    sentence: str,
    *,
    mechanism: str,
    killed_by: Sequence[str],
    also: Sequence[str] = (),
    advised_by: Sequence[str] = (),
    framework: str = "numpy",
    profile: str = "functional",
    smoke: bool = True,
    problem: str = "",
    tier: str = "quick",
    timeout: float = 20.0,
) -> Callable[[Build], Build]:
    """Declare a faulty convolution.

    Parameters
    ----------
    sentence
        What the code computes instead.
    mechanism
        A member of ``convgauge.diagnosis.kinds.MechanismKind``.
    also
        Further members that describe the fault as well, so that a diagnosis may name them. A comment states why.
    killed_by
        Ids of required specs that kill it at ``tier`` in ``profile``: the most specific ones, not all.
    advised_by
        Ids of recommended specs that report it.
    framework
        The framework of the operands.
    profile, tier
        The profile and the smallest tier in which it is due to be killed.
    smoke
        True if it passes the usual smoke test.
    problem
        The problem of its smoke test, with square arguments, if it refuses the usual one.
    timeout
        The limit of a call in seconds; lower for mutants that hang.
    """
    return lambda build: build


def correct(
    sentence: str,
    *,
    advised_by: Sequence[str] = (),
    framework: str = "numpy",
    profile: str = "functional",
    problem: str = "",
) -> Callable[[Build], Build]:
    """Declare a correct convolution of unusual construction, which no required spec may fail.

    Parameters
    ----------
    sentence
        What is unusual about it.
    advised_by
        Ids of the recommended specs that must report its shortcomings.
    framework, profile, problem
        As in `mutant`.
    """
    return lambda build: build


def pair(value: int | Sequence[int]) -> tuple[int, ...]:
    """Return (height, width) of a number or a pair."""
    return (value, value) if isinstance(value, int) else tuple(value)


def padded(input: Array, pads: Pads) -> Array:
    """Return ``input`` with ((top, bottom), (left, right)) zeros around it, in a new array."""
    return np.pad(input, ((0, 0), (0, 0), *pads))


def windows(x: Array, kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]) -> Array:
    """Return a view (N, C, OH, OW, KH, KW) of the receptive fields of a padded input."""
    extent = tuple(d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True))
    (sh, sw), (dh, dw) = stride, dilation
    return sliding_window_view(x, extent, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]


def contracted(fields: Array, weight: Array, groups: int = 1) -> Array:
    """Return the sums (N, O, OH, OW) of the products of receptive fields and filters, group by group."""
    parts = [
        np.tensordot(filters, group_fields, axes=((1, 2, 3), (1, 4, 5)))
        for filters, group_fields in zip(
            np.split(weight, groups, axis=0), np.split(fields, groups, axis=1), strict=True
        )
    ]
    return np.concatenate(parts).swapaxes(0, 1)


def finished(output: Array, bias: Array | None, dtype: str) -> Array:
    """Return the output with the bias added, as a new array of the operands' dtype."""
    if bias is not None:
        output = output + bias.astype(output.dtype)[:, None, None]
    return output.astype(dtype, order="C")


def computed(problem: Problem, input: Array, weight: Array, bias: Array | None) -> Array:
    """Return the correct answer to a problem."""
    accumulator = DTYPES[problem.dtype].accumulator
    x = padded(input.astype(accumulator), problem.pads)
    fields = windows(x, problem.kernel, problem.stride, problem.dilation)
    return finished(contracted(fields, weight.astype(accumulator), problem.groups), bias, problem.dtype)


def conv(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Size = 1,
    padding: PaddingSize = 0,
    dilation: Size = 1,
    groups: SupportsIndex = 1,
) -> Array:
    """Compute a convolution correctly: the base that faults are planted in."""
    return computed(resolve(input, weight, bias, stride, padding, dilation, groups), input, weight, bias)
