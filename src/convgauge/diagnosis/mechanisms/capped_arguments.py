"""Mechanisms that limit an argument: to a size of the call, to a constant, or to an integer type."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.mechanism import Mechanism, family
from convgauge.diagnosis.pairs import PADDING, PAIR_ARGUMENTS, STRIDE, PairArgument, Values, on_numbers
from convgauge.diagnosis.plan import Plan
from convgauge.diagnosis.readings import declare_reading, variants
from convgauge.diagnosis.sample import Sample
from convgauge.diagnosis.trial import failing_calls, predicting
from convgauge.problem import Pair

_LIMITS: dict[str, tuple[tuple[PairArgument, ...], str, Callable[[Plan], Pair]]] = {
    "kernel": ((STRIDE, PADDING), "the kernel's size", lambda p: _pair(p.weight.shape[2:])),
    "kernel_less_one": ((PADDING,), "the kernel's size less one", lambda p: _pair(p.weight.shape[2:], 1)),
    "half_kernel": ((PADDING,), "half the kernel's size", lambda p: _pair(k // 2 for k in p.weight.shape[2:])),
    "extent_less_one": ((PADDING,), "the dilated kernel's extent less one", lambda p: _pair(p.extent, 1)),
    "half_extent": ((PADDING,), "half the dilated kernel's extent", lambda p: _pair(e // 2 for e in p.extent)),
    "image": ((STRIDE, PADDING), "the image's size", lambda p: _pair(p.input.shape[2:])),
    "image_less_one": ((PADDING,), "the image's size less one", lambda p: _pair(p.input.shape[2:], 1)),
}
"""Limits by slug: arguments, words, and function of the plan that returns the limits along height and width."""

_AXES: dict[str, tuple[str, tuple[bool, bool]]] = {
    "": ("", (True, True)),
    "_for_rows": (" along the height", (True, False)),
    "_for_columns": (" along the width", (False, True)),
}

_CONSTANTS = (1, 2, 3, 4, 5, 6, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128)

_BITS = (8, 16)

MAX_PROPOSED = 12


def _pair(numbers: Sequence[int] | Iterator[int], less: int = 0) -> Pair:
    rows, columns = (number - less for number in numbers)
    return rows, columns


def _capped(argument: PairArgument, values: Values, limits: Sequence[int | None]) -> Values:
    least = 0 if argument is PADDING else 1
    vertical, horizontal = (
        value if limit is None else on_numbers(partial(min, max(least, limit)), value)
        for value, limit in zip(values, limits, strict=True)
    )
    return vertical, horizontal


def _by_limit(argument: PairArgument, limit: Callable[[Plan], Pair], plan: Plan, sample: Sample) -> Plan | None:
    return argument.put(plan, _capped(argument, argument.of(plan), limit(plan)))


def _by_constant(argument: PairArgument, top: int, axes: tuple[bool, bool], plan: Plan, sample: Sample) -> Plan | None:
    return argument.put(plan, _capped(argument, argument.of(plan), [top if due else None for due in axes]))


def _narrowed(argument: PairArgument, bits: int, is_signed: bool, plan: Plan, sample: Sample) -> Plan | None:
    half = 1 << (bits - 1) if is_signed else 0
    least = 0 if argument is PADDING else 1
    vertical, horizontal = (
        on_numbers(lambda n: max(least, (n + half) % (1 << bits) - half), value) for value in argument.of(plan)
    )
    return argument.put(plan, (vertical, horizontal))


for _slug, (_arguments, _words, _limit) in _LIMITS.items():
    for _argument in _arguments:
        declare_reading(
            f"{_argument.name}_capped_at_{_slug}", MechanismKind.ARGUMENT_IGNORED,
            f"{_argument.name}: capped at {_words}", partial(_by_limit, _argument, _limit), cost=1.3,
        )  # fmt: skip


@family
def arguments_capped_at_a_number(samples: Sequence[Sample]) -> Iterator[Mechanism]:
    """Yield caps at numbers that are below the arguments of failing calls."""
    failing = failing_calls(samples)
    return predicting(_caps(failing), failing, MAX_PROPOSED)


def _caps(failing: Sequence[Sample]) -> Iterator[Mechanism]:
    for argument in PAIR_ARGUMENTS:
        least = 1 if argument is PADDING else 2
        largest = max((_largest(argument, sample) for sample in failing), default=0)
        for top in (number for number in _CONSTANTS if least <= number < largest):
            for suffix, (where, axes) in _AXES.items():
                yield from variants(
                    f"{argument.name}_capped_at_{top}{suffix}", MechanismKind.ARGUMENT_IGNORED,
                    f"{argument.name}: capped at {top}{where}", partial(_by_constant, argument, top, axes),
                    1.5 if suffix else 1.4,
                )  # fmt: skip


@family
def arguments_in_narrow_integers(samples: Sequence[Sample]) -> Iterator[Mechanism]:
    """Yield integer types that are too narrow for an argument of a failing call."""
    failing = [sample for sample in samples if sample.fault is not None and sample.is_plain]
    for argument in PAIR_ARGUMENTS:
        largest = max((_largest(argument, sample) for sample in failing), default=0)
        for bits in _BITS:
            for is_signed in (False, True):
                if largest >= 1 << (bits - is_signed):
                    words = f"{'signed ' if is_signed else ''}integers of {bits} bits"
                    yield from variants(
                        f"{argument.name}_in_{'signed_' if is_signed else ''}{bits}_bits",
                        MechanismKind.INDEX_OVERFLOW, f"{argument.name}: kept in {words}",
                        partial(_narrowed, argument, bits, is_signed), 1.0,
                    )  # fmt: skip


def _largest(argument: PairArgument, sample: Sample) -> int:
    numbers: list[int] = [max(value) if isinstance(value, tuple) else value for value in argument.of(sample.plan)]
    return max(numbers)
