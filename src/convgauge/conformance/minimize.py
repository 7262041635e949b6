"""Counterexample of a spec: a failing case that is decided and reduced in processes that have answered no call.

The cases of a run share a process, whose earlier calls may be the reason why one of them fails. So a failing case is
run again in a fresh process. Where a process can be forked, each decision has one of its own. Elsewhere a process takes
seconds to start, so that cases are run again in a second one, which is fresh for the first of them. A case that fails
there as it failed before, with the same output, depends on no earlier call: these differ. For any other outcome a
process is started.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from convgauge.conformance import counterexample
from convgauge.conformance.cases import Case
from convgauge.conformance.counterexample import FailingCase, Trial
from convgauge.conformance.earlier_calls import AT_RANDOM, CONFIRMATIONS, AssessFault, Failure, Search
from convgauge.conformance.execution import Executed, Execution
from convgauge.conformance.procedure import Procedure
from convgauge.conformance.setting import Setting
from convgauge.conformance.soundness import accepts_oracle
from convgauge.process.runner import Runner
from convgauge.reference.compare import Fault
from convgauge.registry import LoadError
from convgauge.worker.call import Observation


@dataclass(frozen=True)
class Minimization:
    """Reduction of one failing case.

    Attributes
    ----------
    failure : Failure
        The case, with the history of its process.
    execution : Execution
        Execution in which it failed.
    procedure : Procedure
        Procedure that judged it.
    assess : callable
        Function that returns the fault of a case.
    setting : Setting
        Setting of the judge.
    reruns : bool
        Run the case again.
    """

    failure: Failure
    execution: Execution
    procedure: Procedure
    assess: AssessFault
    setting: Setting
    reruns: bool

    def run(self) -> FailingCase:
        """Return the failing case, reduced if it fails by itself, or else with what it depends on."""
        if not self.reruns:
            return self._reduce(self.execution.subject)
        subject = self.execution.subject
        try:
            failing = self._run_forked(subject) if subject.can_fork() else self._run_in_second(subject)
            if failing.is_reproducible or failing.remark or self.failure.fault.status in ("crashed", "timed_out"):
                return failing
            dependence = Search(self.failure, subject, self.execution, self.assess, self.setting).run()
        except LoadError:  # it cannot be loaded again
            return self._reduce(subject)
        return replace(failing, remark=dependence.remark, after=tuple(map(str, dependence.after)))

    def _run_forked(self, subject: Runner) -> FailingCase:
        """Reduce the case in a fork, and decide in another one if the reduced case fails by itself too."""
        with subject.fresh() as runner:
            failing = self._reduce(runner)
        if failing.executed is None:
            return failing
        # where an outcome has depended on the process before, chance may have decided
        budget = self.setting.histories.budget
        is_doubtful = budget.has_state and not budget.is_state_proven
        times = CONFIRMATIONS if is_doubtful else int(failing.case != self._case)
        if all(self._fails_alone(subject, failing.case) for _ in range(times)):
            return failing
        with subject.fresh() as runner:
            again = self._reduce(runner, reduces=False)
        times = CONFIRMATIONS if is_doubtful else int(failing.case == self._case)
        if again.executed is not None and all(self._fails_alone(subject, self._case) for _ in range(times)):
            return again
        return replace(again, executed=None, is_reproducible=False, remark=AT_RANDOM)

    def _fails_alone(self, subject: Runner, case: Case) -> bool:
        with subject.fresh() as runner:
            return self._trial(runner)(case) is not None

    def _run_in_second(self, subject: Runner) -> FailingCase:
        """Reduce the case in a second process, and decide in a new one if that leaves a doubt."""
        second, budget = subject.second(), self.setting.histories.budget
        is_unused = not self.setting.histories.of(second).count
        failing = self._reduce(second, reduces=False)
        is_certain = failing.executed is not None and (
            is_unused or (not budget.has_state and self._is_repeated(failing.executed.observation))
        )
        if not is_certain and budget.processes > 0 and second is not subject:
            budget.has_state = True
            budget.spend(0.0, processes=1)
            with subject.fresh() as runner:
                failing = self._reduce(runner, reduces=False)
        if failing.executed is None or not self._is_reduced:
            return failing
        reduced = self._reduce(second)
        return failing if reduced.executed is None else reduced

    def _is_repeated(self, observation: Observation) -> bool:
        """Return True if a call did the same as the first one."""
        first = self.failure.executed.observation
        if first.kind != observation.kind or first.error != observation.error:
            return False
        if first.output is None or observation.output is None:
            return first.output is observation.output
        return np.array_equal(first.output, observation.output, equal_nan=first.output.dtype.kind in "fc")

    # --- trials ---

    @property
    def _case(self) -> Case:
        return self.failure.executed.case

    @property
    def _is_reduced(self) -> bool:
        return self.procedure.is_reducible and self.setting.only is None and not self._case.invalid_call

    def _reduce(self, runner: Runner, *, reduces: bool = True) -> FailingCase:
        reduces = reduces and self._is_reduced
        return counterexample.reduce_case(
            self._case, self.failure.fault, self._trial(runner), reruns=self.reruns, reduces=reduces
        )

    def _trial(self, runner: Runner) -> Trial:
        log = self.setting.histories.of(runner)
        execution = Execution(runner, self.execution.device, self.execution.declared, log, self.execution.spec)

        def trial(case: Case) -> tuple[Executed, Fault] | None:
            if not self.procedure.allows(case):
                return None
            executed = execution.run_once(case, self.procedure.options)
            fault = self.assess(executed, execution)
            if fault is None or fault.not_called:
                return None
            is_sound = case == self._case or accepts_oracle(self.procedure, case, execution, self.setting.profile)
            return (executed, fault) if is_sound else None

        return trial
