"""Repair of a case: the nearest one inside a domain, found by changes of the parameters that a violated term names."""

from __future__ import annotations

import bisect
import functools
import itertools
import math
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from convgauge.conformance.parameters import (
    CHANNELS,
    FORMS,
    LIST,
    NUMBER,
    PAIR,
    PAIRS,
    SIZES,
    Fields,
    Parameters,
    changed,
    dependence,
    support,
)
from convgauge.domain import Domain

Allowed = Callable[[Parameters], bool]
"""Function that returns True if parameters keep what the case is about."""

Weights = Mapping[str, float]
"""Cost of a change by parameter; 1 for those without an entry."""

SMALL_SIZES = (*range(1, 71), 95, 96, 97, 127, 128, 129, 160, 192, 224, 255, 256, 257, 512)
"""Sizes that are tried: every remainder by 64 and less, and the neighbours of larger powers of two."""
HALF_VALUES = {"kernel": (*range(1, 16), 31), "stride": range(1, 9), "dilation": range(1, 9), "padding": range(9)}
"""Values of a pair's halves that are tried."""
MAX_MULTIPLE = 8
"""A constant of the domain is tried with its multiples up to this one: blocks of channels, tiles of rows."""
MAX_MULTIPLE_SIZE = 600
"""Largest multiple that is tried, a little above the largest size of a sweep at standard, 513."""
MAX_CONSTANT = 1 << 16
"""Largest constant of a domain that is tried as a size, so that operands fit the memory."""
SOLUTIONS = 6
"""Cheapest changes that fulfil a term of which one is taken that leaves fewer terms violated."""

_CONSTANT = re.compile(r"(?<![\w.])\d+(?![\w.])")


def _reader(names: Sequence[str]) -> Callable[[Parameters], object]:
    """Return a function of parameters that returns the values of the named ones."""
    return operator.itemgetter(*names) if names else lambda _: ()


def anything(values: Parameters) -> bool:
    """Return True."""
    return True


class Repair:
    """Search for the nearest parameters inside a domain.

    A violated term of the domain is repaired by the cheapest change of its own parameters that fulfils it. Where this
    leads nowhere, the parameters of a known case of the domain are taken, and returned to the case's own one by one.
    Results depend only on the arguments, so that one object serves several threads.

    Parameters
    ----------
    domain : Domain
        The domain.
    dtype, device : str
        Dtype and device of the cases.
    """

    def __init__(self, domain: Domain, dtype: str, device: str) -> None:
        self.domain, self.dtype, self.device = domain, dtype, device
        self.anchors: list[Parameters] = []
        """Known parameters inside the domain."""
        self.relevant = support(domain.names)
        self._terms = [(term, support(term.names)) for term in domain.conjuncts]
        self._terms.sort(key=lambda pair: len(pair[1]))
        self._determining = [dependence(term.names) for term, _ in self._terms]
        self._keys = list(map(_reader, self._determining))
        constants = {int(text) for text in _CONSTANT.findall(domain.text)}
        self._constants = sorted(value for value in constants if value <= MAX_CONSTANT)
        multiples = {n * value for value in self._constants if value > 1 for n in range(1, MAX_MULTIPLE + 1)}
        self.multiples = sorted(value for value in multiples if value <= MAX_MULTIPLE_SIZE)
        """Multiples of the domain's constants."""
        near = {value + step for value in self._constants for step in (-1, 0, 1)}
        self._sizes = sorted({*SMALL_SIZES, *self.multiples, *(value for value in near if value > 0)})
        self._size_set = frozenset(self._sizes)
        self._memo: dict[tuple[object, ...], list[Any]] = {}  # of `_solutions`
        self._cheapest: dict[tuple[object, ...], list[Parameters]] = {}  # of `_changes`
        self._named = _reader(dependence(domain.names))
        self._violated: dict[object, list[int]] = {}
        self._results: list[dict[object, bool]] = [{} for _ in self._terms]

    # --- the domain ---

    def contains(self, values: Parameters) -> bool:
        """Return True if the domain contains the parameters."""
        return not self.violated(values)

    def _holds(self, index: int, values: Parameters) -> bool:
        """Return True if a term holds; the result is kept, as the same few values come repeatedly."""
        key = self._keys[index](values)
        results = self._results[index]
        if key not in results:
            results[key] = self._terms[index][0].contains(Fields(values, self.dtype, self.device))
        return results[key]

    def violated(self, values: Parameters) -> list[int]:
        """Return the indices of the violated terms; the result is kept, as it is asked for several times."""
        key = self._named(values)
        if key not in self._violated:
            self._violated[key] = [index for index in range(len(self._terms)) if not self._holds(index, values)]
        return self._violated[key]

    # --- repair ---

    def repaired(
        self,
        values: Parameters,
        weights: Weights | None = None,
        allowed: Allowed = anything,
        *,
        from_anchors: bool = True,
    ) -> Parameters | None:
        """Return the nearest parameters inside the domain that are allowed, or None if none are found.

        Without ``from_anchors``, the slower search on the way from known cases is left out.
        """
        weights = weights or {}
        current: Parameters | None = values
        for _ in range(2 * len(self._terms) + 2):
            violated = self.violated(current) if current is not None else []
            if current is None:
                break
            if not violated:
                if allowed(current):
                    return current
                break
            current = self._step(values, current, violated, weights, allowed)
        return self._approached(values, weights, allowed) if from_anchors else None

    def _step(
        self, origin: Parameters, current: Parameters, violated: Sequence[int], weights: Weights, allowed: Allowed
    ) -> Parameters | None:
        """Return the parameters with one of the violated terms repaired, or None if none can be.

        The cheapest change that leaves fewer terms violated is taken, or else the one that leaves the fewest.
        """
        for index in violated:
            best: tuple[tuple[int, float], Parameters] | None = None
            for change in self._changes(index, current, weights):
                new = changed(current, change)
                if new is None or not allowed(new) or not self._holds(index, new):
                    continue
                count = len(self.violated(new))
                if count < len(violated):
                    return new
                score = (count, distance(origin, new, weights))
                if best is None or score < best[0]:
                    best = score, new
            if best is not None and best[0][0] <= len(violated):
                return best[1]
        return None

    def _changes(self, index: int, current: Parameters, weights: Weights) -> list[Parameters]:
        """Return the cheapest changes of a term's own parameters that fulfil it; the result is kept."""
        outputs = "out_channels"  # changed together with groups
        changeable = (*self._terms[index][1], outputs)
        key = (
            index,
            self._keys[index](current),
            current[outputs],
            tuple([weights.get(name, 1.0) for name in changeable]),
        )
        if key not in self._cheapest:
            self._cheapest[key] = self._cheapest_changes(index, current, weights)
        return self._cheapest[key]

    def _cheapest_changes(self, index: int, current: Parameters, weights: Weights) -> list[Parameters]:
        _, names = self._terms[index]
        changes = [
            {name: value}
            for name in names
            for value in _nearest(self._solutions(index, (name,), current), current[name])
            if value != current[name]
        ]
        for first, second in _together(names):
            pairs = self._solutions(index, (first, second), current)
            near = [*_nearest(pairs, (current[first],)), *_nearest(pairs, (current[second],))]
            changes += [{first: left, second: right} for left, right in near]
        for form in FORMS:
            if form in names:
                height = f"{form.removesuffix('_form')}_h"
                spellings = self._solutions(index, (form,) * 2, current)
                spellings = sorted(spellings, key=lambda change: abs(change[height] - current[height]))
                changes += spellings[:SOLUTIONS]
        if {"in_channels", "groups"} <= set(names):
            changes.append({"groups": current["in_channels"], "out_channels": current["in_channels"]})
        changes.sort(key=lambda change: distance(current, change, weights))
        return changes[:SOLUTIONS]

    def _solutions(self, index: int, varied: tuple[str, ...], current: Parameters) -> list[Any]:
        """Return the values of one parameter, or pairs of two, that fulfil a term if its others are as they are.

        The name of a form twice stands for changes of this form with its numbers.
        """
        given = {name: current[name] for name in self._determining[index]}
        key = (index, varied, *[value for name, value in given.items() if name not in varied])
        if key not in self._memo:
            candidates = self._candidates(self._terms[index][1], varied, current)
            self._memo[key] = [value for change, value in candidates if self._holds(index, {**given, **change})]
        return self._memo[key]

    def _candidates(
        self, names: Sequence[str], varied: tuple[str, ...], current: Parameters
    ) -> Iterator[tuple[Parameters, Any]]:
        """Yield changes of the varied parameters, each with what `_solutions` returns for it."""
        first, second = varied[0], varied[-1]
        if len(varied) == 1:
            yield from (({first: value}, value) for value in self._values(first, names, varied, current))
        elif first == second:
            yield from ((change, change) for change in self._spellings(first.removesuffix("_form"), current))
        else:
            values = self._values(first, names, varied, current)
            few = [value for value in self._constants if value in values]
            pairs = sorted({*((value, value) for value in values), *itertools.product(few, few)})
            yield from (({first: left, second: right}, (left, right)) for left, right in pairs)

    def _spellings(self, name: str, current: Parameters) -> Iterator[Parameters]:
        """Yield changes of an argument's form together with its numbers."""
        height, width = f"{name}_h", f"{name}_w"
        plain = {"padding_word": ""} if name == "padding" else {}
        for value in {*HALF_VALUES[name], *(c for c in self._constants if c <= max(self._sizes))}:
            for form in (NUMBER, PAIR, LIST):
                yield {**plain, height: value, width: value, f"{name}_form": form}

    def _values(self, name: str, names: Sequence[str], varied: tuple[str, ...], current: Parameters) -> Sequence[Any]:
        """Return the values that are tried for a parameter, in ascending order if they are numbers."""
        if name in ("bias", "prepared"):
            return [False, True]
        if name.endswith("_form"):
            return [PAIR, NUMBER, LIST]
        if name == "padding_word":
            return ["", *(word for word in ("same", "valid") if word in self.domain.text)]
        if name.endswith("layout"):
            return ["contiguous"]
        others = [current[other] for other in names if other not in varied]
        others = [value for value in others if type(value) is int and value > 0]
        if name in (*SIZES, "groups"):
            return self._sizes if set(others) <= self._size_set else sorted({*self._sizes, *others})
        least = 0 if name.startswith("padding") else 1
        constants = [value for value in self._constants if value >= least]
        return sorted({*HALF_VALUES[name[:-2]], *others, *constants})

    # --- the way from a known case ---

    def _approached(self, values: Parameters, weights: Weights, allowed: Allowed) -> Parameters | None:
        """Return the nearest of the known cases, with every parameter that the domain permits returned to its own."""
        best: tuple[float, Parameters] | None = None
        for anchor in self.anchors:
            new = changed(values, {name: anchor[name] for name in self.relevant if values[name] != anchor[name]})
            if new is None or not self.contains(new):
                new = anchor
            for name in sorted(new, key=lambda name: -weights.get(name, 1.0)):
                if new[name] == values[name]:
                    continue
                nearer = changed(new, {name: values[name]})
                if nearer is not None and self.contains(nearer):
                    new = nearer
            if allowed(new):
                cost = distance(values, new, weights)
                if best is None or cost < best[0]:
                    best = cost, new
        return None if best is None else best[1]


def _together(names: Sequence[str]) -> Iterable[tuple[str, str]]:
    """Return the pairs of names whose values are often equal: halves, and sizes of the image and of channels."""
    pairs = [(f"{name}_h", f"{name}_w") for name in PAIRS]
    return [pair for pair in (*pairs, ("height", "width"), CHANNELS) if set(pair) <= set(names)]


def _nearest(values: Sequence[Any], old: Any) -> Sequence[Any]:  # noqa: ANN401 of several types
    """Return the two values nearest to the old one on each side, or all values if they have no order."""
    if type(old) not in (int, tuple):
        return values
    index = bisect.bisect_left(values, old)
    return values[max(0, index - 2) : index + 2]


@functools.cache
def _logarithm(size: int) -> float:
    return math.log2(size + 1)


def distance(values: Parameters, changes: Parameters, weights: Weights) -> float:
    """Return the weighted number of changed parameters, each with the logarithm of its ratio."""
    total = 0.0
    for name, new in changes.items():
        old = values[name]
        if old != new:
            is_number = type(old) is int and type(new) is int
            size = 1.0 + abs(_logarithm(new) - _logarithm(old)) if is_number else 2.0
            total += weights.get(name, 1.0) * size
    return total
