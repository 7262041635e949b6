"""Procedures: the treatment of a group of cases of a spec, from their calls to their assessment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from convgauge.conformance import checks
from convgauge.conformance.cases import Case, Needs
from convgauge.conformance.checks import PASSED, Check, is_unjudged, missing_output
from convgauge.conformance.execution import CallOptions, Executed, Execution
from convgauge.conformance.other_process import OtherProcess
from convgauge.conformance.substitutes import Kind, is_floating
from convgauge.conformance.tally import Population
from convgauge.reference.assessment import Assessment
from convgauge.reference.compare import Fault
from convgauge.reference.operands import Operands
from convgauge.terms import Profile
from convgauge.worker.call import Observation

Observe = Callable[[Case, Operands], Observation]
"""Function that makes the call of a case with the given operands."""


NOTHING_SHOWN = Observation("unsupported", message="a call gave no output that could be compared")
"""Observation of a measured case that shows nothing."""


@dataclass(frozen=True)
class Procedure:
    """Treatment of a group of cases.

    Attributes
    ----------
    check_with : callable
        Function of (observe) that returns the check of a case that gave an output. A law makes further calls by
        ``observe``; other checks ignore it.
    options : CallOptions
        Options of the calls.
    is_refusal_due : bool
        An exception passes.
    is_answer_allowed : bool
        An output may pass. False for calls that are errors.
    is_reducible : bool
        The first failing case may be simplified.
    is_reproducible : bool
        A case can be judged by itself: its operands do not depend on the outputs of earlier cases.
    is_about_values : bool
        The check compares the output's values, so that it must reject wrong outputs.
    is_law : bool
        The check makes further calls, and compares their outputs.
    keeps_dtype : bool
        Each case keeps its own dtype instead of the spec's.
    other_kinds : tuple of {"f", "i", "c"}
        Kinds of dtypes besides the spec's own in which the check is meaningful (`convgauge.conformance.substitutes`).
    process : OtherProcess or None
        Process in which the cases are judged; None for the usual one.
    needs : Needs or None
        Predicate that every case meets, also a reduced and a redrawn one: what the statement of the spec rests on.
    is_measurement : bool
        A call without output shows nothing, unless it ends its process, and side effects are of no account.
    on_executed : callable or None
        Called with every case that gave an output.
    is_directed : bool
        The check is meaningful for gradients too: it compares the result with the oracle's on drawn operands.
    """

    check_with: Callable[[Observe], Check]
    options: CallOptions = field(default_factory=CallOptions)
    is_refusal_due: bool = False
    is_answer_allowed: bool = True
    is_reducible: bool = True
    is_reproducible: bool = True
    is_about_values: bool = True
    is_law: bool = False
    keeps_dtype: bool = False
    other_kinds: tuple[Kind, ...] = ()
    process: OtherProcess | None = None
    needs: Needs | None = None
    is_measurement: bool = False
    on_executed: Callable[[Executed], None] | None = None
    is_directed: bool = False

    def may_refuse(self, case: Case) -> bool:
        """Return True if an exception passes: the call is an error, or need not be answered."""
        return self.is_refusal_due or case.is_exotic

    def is_redrawable(self, case: Case) -> bool:
        """Return True if a case that is not answered is drawn again: its call is valid and must be answered.

        A call of integers or complex numbers may be refused. It is drawn again too, as its dtype may be answered.
        """
        is_plain = self.is_answer_allowed and not case.is_exotic and not case.invalid_call
        return not self.may_refuse(case) or (is_plain and not is_floating(case.problem.dtype))

    def population(self, case: Case) -> Population:
        """Return the population that a case belongs to."""
        if not self.is_answer_allowed:
            return "invalid"
        return "optional" if self.may_refuse(case) else "valid"

    def allows(self, case: Case) -> bool:
        """Return True if a case meets what the statement of the spec rests on."""
        return self.needs is None or self.needs(case)

    def further_cases(self, case: Case, execution: Execution) -> list[Case]:
        """Return the cases of the further calls that a law makes for a case; none for other checks."""
        if self.options.is_pipelined:
            return []
        asked: list[Case] = []

        def observe(further: Case, operands: Operands) -> Observation:
            asked.append(further)
            return Observation("answer", np.zeros(further.problem.output_shape, further.problem.dtype))

        operands = execution.draw(case)
        if self.options.transform is not None:
            operands = self.options.transform(case, operands)
        self.check_with(observe)(case, operands, Observation("answer"))
        return asked

    def assess(self, executed: Executed, observe: Observe, profile: Profile) -> Assessment:
        """Assess a case in a profile; ``observe`` makes the further calls of a law."""
        observation = executed.observation
        if is_unjudged(observation) or (observation.kind == "raised" and self.may_refuse(executed.case)):
            return PASSED
        fault = missing_output(observation)
        if self.is_measurement:
            if fault is None:
                return self.check_with(observe)(*executed)
            is_ending = fault.status in ("crashed", "timed_out")
            return Assessment(fault) if is_ending else Assessment(unanswered=NOTHING_SHOWN)
        if fault is None and not self.is_refusal_due:
            fault = side_effects(observation, profile)
        return self.check_with(observe)(*executed) if fault is None else Assessment(fault)


def side_effects(observation: Observation, profile: Profile) -> Fault | None:
    """Return a fault if the call changed anything besides its output, unless the profile is the kernel's."""
    return None if profile == "kernel" else checks.side_effects(observation)
