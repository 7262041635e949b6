"""Probe: find out which problems an implementation answers, by small calls whose outputs are not judged.

First a typical call is sought that is answered. Then each field is changed alone. Rules are learned from the answers
(`convgauge.diagnosis`), and confirmed by cases inside and outside of them that they have not seen.
"""

from __future__ import annotations

import contextlib
import functools
import operator
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from random import Random

import numpy as np

from convgauge.conformance.cases import Case
from convgauge.conformance.execution import Execution
from convgauge.conformance.limits import Discovery, Limit, error_text
from convgauge.conformance.probe_space import (
    MAX_ANCHOR_FLOPS,
    Step,
    by_field,
    combined,
    interleaved,
    max_flops,
    respelled,
    steps,
    typical_cases,
    value_steps,
)
from convgauge.conformance.probe_traits import pairs, spread, traits
from convgauge.conformance.tally import MAX_ENDED_PROCESSES
from convgauge.diagnosis.atom import Atom
from convgauge.diagnosis.features import Fields, Table
from convgauge.diagnosis.learner import Learner
from convgauge.domain import EVERYTHING, Domain, fields_of
from convgauge.problem import ProblemError
from convgauge.process.runner import Runner
from convgauge.worker.call import Observation

MAX_PROBES = 400
"""Calls of a discovery: about a second with NumPy."""

MAX_SECONDS = 10.0
"""Seconds of calls after which no more are begun: a kernel that is compiled for each shape takes longer for each."""

CONFIRMATIONS = 60
"""Cases in a row that must turn out as the rules predict: a rule that is wrong for 5 % of them is found by 95 %."""

CANDIDATES = 120
"""Random cases from which the next probes are chosen."""

INSIDE = 12
"""Cases inside of all rules that are asked at once."""

DECISIVE = 2
"""Cases that are asked at once for each rule, to decide between it and its rivals."""

CHUNK = 8
"""Cases that are asked at once while the rules are not known."""

COMMON_DTYPE = "float32"
"""Dtype of the anchor if it is answered: other dtypes may have limits of their own."""

ANCHOR_SIZE = 12
"""Rows and columns of the anchor's image, so that kernels up to 11 fit without another change."""

REVERTED = (
    ("layouts",), ("arguments",), ("bias",), ("batch",), ("dtype",), ("dilation",), ("stride",), ("padding",),
    ("kernel",), ("in_channels", "out_channels", "groups"), ("in_channels",), ("out_channels",), ("height", "width"),
    ("height",), ("width",), ("kernel", "padding", "dilation", "height", "width"),
)  # fmt: skip
"""Fields that are set back to those of the anchor, one entry after the other, to simplify a refused case."""

MIN_VIOLATORS = 12
"""Cases outside of a rule alone that must be refused: one that is answered shows the rule to be too narrow."""


def discover(runner: Runner, device: str, dtypes: Sequence[str], declared: Domain = EVERYTHING) -> Discovery:
    """Find out which problems an implementation answers, inside the domain that is declared for it.

    Parameters
    ----------
    runner : Runner
        A subject that is ready to be called.
    device : str
        Device of the operands.
    dtypes : sequence of str
        Dtypes to try.
    declared : Domain
        Declared domain: no call outside is made.

    Returns
    -------
    Discovery
        The domain and the limits. It is empty, with the reason, if no call is answered or the subject's process ends.
    """
    session = _Session(runner, device, declared)
    try:
        return _Explorer(session, sorted(dtypes, key=lambda dtype: dtype != COMMON_DTYPE)).run()
    except _GivenUpError as error:
        return Discovery(probes=session.probes, reason=str(error))
    except _OverError:
        return Discovery(probes=session.probes, reason=f"no call was answered within {MAX_SECONDS:g} s of probes")


class _GivenUpError(Exception):
    """The subject is not probed any longer; the message is the reason."""


class _OverError(Exception):
    """The number of probes or their time is exhausted."""


class _Session:
    """Probes of one subject: each case is called once, and the calls are limited."""

    def __init__(self, runner: Runner, device: str, declared: Domain = EVERYTHING) -> None:
        self.execution, self.device = Execution(runner, device, declared), device
        self.observations: dict[str, Observation] = {}
        self.seconds = 0.0
        self.has_answer = False
        self.ended = 0

    @property
    def probes(self) -> int:
        """Number of calls."""
        return len(self.observations)

    def ask(self, cases: Iterable[Case]) -> list[tuple[Case, bool]]:
        """Call on the cases that were not called on; return those with True if they were answered.

        A case outside the declared domain, or that the framework cannot make, is left out. Raises `_GivenUpError`,
        `_OverError`.
        """
        fresh = {str(case): case for case in cases if str(case) not in self.observations and self.is_declared(case)}
        if self.probes + len(fresh) > MAX_PROBES or self.seconds > MAX_SECONDS:
            raise _OverError
        outcomes = []
        for case, _, observation in self.execution.run(fresh.values()):
            self.observations[str(case)] = observation
            self.seconds += observation.seconds
            if observation.kind == "answer" and not self.has_answer:
                self.has_answer, self.seconds = True, 0.0  # a kernel may be compiled in its first call
            self._count_ended(observation)
            if observation.kind != "unsupported":
                outcomes.append((case, observation.kind == "answer"))
        return outcomes

    def _count_ended(self, observation: Observation) -> None:
        if observation.kind in ("crashed", "timed_out", "not_called"):
            self.ended += 1
            if self.ended >= MAX_ENDED_PROCESSES or observation.kind == "not_called":
                raise _GivenUpError(f"{self.ended} probes ended the process; the last {observation.message}")

    def is_declared(self, case: Case) -> bool:
        """Return True if a case lies inside the declared domain."""
        return not self.execution.exclusion(case)

    def fields(self, case: Case) -> Fields:
        """Return the fields of a case."""
        return fields_of(case.problem, case.keywords(), case.layouts, self.device)


class _Explorer:
    """Exploration of the problems around an anchor: a case that is answered."""

    def __init__(self, session: _Session, dtypes: Sequence[str]) -> None:
        self.session, self.dtypes = session, dtypes
        self.random = Random(0)
        self.outcomes: list[tuple[Case, bool]] = []
        self.combined_traits: set[object] = set()

    def run(self) -> Discovery:
        """Return what was found."""
        anchor = self._find_anchor()
        if anchor is None:
            return Discovery(probes=self.session.probes, reason=self._refused_everywhere())
        self.anchor = anchor
        with contextlib.suppress(_OverError):
            self.anchor = self._enlarged(anchor)
        self.max_flops = max_flops(self.anchor)
        self.steps = steps(self.anchor, self.dtypes, self.session.execution.subject.description.layouts)
        with contextlib.suppress(_OverError):
            first = self._singles(interleaved([step for step in self.steps if step.is_first]))
            for start in range(0, len(first), CHUNK):
                self._ask(first[start : start + CHUNK])
        self._restart()
        with contextlib.suppress(_OverError):
            self._confirm()
            self._close_gaps()
        return self._discovery()

    def _restart(self) -> None:
        """Learn again from all that is known, with atoms that also the values of new steps suggest."""
        self.singles = self._singles(self.steps)
        steps = by_field(self.steps)
        random = [combined(self.anchor, steps, self.random, self.max_flops) for _ in range(2 * CANDIDATES)]
        self.learner = Learner(
            list(map(self.session.fields, [*(case for case, _ in self.outcomes), *self.singles, *random]))
        )
        self._learn(self.outcomes)

    def _close_gaps(self) -> None:
        """Find the exact bounds: try the values between those that are answered and those that are not."""
        further = value_steps(self.learner.gaps())
        if further:
            self.steps += further
            self._restart()
            self._confirm()

    def _ask(self, cases: Iterable[Case]) -> list[tuple[Case, bool]]:
        outcomes = self.session.ask(cases)
        self.outcomes += outcomes
        return outcomes

    def _learn(self, outcomes: Sequence[tuple[Case, bool]]) -> None:
        self.learner.add([self.session.fields(case) for case, _ in outcomes], [answered for _, answered in outcomes])

    # --- the anchor ---

    def _find_anchor(self) -> Case | None:
        """Return the first typical case that is answered, or None."""
        typical = typical_cases(self.dtypes)
        for start in range(0, len(typical), CHUNK):
            for case, answered in self._ask(typical[start : start + CHUNK]):
                if answered:
                    return case
        return None

    def _refused_everywhere(self) -> str:
        errors = Counter(map(_error, self.session.observations.values()))
        if not errors:
            return "no typical call lies inside the declared domain"
        ((error, count),) = errors.most_common(1)
        return f"none of {self.session.probes} typical calls is answered; {count} of them end in {error}"

    def _enlarged(self, anchor: Case) -> Case:
        """Return the anchor with an image that has room for kernels, and with a 3x3 kernel, if these are answered."""
        for changes in ({"height": ANCHOR_SIZE, "width": ANCHOR_SIZE}, {"kernel": (3, 3)}):
            changed = replace(anchor, problem=anchor.problem.replace(**changes))
            if changed.problem.flops > MAX_ANCHOR_FLOPS or not self.session.is_declared(changed):
                continue
            if all(answered for _, answered in self._ask([changed])):
                anchor = changed
        return anchor

    def _singles(self, steps: Iterable[Step]) -> list[Case]:
        """Return the small cases that differ from the anchor in one step."""
        changed = (step.apply(self.anchor) for step in steps)
        return [case for case in changed if case is not None and self._is_usable(case)]

    def _is_usable(self, case: Case) -> bool:
        """Return True if a case is small and lies inside the declared domain."""
        return case.problem.flops <= self.max_flops and self.session.is_declared(case)

    # --- confirmation ---

    def _confirm(self) -> None:
        """Ask until cases turn out as the rules predict, `CONFIRMATIONS` of them in a row."""
        confirmed = 0
        while confirmed < CONFIRMATIONS:
            inside, others = self._next_cases()
            if not inside and not others:
                return
            outcomes = self._ask([*inside, *others])
            predicted = self.learner.is_inside(Table([self.session.fields(case) for case, _ in outcomes]))
            surprises = [
                outcome for outcome, expected in zip(outcomes, predicted, strict=True) if outcome[1] != expected
            ]
            self._learn(outcomes)
            confirmed = 0 if surprises else confirmed + len(inside)
            for case, answered in surprises:
                if not answered:
                    self._simplify(case)

    def _next_cases(self) -> tuple[list[Case], list[Case]]:
        """Return the next cases: some inside of all rules, and some that decide about a rule."""
        candidates = self._candidates()
        table = Table(list(map(self.session.fields, candidates)))
        inside = [candidates[n] for n in np.flatnonzero(self.learner.is_inside(table))][-CANDIDATES // 2 :]
        chosen = [inside[n] for n in spread(list(map(pairs, inside)), INSIDE, self.combined_traits)]
        others: dict[str, Case] = {}
        for rule in self.learner.rules:
            deciding = [candidates[n] for n in self.learner.decisive(rule, table, DECISIVE)]
            violators = [traits(self.outcomes[n][0]) for n in self.learner.violators(rule)]
            if len(violators) < MIN_VIOLATORS:
                outside = [candidates[n] for n in self.learner.outside_one(rule, table)]
                covered = set[object]().union(*violators)
                deciding += [outside[n] for n in spread(list(map(traits, outside)), DECISIVE, covered)]
            others |= {str(case): case for case in deciding}
        return chosen, [case for case in others.values() if case not in chosen]

    def _candidates(self) -> list[Case]:
        """Return cases that were not asked: single changes, and combinations of changes that keep most rules."""
        all_steps, allowed = by_field(self.steps), by_field(self._allowed_steps())
        cases = list(self.singles)
        for number in range(CANDIDATES):
            steps = all_steps if number % 4 == 0 else allowed
            case = combined(self.anchor, steps, self.random, self.max_flops)
            if number % 4 == 1:
                case = combined(case, all_steps, self.random, self.max_flops, 2)
            cases.append(case)
        fresh = {str(case): case for case in cases}
        known = self.session.observations
        return [case for text, case in fresh.items() if text not in known and self._is_usable(case)]

    def _allowed_steps(self) -> list[Step]:
        """Return the steps from the anchor that stay inside the rules."""
        changed = [(step, step.apply(self.anchor)) for step in self.steps]
        usable = [(step, case) for step, case in changed if case is not None and self._is_usable(case)]
        inside = self.learner.is_inside(Table([self.session.fields(case) for _, case in usable]))
        return [step for (step, _), is_inside in zip(usable, inside, strict=True) if is_inside]

    def _simplify(self, case: Case) -> None:
        """Ask cases between a refused case and the anchor, to find the few fields that decide."""
        learned = len(self.outcomes)
        for fields in REVERTED:
            simpler = self._reverted(case, fields)
            if simpler is not None and str(simpler) not in self.session.observations:
                outcomes = self._ask([simpler])
                case = simpler if outcomes and not outcomes[0][1] else case
        self._learn(self.outcomes[learned:])

    def _reverted(self, case: Case, fields: Sequence[str]) -> Case | None:
        """Return a case with some fields as those of the anchor, or None if it is no problem."""
        if fields == ("layouts",):
            return replace(case, layouts=self.anchor.layouts)
        if fields == ("arguments",):
            return replace(case, arguments=())
        try:
            problem = case.problem.replace(**{name: getattr(self.anchor.problem, name) for name in fields})
        except ProblemError:
            return None
        return respelled(case, problem)

    # --- the result ---

    def _discovery(self) -> Discovery:
        limits = tuple(self._limit(rule) for rule in self.learner.rules)
        domain = functools.reduce(operator.and_, (limit.domain for limit in limits), EVERYTHING)
        unexplained = len(self.learner.unexplained)
        refused = sum(not answered for _, answered in self.outcomes)
        reason = f"{unexplained} of {refused} probes that are not answered lie in no region" if unexplained else ""
        if self.session.seconds > MAX_SECONDS:
            reason = f"the limits may be incomplete: {self.session.probes} probes took more than {MAX_SECONDS:g} s"
        return Discovery(domain, limits, self.session.probes, str(self.anchor), reason)

    def _limit(self, rule: Atom) -> Limit:
        """Return a rule with the exception that most of the cases raise which violate it and no other rule."""
        observations = [self.session.observations[str(self.outcomes[n][0])] for n in self.learner.violators(rule)]
        errors = Counter(map(_error, observations))
        refused = sum(observation.kind == "refused" for observation in observations)
        error = next((error for error, _ in errors.most_common(1)), "")
        return Limit(rule.expression, rule.sentence, error, 2 * refused >= len(observations))


def _error(observation: Observation) -> str:
    return error_text(observation.error, observation.message)
