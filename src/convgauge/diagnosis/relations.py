"""Atoms that relate several fields: equal axes, a size that is a multiple of the stride, depthwise channels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from convgauge.diagnosis.atom import BOUND, DERIVED_COST, NUMBER, ONE_AXIS, RELATION, Atom, of_numbers
from convgauge.diagnosis.features import AXES, Bools


@dataclass(frozen=True)
class Relation:
    """Relation of several numbers.

    Attributes
    ----------
    expression : str
        The relation, in the language of `convgauge.domain`.
    contrary : str
        Cases that do not meet it, in words.
    cost : float
        Complexity; see `convgauge.diagnosis.atom`.
    test : callable
        Function of the numbers' columns that returns True for each case that meets the relation.
    names : tuple of str
        Names of the numbers.
    affirmative : str
        Cases that meet the relation, in words; "" if no region of failures is described by it.
    """

    expression: str
    contrary: str
    cost: float
    test: Callable[..., Bools]
    names: tuple[str, ...]
    affirmative: str = ""


# Relations of one axis. "size" stands for height or width; the other names get the axis's suffix.
AXIS_RELATIONS = (
    Relation(
        "size % stride == 0",
        "size not a multiple of stride",
        BOUND,
        lambda x, s: x % s == 0,
        ("size", "stride"),
        "size a multiple of stride",
    ),
    Relation(
        "(size + 2 * padding - dilation * (kernel - 1) - 1) % stride == 0",
        "a stride that leaves a rest of size",
        BOUND + DERIVED_COST,
        lambda x, p, d, k, s: (x + 2 * p - d * (k - 1) - 1) % s == 0,
        ("size", "padding", "dilation", "kernel", "stride"),
        "a stride that leaves no rest of size",
    ),
    Relation(
        "size >= kernel",
        "size below that of the kernel",
        BOUND,
        lambda x, k: x >= k,
        ("size", "kernel"),
        "size of at least that of the kernel",
    ),
    Relation(
        "size >= dilation * (kernel - 1) + 1",
        "size below that of the dilated kernel",
        BOUND + DERIVED_COST,
        lambda x, d, k: x >= d * (k - 1) + 1,
        ("size", "dilation", "kernel"),
        "size of at least that of the dilated kernel",
    ),
    Relation(
        "padding < kernel",
        "padding as large as the kernel",
        BOUND,
        lambda p, k: p < k,
        ("padding", "kernel"),
        "padding below the kernel",
    ),
    Relation(
        "padding <= kernel // 2",
        "padding of more than half the kernel",
        BOUND,
        lambda p, k: p <= k // 2,
        ("padding", "kernel"),
        "padding of at most half the kernel",
    ),
    Relation(
        "padding == kernel // 2",
        "padding other than half the kernel",
        NUMBER,
        lambda p, k: p == k // 2,
        ("padding", "kernel"),
        "padding of half the kernel",
    ),
    Relation(
        "2 * padding == dilation * (kernel - 1)",
        "padding that changes the size of the image",
        BOUND + DERIVED_COST,
        lambda p, d, k: 2 * p == d * (k - 1),
        ("padding", "dilation", "kernel"),
        "padding that keeps the size of the image",
    ),
    Relation(
        "stride <= kernel",
        "a stride larger than the kernel",
        BOUND,
        lambda s, k: s <= k,
        ("stride", "kernel"),
        "a stride of at most the kernel",
    ),
    Relation(
        "stride == kernel",
        "a stride other than the kernel",
        NUMBER,
        lambda s, k: s == k,
        ("stride", "kernel"),
        "a stride equal to the kernel",
    ),
    Relation(
        "out == size",
        "an output of another size than the input",
        BOUND,
        lambda o, x: o == x,
        ("out", "size"),
        "an output of the size of the input",
    ),
)

# Relations of the whole problem.
RELATIONS = (
    Relation(
        "groups == in_channels",
        "calls that are not depthwise",
        RELATION,
        lambda g, c: g == c,
        ("groups", "in_channels"),
    ),
    Relation(
        "groups in (1, in_channels)",
        "groups other than 1 and in_channels",
        NUMBER,
        lambda g, c: (g == 1) | (g == c),
        ("groups", "in_channels"),
    ),
    Relation(
        "out_channels == in_channels",
        "out_channels other than in_channels",
        NUMBER,
        lambda o, c: o == c,
        ("out_channels", "in_channels"),
        "as many output as input channels",
    ),
    Relation(
        "out_channels == in_channels // groups",
        "filters of another number than their channels",
        NUMBER,
        lambda o, c, g: o == c // np.maximum(g, 1),
        ("out_channels", "in_channels", "groups"),
        "as many filters as channels of a filter",
    ),
    Relation(
        "out_channels == groups",
        "several outputs per group",
        BOUND,
        lambda o, g: o == g,
        ("out_channels", "groups"),
        "one output channel per group",
    ),
    Relation(
        "out_channels % in_channels == 0",
        "out_channels not a multiple of in_channels",
        BOUND,
        lambda o, c: (o % np.maximum(c, 1) == 0) & (c > 0),
        ("out_channels", "in_channels"),
        "out_channels a multiple of in_channels",
    ),
    Relation(
        "out_channels >= in_channels",
        "fewer output than input channels",
        BOUND,
        lambda o, c: o >= c,
        ("out_channels", "in_channels"),
        "at least as many output as input channels",
    ),
)

_SQUARES = {"kernel": "a kernel", "height or width": "an image", "output height or width": "an output"}


def relation_atoms(
    relations: Iterable[Relation] = RELATIONS, axis_relations: Iterable[Relation] = AXIS_RELATIONS
) -> Iterator[Atom]:
    """Yield relations of channels, of the two axes, and of sizes along an axis."""
    for relation in relations:
        yield _atom(relation, relation.expression, relation.names)
    for axes in AXES:
        square = _SQUARES.get(axes.words)
        yield Atom(
            f"{axes.height} == {axes.width}",
            f"{square} that is not square" if square else f"{axes.words} that differs by axis",
            RELATION + (DERIVED_COST if axes.height == "out_h" else 0.0),
            of_numbers((axes.height, axes.width), lambda first, second: first == second),
            affirmative=f"a square {square.split()[-1]}" if square else f"equal {axes.words} along both axes",
            negation=f"{axes.height} != {axes.width}",
        )
    for relation in axis_relations:
        yield from _relation_of_axes(relation)


def _atom(relation: Relation, expression: str, names: tuple[str, ...], size: str = "", surcharge: float = 0.0) -> Atom:
    return Atom(
        expression,
        relation.contrary.replace("size", size or "size"),
        relation.cost + surcharge,
        of_numbers(names, relation.test),
        affirmative=relation.affirmative.replace("size", size or "size"),
        negation=f"not ({expression})" if relation.affirmative else "",
    )


def _relation_of_axes(relation: Relation) -> Iterator[Atom]:
    """Yield a relation for the height, for the width, and for both."""
    single = []
    for size, suffix in (("height", "_h"), ("width", "_w")):
        expression = relation.expression.replace("size", size)
        for name in relation.names:
            if name != "size":
                expression = expression.replace(name, name + suffix)
        names = tuple(size if name == "size" else name + suffix for name in relation.names)
        single.append(_atom(relation, expression, names, size, ONE_AXIS))
    yield from single
    height, width = (atom.holds for atom in single)
    expression = " and ".join(atom.expression for atom in single)
    both = _atom(relation, expression, (), "height or width")
    yield replace(both, holds=lambda table: height(table) & width(table))
