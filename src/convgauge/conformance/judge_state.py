"""State of a judge: its spec and subject, the checks and limits that a spec asks for, and its results."""

from __future__ import annotations

from collections import Counter

from convgauge.conformance import checks
from convgauge.conformance.cases import Case
from convgauge.conformance.evaluation import Evaluation
from convgauge.conformance.execution import Execution
from convgauge.conformance.setting import Setting
from convgauge.conformance.spec import Spec
from convgauge.problem import Problem
from convgauge.process.runner import Runner
from convgauge.reference import accuracy
from convgauge.reference.assessment import Assessment
from convgauge.reference.compare import Fault
from convgauge.reference.operands import Operands
from convgauge.results import Counterexample, ImageRecord
from convgauge.terms import Profile, Status, includes
from convgauge.worker.call import Observation


class JudgeState:
    """Spec, subject, checks, limits and results of a judge; `Judge` adds the methods that run cases."""

    def __init__(
        self,
        spec: Spec,
        subject: Runner,
        dtype: str,
        device: str,
        setting: Setting,
        last_crash: Counterexample | None = None,
    ) -> None:
        self.spec, self.dtype, self.device, self.setting = spec, dtype, device, setting
        self.description = subject.description
        self.declared_grade = self.description.grade
        self.images: list[ImageRecord] = []
        self._execution = Execution(subject, device, setting.declared, setting.histories.of(subject), spec.id)
        self._evaluation = Evaluation(spec, self._execution, dtype, setting, last_crash)
        self.tally = self._evaluation.tally

    # --- checks for `satisfies` and `refuses` ---

    def check_exact(self, case: Case, operands: Operands, observation: Observation) -> Fault | None:
        """Return a fault if the output is not the exact one; it may be mostly zero.

        Parameters
        ----------
        case : Case
            Case that was run.
        operands : Operands
            Operands of the call.
        observation : Observation
            Observation of the call.
        """
        return checks.check_exact(case, operands, observation, self.declared_grade)

    def check_accuracy(self, case: Case, operands: Operands, observation: Observation) -> Assessment:
        """Assess the output against the bound of the declared grade, or of B, without the statistics."""
        return checks.check_accuracy(case, operands, observation, self.declared_grade)

    def check_promotion(self, case: Case, operands: Operands, observation: Observation) -> Fault | None:
        """Return a fault if the output of operands of two dtypes has not the wider dtype, or not grade B in it."""
        return checks.check_promotion(case, self._execution.call(case, operands), observation)

    # --- limits and the run ---

    def headroom(self, problem: Problem) -> float:
        """Return the factor by which exact operands stay below their limit, so that errors stay below a half."""
        return self._execution.headroom(problem)

    def tolerance(self, problem: Problem) -> float:
        """Return the allowed difference from an exact integer output: 0 for grade A, less than 1 otherwise."""
        return accuracy.integer_tolerance(problem, self.declared_grade)

    def includes(self, profile: Profile) -> bool:
        """Return True if the run's profile contains the specs of ``profile``."""
        return includes(self.setting.profile, profile)

    # --- results ---

    def status(self) -> Status:
        """Return the gravest status of the cases; refused, declined or skipped if none was judged."""
        return self.tally.status()

    def reason(self) -> str:
        """Return the counterexample's message, or else the most frequent reason of unjudged cases."""
        return self.tally.reason() if self.counterexample is None else self.counterexample.message

    def refusals(self) -> Counter[str]:
        """Return the number of refused and declined cases by limit, or by reason if no limit explains a case."""
        discovery = self.setting.redrawers.discovery
        return self.tally.refusals(discovery.limits if discovery is not None else (), self.device)

    @property
    def counterexample(self) -> Counterexample | None:
        """First failing case, reduced; None if every case passed."""
        return self._evaluation.counterexample

    @property
    def wrong_outputs(self) -> int:
        """Number of wrong outputs that the cases were given."""
        return self._evaluation.wrong_outputs
