"""The judge: what a spec is given to say which cases are run and how they are judged.

A spec names cases and a way of judging; calling, comparing, reducing, counting and recording are done here.
"""

from __future__ import annotations

import itertools
import math
import shlex
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NoReturn, Protocol

import msgspec
import numpy as np

from convgauge.conformance.cases import Case, cases, thin
from convgauge.conformance.features import feature_letters
from convgauge.conformance.invalid_calls import INVALID_CALLS
from convgauge.conformance.reduce import smaller
from convgauge.conformance.spec import Spec
from convgauge.conformance.wrong_outputs import wrong_outputs
from convgauge.dtypes import DTYPES, round_to
from convgauge.problem import Problem
from convgauge.process.isolation import Runner
from convgauge.reference import accuracy, compare, oracle
from convgauge.reference.compare import Fault
from convgauge.reference.operands import Operands, draw
from convgauge.results import Counterexample, Picture
from convgauge.terms import GRAVITY, Grade, Profile, Status, Tier, includes
from convgauge.worker.call import Call, Observation
from convgauge.worker.frameworks import adapter

BUDGETS = {"quick": 28, "standard": 700, "exhaustive": 1_000_000}
"""Cases that one call of a judge's method may take at each tier; more are thinned out evenly."""
MAX_FAULTS = 12  # faults of a spec after which no more of its cases are run: enough to locate the failure
MOST_DEATHS = 2  # or that cost a process each: the subject has only so many of them, for all specs together
REDUCTIONS = 150  # calls that may be spent on making one counterexample smaller
REDUCING = 6.0  # and seconds
WIDE_DRAWS = 16  # wide-range operands on which an implementation must be componentwise accurate to be held to it
WORST_MARGIN = 1e9  # what a margin beyond all measure is recorded as
PRINTED = 2000  # characters of what an implementation prints that are kept with a counterexample
DRAWN = 400  # elements of a counterexample's operands that are still drawn

UNSTABLE = "another call with the same operands gave other bits"

Check = Callable[[Case, Operands, Observation], "Fault | None"]
Transform = Callable[[Case, Operands], Operands]


class Ask(Protocol):
    """What a law asks with: the answer to one call, as integers in float64."""

    def __call__(self, problem: Problem, operands: Operands, /) -> Any: ...


Law = Callable[[Ask, Problem, Operands], tuple[Any, Any]]
LAW_ROOM = 4.0  # by how much a law's operands stay below the exact ones' limit: so many answers may be added


class _Unanswered(Exception):
    """A call that a law asks for had no answer, or not one of the right form."""

    def __init__(self, fault: Fault | None, seen: Observation) -> None:
        super().__init__()
        self.fault, self.seen = fault, seen


class NotApplicable(Exception):
    """The spec does not apply here; the message says why."""


@dataclass(frozen=True)
class Setting:
    """What a judge is set up with: profile, tier and seed of the run; the one case of a reproduction, if it is one.

    ``target`` and ``options`` are what a command line needs to reproduce a case.
    """

    profile: Profile = "functional"
    tier: Tier = "standard"
    seed: int = 0
    only: Case | None = None
    target: str = ""
    wrong_outputs: bool = False
    """Whether every case that passes is also given wrong answers, and vacuous if it accepts one."""
    options: tuple[str, ...] = ()
    max_faults: int = MAX_FAULTS
    minimizes: bool = True
    """Whether the first case that fails is reduced to a smaller one."""


class Judge:
    """Judges one spec on one subject in one dtype on one device."""

    def __init__(
        self, spec: Spec, subject: Runner, dtype: str, device: str, setting: Setting,
        last_crash: Counterexample | None = None,
    ) -> None:  # fmt: skip
        self.spec, self.subject, self.dtype, self.device, self.setting = spec, subject, dtype, device, setting
        self.description = subject.description
        self.declared_grade = self.description.grade
        self.outcomes: Counter[str] = Counter()
        self.space: dict[str, list[int]] = {}  # by features of problems: judged, at fault, declined
        self.faults: list[tuple[Case, Fault]] = []
        self.counterexample: Counterexample | None = None
        self.reasons: Counter[str] = Counter()
        self.notes: list[str] = []
        self.margins: list[float] = []
        self.reductions: list[int] = []
        self.grades: list[Grade] = []
        self.images: list[Any] = []
        self.wrong_outputs = 0  # number of wrong outputs given to its cases
        self.given_up = ""  # why the subject is no longer called
        self.last_crash = last_crash  # the case of an earlier spec that last ended the subject's process

    # --- what a spec says ---

    def exact(
        self,
        what: Iterable[Problem | Case],
        *,
        transform: Callable[[Case, Operands], Operands] | None = None,
        check_globals: bool = False,
        repeat: int = 1,
        threads: int = 1,
        reuse: bool = False,
        mixed: bool = False,
    ) -> None:
        """Every case's answer on exact operands is the integer result, bit for bit (within 1/4 for grade B).

        ``transform`` makes the operands of those drawn, in the order of the cases; ``check_globals`` also compares
        global state around each call; ``repeat`` calls again and compares bits, on
        ``threads`` threads at once; ``reuse`` writes each case's operands into the arrays of the case of the same
        shapes before it; ``mixed`` leaves each case its own dtype.
        """

        def check(case: Case, operands: Operands, seen: Observation) -> Fault | None:
            expected = oracle.answer(case.problem, operands)
            if transform is None and not compare.is_informative(expected):
                return Fault("vacuous", "the expected output is mostly zero or constant: the case proves nothing")
            return self._whole(case, expected, seen, accuracy.integer_tolerance(case.problem, self.declared_grade))

        self._judge(
            what, check, transform=transform, mixed=mixed, check_globals=check_globals, repeat=repeat, threads=threads,
            reuse=reuse,
        )  # fmt: skip

    def accurate(
        self,
        what: Iterable[Problem | Case],
        family: str = "gaussian",
        *,
        statistics: bool = True,
        transform: Callable[[Case, Operands], Operands] | None = None,
        check_globals: bool = False,
        repeat: int = 1,
        threads: int = 1,
    ) -> None:
        """Every case's answer on real operands of ``family`` is within the bound of the grade promised, or of B.

        See `convgauge.reference.accuracy`; the margin and the grade of each case are recorded. ``transform`` makes the
        operands of those drawn, and rounds what it makes to the dtype; ``check_globals``, ``repeat`` and ``threads``
        are those of `exact`.
        """

        def check(case: Case, operands: Operands, seen: Observation) -> Fault | None:
            fault = compare.check_form(seen.shape, seen.dtype, case.problem.output_shape, case.problem.dtype)
            assert seen.output is not None
            if fault is None:
                fault = self._grade(case, operands, seen.output, statistics)
                if fault is not None and family == "subnormal_weights" and self._transforms(case):
                    self.grades[-1] = "B"
                    return None
            if fault is not None and family == "near_overflow" and self._may_overflow(case, operands, seen):
                return None
            return fault or (Fault("failed", UNSTABLE) if seen.is_unstable else None)

        due = cases(what, operands=family)
        self._judge(due, check, transform=transform, check_globals=check_globals, repeat=repeat, threads=threads)

    def needs_declared_grade(self, what: Iterable[Problem | Case], families: Iterable[str]) -> None:
        """The grade promised, B or C, is that of some case of the families: promising less than is kept misleads."""
        what = list(what)
        for family in families:
            self.accurate(what, family)
        best = accuracy.worst(self.grades)
        if best and not self.faults and accuracy.ORDER.index(best) < accuracy.ORDER.index(self.declared_grade):
            said = f"grade {self.declared_grade} is promised, and {best} is kept in all of {len(self.grades)} cases"
            self.conclude(cases(what)[0].problem.replace(dtype=self.dtype), Fault("failed", said, expected=best))

    def equals(
        self,
        what: Iterable[Problem | Case],
        expected: Callable[[Case, Operands], Any],
        *,
        transform: Callable[[Case, Operands], Operands] | None = None,
    ) -> None:
        """Every case's answer is ``expected(case, operands)``, found without the oracle, as exactly as `exact` asks.

        ``transform`` makes the operands of a case from those drawn for it.
        """

        def check(case: Case, operands: Operands, seen: Observation) -> Fault | None:
            return self._whole(
                case, expected(case, operands), seen, accuracy.integer_tolerance(case.problem, self.declared_grade)
            )

        self._judge(what, check, transform=transform)

    def check_exact(self, case: Case, operands: Operands, seen: Observation) -> Fault | None:
        """A check: the answer is the oracle's, as exactly as `exact` asks, also where that is mostly zeros."""
        expected = oracle.answer(case.problem, operands)
        return self._whole(case, expected, seen, accuracy.integer_tolerance(case.problem, self.declared_grade))

    def check_promotion(self, case: Case, operands: Operands, seen: Observation) -> Fault | None:
        """A check for operands of two dtypes: the answer has the wider one's dtype and accuracy, at least grade B."""
        call = self._call(case, operands, {})
        wide = max(call.dtypes, key=lambda name: DTYPES[name].digits)
        fault = compare.check_form(seen.shape, seen.dtype, case.problem.output_shape, wide)
        if fault is not None or seen.output is None:
            return fault
        given = Operands(call.input, call.weight, call.bias)
        terms = case.problem.reduction + 1 + accuracy.transform_terms(case.problem)
        bound = 2 * terms * DTYPES[wide].roundoff * oracle.magnitude(case.problem, given).max(initial=0.0)
        return compare.check_values(seen.output, oracle.answer(case.problem, given), bound)

    def headroom(self, problem: Problem) -> float:
        """By how much exact operands stay below their limit, so that no rounding error comes near a half."""
        return 1.0 if self.declared_grade == "A" else accuracy.integer_headroom(problem)

    def tolerance(self, problem: Problem) -> float:
        """How far an answer on exact operands may be from the integer: 0 for grade A, less than a half otherwise."""
        return accuracy.integer_tolerance(problem, self.declared_grade)

    def note(self, what: str) -> None:
        """Record a sentence about what was run, to be read beside a spec that passed."""
        self.notes.append(what)

    def check_accuracy(self, case: Case, operands: Operands, seen: Observation) -> Fault | None:
        """A check: the answer is of the grade promised, or of B; its grade and margin are recorded."""
        fault = compare.check_form(seen.shape, seen.dtype, case.problem.output_shape, case.problem.dtype)
        assert seen.output is not None
        return fault or self._grade(case, operands, seen.output, statistics=False)

    def conclude(self, problem: Problem, fault: Fault | None) -> None:
        """Count one more case, judged by the spec itself from answers of earlier ones."""
        case = Case(problem)
        self._count(case, Observation("answer"), fault, refusing=False)
        if fault is not None and self.counterexample is None:
            self.counterexample = self._described(case, fault, None, None, reproducible=True)

    def observe(self, case: Case, mode: str = "") -> Observation:
        """What one call did, not judged: for a spec to find out whether it applies."""
        ((_, seen),) = self.subject.stream([(None, self._call(case, self._drawn(case), {"mode": mode}))])
        return seen

    def skip(self, why: str) -> NoReturn:
        """The spec does not apply here, for the reason given."""
        raise NotApplicable(why)

    def relates(self, what: Iterable[Problem | Case], law: Law) -> None:
        """The answers to every case and to others made from it are related by ``law``, whatever the oracle says.

        ``law(ask, problem, operands)`` gives two arrays that must be equal; ``ask(problem, operands)`` is the answer to
        a call. The operands are exact ones with room for the sums of four answers.
        """

        def ask(case: Case, problem: Problem, operands: Operands) -> Any:
            call = self._call(replace(case, problem=problem), operands, {})
            ((_, seen),) = self.subject.stream([(None, call)])
            fault = compare.outcome(seen, problem) or compare.check_form(
                seen.shape, seen.dtype, problem.output_shape, problem.dtype
            )
            if seen.output is None or fault is not None:
                raise _Unanswered(fault, seen)
            return np.rint(seen.output.astype(np.float64))  # integers, of which grade B misses by less than 1/2

        def check(case: Case, operands: Operands, seen: Observation) -> Fault | None:
            try:
                one, other = law(lambda problem, given: ask(case, problem, given), case.problem, operands)
            except _Unanswered as unanswered:
                declined = unanswered.seen.kind in ("declined", "unsupported")
                return None if declined else unanswered.fault
            return compare.check_values(one, other, 0.0)

        headroom = LAW_ROOM * (1.0 if self.declared_grade == "A" else 4.0)

        def roomy(case: Case, operands: Operands) -> Operands:
            return draw(case.problem, "exact", case.seed, headroom * accuracy.integer_headroom(case.problem))

        self._judge(what, check, transform=roomy, values=False)  # a law makes calls of its own

    def refuses(
        self,
        what: Iterable[Problem | Case],
        *,
        unless: Check | None = None,
        transform: Callable[[Case, Operands], Operands] | None = None,
        mode: str = "",
    ) -> None:
        """Every case's call is an error: any exception but a crash will do; an answer will not.

        ``unless`` lets an answer pass in which it finds no fault: for calls that may be refused but need not be.
        ``transform`` makes the operands of those drawn, ``mode`` is another way to call
        (see `convgauge.worker.call_modes`).
        """

        def check(case: Case, operands: Operands, seen: Observation) -> Fault | None:
            if unless is not None:
                return self._impure(seen) or unless(case, operands, seen)
            why = INVALID_CALLS[case.invalid_call].sentence if case.invalid_call else f"with {_spelling(case)}"
            shape = f"an output of shape {seen.shape}"
            return Fault("failed", f"answered a call that is an error: {why}", got=shape, expected="an exception")

        self._judge(what, check, refusing=True, transform=transform, mode=mode)

    def nonfinite(
        self,
        what: Iterable[Case],
        transform: Callable[[Case, Operands], Operands],
        on_output: Callable[[Any, Any], None] | None = None,
    ) -> None:
        """With NaN and infinities planted in exact operands, each output is what IEEE 754 makes of it.

        ``on_output(output, expected)`` is shown each answer of the right shape and dtype, right or wrong.
        An answer that spreads NaN beyond the receptive field is let pass where, on this very problem, it is also no
        more than normwise accurate, as FFT and Winograd must be; it then counts as grade B.
        """

        def check(case: Case, operands: Operands, seen: Observation) -> Fault | None:
            expected = round_to(oracle.answer(case.problem, operands), case.problem.dtype)
            tolerance = accuracy.integer_tolerance(case.problem, self.declared_grade)
            fault = self._whole(case, expected, seen, tolerance)
            if (
                on_output is not None
                and compare.check_form(seen.shape, seen.dtype, case.problem.output_shape, case.problem.dtype) is None
            ):
                on_output(seen.output, expected)
            if (
                fault is not None
                and fault.mask is not None
                and self._may_spread(case, operands, seen, expected, tolerance)
            ):
                return None
            return fault

        self._judge(what, check, transform=transform)

    def satisfies(self, what: Iterable[Problem | Case], check: Check, **options: Any) -> None:
        """Every case gives an answer in which ``check(case, operands, observation)`` finds no fault."""
        self._judge(what, check, **options)

    # --- how cases are run ---

    def _judge(
        self,
        what: Iterable[Problem | Case],
        check: Check,
        *,
        refusing: bool = False,
        transform: Callable[[Case, Operands], Operands] | None = None,
        mixed: bool = False,
        reducible: bool = True,
        values: bool = True,
        **calling: Any,
    ) -> None:
        """Run the cases that are due and judge each; the first that fails is made smaller if it is ``reducible``.

        ``values`` is False where ``check`` is not about the values of the output, but about what else the call did.
        ``calling`` are further fields of each `Call`; a function stands for what it gives for a case and its operands.
        """
        if not self._has_dtype() or self._spent():
            return

        def verdict(case: Case, operands: Operands, seen: Observation) -> Fault | None:
            if refusing and seen.kind == "raised":
                return None
            fault = compare.outcome(seen, case.problem)
            if fault is None and not refusing:
                fault = self._impure(seen)
            return fault or check(case, operands, seen)

        due = (
            [self.setting.only] if self.setting.only else thin(self._localized(what, mixed), BUDGETS[self.setting.tier])
        )
        before = None
        for case, operands, seen in self._observed(due, transform, calling):
            fault = None if self._let_go(seen) else verdict(case, operands, seen)
            if self.setting.wrong_outputs and values and fault is None and seen.output is not None:
                fault, before = self._taken_in(case, operands, seen, before, verdict), seen
            self._count(case, seen, fault, refusing)
            if len(self.faults) >= self.setting.max_faults or self._spent():
                break
        if self.faults and self.counterexample is None and self.setting.minimizes:
            self._minimize(verdict, transform, calling, reducible)

    def attach_crash_case(self, last_crash: Counterexample | None) -> None:
        """Show the case that last ended the process, if the subject was given up without a case of its own."""
        if self.given_up and self.counterexample is None and last_crash is not None:
            self.counterexample = msgspec.structs.replace(
                last_crash, message=f"{self.given_up}, in the case shown here"
            )

    def _spent(self) -> bool:
        """Whether the subject is not to be called again for this spec, or for any."""
        return bool(self.given_up) or self.outcomes["crashed"] + self.outcomes["timed_out"] >= MOST_DEATHS

    def _taken_in(
        self, case: Case, operands: Operands, seen: Observation, before: Observation | None, verdict: Check
    ) -> Fault | None:
        """A fault where a case lets a wrong answer through."""
        grades, margins, reductions = list(self.grades), list(self.margins), list(self.reductions)
        for name, wrong in wrong_outputs(seen, before):
            self.wrong_outputs += 1
            passed = verdict(case, operands, wrong) is None
            self.grades, self.margins, self.reductions = list(grades), list(margins), list(reductions)
            if passed:
                return Fault("vacuous", f"the case accepts {name} for the right answer")
        return None

    def _has_dtype(self) -> bool:
        """Return True if the subject has the dtype; else count it as declined. Raises `NotApplicable`."""
        if self.dtype in self.description.dtypes:
            return True
        name = self.description.framework
        if self.dtype not in adapter(name).dtypes:
            raise NotApplicable(f"{name} has no {self.dtype}")
        self.outcomes["declined"] += 1
        self.reasons[
            f"declined: {self.description.declines.get('dtype', f'{self.dtype} is not among its dtypes')}"
        ] += 1
        return False

    def _localized(self, what: Iterable[Problem | Case], mixed: bool = False) -> list[Case]:
        """The cases in this judge's dtype (in their own where they are ``mixed``), each with a seed of its own."""
        made = []
        for place, case in enumerate(cases(what)):
            own = mixed or case.problem.dtype == self.dtype
            problem = case.problem if own else case.problem.replace(dtype=self.dtype)
            made.append(replace(case, problem=problem, seed=case.seed or self.setting.seed + place))
        return made

    def _observed(
        self, due: Iterable[Case], transform: Callable[[Case, Operands], Operands] | None, calling: dict[str, Any]
    ) -> Iterator[tuple[Case, Operands, Observation]]:
        def calls() -> Iterator[tuple[tuple[Case, Operands], Call]]:
            for case in due:
                operands = self._drawn(case)
                if transform is not None:
                    operands = transform(case, operands)
                yield (case, operands), self._call(case, operands, calling)

        for (case, operands), seen in self.subject.stream(calls()):
            yield case, operands, seen

    def _drawn(self, case: Case) -> Operands:
        operands = draw(case.problem, case.operands, case.seed, self.headroom(case.problem))
        if "broadcast" in case.layouts:
            operands = _repeated(operands, case.layouts)
        return operands

    def _call(self, case: Case, operands: Operands, calling: dict[str, Any]) -> Call:
        dtype = case.problem.dtype
        fields = {name: value(case, operands) if callable(value) else value for name, value in calling.items()}
        call = Call(
            operands.input, operands.weight, operands.bias, case.keywords(), (dtype,) * 3, case.layouts, self.device,
            case.problem.text if case.prepared else "", **fields,
        )  # fmt: skip
        return INVALID_CALLS[case.invalid_call].change(call) if case.invalid_call else call

    def _let_go(self, seen: Observation) -> bool:
        """Whether a case is not judged: declined, or not to be made in this framework.

        Declining what is an error, or may be refused, is right, but shows nothing: one that declines everything is
        unjudged.
        """
        return seen.kind in ("unsupported", "declined")

    def _count(self, case: Case, seen: Observation, fault: Fault | None, refusing: bool) -> None:
        if self._let_go(seen):
            status = "declined" if seen.kind == "declined" and not refusing else "skipped"
            self.reasons[f"{status}: {seen.message}"] += 1
        else:
            status = fault.status if fault else "passed"
        if fault is not None and fault.not_called:
            self.given_up = fault.message  # the case was not made: it counts as nothing, the spec as crashed
            return
        self.outcomes[status] += 1
        if not refusing and not case.invalid_call and status != "skipped":  # what is to be refused is no convolution
            counts = self.space.setdefault(feature_letters(case.problem, case.layouts), [0, 0, 0])
            counts[2 if status == "declined" else 0] += 1
            counts[1] += fault is not None
        if fault is not None:
            self.faults.append((case, fault))

    # --- how an answer is judged ---

    def _whole(self, case: Case, expected: Any, seen: Observation, tolerance: float) -> Fault | None:
        """Shape, dtype and every element; whether further calls gave the same bits."""
        fault = compare.check_form(seen.shape, seen.dtype, case.problem.output_shape, case.problem.dtype)
        if fault is not None:
            return fault
        assert seen.output is not None
        fault = compare.check_values(seen.output, expected, tolerance)
        if fault is None and seen.is_unstable:
            return Fault("failed", UNSTABLE)
        return fault

    def _impure(self, seen: Observation) -> Fault | None:
        """A fault where the call touched what was not its own; the kernel profile does not ask."""
        if not seen.side_effects or self.setting.profile == "kernel":
            return None
        return Fault("failed", f"the call {'; '.join(seen.side_effects)}", expected="nothing but a fresh output")

    def _grade(self, case: Case, operands: Operands, output: Any, statistics: bool) -> Fault | None:
        scale = accuracy.Scale.of(case.problem, operands)
        found = accuracy.measure(output, scale, operands, statistics)
        promised = self.declared_grade or "B"
        self.grades.append(found.grade)
        margin = found.componentwise if promised == "A" else found.margin
        self.margins.append(margin if margin < WORST_MARGIN else WORST_MARGIN)  # NaN and infinity have no JSON
        self.reductions.append(case.problem.reduction)
        if accuracy.ORDER.index(found.grade) <= accuracy.ORDER.index(promised):
            return None
        bound, _ = scale.bounds(promised, operands)
        fault = compare.check_values(output, scale.exact, bound)
        demand = f"{promised} is {'promised' if self.declared_grade else 'required'}"
        what = (
            f"accuracy of grade {found.grade}, where {demand}: largest error {found.componentwise:.3g} of its"
            f" componentwise bound, mean square {found.mean_square:.3g}, bias {found.bias:.3g} of their limits"
        )
        if fault is not None:
            return replace(fault, message=f"{what}; {fault.message}")
        index = found.index
        return Fault(
            "failed", what, index, f"{float(output[index]):.9g}", f"{float(scale.exact[index]):.9g}",
            f"{float(bound[index]):.6g}", 0, output.size,
        )  # fmt: skip

    def _may_spread(self, case: Case, operands: Operands, seen: Observation, expected: Any, tolerance: float) -> bool:
        """Whether spreading NaN or infinity is a fast algorithm's nature: B promised, or A neither promised nor kept.

        Or the processor's: Intel's VDPBF16PS and Arm's BFDOT add bfloat16 products two at a time, so that an odd
        reduction takes in one more element with a weight of zero. Only a recommended spec minds that.
        """
        assert seen.output is not None
        finite = np.isfinite(expected)
        allowed = max(tolerance, accuracy.normwise(case.problem, operands))
        spread = ~np.isfinite(seen.output)
        with np.errstate(over="ignore", invalid="ignore"):
            near = np.abs(seen.output[finite] - expected[finite]) <= allowed
        wrong_only_by_spreading = bool(spread[~finite].all() and (spread[finite] | near).all())
        if wrong_only_by_spreading and case.problem.dtype == "bfloat16" and self.spec.level == "required":
            return True  # processors' bfloat16 products come in pairs: an odd one multiplies its neighbour by zero
        if not wrong_only_by_spreading or self.declared_grade == "A":
            return False
        if not self.declared_grade and self._componentwise(case):
            return False
        self.grades.append("B")
        return True

    def _transforms(self, case: Case) -> bool:
        """Whether it is a fast algorithm's nature to lose subnormal weights.

        Transformed, they underflow, and what that takes is multiplied by the transformed input and by the transform
        of the output, some 2^20 in all: more than the answer. B must be promised, or A neither promised nor kept.
        """
        return self.declared_grade in ("B", "C") or (not self.declared_grade and not self._componentwise(case))

    def _may_overflow(self, case: Case, operands: Operands, seen: Observation) -> bool:
        """Whether overflow is a fast algorithm's nature, whose transforms pass through larger numbers than the answer.

        What is finite must be right; for the rest B must be promised, or A neither promised nor kept.
        """
        assert seen.output is not None
        finite = np.isfinite(seen.output)
        if finite.all() or seen.shape != case.problem.output_shape or self.declared_grade == "A":
            return False
        scale = accuracy.Scale.of(case.problem, operands)
        bound, _ = scale.bounds("B", operands)
        right = np.abs(seen.output[finite].astype(np.float64) - scale.exact[finite]) <= bound[finite]
        if not right.all() or (not self.declared_grade and self._componentwise(case)):
            return False
        self.grades[-1] = "B"
        return True

    def _componentwise(self, case: Case) -> bool:
        """Whether the subject is componentwise accurate on this problem with other operands, every time.

        Half of the draws are wide-range ones; the others have one large number, at the corners and elsewhere: a method
        that mixes outputs spreads rounding errors from it. They show best in short sums, so that half of the draws have
        one channel a group, and in the accumulator's dtype, since a narrower output hides them.
        """
        dtype = DTYPES[case.problem.dtype].accumulator
        problem = case.problem.replace(dtype=dtype if dtype in self.description.dtypes else case.problem.dtype)
        single = problem.replace(in_channels=min(problem.in_channels, problem.groups))
        kinds = itertools.product((problem, single), ("wide", "gaussian"))
        draws = itertools.islice(itertools.cycle(kinds), WIDE_DRAWS)
        others = [
            replace(case, problem=one, operands=family, seed=case.seed + place)
            for place, (one, family) in enumerate(draws)
        ]
        for other, operands, seen in self._observed(others, spiked, {}):
            if seen.output is None or seen.shape != other.problem.output_shape:
                return True
            scale = accuracy.Scale.of(other.problem, operands)
            if accuracy.measure(seen.output, scale, operands, statistics=False).grade != "A":
                return False
        return True

    # --- counterexamples ---

    def _minimize(self, verdict: Check, transform: Any, calling: dict[str, Any], reducible: bool = True) -> None:
        gravest = self.status()
        first, fault = min(self.faults, key=lambda pair: (pair[1].status != gravest, pair[0].problem.flops))
        best: list[Any] = [first, fault, None, None]
        deadline = time.monotonic() + REDUCING
        deadly = fault.status in ("crashed", "timed_out")
        budget = 6 if deadly else REDUCTIONS

        def fails(case: Case) -> bool:
            for _, operands, seen in self._observed([case], transform, calling):
                found = None if seen.kind in ("unsupported", "declined") else verdict(case, operands, seen)
                if seen.kind == "not_called":
                    return False
                if found is not None and found.status == fault.status:
                    best[:] = [case, found, operands, seen]
                    return True
            return False

        def still_fails(case: Case) -> bool:
            try:
                return fails(case)
            except (TypeError, ValueError, AttributeError, LookupError, ArithmeticError):
                return False  # a spec's own change of operands need not fit every simplification

        measured = list(self.grades), list(self.margins), list(self.reductions)
        # each trial costs a process: only the first case that ends one is made smaller
        reproducible = fails(first) if not deadly or self.last_crash is None else False
        if reproducible and reducible and self.setting.only is None and not first.invalid_call:
            smaller(first, still_fails, budget, deadline)
        self.grades, self.margins, self.reductions = measured
        case, found, operands, seen = best
        stands = reproducible or deadly  # its process may not be had again
        self.counterexample = self._described(case, found, operands, seen, stands)

    def _described(self, case: Case, fault: Fault, operands: Any, seen: Any, reproducible: bool) -> Counterexample:
        message = fault.message if reproducible else f"{fault.message} (not when the case was run again by itself)"
        return Counterexample(
            problem=case.problem.text,
            operands=case.operands,
            seed=case.seed,
            message=message,
            reproduce=self._command(case),
            layouts=list(case.layouts),
            arguments=_spelling(case),
            index=list(fault.index),
            got=fault.got,
            expected=fault.expected,
            bound=fault.bound,
            wrong=fault.wrong,
            outputs=fault.outputs,
            picture=_picture(case, fault, operands, seen),
            printed="" if seen is None else seen.printed[-PRINTED:],
        )

    def _command(self, case: Case) -> str:
        """The command line that runs one case again as this spec judges it."""
        words = [
            "convgauge",
            "reproduce",
            self.setting.target or self.description.name,
            str(case),
            "--spec",
            self.spec.id,
        ]
        words += self.setting.options
        return shlex.join([*words, "--device", self.device] if self.device != "cpu" else words)

    # --- the sum of it ---

    def status(self) -> Status:
        """What became of the spec: the gravest status of its cases; declined or skipped where none was judged."""
        if self.given_up and not self.outcomes["timed_out"]:
            return "crashed"
        counted = [status for status in GRAVITY if self.outcomes[status]]
        judged = [status for status in counted if status not in ("declined", "skipped")]
        return (judged or counted or ["skipped"])[0]

    def reason(self) -> str:
        """Return the fault's sentence, or the commonest reason why cases were not judged."""
        if self.counterexample is not None:
            return self.counterexample.message
        if self.given_up:
            return self.given_up
        return next((reason for reason, _ in self.reasons.most_common(1)), "")

    @property
    def judged(self) -> int:
        """Cases that were judged, whatever came of it."""
        return sum(self.outcomes.values()) - self.outcomes["declined"] - self.outcomes["skipped"]

    def includes(self, profile: Profile) -> bool:
        """Whether the run's profile contains ``profile``."""
        return includes(self.setting.profile, profile)


def spiked(case: Case, operands: Operands) -> Operands:
    """Gaussian operands with one large number in each plane of the input; others as they are.

    It is 2**(digits - 4), or where it may take more to show (transforms in a wider type) the largest number's root.
    """
    if case.operands != "gaussian" or not operands.input.size:
        return operands
    input = operands.input.copy()
    corners = ((0, 0), (-1, -1), (0, -1), (-1, 0))
    random = np.random.default_rng(case.seed)
    anywhere = (random.integers(case.problem.height), random.integers(case.problem.width))
    row, column = corners[case.seed // 2 % 4] if case.seed // 2 % 2 else anywhere
    dtype = DTYPES[case.problem.dtype]
    input[:, :, row, column] = math.sqrt(dtype.largest) / 16 if case.seed // 2 % 3 == 0 else 2.0 ** (dtype.digits - 4)
    return Operands(input, operands.weight, operands.bias)


def _repeated(operands: Operands, layouts: tuple[str, str, str]) -> Operands:
    """Operands whose first axis repeats one element, where the layout is to broadcast it."""
    found = [
        None if one is None else np.repeat(one[:1], len(one), axis=0) if layout == "broadcast" else one
        for one, layout in zip((operands.input, operands.weight, operands.bias), layouts, strict=True)
    ]
    assert found[0] is not None
    assert found[1] is not None
    return Operands(found[0], found[1], found[2])


def _spelling(case: Case) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in case.arguments)


def _picture(case: Case, fault: Fault, operands: Operands | None, seen: Observation | None) -> Picture | None:
    """The planes that meet at the first wrong output, where they are small and real."""
    shape = case.problem.output_shape
    if operands is None or seen is None or seen.output is None or seen.shape != shape:
        return None
    if fault.mask is None or fault.mask.shape != shape:  # it is not the output that is wrong
        return None
    if (
        max(case.problem.height * case.problem.width, shape[2] * shape[3]) > DRAWN
        or DTYPES[case.problem.dtype].kind == "c"
    ):
        return None
    image, channel = fault.index[:2]
    group = channel // (case.problem.out_channels // case.problem.groups)
    expected = oracle.answer(case.problem, operands)
    planes = (
        operands.input[image, group * (case.problem.in_channels // case.problem.groups)],
        operands.weight[channel, 0],
        seen.output[image, channel],
        expected[image, channel],
    )
    return Picture(*(_listed(plane) for plane in planes))


def _listed(plane: Any) -> list[list[float | None]]:
    return [[float(value) if np.isfinite(value) else None for value in row] for row in plane]
