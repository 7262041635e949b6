"""Problems on which adapters are tried: all sizes differ, so that a swap of two changes the output."""

from __future__ import annotations

from collections.abc import Mapping

from convgauge.problem import Problem

ASYMMETRIC = Problem(batch=2, in_channels=3, height=7, width=9, out_channels=4, kernel=(3, 2), bias=True)

BASES: tuple[Problem, ...] = (
    ASYMMETRIC,
    ASYMMETRIC.replace(kernel=(3, 3)),
    ASYMMETRIC.replace(batch=1, kernel=(3, 3), height=8, width=8),
    ASYMMETRIC.replace(kernel=(3, 3), padding=(1, 1)),
    ASYMMETRIC.replace(batch=1, in_channels=32, out_channels=64, kernel=(3, 3), height=8, width=8),
    ASYMMETRIC.replace(in_channels=1, out_channels=1, kernel=(3, 3)),
)
"""Problems of which a sound target answers one: some take square kernels, square images or one image only."""


def without_bias(problems: tuple[Problem, ...]) -> list[Problem]:
    """Return each problem with a bias and without one."""
    return [each.replace(bias=bias) for each in problems for bias in (True, False)]


def features(base: Problem) -> Mapping[str, list[Problem]]:
    """Return problems near a base that show one feature each: unequal halves before equal ones."""
    larger = base.replace(height=base.height + 4, width=base.width + 4)
    extents_odd = base.replace(kernel=(3, 3))
    return {
        "padding": _with(base, "padding", (1, 2), (1, 1)),
        "stride": [trial_problems(base)[name] for name in ("unequal strides", "stride")],
        "dilation": _with(larger, "dilation", (2, 1), (2, 2)),
        "bias": [base.replace(bias=False)],
        "padding by name": [extents_odd.replace(padding="same"), base.replace(padding="valid")],
    }


def trial_problems(base: Problem) -> dict[str, Problem]:
    """Return the problems of the final trial by what they show."""
    larger = base.replace(height=base.height + 4, width=base.width + 4)
    rows, columns = base.kernel
    divided = base.replace(height=rows + 4, width=columns + 6, padding=(0, 0))  # some demand that strides divide
    grouped = base.replace(in_channels=2 * base.in_channels, out_channels=2 * base.out_channels, groups=2)
    return {
        "plain calls": base,
        "bias": base.replace(bias=True),
        "no bias": base.replace(bias=False),
        "several images": base.replace(batch=3),
        "kernels that are not square": base.replace(kernel=(3, 2)),
        "images that are not square": base.replace(height=7, width=9),
        "kernels of one element": base.replace(kernel=(1, 1)),
        "padding": base.replace(padding=(1, 1)),
        "unequal padding": base.replace(padding=(1, 2)),
        "padding by name": base.replace(kernel=(3, 3), padding="same"),
        "stride": divided.replace(stride=(2, 2)),
        "unequal strides": divided.replace(stride=(2, 1)),
        "dilation": larger.replace(dilation=(2, 2)),
        "unequal dilations": larger.replace(dilation=(2, 1)),
        "groups": grouped,
    }


def _with(base: Problem, name: str, *values: tuple[int, int]) -> list[Problem]:
    return [base.replace(**{name: value}) for value in values]
