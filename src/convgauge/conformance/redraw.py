"""Redrawing: for cases outside the domain of an implementation, as many different cases inside it.

A narrow implementation answers few of the cases that are drawn for all. So that each spec gets its number of cases,
each one outside the domain is replaced by the nearest one inside, and duplicates by others whose sizes are spread over
small values, the neighbours of powers of two, and the multiples that the domain requires. What a spec is about is kept.
"""

from __future__ import annotations

import bisect
import functools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from convgauge.conformance.case_cost import case_cost
from convgauge.conformance.cases import BASE, Case, Needs
from convgauge.conformance.parameters import SIZES, Parameters, case_of, changed, parameters_of
from convgauge.conformance.random_problems import random_problems
from convgauge.conformance.repair import Repair, Weights
from convgauge.conformance.traits import TRAITS, keeper, keeps, lost_traits
from convgauge.domain import Domain

Key = tuple[object, ...]
"""Identity of a case, without its seed."""

USUAL_COST = 150_000
"""FLOPs, elements and steps of a redrawn case beyond those of the smallest case: 3 ms in a loop of plain Python."""
MAX_COST = 4_000_000
"""FLOPs, elements and steps of a case whose size the spec sweeps, or of which the domain has no smaller one."""

SPREAD = (*range(1, 21), 23, 24, 25, 31, 32, 33, 47, 48, 49, 63, 64, 65, 66, 95, 96, 97, 127, 128, 129, 130)
"""Sizes over which further cases are spread: small ones, and the neighbours of powers of two and of their halves."""
HALVES = {"kernel": (1, 2, 3, 4, 5, 7), "stride": (1, 2, 3), "padding": (0, 1, 2, 3), "dilation": (1, 2, 3)}
MAX_CHEAP_SIZES = 3
"""Sizes that are tried so that a case is as large as its cost permits; then the smallest ones are."""
SMALLER = (1, 2, 3, 4, 8)
"""Sizes of an image that are tried if a case costs too much: the smallest one depends on kernel and padding."""
AXES: dict[str, int] = {
    "width": 4, "height": 3, "in_channels": 3, "out_channels": 3, "batch": 2, "kernel": 2, "stride": 1, "padding": 1,
    "dilation": 1, "groups": 1, "bias": 1,
}  # fmt: skip
"""Parameters that further cases vary, with their share: faults at remainders of tiles and blocks are most frequent."""
STARTS = 12
"""Random problems whose nearest ones inside the domain are taken as known cases."""
TRIES = 12
"""Further cases that are tried for each one that is missing."""
MIN_TRIES = 40
MAX_REPEATS = 20
"""Cases of a problem that is drawn already, with other operands: as many as a topic needs (see `sufficiency`)."""
KEPT, SWEPT = 50.0, 8.0
"""Weights of the parameters of a kept trait, and of the one that a spec sweeps; others have 1 to 4."""


@dataclass(frozen=True)
class Redrawn:
    """Cases inside the domain, and the reason if there are none."""

    cases: list[Case] = field(default_factory=list)
    reason: str = ""


def redraw(
    cases: Sequence[Case],
    domain: Domain,
    needs: Needs | None = None,
    traits: Sequence[str] = (),
    seed: int = 0,
    device: str = "cpu",
) -> list[Case]:
    """Return a case inside the domain for each case outside, as many different ones as there are different cases.

    Parameters
    ----------
    cases : sequence of Case
        Cases of one call of a judge's method.
    domain : Domain
        Domain of the implementation.
    needs : callable, optional
        Function of a case that returns True if the check is meaningful for it.
    traits : sequence of str
        Traits that a redrawn case keeps, names of `convgauge.conformance.traits.TRAITS`.
    seed : int
        Seed of the choice of further cases.
    device : str
        Device of the calls.
    """
    if not cases:
        return []
    redrawer = Redrawer(domain, cases[0].problem.dtype, device)
    outside = [case for case in cases if not redrawer.contains(case)]
    inside = [case for case in cases if redrawer.contains(case)]
    return redrawer.redraw(outside, traits, needs, seed, inside).cases


def is_inside(domain: Domain, case: Case, device: str) -> bool:
    """Return True if a domain contains the call of a case."""
    return domain.contains(case.fields(device))


class Redrawer:
    """Redrawing inside one domain, in one dtype on one device.

    Parameters
    ----------
    domain : Domain
        Domain of the implementation.
    dtype, device : str
        Dtype and device of the cases.
    known : sequence of Case
        Cases that are known to lie inside.
    """

    def __init__(self, domain: Domain, dtype: str, device: str, known: Sequence[Case] = ()) -> None:
        self.domain, self.dtype, self.device = domain, dtype, device
        self._repair = Repair(domain, dtype, device)
        self._nearest: dict[tuple[object, ...], Parameters | None] = {}
        self._repair.anchors = self._anchors(known)
        self._reach = {axis: self._reachable(axis) for axis in AXES}
        self._sizes: dict[str, list[int]] = {}  # of `smaller_sizes`

    def contains(self, case: Case) -> bool:
        """Return True if the domain contains a case."""
        return is_inside(self.domain, case, self.device)

    @functools.cached_property
    def usual_cost(self) -> int:
        """Cost above which a redrawn case is made smaller: `USUAL_COST` more than the smallest case."""
        return USUAL_COST + (case_cost(self._repair.anchors[0]) if self._repair.anchors else 0)

    def smaller_sizes(self, name: str, size: int) -> list[int]:
        """Return the sizes below one that a parameter can have inside the domain, in ascending order."""
        if name not in self._sizes:
            self._sizes[name] = sorted({*(SMALLER if name in ("height", "width") else ()), *self._reach[name]})
        return self._sizes[name][: bisect.bisect_left(self._sizes[name], size)]

    @property
    def is_empty(self) -> bool:
        """True if no case inside the domain is known."""
        return not self._repair.anchors

    def _anchors(self, known: Sequence[Case]) -> list[Parameters]:
        """Return parameters inside the domain, found from usual and from random problems."""
        usual = [problem.replace(dtype=self.dtype) for problem in (BASE, *random_problems(STARTS, "anchors"))]
        anchors: list[Parameters] = []
        for case in [
            *(replace(case, problem=case.problem.replace(dtype=self.dtype)) for case in known),
            *map(Case, usual),
        ]:
            values = parameters_of(case)
            inside = None if values is None else self._repair.repaired(values)
            if inside is not None and case_of(inside, case) is not None and inside not in anchors:
                anchors.append(inside)
        return sorted(anchors, key=case_cost)[:6]

    def _reachable(self, axis: str) -> list[Any]:
        """Return the values that a parameter can have inside the domain, among those over which cases are spread."""
        if not self._repair.anchors:
            return []
        anchor = self._repair.anchors[0]
        multiples = self._repair.multiples if axis in SIZES else ()
        values: Sequence[object] = (
            (False, True) if axis == "bias" else HALVES.get(axis) or sorted({*SPREAD, *multiples})
        )
        return [value for value in values if self._with(anchor, {axis: value}, {}) is not None]

    def _with(self, values: Parameters, change: Parameters, weights: Weights) -> Parameters | None:
        """Return parameters inside the domain with a change that is kept, or None."""
        change = {
            half: value
            for name, value in change.items()
            for half in ((f"{name}_h", f"{name}_w") if name in HALVES else (name,))
        }
        new = changed(values, change)
        if new is None:
            return None
        held = {**weights, **dict.fromkeys(change, KEPT)}
        return self._repair.repaired(
            new, held, lambda other: all(other[name] == change[name] for name in change), from_anchors=False
        )

    # --- redrawing ---

    def nearest(self, values: Parameters, weights: Weights, traits: Sequence[str]) -> Parameters | None:
        """Return the nearest parameters inside the domain with some traits; kept, as specs share their problems."""
        key = (*values.values(), *weights.items(), *traits)
        if key not in self._nearest:
            self._nearest[key] = self._repair.repaired(values, weights, keeper(traits, values))
        return self._nearest[key]

    def redraw(
        self,
        outside: Sequence[Case],
        traits: Sequence[str],
        needs: Needs | None,
        seed: int,
        inside: Sequence[Case] = (),
    ) -> Redrawn:
        """Return a case for each one outside; different cases become different ones, equal ones equal ones.

        Parameters
        ----------
        outside : sequence of Case
            Cases outside the domain.
        traits : sequence of str
            Traits that a redrawn case keeps.
        needs : callable or None
            Function of a case that returns True if the check is meaningful for it.
        seed : int
            Seed of the choice of further cases.
        inside : sequence of Case
            Cases of the same group inside the domain, which are not drawn again.
        """
        drawing = _Drawing(self, self._reach, traits, needs, random.Random(seed))
        drawing.used = {_key(case) for case in inside}
        drawing.exact = {(_key(case), case.seed) for case in inside}
        return drawing.run(outside)


def _key(case: Case) -> Key:
    """Return what sets a case apart from others, its seed excepted."""
    return case.problem, repr(case.arguments), case.layouts, case.prepared


@dataclass
class _Drawing:
    """Drawing of one group of cases."""

    redrawer: Redrawer
    reach: dict[str, list[Any]]
    traits: Sequence[str]
    needs: Needs | None
    random: random.Random
    used: set[Key] = field(default_factory=set)
    exact: set[tuple[object, ...]] = field(default_factory=set)
    lost: list[str] = field(default_factory=list)
    weights: dict[str, float] = field(default_factory=dict)
    swept: str = ""
    nearest: dict[Key, Parameters | None] = field(default_factory=dict)
    outside: dict[Key, Case] = field(default_factory=dict)
    originals: dict[Key, Parameters] = field(default_factory=dict)

    def run(self, outside: Sequence[Case]) -> Redrawn:
        """Return the cases, in the order of those outside."""
        self.outside = {_key(case): case for case in outside}
        self.originals = {
            key: values for key, case in self.outside.items() if (values := parameters_of(case)) is not None
        }
        self._weigh()
        drawn: dict[Key, Case] = {}
        for key, values in self.originals.items():
            self.nearest[key] = self._nearest(values)
            case = self._accepted(self.nearest[key], key)
            if case is not None:
                drawn[key] = case
        if not drawn:
            drawn = self._first()
        if not drawn:
            return Redrawn(reason=self._reason())
        self._extend(drawn)
        self._repeat(drawn)
        cases = [
            replace(drawn[_key(case)], seed=case.seed, operands=case.operands)
            for case in outside
            if _key(case) in drawn
        ]
        return Redrawn(cases)

    def _weigh(self) -> None:
        """Set the weights: a parameter that the cases vary more is changed less."""
        originals = list(self.originals.values())
        if not originals:
            return
        counts = {name: len({values[name] for values in originals}) for name in originals[0]}
        most = max(counts, key=lambda name: counts[name])
        self.weights = {name: float(min(4, 1 + count.bit_length())) for name, count in counts.items() if count > 1}
        if counts[most] >= max(6, len(originals) // 2):
            self.swept = most
            self.weights[most] = SWEPT
        for trait in self.traits:
            for name in TRAITS[trait][2]:
                if any(TRAITS[trait][1](values) for values in originals):
                    self.weights[name] = KEPT

    def _nearest(self, values: Parameters) -> Parameters | None:
        """Return the nearest parameters inside the domain that keep the traits, not too costly."""
        new = self.redrawer.nearest(values, self.weights, self.traits)
        return None if new is None else self._affordable(new, values, ())

    def _loses_trait(self, values: Parameters) -> bool:
        """Return True if the domain has no problem with a trait of the case; the trait is recorded."""
        if self.redrawer.nearest(values, self.weights, self.traits) is not None:
            return False
        nearest = self.redrawer.nearest(values, self.weights, ())
        lost = [] if nearest is None else lost_traits(self.traits, values, nearest)
        self.lost += lost
        return bool(lost)

    def _affordable(self, new: Parameters, original: Parameters, held: Sequence[str]) -> Parameters | None:
        """Return the parameters with smaller sizes if they cost too much; None if there are no smaller ones."""
        fixed = [*held, *filter(None, [self.swept])]
        for name in ("batch", "out_channels", "in_channels", "height", "width"):
            if case_cost(new) <= self.redrawer.usual_cost:
                return new
            if name not in fixed:
                new = self._with_smaller(new, name, original, fixed) or new
        return new if case_cost(new) <= MAX_COST else None

    def _with_smaller(
        self, new: Parameters, name: str, original: Parameters, fixed: Sequence[str]
    ) -> Parameters | None:
        """Return the parameters with the largest smaller size that is not too costly, or else with the smallest one."""
        sizes = self.redrawer.smaller_sizes(name, new[name])
        cheap = bisect.bisect_right(sizes, self.redrawer.usual_cost, key=lambda size: case_cost({**new, name: size}))
        for size in (*reversed(sizes[max(0, cheap - MAX_CHEAP_SIZES) : cheap]), *sizes):
            smaller = self.redrawer._with(new, {name: size}, self.weights)
            if smaller is None:
                continue
            if any(smaller.get(other) != new.get(other) for other in fixed):
                return None  # the domain ties this size to one of them
            if keeps(self.traits, original, smaller) and case_cost(smaller) < case_cost(new):
                return smaller
        return None

    def _accepted(self, new: Parameters | None, key: Key) -> Case | None:
        """Return the case of the parameters if it is new, inside the domain, and meets the needs."""
        if new is None or not keeps(self.traits, self.originals[key], new):
            return None
        drawn = case_of(new, self.outside[key])
        if drawn is None or _key(drawn) in self.used or not self.redrawer.contains(drawn):
            return None
        if self.needs is not None and not self.needs(drawn):
            return None
        self.used.add(_key(drawn))
        return drawn

    # --- further cases ---

    def _first(self) -> dict[Key, Case]:
        """Return a first case that meets the needs, varied from one that does not."""
        for key, values in list(self.originals.items())[:TRIES]:
            nearest = self.nearest[key]
            if nearest is None:
                self._loses_trait(values)
                continue
            for varied in self._varied(nearest, values, MIN_TRIES):
                case = self._accepted(varied, key)
                if case is not None:
                    return {key: case}
        return {}

    def _extend(self, drawn: dict[Key, Case]) -> None:
        """Add a further case for each original without one, varied from its nearest one or else from another case."""
        missing = [key for key in self.originals if key not in drawn]
        budget = MIN_TRIES + TRIES * len(missing)
        for index, key in enumerate(missing):
            base = self.nearest[key]
            if base is None and self._loses_trait(self.originals[key]):
                continue
            source = key if base is not None else list(drawn)[index % len(drawn)]
            base = base or parameters_of(drawn[source])
            if base is None:
                continue
            for varied in self._varied(base, self.originals[source], TRIES):
                budget -= 1
                case = self._accepted(varied, source)
                if case is not None:
                    drawn[key] = case
                    break
            if budget <= 0:
                return

    def _repeat(self, drawn: dict[Key, Case]) -> None:
        """Add the nearest case of some originals again, with other operands: the domain has no further problem."""
        self.exact |= {(_key(case), self.outside[key].seed) for key, case in drawn.items()}
        for key in [key for key in self.originals if key not in drawn][:MAX_REPEATS]:
            nearest = self.nearest[key]
            case = None if nearest is None else case_of(nearest, self.outside[key])
            if nearest is None or case is None or not keeps(self.traits, self.originals[key], nearest):
                continue
            is_new = (_key(case), case.seed) not in self.exact
            if is_new and self.redrawer.contains(case) and (self.needs is None or self.needs(case)):
                drawn[key] = case
                self.exact.add((_key(case), case.seed))

    def _varied(self, base: Parameters, original: Parameters, count: int) -> Iterator[Parameters]:
        """Yield variations of parameters inside the domain."""
        free = {axis: values for axis, values in self.reach.items() if len(values) > 1}
        if not free:
            return
        shares = [AXES[axis] for axis in free]
        for attempt in range(count):
            axes = self.random.choices(list(free), shares, k=self.random.choice((1, 2, 2, 3)))
            if self.swept in free and attempt % 2 == 0:
                axes[0] = self.swept
            change = {axis: self.random.choice(free[axis]) for axis in axes}
            new = self.redrawer._with(base, change, self.weights)
            if new is not None:
                affordable = self._affordable(new, original, list(change)[:1])
                if affordable is not None:
                    yield affordable

    def _reason(self) -> str:
        """Return why there is no case."""
        if self.redrawer.is_empty:
            return "no problem inside the domain was found"
        if self.lost:
            return f"the domain has no problem with {max(set(self.lost), key=self.lost.count)}"
        return "the domain has no problem for which the spec's statement can be checked"
