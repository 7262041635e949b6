"""Mechanisms that shift outputs, or read the image at an offset."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.mechanism import Mechanism, declare, family, mechanism
from convgauge.diagnosis.plan import Pads, Plan
from convgauge.diagnosis.sample import Sample
from convgauge.diagnosis.trial import failing_calls, predicting
from convgauge.problem import Pair
from convgauge.reference.operands import Array

_SHIFTED = MechanismKind.SHIFTED_OUTPUT
_SHIFTS = (1, -1, 2, -2, 3, -3, 4, -4)
MAX_PROPOSED = 12

MAX_TRIALS = 4
"""Failing calls on which each shift is tried."""

Sources = Callable[[Array, int], tuple[Array, Array]]
"""Function of positions and a size that returns the positions that are read, and where they are valid."""


def _wrapping(positions: Array, size: int) -> tuple[Array, Array]:
    return positions % size, np.ones(len(positions), np.bool_)


def _repeating(positions: Array, size: int) -> tuple[Array, Array]:
    return np.clip(positions, 0, size - 1), np.ones(len(positions), np.bool_)


def _zero_filled(positions: Array, size: int) -> tuple[Array, Array]:
    return np.clip(positions, 0, size - 1), (positions >= 0) & (positions < size)


_FILLS: dict[str, tuple[str, Sources]] = {
    "wrapped": ("the ends wrap around", _wrapping),
    "repeated": ("the first ones are repeated", _repeating),
    "zero_filled": ("zeros follow", _zero_filled),
}


def _shifted(output: Array, shift: int, axis: int, sources: Sources) -> Array:
    size = output.shape[axis]
    if not size:
        return output
    positions, is_valid = sources(np.arange(size) - shift, size)
    mask = is_valid.reshape([-1 if a == axis else 1 for a in range(4)])
    return np.where(mask, np.take(output, positions, axis=axis), np.zeros_like(output))


def _on_output(shift: int, axis: int, sources: Sources, plan: Plan, sample: Sample) -> Plan | None:
    return plan.finish(lambda output: _shifted(output, shift, axis, sources))


def _on_image(shift: Pair, plan: Plan, sample: Sample) -> Plan | None:
    (above, below), (left, right) = plan.pads
    rows, columns = shift
    return replace(plan, pads=((above - rows, below + rows), (left - columns, right + columns)))


def _on_kernel(shift: int, axis: int, plan: Plan, sample: Sample) -> Plan | None:
    return replace(plan, weight=np.roll(plan.weight, shift, axis=axis))


def _where(shift: int, axis: int) -> tuple[str, str]:
    """Return the slug and the words of a shift along an axis."""
    lines, later, sooner = ("row", "down", "up") if axis == 2 else ("column", "right", "left")
    number = abs(shift)
    direction = later if shift > 0 else sooner
    return f"{direction}_{number}", f"{number} {lines}{'s' if number > 1 else ''} {direction}"


@family
def outputs_shifted(samples: Sequence[Sample]) -> Iterator[Mechanism]:
    """Yield shifts that a failing call shows."""
    return predicting(_shifts(), failing_calls(samples, MAX_TRIALS), MAX_PROPOSED)


def _shifts() -> Iterator[Mechanism]:
    for shift in _SHIFTS:
        for axis in (3, 2):
            slug, words = _where(shift, axis)
            cost = 1.0 + 0.05 * abs(shift)
            for name, (fill, sources) in _FILLS.items():
                yield Mechanism(
                    f"output_shifted_{slug}_{name}", _SHIFTED, f"output: shifted by {words}; {fill}",
                    partial(_on_output, shift, axis, sources), cost,
                )  # fmt: skip
            offset = (shift, 0) if axis == 2 else (0, shift)
            yield Mechanism(
                f"image_read_{slug}", _SHIFTED, f"image: read {words} of the right place",
                partial(_on_image, offset), cost + 0.1,
            )  # fmt: skip


for _axis in (3, 2):
    for _shift in (1, -1):
        _slug, _words = _where(_shift, _axis)
        declare(
            Mechanism(
                f"kernel_rolled_{_slug}", _SHIFTED, f"kernel: shifted by {_words}, and its ends wrap around",
                partial(_on_kernel, _shift, _axis), 1.3,
            )
        )  # fmt: skip


def _phased(plan: Plan, offsets: Pair) -> Plan:
    """Return the plan whose first output is at an offset of the dense output; what is beyond repeats the last."""
    dense = replace(plan, stride=(1, 1))
    rows, columns = (
        np.minimum(np.arange(count) * step + offset, last - 1)
        for count, step, offset, last in zip(plan.size, plan.stride, offsets, dense.size, strict=True)
    )
    return dense.finish(lambda output: output[:, :, rows][:, :, :, columns])


def _at_offset(offsets: Callable[[Plan], Pair], plan: Plan, sample: Sample) -> Plan | None:
    return None if offsets(plan) == (0, 0) else _phased(plan, offsets(plan))


def _moved(offsets: Callable[[Plan], Pair], plan: Plan, sample: Sample) -> Plan | None:
    return None if offsets(plan) == (0, 0) else _on_image(offsets(plan), plan, sample)


def _of_stride(offset: Callable[[int], int]) -> Callable[[Plan], Pair]:
    return lambda plan: (offset(plan.stride[0]), offset(plan.stride[1]))


def _rest(plan: Plan) -> Pair:
    """Return the rows and columns that the stride leaves at the end."""
    rows, columns = (
        size + sum(side) - extent - (count - 1) * step
        for size, side, extent, count, step in zip(
            plan.input.shape[2:], plan.pads, plan.extent, plan.size, plan.stride, strict=True
        )
    )
    return rows, columns


_PHASES: dict[str, tuple[str, Callable[[Plan], Pair]]] = {
    "last_phase": ("the last position of each step is taken instead of the first", _of_stride(lambda s: s - 1)),
    "middle_phase": ("the middle position of each step is taken instead of the first", _of_stride(lambda s: s // 2)),
    "from_the_end": ("steps are counted from the last position instead of the first", _rest),
    "centred": ("the remainder is split between both ends", lambda p: (_rest(p)[0] // 2, _rest(p)[1] // 2)),
}

for _slug, (_words, _offsets) in _PHASES.items():
    declare(Mechanism(f"stride_{_slug}", _SHIFTED, f"stride: {_words}", partial(_at_offset, _offsets), 1.1))
    if _slug in ("last_phase", "middle_phase"):
        declare(
            Mechanism(
                f"stride_{_slug}_beyond", _SHIFTED, f"stride: {_words}; zeros are read beyond the image",
                partial(_moved, _offsets), 1.2,
            )
        )  # fmt: skip


@mechanism(_SHIFTED, "kernel: placed with its centre, not its corner, on the image's first element", cost=1.2)
def kernel_centred(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan with the kernel moved by half of its extent up and to the left."""
    (above, below), (left, right) = plan.pads
    rows, columns = (extent // 2 for extent in plan.extent)
    pads: Pads = ((above + rows, below - rows), (left + columns, right - columns))
    return None if pads == plan.pads else replace(plan, pads=pads)


@mechanism(_SHIFTED, "output: rows are shifted by their number, as with a pitch that is too large by one", cost=1.5)
def output_skewed(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose output is written with a pitch of one column too many."""

    def change(output: Array) -> Array:
        height, width = output.shape[2:]
        flat = np.zeros((*output.shape[:2], height * (width + 1)), output.dtype)
        flat.reshape(*output.shape[:2], height, width + 1)[..., :width] = output
        return flat[..., : height * width].reshape(output.shape)

    return plan.finish(change)
