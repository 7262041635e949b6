"""Evaluation of a spec on a subject: its cases are run, assessed and counted; the first failing one is reduced."""

from __future__ import annotations

import zlib
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from convgauge.conformance import counterexample, leniency
from convgauge.conformance.cases import Case, Needs, cases, thin
from convgauge.conformance.checks import is_unjudged
from convgauge.conformance.counted import Counted
from convgauge.conformance.declared import breaks_declaration, refused_in_domain
from convgauge.conformance.directions import GRADIENT_CHAPTER, NO_GRADIENT, inapplicable
from convgauge.conformance.due_cases import is_of_procedure, localized
from convgauge.conformance.earlier_calls import Failure
from convgauge.conformance.execution import INAPPLICABLE, CallOptions, Executed, Execution
from convgauge.conformance.minimize import Minimization
from convgauge.conformance.other_process import PROCESS_FAULTS, Attribution, NoProcessError
from convgauge.conformance.procedure import Procedure, side_effects
from convgauge.conformance.redraw import Redrawer
from convgauge.conformance.redraw_invalid import redraw_invalid, valid_case
from convgauge.conformance.setting import NotApplicable, Setting
from convgauge.conformance.soundness import accepts_oracle
from convgauge.conformance.spec import Spec
from convgauge.conformance.substitutes import answers_usual_problem, fits, stand_in
from convgauge.conformance.tally import Tally
from convgauge.conformance.traits import kept_traits
from convgauge.conformance.wrong_outputs import wrong_outputs
from convgauge.problem import Problem
from convgauge.reference.assessment import Assessment
from convgauge.reference.compare import Fault
from convgauge.results import Counterexample
from convgauge.worker.call import Observation
from convgauge.worker.frameworks import adapter

BUDGETS = {"quick": 28, "standard": 700, "exhaustive": 1_000_000}
"""Cases that one call of a judge's method may take at each tier; more are thinned out evenly."""

UNANSWERED_KINDS = ("refused", "declined", "raised")
"""Results of a call on a valid problem after which cases inside the domain are drawn."""

MAX_REDRAWS = 3
"""Draws of a group of cases: the second and third replace those that showed nothing."""


class Evaluation:
    """Evaluation of one spec on one subject in one dtype on one device.

    Cases are assessed while they stream. The first claim of leniency defers counting: the cases that follow wait until
    the stream is over, because a decision needs further calls. Then they are decided and counted in their order, up to
    the same limits.
    """

    def __init__(
        self, spec: Spec, execution: Execution, dtype: str, setting: Setting, last_crash: Counterexample | None
    ) -> None:
        self.spec, self.execution, self.dtype, self.setting = spec, execution, dtype, setting
        self._attribution: Attribution | None = None  # while cases are judged in another process
        self.description = execution.subject.description
        self.tally = Tally()
        self.counterexample: Counterexample | None = None
        self.last_crash = last_crash  # the case of an earlier spec that last ended the subject's process
        self.wrong_outputs = 0
        self._failures: list[Failure] = []  # of the tally's faults, those with a call
        self._draws = 0  # groups of cases that were drawn again

    def run(self, problems: Iterable[Problem | Case], procedure: Procedure) -> None:
        """Run the cases that are due, count them, draw unanswered ones again, and reduce the first that fails."""
        if self.tally.is_abandoned():
            return
        is_about_outputs = not procedure.is_directed and self.spec.chapter != GRADIENT_CHAPTER
        if reason := inapplicable(self.description, self.dtype, is_about_outputs=is_about_outputs):
            raise NotApplicable(reason)
        if not self._has_dtype():
            self._decline_dtype(problems, procedure)
            return
        due = self._due(problems, procedure)
        unanswered = self._run_cases(due, procedure)
        if unanswered:
            self._redraw(due, unanswered, procedure)
        if not procedure.is_answer_allowed and self.setting.only is None:
            self._redraw_invalid(due, procedure)
        if self.tally.faults and self.counterexample is None and self.setting.minimizes:
            self._show(procedure)

    @contextmanager
    def _in_process_of(self, procedure: Procedure, due: Sequence[Case]) -> Iterator[None]:
        """Let cases be run in the process that a procedure judges them in. Raises `NotApplicable` or `LoadError`."""
        if procedure.process is None or not due:
            yield
            return
        usual = self.execution
        try:
            with procedure.process.execution(usual, due) as execution:
                self.execution, self._attribution = execution, self._attribution_of(procedure, usual, execution)
                yield
        except NoProcessError as error:
            raise NotApplicable(str(error)) from None
        finally:
            self.execution, self._attribution = usual, None

    def _attribution_of(self, procedure: Procedure, usual: Execution, other: Execution) -> Attribution:
        def fault_of(executed: Executed) -> Fault | None:
            return procedure.assess(executed, other.observe, self.setting.profile).fault

        is_fork = procedure.process is not None and procedure.process.is_fork
        return Attribution(procedure.options, is_fork, usual, other, fault_of)

    def _run_cases(self, due: Sequence[Case], procedure: Procedure) -> list[Executed]:
        """Run and count cases; return those that were not answered."""
        with self._in_process_of(procedure, due):
            return self._run_in_process(due, procedure)

    def _run_in_process(self, due: Sequence[Case], procedure: Procedure) -> list[Executed]:
        unanswered: list[Executed] = []

        def assessed() -> Generator[tuple[Executed, Assessment], None, None]:
            for call in self.execution.run(due, procedure.options):
                if procedure.on_executed is not None and call.observation.kind == "answer":
                    procedure.on_executed(call)
                assessment = self._assess(call, procedure)
                if self.dtype not in self.spec.dtypes and self._is_unsound(call.case, assessment, procedure):
                    continue
                # a case that is answered in part shows nothing
                executed = call._replace(observation=assessment.unanswered or call.observation)
                if executed.observation.kind in UNANSWERED_KINDS and procedure.is_redrawable(executed.case):
                    unanswered.append(executed)
                yield executed, assessment

        self._count_all(assessed(), procedure)
        return unanswered

    def _count_all(
        self,
        assessed: Generator[tuple[Executed, Assessment], None, None],
        procedure: Procedure,
        *,
        is_redrawn: bool = False,
    ) -> None:
        """Count cases while they stream, those after a claim of leniency once it is decided."""
        waiting: list[tuple[Executed, Assessment]] = []
        for executed, assessment in assessed:
            if waiting or assessment.lenient_if or self.setting.wrong_outputs:
                waiting.append((executed, assessment))
            else:
                self._count(executed, assessment, procedure, is_redrawn=is_redrawn)
            certain = [claim.fault for _, claim in waiting if claim.fault is not None and not claim.lenient_if]
            if self.tally.is_over(self.setting.max_faults, certain):
                break
        assessed.close()  # a decision makes calls of its own
        for executed, assessment in self._decided(waiting, procedure):
            self._count(executed, assessment, procedure, is_redrawn=is_redrawn)
            if self.tally.is_over(self.setting.max_faults):
                break

    # --- the domain ---

    def _redraw(self, due: list[Case], unanswered: list[Executed], procedure: Procedure) -> None:
        """Run as many cases inside the domain as there are outside, or note why there are none.

        A redrawn case that shows nothing, because it was refused or the check rejects even the exact answer, is drawn
        again.
        """
        if not procedure.is_reducible or procedure.keeps_dtype or self.setting.only is not None:
            return
        if self.tally.is_over(self.setting.max_faults):
            return
        supported = self.setting.among_dtypes(self.description.dtypes)
        if procedure.is_refusal_due and answers_usual_problem(self.execution, supported):
            return
        is_probed = any(executed.observation.kind != "declined" for executed in unanswered)
        redrawer, outside = self._inside([each.case for each in unanswered], procedure, is_probed=is_probed)
        if is_probed and self.setting.redrawers.is_unanswered:
            self.tally.note_undrawn("the probe found no problem that is answered")
            return
        traits = kept_traits(self.spec.chapter, self.spec.keeps, str(procedure.options.fields.get("mode", "")))
        if outside[0].problem.dtype != self.dtype:
            self.tally.redrawn_dtype = outside[0].problem.dtype
        self._draws += 1
        for attempt in range(MAX_REDRAWS):
            seed = zlib.crc32(f"{self.spec.id} {self._draws} {attempt} {self.setting.seed}".encode())
            redrawn = redrawer.redraw(outside, traits, self._requires(procedure, redrawer), seed, due)
            if redrawn.reason and not attempt:
                self.tally.note_undrawn(redrawn.reason)
            missing = self._run_redrawn(redrawn.cases, procedure)
            if not missing or self.tally.is_over(self.setting.max_faults):
                break
            due, outside = [*due, *redrawn.cases], outside[:missing]

    def _inside(self, outside: Sequence[Case], procedure: Procedure, *, is_probed: bool) -> tuple[Redrawer, list[Case]]:
        """Return the redrawer, and the cases in the judge's dtype, or in a substitute if no dtype is answered."""
        supported, redrawers = self.setting.among_dtypes(self.description.dtypes), self.setting.redrawers
        answered = redrawers.allowed_dtypes(supported, is_probed=is_probed)
        dtype = stand_in(self.dtype, self.spec, self.setting.tier, supported, answered)
        dtype = dtype if fits(dtype, self.spec, procedure.other_kinds) else self.dtype
        redrawer = redrawers.redrawer(dtype, self.execution.device, is_probed=is_probed)
        return redrawer, [replace(case, problem=case.problem.replace(dtype=dtype)) for case in outside]

    def _redraw_invalid(self, due: Sequence[Case], procedure: Procedure) -> None:
        """Run invalid calls on problems that are answered, for those on problems that are not: these prove nothing."""
        if self.tally.is_over(self.setting.max_faults):
            return
        kinds = self._kinds_of_valid(due, procedure)
        outside = [case for case in due if kinds.get(str(valid_case(case))) in UNANSWERED_KINDS]
        if not outside:
            return
        is_probed = any(kind in UNANSWERED_KINDS and kind != "declined" for kind in kinds.values())
        redrawer, outside = self._inside(outside, procedure, is_probed=is_probed)
        if is_probed and self.setting.redrawers.is_unanswered:
            return
        seed = zlib.crc32(f"{self.spec.id} invalid {self.setting.seed}".encode())
        redrawn = list(redraw_invalid(outside, redrawer, procedure, self.execution, seed))
        kinds = self._kinds_of_valid(redrawn, procedure)
        self._run_cases([case for case in redrawn if kinds.get(str(valid_case(case))) == "answer"], procedure)

    def _kinds_of_valid(self, invalid: Iterable[Case], procedure: Procedure) -> dict[str, str]:
        """Call the valid cases of which invalid calls are made, uncounted; return what each call did, by its case."""
        valid = {str(valid_case(case)): valid_case(case) for case in invalid if case.invalid_call}
        options = replace(procedure.options, leaves_out_misfits=True)
        return {str(each.case): each.observation.kind for each in self.execution.run(valid.values(), options)}

    def _run_redrawn(self, redrawn: Sequence[Case], procedure: Procedure) -> int:
        """Run and count redrawn cases; return the number of those that show nothing."""
        shown = 0

        def assessed() -> Generator[tuple[Executed, Assessment], None, None]:
            nonlocal shown
            for executed in self.execution.run(redrawn, replace(procedure.options, leaves_out_misfits=True)):
                assessment = self._assess_redrawn(executed, procedure)
                if assessment is not None:
                    shown += 1
                    yield executed, assessment

        with self._in_process_of(procedure, redrawn):
            self._count_all(assessed(), procedure, is_redrawn=True)
        return len(redrawn) - shown

    def _assess_redrawn(self, executed: Executed, procedure: Procedure) -> Assessment | None:
        """Assess a redrawn case; return None if it was not called, or its check rejects the exact answer as well."""
        try:
            assessment = self._assess(executed, procedure)
        except INAPPLICABLE:
            return None
        if assessment.fault is None:
            return None if is_unjudged(executed.observation) or assessment.unanswered else assessment
        return None if self._is_unsound(executed.case, assessment, procedure) else assessment

    def _is_unsound(self, case: Case, assessment: Assessment, procedure: Procedure) -> bool:
        """Return True if a case fails that the spec does not have itself, and the exact answer fails it as well."""
        if assessment.fault is None or assessment.fault.not_called:
            return False
        return not accepts_oracle(procedure, case, self.execution, self.setting.profile)

    def _requires(self, procedure: Procedure, redrawer: Redrawer) -> Needs:
        """Return the predicate that a redrawn case meets: the spec's needs, and its further calls inside the domain."""

        def is_met(case: Case) -> bool:
            try:
                return procedure.allows(case) and all(
                    map(redrawer.contains, procedure.further_cases(case, self.execution))
                )
            except INAPPLICABLE:
                return False

        return is_met

    def conclude(self, case: Case, fault: Fault | None) -> None:
        """Count a case that the spec itself judged from earlier outputs."""
        self.tally.count(case, Observation("answer"), Assessment(fault), "concluded")
        if fault is not None and self.counterexample is None:
            self.counterexample = self._describe(counterexample.FailingCase(case, fault), is_case=False)

    def _assess(self, executed: Executed, procedure: Procedure, execution: Execution | None = None) -> Assessment:
        """Assess a case; a law makes its further calls by ``execution``, that of the cases by default."""
        execution = execution or self.execution
        if breaks_declaration(executed, procedure, execution):
            return Assessment(refused_in_domain(executed.observation, execution.declared))
        assessment = procedure.assess(executed, execution.observe, self.setting.profile)
        if assessment.fault is None or self._attribution is None or execution is not self._attribution.other:
            return assessment
        return replace(assessment, fault=self._attribution.attributed(executed, assessment.fault))

    def side_effects(self, observation: Observation) -> Fault | None:
        """Return a fault if the call changed anything besides its output, unless the profile is the kernel's."""
        return side_effects(observation, self.setting.profile)

    def _decide(self, executed: Executed, assessment: Assessment) -> Assessment:
        def probe(probes: list[Case]) -> Iterable[Executed]:
            return self.execution.run(probes, CallOptions(leniency.add_spikes))

        grade, dtypes = self.execution.declared_grade, self.setting.among_dtypes(self.description.dtypes)
        return leniency.decide(assessment, executed.case, grade, dtypes, probe)

    def _decided(
        self, waiting: Iterable[tuple[Executed, Assessment]], procedure: Procedure
    ) -> Iterator[tuple[Executed, Assessment]]:
        """Yield the cases with their claims decided; those that pass and accept a wrong output become vacuous."""
        previous: Observation | None = None
        for executed, claimed in waiting:
            observation = executed.observation
            assessment = self._decide(executed, claimed)
            tests_sensitivity = self.setting.wrong_outputs and procedure.is_about_values
            if tests_sensitivity and assessment.fault is None and observation.output is not None:
                fault = self._accepts_wrong_output(executed, previous, procedure)
                assessment, previous = replace(assessment, fault=fault), observation
            yield executed, assessment

    def _accepts_wrong_output(
        self, executed: Executed, previous: Observation | None, procedure: Procedure
    ) -> Fault | None:
        """Return a fault if the check accepts a wrong output of a case."""
        for description, observation in wrong_outputs(executed.observation, previous):
            self.wrong_outputs += 1
            wrong = executed._replace(observation=observation)
            if self._decide(wrong, self._assess(wrong, procedure)).fault is None:
                return Fault("vacuous", f"the case accepts {description} for the right answer", kind="vacuous")
        return None

    def _count(
        self, executed: Executed, assessment: Assessment, procedure: Procedure, *, is_redrawn: bool = False
    ) -> None:
        case, _, observation = executed
        if assessment.fault is not None:
            self._failures.append(self._failure(executed, assessment.fault, procedure))
        population = procedure.population(case)
        if is_redrawn and population == "valid":
            population = "redrawn"
        self.tally.count(case, observation, assessment, population)
        if self.setting.on_counted is not None:
            self.setting.on_counted(Counted(self.spec.id, executed, assessment, procedure, self.execution))

    def _failure(self, executed: Executed, fault: Fault, procedure: Procedure) -> Failure:
        case, operands, observation = executed
        call = self.execution.call(case, operands, procedure.options.fields)
        history = () if self.execution.log is None else self.execution.log.before(observation)
        return Failure(executed, call, fault, history, procedure.options.transform is not None, self.spec.id)

    def _has_dtype(self) -> bool:
        """Return True if the subject has the dtype. Raises `NotApplicable` if its framework has not."""
        if self.dtype in self.description.dtypes:
            return True
        framework = self.description.framework
        if self.dtype not in adapter(framework).dtypes:
            raise NotApplicable(f"{framework} has no {self.dtype}")
        return False

    def _decline_dtype(self, problems: Iterable[Problem | Case], procedure: Procedure) -> None:
        """Count the cases that are due as declined, without a call."""
        valid = sum(procedure.population(case) == "valid" for case in self._due(problems, procedure))
        reason = self.description.declines.get("dtype", f"{self.dtype} is not among its dtypes")
        self.tally.decline_all(valid, reason)

    def _due(self, problems: Iterable[Problem | Case], procedure: Procedure) -> list[Case]:
        """Return the cases that are run: the one of a reproduction, or as many as the tier allows if they fit."""
        only = self.setting.only
        if only is not None:
            is_due = is_of_procedure(only, cases(problems), procedure, self.execution, self.setting.profile)
            return [only] if is_due else []
        if not fits(self.dtype, self.spec, procedure.other_kinds):
            return []
        dtype = "" if procedure.keeps_dtype else self.dtype
        local = localized(problems, dtype, self.setting.seed, self.description.direction)
        if not local and self.description.direction != "forward":
            raise NotApplicable(NO_GRADIENT)
        due = thin(local, BUDGETS[self.setting.tier])
        unfit = next((case for case in due if not procedure.allows(case)), None)
        if unfit is not None:
            raise ValueError(f"{self.spec.id}: its own case {unfit} does not meet what it needs")
        return due

    # --- counterexamples ---

    def _show(self, procedure: Procedure) -> None:
        """Set the counterexample. An error of the reduction or of the picture takes no verdict with it."""
        try:
            self._minimize(procedure)
        except INAPPLICABLE as error:
            case, fault = counterexample.select_fault(self.tally.faults, self.tally.status())
            self.counterexample = self._describe(counterexample.unreduced(case, fault, error), is_case=True)

    def _minimize(self, procedure: Procedure) -> None:
        """Set the counterexample: a failing case, reduced unless the spec or the case forbids it."""

        def assess(executed: Executed, execution: Execution) -> Fault | None:
            return self._decide(executed, self._assess(executed, procedure, execution)).fault

        case, fault = counterexample.select_fault(self.tally.faults, self.tally.status())
        failure = next(each for each in self._failures if each.fault is fault and each.executed.case == case)
        if fault.kind in PROCESS_FAULTS:
            failing = self._run_again(case, fault, procedure)
            self.counterexample = self._describe(failing, is_case=failing.is_reproducible)
            return
        # each trial of a crash costs a process: only the first case that ends one is run again
        reruns = fault.status not in ("crashed", "timed_out") or self.last_crash is None
        failing = Minimization(failure, self.execution, procedure, assess, self.setting, reruns).run()
        is_case = procedure.is_reproducible and (failing.is_reproducible or bool(failing.after))
        self.counterexample = self._describe(failing, is_case=is_case)

    def _run_again(self, case: Case, fault: Fault, procedure: Procedure) -> counterexample.FailingCase:
        """Return a case that is due to another process as it fails after the calls that belong to it alone."""
        with self._in_process_of(procedure, [case]):
            assert self._attribution is not None
            executed = self.execution.run_once(case, procedure.options)
            again = self._attribution.fault_of(executed)
            if again is None or again.status != fault.status:
                return counterexample.FailingCase(case, fault, is_reproducible=False)
            return counterexample.FailingCase(case, self._attribution.due_to(fault.kind, again), executed)

    def _describe(self, failing: counterexample.FailingCase, *, is_case: bool) -> Counterexample:
        """Return the counterexample of a failing case; it is run again with its whole spec unless ``is_case``."""
        setting = self.setting
        target = setting.target or self.description.name
        if is_case:
            command = counterexample.reproduce_command(
                target, failing.case, self.spec.id, self.execution.device, setting.options, failing.after
            )
        else:
            command = counterexample.check_command(target, self.spec.id, setting)
        return counterexample.describe(failing, command)
