"""Mechanisms that compute the number of output rows and columns by another rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.mechanism import Mechanism, declare
from convgauge.diagnosis.plan import Plan
from convgauge.diagnosis.sample import Sample


@dataclass(frozen=True)
class Axis:
    """Numbers along one axis of a call: what the formula of the output's size is made of."""

    size: int
    before: int
    after: int
    kernel: int
    extent: int
    stride: int
    dilation: int

    @property
    def free(self) -> int:
        """Positions that the kernel can move by."""
        return self.size + self.before + self.after - self.extent

    @property
    def right(self) -> int:
        """Right number of outputs."""
        return self.free // self.stride + 1


def _axes(plan: Plan) -> tuple[Axis, Axis]:
    vertical, horizontal = (
        Axis(size, side[0], side[1], kernel, extent, stride, dilation)
        for size, side, kernel, extent, stride, dilation in zip(
            plan.input.shape[2:], plan.pads, plan.weight.shape[2:], plan.extent, plan.stride, plan.dilation, strict=True
        )
    )
    return vertical, horizontal


def _ceil_mode(axis: Axis) -> int:
    """Return the size of PyTorch's pooling with ceil_mode: the last window starts inside the padded image."""
    count = -(-axis.free // axis.stride) + 1
    return count - ((count - 1) * axis.stride >= axis.size + axis.before)


_RULES: dict[str, tuple[str, Callable[[Axis], int]]] = {
    "rounded_up": ("is rounded up", lambda a: -(-a.free // a.stride) + 1),
    "ceil_mode": ("is rounded up, as with ceil_mode of pooling", _ceil_mode),
    "rounded": ("is rounded to the nearest", lambda a: (2 * a.free + a.stride) // (2 * a.stride) + 1),
    "of_steps": ("is (size + padding - extent + 1) // stride", lambda a: (a.free + 1) // a.stride),
    "one_more": ("has one more than the formula gives", lambda a: a.right + 1),
    "one_fewer": ("has one fewer than the formula gives", lambda a: a.right - 1),
    "at_least_one_fewer": ("lacks the last one if there are several", lambda a: max(1, a.right - 1)),
    "one_fewer_with_rest": (
        "lacks the last one if the stride leaves a remainder", lambda a: a.right - (a.free % a.stride > 0)
    ),
    "without_padding": ("is computed without the padding", lambda a: (a.size - a.extent) // a.stride + 1),
    "without_dilation": (
        "is computed without the dilation", lambda a: (a.size + a.before + a.after - a.kernel) // a.stride + 1
    ),
    "without_stride": ("is computed without the stride", lambda a: a.free + 1),
    "without_kernel": ("is computed without the kernel", lambda a: (a.size + a.before + a.after - 1) // a.stride + 1),
    "extent_too_large": (
        "is computed with dilation · kernel as extent, and at least 1",
        lambda a: max(1, (a.size + a.before + a.after - a.dilation * a.kernel) // a.stride + 1),
    ),
    "extent_without_one": (
        "is computed with dilation · (kernel - 1) as extent", lambda a: (a.free + 1) // a.stride + 1
    ),
    "of_image": ("is the image's", lambda a: a.size),
    "of_image_by_stride": ("is the image's divided by the stride", lambda a: a.size // a.stride),
    "of_image_by_stride_up": ("is the image's divided by the stride, rounded up", lambda a: -(-a.size // a.stride)),
}  # fmt: skip
"""Rules by slug: words, and function of an axis that returns the number of outputs along it."""

_PLACES: dict[str, tuple[str, tuple[bool, bool]]] = {
    "": ("number of rows and columns", (True, True)),
    "_for_rows": ("number of rows", (True, False)),
    "_for_columns": ("number of columns", (False, True)),
}

AXIS_COST = 0.1
"""Further cost of a rule for one axis."""


def _declare(slug: str, words: str, rule: Callable[[Axis], int]) -> None:
    for suffix, (what, due) in _PLACES.items():

        def changed(plan: Plan, sample: Sample, due: tuple[bool, bool] = due) -> Plan | None:
            rows, columns = (
                rule(axis) if is_due else axis.right for axis, is_due in zip(_axes(plan), due, strict=True)
            )
            return None if (rows, columns) == plan.size else replace(plan, output_size=(rows, columns))

        cost = 1.0 + (AXIS_COST if suffix else 0.0)
        sentence = f"output: the {what} {words}"
        declare(Mechanism(f"output_size_{slug}{suffix}", MechanismKind.WRONG_SHAPE, sentence, changed, cost))


for _slug, (_words, _rule) in _RULES.items():
    _declare(_slug, _words, _rule)
