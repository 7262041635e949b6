"""Mechanisms that put the padding on other sides of the image."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.mechanism import Mechanism, family
from convgauge.diagnosis.plan import Plan
from convgauge.diagnosis.readings import declare_reading, reading, variants
from convgauge.diagnosis.sample import Sample
from convgauge.diagnosis.trial import failing_calls, predicting
from convgauge.problem import Pair

_SIDES: dict[str, tuple[str, Callable[[Pair], Pair]]] = {
    "all_before": ("all of it is put above and to the left", lambda side: (sum(side), 0)),
    "all_after": ("all of it is put below and to the right", lambda side: (0, sum(side))),
    "before_alone": ("none below and to the right", lambda side: (side[0], 0)),
    "after_alone": ("none above and to the left", lambda side: (0, side[1])),
    "sides_exchanged": ("the odd row and column are put above and to the left", lambda side: side[::-1]),
}

_AXES: dict[str, tuple[str, tuple[bool, bool]]] = {
    "": ("", (True, True)),
    "_for_rows": (", along the height alone", (True, False)),
    "_for_columns": (", along the width alone", (False, True)),
}

_THRESHOLDS = (2, 3, 4, 5)

MAX_PROPOSED = 12


def _moved(
    change: Callable[[Pair], Pair], axes: tuple[bool, bool], least: float, plan: Plan, sample: Sample
) -> Plan | None:
    vertical, horizontal = (
        change(side) if due and sum(side) >= 2 * least else side for side, due in zip(plan.pads, axes, strict=True)
    )
    return None if (vertical, horizontal) == plan.pads else replace(plan, pads=(vertical, horizontal))


for _slug, (_words, _change) in _SIDES.items():
    for _suffix, (_where, _axes) in _AXES.items():
        declare_reading(
            f"padding_{_slug}{_suffix}", MechanismKind.SAME_PADDING_SIDE, f"padding: {_words}{_where}",
            partial(_moved, _change, _axes, 0.5), 1.1 if _suffix else 0.8, has_right_size=False,
        )  # fmt: skip


@family
def wide_padding_on_other_sides(samples: Sequence[Sample]) -> Iterator[Mechanism]:
    """Yield the sides for axes whose padding is at least a number that failing calls reach."""
    failing = failing_calls(samples)
    return predicting(_from_thresholds(), failing, MAX_PROPOSED)


def _from_thresholds() -> Iterator[Mechanism]:
    for least in _THRESHOLDS:
        for slug, (words, change) in _SIDES.items():
            yield from variants(
                f"padding_{slug}_from_{least}", MechanismKind.SAME_PADDING_SIDE,
                f"padding: {words} along an axis that is padded by {least} or more",
                partial(_moved, change, (True, True), least), 1.4,
            )  # fmt: skip


@reading(MechanismKind.ARGUMENT_MISREAD, "padding: taken as the total of both sides", cost=1.1)
def padding_is_total(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan with half of the padding on each side, the odd row and column below and to the right."""
    if isinstance(sample.problem.padding, str) or plan.pads == ((0, 0), (0, 0)):
        return None
    vertical, horizontal = ((side[0] // 2, side[0] - side[0] // 2) for side in plan.pads)
    return replace(plan, pads=(vertical, horizontal))


def _of_pair(slug: str, words: str, change: Callable[[int, int], tuple[Pair, Pair]]) -> None:
    """Declare a meaning of a pair of paddings."""

    def changed(plan: Plan, sample: Sample) -> Plan | None:
        if isinstance(sample.problem.padding, str) or plan.pads == ((0, 0), (0, 0)):
            return None
        return replace(plan, pads=change(plan.pads[0][0], plan.pads[1][0]))

    declare_reading(f"padding_pair_is_{slug}", MechanismKind.ARGUMENT_MISREAD, f"padding: {words}", changed, cost=1.2)


_of_pair("left_and_right", "a pair is taken as (left, right), and rows are not padded", lambda a, b: ((0, 0), (a, b)))
_of_pair(
    "above_and_below", "a pair is taken as (above, below), and columns are not padded", lambda a, b: ((a, b), (0, 0))
)
_of_pair("before_and_after", "a pair is taken as (before, after) of both axes", lambda a, b: ((a, b), (a, b)))
