"""Layer sets in which one dimension of a problem grows and all else is constant: ``sweep:AXIS[=V,V,…][:PROBLEM]``."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from convgauge.environment import cores
from convgauge.layers import BenchError
from convgauge.layers.sets import Layer, LayerSet
from convgauge.problem import Problem, ProblemError

PREFIX = "sweep:"
NAMED = "scaling:"
"""Prefix of the names of such layer sets in records: ``scaling:size``."""

DEFAULT_PROBLEM = "n1c32h32w32_o32k3x3_s1x1_p1x1_d1x1_g1_b_float32"
"""Problem of a sweep that names none: 18.9 MFLOP, which every algorithm supports."""


def _size(problem: Problem, value: int) -> Problem:
    return problem.replace(height=value, width=value)


def _channels(problem: Problem, value: int) -> Problem:
    """Set the input channels; output channels and groups grow in proportion."""
    sizes = {"out_channels": problem.out_channels * value / problem.in_channels}
    sizes["groups"] = problem.groups * value / problem.in_channels if problem.groups > 1 else 1
    for name, number in sizes.items():
        if number != int(number) or not number:
            raise ProblemError(f"{name} would not be a whole number where {problem} has {value} input channels")
    return problem.replace(in_channels=value, **{name: int(number) for name, number in sizes.items()})


def _kernel(problem: Problem, value: int) -> Problem:
    """Set rows and columns of the kernel, and pad by half of its extent: odd kernels keep the size of the output."""
    padding = (problem.dilation[0] * (value - 1) // 2, problem.dilation[1] * (value - 1) // 2)
    return problem.replace(kernel=(value, value), padding=padding)


def _batch(problem: Problem, value: int) -> Problem:
    return problem.replace(batch=value)


AXES: dict[str, tuple[Callable[[Problem, int], Problem], tuple[int, ...]]] = {
    "size": (_size, (8, 16, 32, 64, 128, 256)),
    "channels": (_channels, (8, 16, 32, 64, 128, 256)),
    "kernel": (_kernel, (1, 3, 5, 7, 11, 15, 23, 31)),
    "batch": (_batch, (1, 2, 4, 8, 16, 32)),
}
"""Axes: the function that sets a problem's size, and the default values. A further axis is ``threads``."""


def value_of(axis: str, problem: str, threads: int) -> int:
    """Return the value of an axis for a timing record, from its problem's text and its threads."""
    if axis == "threads":
        return threads
    parsed = Problem.parse(problem)
    return {
        "size": parsed.height,
        "channels": parsed.in_channels,
        "kernel": parsed.kernel[0],
        "batch": parsed.batch,
    }[axis]


def load(text: str) -> LayerSet:
    """Return the layer set that ``text`` describes.

    Raises
    ------
    BenchError
        If the text does not read, or if a value does not fit the problem.
    """
    name, _, problem = text.removeprefix(PREFIX).partition(":")
    axis, _, listed = name.partition("=")
    if axis not in (*AXES, "threads"):
        raise BenchError(f"--layers {text}: {axis!r} is not an axis; there are: {', '.join((*AXES, 'threads'))}")
    try:
        start = Problem.parse(problem or DEFAULT_PROBLEM)
        values = _values(listed) if listed else ()
        if axis == "threads":
            return _layer_set(axis, start, [Layer(start, name="threads")], values or _thread_counts())
        change, defaults = AXES[axis]
        layers = [Layer(change(start, value), name=f"{axis} {value}") for value in values or defaults]
        return _layer_set(axis, start, layers)
    except (ProblemError, ValueError) as error:
        raise BenchError(f"--layers {text}: {error}") from None


def _values(listed: str) -> tuple[int, ...]:
    """Return the listed numbers in ascending order; a `ValueError` if one is not a whole number from 1 up."""
    values = listed.split(",")
    if not all(value.isdecimal() and int(value) for value in values):
        raise ValueError(f"{listed!r} should be whole numbers from 1 up with commas between them")
    return tuple(sorted({int(value) for value in values}))


def _thread_counts() -> tuple[int, ...]:
    """Return 1, 2, 4, … and the number of cores."""
    return tuple(sorted({2**power for power in range(cores().bit_length())} - {0} | {cores()}))


def _layer_set(axis: str, start: Problem, layers: Sequence[Layer], threads: tuple[int, ...] = ()) -> LayerSet:
    return LayerSet(
        NAMED + axis,
        tuple(layers),
        title=f"{axis} grows, all else as in {start}",
        source="made for this run",
        threads=threads,
    )
