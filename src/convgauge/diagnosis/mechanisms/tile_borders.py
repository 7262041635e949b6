"""Mechanisms that compute the output in tiles and read too little, or too much, at their borders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.mechanism import Mechanism, declare, family
from convgauge.diagnosis.plan import Pads, Plan, pad_with_zeros
from convgauge.diagnosis.sample import Sample
from convgauge.diagnosis.trial import failing_calls, predicting
from convgauge.reference.operands import Array

_BORDER = MechanismKind.TILE_BORDER
_TILES = (2, 3, 4, 5, 6, 7, 8, 12, 14, 16, 24, 30, 32, 62, 64, 128)
MAX_PROPOSED = 12


def _lines(count: int, tile: int, border: str) -> Array:
    """Return the numbers of the rows or columns at borders between tiles."""
    ends = np.arange(tile - 1, count - 1, tile)
    return {"ends": ends, "starts": ends + 1, "first_end": ends[:1]}[border]


_BORDERS: dict[str, tuple[str, int]] = {
    "ends": ("the last {lines} of a tile of {tile} misses the kernel's last {lines}", -1),
    "starts": ("the first {lines} of a tile of {tile} misses the kernel's first {lines}", 0),
    "first_end": ("the last {lines} of the first tile of {tile} misses the kernel's last {lines}", -1),
}
"""Borders by slug: words, and the row or column of the kernel that is missed."""


def _without_halo(tile: int, axis: int, border: str, plan: Plan, sample: Sample) -> Plan | None:
    lines = _lines(plan.size[axis - 2], tile, border)
    if not len(lines) or plan.weight.shape[axis] < 2:
        return None
    part = np.zeros_like(plan.weight)
    missed: list[int | slice] = [slice(None)] * 4
    missed[axis] = _BORDERS[border][1]
    part[tuple(missed)] = plan.weight[tuple(missed)]
    return _less_at(plan, replace(plan, weight=part, bias=None, finishes=()), lines, axis)


def _less_at(plan: Plan, missing: Plan, lines: Array, axis: int) -> Plan:
    """Return the plan whose outputs at some rows or columns lack the sums of another plan."""

    def change(output: Array) -> Array:
        lacking = output - missing.sums()
        where: list[Array | slice] = [slice(None)] * 4
        where[axis] = lines
        output = output.copy()
        output[tuple(where)] = lacking[tuple(where)]
        return output

    return plan.finish(change)


def _alone(tile: int, axis: int, plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose tiles read the input rows or columns that are theirs alone, and zeros beyond them."""
    count, step = plan.size[axis - 2], plan.stride[axis - 2]
    if count <= tile or plan.extent[axis - 2] <= step:
        return None

    def change(output: Array) -> Array:
        padded = plan.pad(plan.input, plan.pads)
        return np.concatenate([part(padded, start) for start in range(0, count, tile)], axis=axis) + plan.bias_planes

    def part(padded: Array, start: int) -> Array:
        length = min(tile, count - start)
        rows: list[slice] = [slice(None)] * 4
        is_last = start + tile >= count
        rows[axis] = slice(start * step, None if is_last else (start + tile) * step)
        size = (length, plan.size[1]) if axis == 2 else (plan.size[0], length)
        return replace(
            plan, input=padded[tuple(rows)], pads=((0, 0), (0, 0)), output_size=size, pad=pad_with_zeros
        ).sums()

    return plan.finish(change)


@family
def tiles_without_halo(samples: Sequence[Sample]) -> Iterator[Mechanism]:
    """Yield sizes of tiles that failing calls are larger than."""
    failing = failing_calls(samples)
    return predicting(_tiled(failing), failing, MAX_PROPOSED)


def _tiled(failing: Sequence[Sample]) -> Iterator[Mechanism]:
    for axis, lines in ((3, "column"), (2, "row")):
        largest = max((sample.problem.output_size[axis - 2] for sample in failing), default=0)
        for tile in (tile for tile in _TILES if tile < largest):
            for border, (words, _) in _BORDERS.items():
                yield Mechanism(
                    f"tile_{border}_of_{tile}_{lines}s_without_halo", _BORDER,
                    f"tiles: {words.format(lines=lines, tile=tile)}",
                    partial(_without_halo, tile, axis, border), 1.2 if border == "first_end" else 1.1,
                )  # fmt: skip
            yield Mechanism(
                f"tiles_of_{tile}_{lines}s_alone", _BORDER,
                f"tiles: a tile of {tile} {lines}s reads zeros instead of the next tile's {lines}s",
                partial(_alone, tile, axis), 1.1,
            )  # fmt: skip


def _neighbour_rows(checks_rows: bool, input: Array, pads: Pads) -> Array:
    """Return the padded input, whose columns left and right of the image are those of the rows around it."""
    height, width = input.shape[2:]
    if not input.size:
        return pad_with_zeros(input, pads)
    (above, below), (left, right) = pads
    rows, columns = np.arange(-above, height + below), np.arange(-left, width + right)
    positions = rows[:, None] * width + columns
    if not checks_rows:
        planes = np.arange(input.shape[0] * input.shape[1]).reshape(*input.shape[:2], 1, 1) * (height * width)
        positions = positions + planes
    flat = input.reshape(-1) if not checks_rows else input.reshape(*input.shape[:2], -1)
    is_inside = (positions >= 0) & (positions < flat.shape[-1])
    if checks_rows:
        is_inside &= ((rows >= 0) & (rows < height))[:, None]
    read = flat[..., np.clip(positions, 0, flat.shape[-1] - 1)]
    return np.where(is_inside, read, np.zeros_like(read))


def _reading_neighbours(checks_rows: bool, plan: Plan, sample: Sample) -> Plan | None:
    is_padded = any(plan.pads[1]) or (not checks_rows and any(plan.pads[0]))
    return replace(plan, pad=partial(_neighbour_rows, checks_rows)) if is_padded else None


declare(
    Mechanism(
        "padding_reads_neighbour_rows", _BORDER,
        "padding: columns are not checked, so that the end of the previous row and the start of the next are read",
        partial(_reading_neighbours, True), 1.1,
    )
)  # fmt: skip
declare(
    Mechanism(
        "padding_reads_memory", _BORDER,
        "padding: rows and columns are not checked, so that the memory around the image is read",
        partial(_reading_neighbours, False), 1.2,
    )
)  # fmt: skip
