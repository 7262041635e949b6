"""Judge of bits: outputs that are equal, on real operands, to those of further calls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from convgauge.conformance.cases import Case, Needs, cases
from convgauge.conformance.checks import Check
from convgauge.conformance.execution import CallOptions, Execution
from convgauge.conformance.judge_state import JudgeState
from convgauge.conformance.other_process import NO_PROCESSES
from convgauge.conformance.procedure import Observe, Procedure
from convgauge.conformance.reproducibility import BitComparison, Variants, described
from convgauge.conformance.setting import NotApplicable
from convgauge.problem import Problem
from convgauge.reference.compare import Fault


class BitwiseJudge(JudgeState):
    """Judge whose specs compare outputs bit for bit."""

    def reproduces(
        self,
        problems: Iterable[Problem | Case],
        variants: Variants | None = None,
        *,
        extra: Mapping[str, str] | None = None,
        mode: str = "",
        elsewhere: Execution | None = None,
        needs: Needs | None = None,
    ) -> None:
        """Compare outputs on Gaussian operands with those of further calls, bit for bit.

        A difference is a fault if the subject declares the axis of the spec. Otherwise it is counted and noted.

        Parameters
        ----------
        problems : iterable of Problem or Case
            Cases.
        variants : callable, optional
            Function that returns the further calls of a case (see `convgauge.conformance.reproducibility`).
        extra : mapping, optional
            Values that the call's mode takes, and the description of the output with each.
        mode : str
            Mode that makes the further calls itself, with the values of ``extra``.
        elsewhere : Execution, optional
            Execution of the further calls; that of the cases by default. The case is not reduced.
        needs : callable, optional
            As for `exact`.
        """
        examples: list[tuple[Case, Fault]] = []
        is_required, words = self.spec.level == "required", extra or {}

        def check_with(observe: Observe) -> Check:
            further = observe if elsewhere is None else elsewhere.observe
            return BitComparison(variants, further, tuple(words.values()), is_required, examples)

        options = CallOptions(fields={"mode": mode, "wanted": ",".join(words)}, is_pipelined=variants is None)
        procedure = Procedure(
            check_with, options, is_about_values=False, is_reducible=elsewhere is None, needs=needs,
            is_measurement=not is_required,
        )  # fmt: skip
        self._evaluation.run(cases(problems, operands="gaussian"), procedure)
        if examples and not is_required:
            self.tally.notes.append(described(examples, self.tally))

    @contextmanager
    def new_process(self) -> Iterator[Execution]:
        """Yield an execution in a process that is started now. Raises `NotApplicable` if there are no processes."""
        with self._execution.subject.new_process() as subject:
            if subject is None:
                raise NotApplicable(NO_PROCESSES)
            yield Execution(subject, self.device, self.setting.declared, spec=self.spec.id)
