"""Layer sets in which one dimension of a problem grows and all else is held: ``sweep:AXIS[=V,V,…][:PROBLEM]``."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from convgauge.environment import cores
from convgauge.layers import BenchError
from convgauge.layers.sets import Layer, LayerSet
from convgauge.problem import Problem, ProblemError

PREFIX = "sweep:"
NAMED = "scaling:"
"""How the names of such layer sets begin in records: ``scaling:size``."""

EXAMPLE = "n1c32h32w32_o32k3x3_s1x1_p1x1_d1x1_g1_b_float32"
"""What is held where no problem is named: 18.9 MFLOP, which every algorithm takes on."""


def _size(problem: Problem, value: int) -> Problem:
    return problem.replace(height=value, width=value)


def _channels(problem: Problem, value: int) -> Problem:
    """Input channels; output channels and groups grow in proportion."""
    grown = {"out_channels": problem.out_channels * value / problem.in_channels}
    grown["groups"] = problem.groups * value / problem.in_channels if problem.groups > 1 else 1
    for name, number in grown.items():
        if number != int(number) or not number:
            raise ProblemError(f"{name} would not be a whole number where {problem} has {value} input channels")
    return problem.replace(in_channels=value, **{name: int(number) for name, number in grown.items()})


def _kernel(problem: Problem, value: int) -> Problem:
    """Rows and columns of the kernel, padded by half of what it covers, so that odd ones leave the output's size."""
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
"""What each axis does to a problem, and the values it takes where none are named. Besides there is ``threads``."""


def value_of(axis: str, problem: str, threads: int) -> int:
    """Where on an axis a timing record stands, from its problem's text and its threads."""
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
    """The layer set that ``text`` describes. Raises `BenchError`."""
    name, _, problem = text.removeprefix(PREFIX).partition(":")
    axis, _, listed = name.partition("=")
    if axis not in (*AXES, "threads"):
        raise BenchError(f"--layers {text}: {axis!r} is not an axis; there are: {', '.join((*AXES, 'threads'))}")
    try:
        held = Problem.parse(problem or EXAMPLE)
        values = _values(listed) if listed else ()
        if axis == "threads":
            return _described(axis, held, [Layer(held, name="threads")], values or _thread_counts())
        change, usual = AXES[axis]
        layers = [Layer(change(held, value), name=f"{axis} {value}") for value in values or usual]
        return _described(axis, held, layers)
    except (ProblemError, ValueError) as error:
        raise BenchError(f"--layers {text}: {error}") from None


def _values(listed: str) -> tuple[int, ...]:
    """Whole numbers from 1 up, in their order. Raises `ValueError`."""
    values = listed.split(",")
    if not all(value.isdecimal() and int(value) for value in values):
        raise ValueError(f"{listed!r} should be whole numbers from 1 up with commas between them")
    return tuple(sorted({int(value) for value in values}))


def _thread_counts() -> tuple[int, ...]:
    """1, 2, 4, … and all cores."""
    return tuple(sorted({2**power for power in range(cores().bit_length())} - {0} | {cores()}))


def _described(axis: str, held: Problem, layers: Sequence[Layer], threads: tuple[int, ...] = ()) -> LayerSet:
    return LayerSet(
        NAMED + axis,
        tuple(layers),
        title=f"{axis} grows, all else as in {held}",
        source="made for this run",
        threads=threads,
    )
