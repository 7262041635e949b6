"""Mechanisms that misread the padding words 'same' and 'valid'."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.pairs import both_sides
from convgauge.diagnosis.plan import Pads, Plan
from convgauge.diagnosis.readings import declare_reading, reading
from convgauge.diagnosis.sample import Sample
from convgauge.problem import Pair


def _split(total: int) -> Pair:
    """Return the padding before and after, the odd row or column after the image."""
    return total // 2, total - total // 2


def _kernel(plan: Plan) -> Pair:
    rows, columns = plan.weight.shape[2:]
    return rows, columns


def _of_extents(rows: int, columns: int) -> Pads:
    return _split(rows - 1), _split(columns - 1)


def _halves(extent: Pair) -> Pads:
    return both_sides((extent[0] // 2, extent[1] // 2))


def _floored(extent: Pair) -> Pads:
    return both_sides(((extent[0] - 1) // 2, (extent[1] - 1) // 2))


def _dilated_halves(plan: Plan) -> Pads:
    (rows, columns), (dh, dw) = _kernel(plan), plan.dilation
    return both_sides((rows // 2 * dh, columns // 2 * dw))


_MISREAD, _SHARED = MechanismKind.ARGUMENT_MISREAD, MechanismKind.AXIS_SHARED

_RULES: dict[str, tuple[MechanismKind, str, Callable[[Plan], Pads]]] = {
    "same_ignores_dilation": (_MISREAD, "the dilation is ignored", lambda p: _of_extents(*_kernel(p))),
    "same_by_height": (
        _SHARED, "both axes are padded by the kernel's height", lambda p: _of_extents(p.extent[0], p.extent[0])
    ),
    "same_by_width": (
        _SHARED, "both axes are padded by the kernel's width", lambda p: _of_extents(p.extent[1], p.extent[1])
    ),
    "same_axes_swapped": (
        MechanismKind.SWAPPED_AXES, "rows and columns are swapped", lambda p: _of_extents(*p.extent[::-1])
    ),
    "same_is_half_kernel_times_dilation": (
        _MISREAD, "both sides are padded by dilation · (kernel // 2)", _dilated_halves
    ),
    "same_is_half_kernel": (_MISREAD, "both sides are padded by kernel // 2", lambda p: _halves(_kernel(p))),
    "same_is_half_extent": (_MISREAD, "both sides are padded by extent // 2", lambda p: _halves(p.extent)),
    "same_is_half_extent_less_one": (
        _MISREAD, "both sides are padded by (extent - 1) // 2", lambda p: _floored(p.extent)
    ),
    "same_is_half_kernel_less_one": (
        _MISREAD, "both sides are padded by (kernel - 1) // 2", lambda p: _floored(_kernel(p))
    ),
    "same_is_valid": (_MISREAD, "taken as 'valid'", lambda p: ((0, 0), (0, 0))),
    "same_is_one": (_MISREAD, "taken as 1", lambda p: ((1, 1), (1, 1))),
    "same_is_full": (
        _MISREAD, "both sides are padded by extent - 1", lambda p: both_sides((p.extent[0] - 1, p.extent[1] - 1))
    ),
}  # fmt: skip
"""Rules for 'same' by slug: kind, words, and function of the plan that returns the pads."""


_SAME_AS_ANOTHER_IF_CUT = ("same_is_half_extent", "same_is_half_extent_less_one", "same_is_half_kernel_less_one")


def _declare(slug: str, kind: MechanismKind, words: str, rule: Callable[[Plan], Pads]) -> None:
    def changed(plan: Plan, sample: Sample) -> Plan | None:
        if sample.problem.padding != "same" or rule(plan) == plan.pads:
            return None
        return replace(plan, pads=rule(plan))

    has_right_size = slug not in _SAME_AS_ANOTHER_IF_CUT
    declare_reading(slug, kind, f"padding 'same': {words}", changed, 0.9, has_right_size=has_right_size)


for _slug, (_kind, _words, _rule) in _RULES.items():
    _declare(_slug, _kind, _words, _rule)


@reading(MechanismKind.ARGUMENT_MISREAD, "padding 'valid': taken as 'same'", cost=0.9)
def valid_is_same(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan with the padding of 'same'."""
    return replace(plan, pads=_of_extents(*plan.extent)) if sample.problem.padding == "valid" else None


@reading(MechanismKind.ARGUMENT_MISREAD, "padding 'valid': taken as 1", cost=1.0)
def valid_is_one(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan with a padding of one."""
    return replace(plan, pads=((1, 1), (1, 1))) if sample.problem.padding == "valid" else None


@reading(MechanismKind.ARGUMENT_MISREAD, "padding: as for 'same', whatever is given", cost=1.2)
def padding_always_same(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan with the padding of 'same', which is that of stride 1."""
    pads = _of_extents(*plan.extent)
    return None if pads == plan.pads else replace(plan, pads=pads)


@reading(
    MechanismKind.ARGUMENT_MISREAD, "padding: by TensorFlow's rule for 'same', which depends on the stride", cost=1.2
)
def padding_by_tensorflow(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose output has ceil(size / stride) rows and columns, the odd padding after the image.

    Source: the documentation of tf.nn, "Notes on padding".
    """
    vertical, horizontal = (
        _split(max((-(-size // step) - 1) * step + extent - size, 0))
        for size, step, extent in zip(plan.input.shape[2:], plan.stride, plan.extent, strict=True)
    )
    return None if (vertical, horizontal) == plan.pads else replace(plan, pads=(vertical, horizontal))
