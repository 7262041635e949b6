"""Differences of an output's shape from the right one, in words."""

from __future__ import annotations

from convgauge.text import listed

Shape = tuple[int, ...]
_AXES = ("batch", "channel", "row", "column")
_COUNTED = ("images", "channels", "rows", "columns")


def differences_of_shapes(shape: Shape, expected: Shape) -> dict[str, str]:
    """Return what may be wrong with a shape that differs from the expected one of four axes: sentences by slug.

    The most specific sentence is the first. Several may hold for sizes of 1.
    """
    if len(shape) != len(expected):
        return _missing_axes(shape, expected)
    if sorted(shape) == sorted(expected):
        return {"output_axes_permuted": "the axes of the output are in another order"}
    changed = [index for index, pair in enumerate(zip(shape, expected, strict=True)) if pair[0] != pair[1]]
    more = {shape[index] > expected[index] for index in changed}
    extent = "more" if more == {True} else "fewer" if more == {False} else "other numbers of"
    names = listed([_COUNTED[index] for index in changed])
    slug = f"output_size_{'_'.join(_COUNTED[index] for index in changed)}"
    return {slug: f"the output has {extent} {names} than it should", "output_size": "the output has another size"}


def _missing_axes(shape: Shape, expected: Shape) -> dict[str, str]:
    possible = {}
    for index, name in enumerate(_AXES):
        if expected[index] == 1 and shape == (*expected[:index], *expected[index + 1 :]):
            possible[f"output_{name}_axis_dropped"] = f"a {name} axis of one element is dropped from the output"
    if shape == expected[:2] and expected[2:] == (1, 1):
        possible["output_position_dropped"] = "the row and column axes of a single position are dropped"
    if shape == tuple(size for size in expected if size != 1):
        possible["output_axes_dropped"] = "axes of one element are dropped from the output"
    return possible or {"output_axes": f"the output has {len(shape)} axes, not {len(expected)}"}
