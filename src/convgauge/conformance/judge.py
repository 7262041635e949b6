"""The judge: the object with which a spec states its cases and their check."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import NoReturn

from convgauge.conformance import checks
from convgauge.conformance.bitwise_judge import BitwiseJudge
from convgauge.conformance.cases import Case, Needs, cases
from convgauge.conformance.checks import LAW_HEADROOM, Check, Law, SpecCheck, as_assessment
from convgauge.conformance.execution import CallOptions, Executed, Transform
from convgauge.conformance.other_process import OtherProcess
from convgauge.conformance.procedure import Observe, Procedure
from convgauge.conformance.setting import NotApplicable, Setting
from convgauge.conformance.substitutes import EXACT_KINDS, INTEGER_KINDS
from convgauge.dtypes import round_to
from convgauge.problem import Problem
from convgauge.reference import accuracy, oracle, projection
from convgauge.reference.assessment import Assessment
from convgauge.reference.compare import Fault
from convgauge.reference.operands import Array, Operands, draw
from convgauge.worker.call import Observation

__all__ = ["Judge", "NotApplicable", "Setting"]

Cases = Iterable[Problem | Case]


class Judge(BitwiseJudge):
    """Judge of one spec on one subject, in one dtype on one device.

    A spec calls one or more methods. Each method runs its cases, assesses the outputs and counts the result. The spec
    itself draws no operands, makes no calls and compares nothing. Problems are changed to the judge's dtype.

    Attributes
    ----------
    spec : Spec
        Spec that is judged.
    dtype, device : str
        Dtype and device of the calls.
    description : Description
        Description of the subject: its name, framework, dtypes and layouts.
    declared_grade : {"A", "B", "C", ""}
        Grade of accuracy that the subject declares.
    setting : Setting
        Profile, tier and seed of the run.
    tally : Tally
        Outcomes, grades, margins and faults of the cases.
    images : list of ImageRecord
        Pictures that the spec attaches.
    """

    # --- cases and their check ---

    def exact(
        self,
        problems: Cases,
        *,
        transform: Transform | None = None,
        check_globals: bool = False,
        repeat: int = 1,
        threads: int = 1,
        reuse: bool = False,
        mixed: bool = False,
        tests_dtype: bool = False,
        process: OtherProcess | None = None,
        needs: Needs | None = None,
    ) -> None:
        """Require the exact integer output on exact operands.

        The output equals the oracle's bit for bit; for grade B it may differ by 1/4 (see `tolerance`). A case whose
        expected output is mostly zero or constant is vacuous, unless ``transform`` changes its operands.

        Parameters
        ----------
        problems : iterable of Problem or Case
            Cases.
        transform : callable, optional
            Function of (case, operands) that returns the operands of the call. It is called in the order of the cases.
        check_globals : bool
            Also compare global state before and after each call.
        repeat : int
            Number of calls per case, which must give the same bits.
        threads : int
            Number of threads that make the repeated calls at the same time.
        reuse : bool
            Write the operands of each case into the arrays of the previous case of the same shapes.
        mixed : bool
            Keep each case's own dtype.
        tests_dtype : bool
            Refuse an output of a wider dtype, which other specs round to the operands' (`convgauge.worker.forms`).
        process : OtherProcess, optional
            Process in which the cases are judged, after calls of an earlier one; the usual process by default.
        needs : callable, optional
            Predicate of a case that the statement rests on: reduced and redrawn cases meet it as well.
        """

        def check(case: Case, operands: Operands, observation: Observation) -> Assessment:
            tolerance = self.tolerance(case.problem)
            expected = projection.answer(case.problem, operands, observation.output, tolerance)
            vacuous = checks.check_informative(case.problem, expected) if transform is None else None
            return Assessment(vacuous or checks.check_equal(case, observation, expected, tolerance))

        fields = {"check_globals": check_globals, "repeat": repeat, "threads": threads, "reuse": reuse}
        fields["tests_dtype"] = tests_dtype
        options = CallOptions(transform, fields, is_pipelined=process is None)  # a failing case is called again at once
        procedure = Procedure(
            lambda _: check, options, keeps_dtype=mixed, other_kinds=EXACT_KINDS, process=process, needs=needs,
            is_directed=transform is None,
        )  # fmt: skip
        self._evaluation.run(problems, procedure)

    def accurate(
        self,
        problems: Cases,
        family: str = "gaussian",
        *,
        statistics: bool = True,
        transform: Transform | None = None,
        check_globals: bool = False,
        repeat: int = 1,
        threads: int = 1,
        reuse: bool = False,
        needs: Needs | None = None,
    ) -> None:
        """Require the accuracy of the declared grade on real operands; grade B if none is declared.

        Grade and margin of each case are recorded. `convgauge.reference.accuracy` derives the bounds. Leniency applies
        to "subnormal_weights" and "near_overflow", where transforms underflow and overflow.

        Parameters
        ----------
        problems : iterable of Problem or Case
            Cases.
        family : str
            Operand family (see `convgauge.reference.operands.FAMILIES`).
        statistics : bool
            Also test the mean square and the bias of the errors.
        transform : callable, optional
            Function of (case, operands) that returns the operands of the call, rounded to the dtype.
        check_globals, repeat, threads, reuse, needs
            As for `exact`.
        """

        def check(case: Case, operands: Operands, observation: Observation) -> Assessment:
            return checks.check_family(case, operands, observation, self.declared_grade, statistics=statistics)

        fields = {"check_globals": check_globals, "repeat": repeat, "threads": threads, "reuse": reuse}
        procedure = Procedure(
            lambda _: check, CallOptions(transform, fields), needs=needs, is_directed=transform is None
        )
        self._evaluation.run(cases(problems, operands=family), procedure)

    def equals(
        self,
        problems: Cases,
        expected: Callable[[Case, Operands], Array],
        *,
        transform: Transform | None = None,
        needs: Needs | None = None,
    ) -> None:
        """Require an expected output that the spec computes without the oracle, as exactly as `exact` does.

        Parameters
        ----------
        problems : iterable of Problem or Case
            Cases.
        expected : callable
            Function of (case, operands) that returns the expected output.
        transform : callable, optional
            Function of (case, operands) that returns the operands of the call.
        needs : callable, optional
            Predicate of a case that the statement rests on: reduced and redrawn cases meet it as well.
        """

        def check(case: Case, operands: Operands, observation: Observation) -> Assessment:
            tolerance = self.tolerance(case.problem)
            return Assessment(checks.check_equal(case, observation, expected(case, operands), tolerance))

        procedure = Procedure(lambda _: check, CallOptions(transform), other_kinds=INTEGER_KINDS, needs=needs)
        self._evaluation.run(problems, procedure)

    def refuses(
        self,
        problems: Cases,
        *,
        unless: SpecCheck | None = None,
        transform: Transform | None = None,
        needs: Needs | None = None,
        **fields: object,
    ) -> None:
        """Require that every call raises an exception.

        Parameters
        ----------
        problems : iterable of Problem or Case
            Cases whose calls are errors.
        unless : check, optional
            Check of an output, which passes if it finds no fault: for calls that may be refused but need not be.
        transform : callable, optional
            Function of (case, operands) that returns the operands of the call.
        needs : callable, optional
            Predicate of a case that the statement rests on: reduced and redrawn cases meet it as well.
        **fields
            As for `satisfies`.
        """

        def check(case: Case, operands: Operands, observation: Observation) -> Assessment:
            if unless is None:
                return Assessment(checks.check_refused(case, observation))
            fault = self._evaluation.side_effects(observation)
            return as_assessment(unless(case, operands, observation)) if fault is None else Assessment(fault)

        options, allowed = CallOptions(transform, fields), unless is not None
        kinds = () if allowed else EXACT_KINDS
        procedure = Procedure(
            lambda _: check, options, is_refusal_due=True, is_answer_allowed=allowed, other_kinds=kinds, needs=needs
        )
        self._evaluation.run(problems, procedure)

    def nonfinite(
        self,
        problems: Iterable[Case],
        transform: Transform,
        on_output: Callable[[Array, Array], None] | None = None,
        *,
        needs: Needs | None = None,
    ) -> None:
        """Require the outputs of IEEE 754 on exact operands with NaN and infinities.

        Leniency applies to an output that is wrong only because NaN spreads beyond the receptive field: it passes with
        grade B if the subject is a fast algorithm (see `convgauge.conformance.leniency`).

        Parameters
        ----------
        problems : iterable of Case
            Cases.
        transform : callable
            Function of (case, operands) that returns operands with NaN or infinities.
        on_output : callable, optional
            Function of (output, expected), called for each output of the right shape and dtype, right or wrong.
        needs : callable, optional
            Predicate of a case that the statement rests on: reduced and redrawn cases meet it as well.
        """

        def check(case: Case, operands: Operands, observation: Observation) -> Assessment:
            return checks.check_nonfinite(case, operands, observation, self.declared_grade, self.spec.level)

        def show(executed: Executed) -> None:
            case, operands, observation = executed
            if on_output is not None and checks.check_form(case, observation) is None:
                assert observation.output is not None
                on_output(observation.output, round_to(oracle.answer(case.problem, operands), case.problem.dtype))

        procedure = Procedure(
            lambda _: check, CallOptions(transform), needs=needs, on_executed=show if on_output else None
        )
        self._evaluation.run(problems, procedure)

    def satisfies(
        self,
        problems: Cases,
        check: SpecCheck,
        *,
        transform: Transform | None = None,
        reducible: bool = True,
        reproducible: bool = True,
        values: bool = True,
        needs: Needs | None = None,
        **fields: object,
    ) -> None:
        """Require that a check of the spec finds no fault in any output.

        Parameters
        ----------
        problems : iterable of Problem or Case
            Cases.
        check : check
            Function of (case, operands, observation) that returns an `Assessment`, or a `Fault`, or None if the case
            passes.
        transform : callable, optional
            Function of (case, operands) that returns the operands of the call.
        reducible : bool
            The first failing case may be simplified.
        reproducible : bool
            A failing case can be judged by itself. False if its operands depend on the outputs of earlier cases.
        values : bool
            The check compares the values of the output. False if it is about the output's other properties.
        needs : callable, optional
            Predicate of a case that the statement rests on: reduced and redrawn cases meet it as well.
        **fields
            Further fields of each `convgauge.worker.call.Call`, such as ``mode``. A function is called with the
            case and its operands and returns the value.
        """
        procedure = Procedure(
            lambda _: lambda *executed: as_assessment(check(*executed)),
            CallOptions(transform, fields),
            is_reducible=reducible,
            is_reproducible=reproducible,
            is_about_values=values,
            other_kinds=EXACT_KINDS if check == self.check_exact else (),
            needs=needs,
        )
        self._evaluation.run(problems, procedure)

    def relates(self, problems: Cases, law: Law, *, needs: Needs | None = None) -> None:
        """Require that several outputs are related by a law, which needs no oracle.

        The operands are exact, with room for the sum of four outputs.

        Parameters
        ----------
        problems : iterable of Problem or Case
            Cases.
        law : callable
            Function of (ask, problem, operands) that returns two arrays, which must be equal. ``ask(problem,
            operands)`` makes a call and returns its output as integers in float64.
        needs : callable, optional
            Predicate of a case that the statement rests on: reduced and redrawn cases meet it as well.
        """

        def check_with(observe: Observe) -> Check:
            return lambda case, operands, observation: checks.check_law(case, operands, law, observe)

        def draw_small(case: Case, operands: Operands) -> Operands:
            headroom = LAW_HEADROOM * (1.0 if self.declared_grade == "A" else 4.0)
            return draw(case.problem, "exact", case.seed, headroom * accuracy.integer_headroom(case.problem))

        options = CallOptions(draw_small, is_pipelined=False)  # a law makes calls between the cases
        procedure = Procedure(
            check_with, options, is_about_values=False, is_law=True, other_kinds=INTEGER_KINDS, needs=needs
        )
        self._evaluation.run(problems, procedure)

    def needs_declared_grade(self, problems: Cases, families: Iterable[str]) -> None:
        """Require that the declared grade, B or C, is not lower than the worst measured one.

        Parameters
        ----------
        problems : iterable of Problem or Case
            Cases.
        families : iterable of str
            Operand families, each of which is run as by `accurate`.
        """
        if self.description.direction != "forward":
            raise NotApplicable("grade B of a gradient allows partial sums in 16 bits, and those of other dtypes are A")
        problems = list(problems)
        for family in families:
            self.accurate(problems, family)
        best = accuracy.lowest_grade(self.tally.grades)
        if best and not self.tally.faults and accuracy.ORDER.index(best) < accuracy.ORDER.index(self.declared_grade):
            count = len(self.tally.grades)
            message = f"grade {self.declared_grade} is declared, and {best} is measured in all of {count} cases"
            fault = Fault("failed", message, expected=best, kind="declaration")
            self.conclude(cases(problems)[0].problem.replace(dtype=self.dtype), fault)

    # --- single calls, conclusions and notes ---

    def observe(self, case: Case, mode: str = "") -> Observation:
        """Make one call that is not judged, in the judge's dtype, to find out if the spec applies.

        Parameters
        ----------
        case : Case
            Case to run.
        mode : str
            Call mode (see `convgauge.worker.call_modes`).
        """
        case = replace(case, problem=case.problem.replace(dtype=self.dtype))
        return self._execution.run_once(case, CallOptions(fields={"mode": mode})).observation

    def conclude(self, problem: Problem, fault: Fault | None) -> None:
        """Count one more case, which the spec judged from outputs of earlier calls; the fault is None if it passes."""
        self._evaluation.conclude(Case(problem), fault)

    def note(self, sentence: str) -> None:
        """Record a sentence that is shown with the reason of a spec that passed."""
        self.tally.notes.append(sentence)

    def skip(self, reason: str) -> NoReturn:
        """Skip the spec, because it does not apply here. Raises `NotApplicable`."""
        raise NotApplicable(reason)
