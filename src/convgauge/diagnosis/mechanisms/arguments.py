"""Mechanisms that misread the values of stride, padding or dilation along the axes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.pairs import PADDING, PAIR_ARGUMENTS, PairArgument, Value, Values, on_numbers
from convgauge.diagnosis.plan import Plan
from convgauge.diagnosis.readings import declare_reading
from convgauge.diagnosis.sample import Sample

_SWAPPED, _SHARED = MechanismKind.SWAPPED_AXES, MechanismKind.AXIS_SHARED
_IGNORED, _MISREAD = MechanismKind.ARGUMENT_IGNORED, MechanismKind.ARGUMENT_MISREAD

_BY_AXIS: dict[str, tuple[MechanismKind, str, Callable[[Values, Value], Values]]] = {
    "axes_swapped": (_SWAPPED, "rows and columns are swapped", lambda v, default: v[::-1]),
    "of_height_for_both": (_SHARED, "the height's is used for the width too", lambda v, default: (v[0], v[0])),
    "of_width_for_both": (_SHARED, "the width's is used for the height too", lambda v, default: (v[1], v[1])),
    "larger_for_both": (_SHARED, "the larger of both axes is used for both", lambda v, default: (max(v),) * 2),
    "smaller_for_both": (_SHARED, "the smaller of both axes is used for both", lambda v, default: (min(v),) * 2),
    "ignored": (_IGNORED, "ignored", lambda v, default: (default, default)),
    "ignored_for_rows": (_IGNORED, "ignored along the height", lambda v, default: (default, v[1])),
    "ignored_for_columns": (_IGNORED, "ignored along the width", lambda v, default: (v[0], default)),
}
"""Changes of both values: slug, kind, words, function of the values and the default."""

_BY_NUMBER: dict[str, tuple[str, Callable[[int], int]]] = {
    "one_more": ("one more than given", lambda n: n + 1),
    "one_less": ("one less than given", lambda n: n - 1),
    "doubled": ("twice as large as given", lambda n: 2 * n),
    "halved": ("half as large as given", lambda n: n // 2),
    "squared": ("applied twice", lambda n: n * n),
}
"""Changes of each number: slug, words, function."""

_AXES: dict[str, tuple[str, tuple[bool, bool]]] = {
    "": ("", (True, True)),
    "_for_rows": (" along the height", (True, False)),
    "_for_columns": (" along the width", (False, True)),
}

_RARE = ("larger_for_both", "smaller_for_both", "ignored_for_rows", "ignored_for_columns")
RARE_COST = 1.25
"""Cost of a change that is rarer than one of both axes."""

AXIS_COST = 0.2
"""Further cost of a change along one axis."""


def _change_values(
    argument: PairArgument, change: Callable[[Values, Value], Values], plan: Plan, sample: Sample
) -> Plan | None:
    return argument.put(plan, change(argument.of(plan), argument.default))


def _change_numbers(
    argument: PairArgument, change: Callable[[int], int], axes: tuple[bool, bool], plan: Plan, sample: Sample
) -> Plan | None:
    least = 0 if argument is PADDING else 1
    vertical, horizontal = (
        on_numbers(lambda n: max(least, change(n)), value) if due else value
        for value, due in zip(argument.of(plan), axes, strict=True)
    )
    return argument.put(plan, (vertical, horizontal))


def _declare(argument: PairArgument) -> None:
    for slug, (kind, words, change) in _BY_AXIS.items():
        changed = partial(_change_values, argument, change)
        cost = RARE_COST if slug in _RARE else 1.0
        is_cut = argument is not PADDING or not slug.startswith("ignored")  # else all padding is after the image
        sentence = f"{argument.name}: {words}"
        declare_reading(f"{argument.name}_{slug}", kind, sentence, changed, cost, has_right_size=is_cut)
    for slug, (words, by_number) in _BY_NUMBER.items():
        for suffix, (where, axes) in _AXES.items():
            sentence, cost = f"{argument.name}: {words}{where}", 1.3 + (AXIS_COST if suffix else 0.0)
            numbers = partial(_change_numbers, argument, by_number, axes)
            declare_reading(f"{argument.name}_{slug}{suffix}", _MISREAD, sentence, numbers, cost)


for _argument in PAIR_ARGUMENTS:
    _declare(_argument)
