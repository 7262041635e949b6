"""Sample: one judged call, with everything that a mechanism may be compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from convgauge.diagnosis.closeness import is_beyond_rounding, is_equally_finite, is_nearer
from convgauge.diagnosis.plan import NoOutputError, Plan
from convgauge.diagnosis.rounding import are_representable
from convgauge.dtypes import DTYPES, FLOATS
from convgauge.problem import Problem
from convgauge.reference import accuracy, oracle
from convgauge.reference.compare import Fault
from convgauge.reference.operands import Array, Operands
from convgauge.worker.call import Call, Observation

PLAIN_MODES = ("", "by_keyword", "by_position", "without_bias", "numpy_integers")
"""Call modes in which the output is that of a plain call."""


@dataclass(frozen=True, eq=False)
class Sample:
    """One judged call.

    Attributes
    ----------
    spec : str
        Id of the spec that judged it; "" for a call that the diagnosis made.
    case : str
        Text form of the case (`convgauge.conformance.cases.Case`).
    problem : Problem
        Parameters of the convolution, as they are meant.
    family : str
        Operand family: "exact" for integers, whose output is compared bit for bit.
    call : Call
        The call: operands, arguments as spelled, layouts, mode. ``call.is_valid`` is False for an invalid call.
    observation : Observation
        What the call did.
    fault : Fault or None
        Its fault, or None if it passed.
    fields : mapping
        Fields of `convgauge.domain`, and those of `convgauge.diagnosis.features.FURTHER_FIELDS`.
    declared_grade : str
        Grade of accuracy that the implementation declares.
    history : tuple of Call
        Calls that the same process answered before, the latest last: the latest of all, and the first on the same
        shapes.
    is_law : bool
        The check judged several calls, of which ``observation`` is the first.
    is_answer_allowed : bool
        An output may pass. False for a call that is an error, also one that is spelled so by its arguments.
    before : tuple of Call
        Calls that an earlier process made, if the case is judged in another one.
    """

    spec: str
    case: str
    problem: Problem
    family: str
    call: Call
    observation: Observation
    fault: Fault | None
    fields: Mapping[str, object]
    declared_grade: str = ""
    history: tuple[Call, ...] = field(default=(), repr=False)
    is_law: bool = False
    is_answer_allowed: bool = True
    before: tuple[Call, ...] = field(default=(), repr=False)

    @property
    def is_gradient(self) -> bool:
        """True if the call computes a gradient, which has no plan."""
        return self.problem.direction != "forward"

    @property
    def operands(self) -> Operands:
        """Operands of the call."""
        return Operands(self.call.input, self.call.weight, self.call.bias)

    @cached_property
    def plan(self) -> Plan:
        """Plan that the call means."""
        return Plan.of(self.problem, self.call.input, self.call.weight, self.call.bias)

    @cached_property
    def expected(self) -> Array:
        """Right output. Raises `TooExpensiveError`."""
        return oracle.answer(self.problem, self.operands) if self.is_gradient else self.plan.output()

    @property
    def is_plain(self) -> bool:
        """True if the observation is that of one valid call, whose output a mechanism can predict."""
        is_valid = self.call.is_valid and self.is_answer_allowed and set(self.call.dtypes) == {self.problem.dtype}
        is_answered = self.fault is not None or self.observation.output is not None
        return is_valid and is_answered and self.call.mode in PLAIN_MODES and not self.is_law

    @cached_property
    def tolerance(self) -> float:
        """Largest difference of an output from a prediction: exact, or grade B's bound."""
        if self.family == "exact":
            return accuracy.integer_tolerance(self.problem, self.declared_grade)
        if self.is_gradient:
            return float(accuracy.Scale.of(self.problem, self.operands).bounds("B", self.operands)[0].max(initial=0.0))
        return self.plan.bound()

    @cached_property
    def sizes(self) -> Array | float:
        """S = sum |w||x| + |b| of each output, the unit of its rounding errors; 1 for exact operands."""
        if self.family == "exact" or self.problem.dtype not in FLOATS:
            return 1.0
        return self.plan.magnitude()

    def differs(self, plan: Plan) -> bool:
        """Return True if the output of a plan shows whether the plan is that of the implementation.

        So it does if the call's check would reject the output. It also does if the output of a failing call is much
        nearer to the plan's than to the right one, or that of a passing call is much nearer to the right one. A plan
        with several ways to add differs from a passing call if each of them does.

        Raises
        ------
        TooExpensiveError
            If the plan's output needs too many products.
        """
        readings = map(self._differs, plan.readings())
        return all(readings) if self.fault is None else any(readings)

    def _differs(self, plan: Plan) -> bool:
        """Return True if `differs` holds for a plan with one way to add."""
        if self._has_other_size(plan):
            return True
        try:
            predicted = plan.output()
        except NoOutputError:
            return True
        if self._is_apart(predicted, self.expected, self.tolerance):
            return True
        return not close(predicted, self.expected, self.tolerance) or self._is_distinguished(predicted)

    def _has_other_size(self, plan: Plan) -> bool:
        """Return True if a plan gives an output of other rows and columns than the right ones."""
        return not plan.finishes and not plan.sum_finishes and plan.size != self.problem.output_size

    def _is_apart(self, output: Array, predicted: Array, tolerance: float) -> bool:
        """Return True if two outputs differ at the first wrong one: a test that costs little."""
        index = self.fault.index if self.fault is not None else ()
        if not index or output.shape != predicted.shape or len(index) != output.ndim:
            return False
        if any(position >= size for position, size in zip(index, output.shape, strict=True)):
            return False
        return bool(abs(output[index].item() - predicted[index].item()) > tolerance)

    def _is_distinguished(self, predicted: Array) -> bool:
        """Return True if the observed output excludes the right output or a predicted one inside the tolerance."""
        output = self.observation.output
        if self.family == "exact" or output is None or output.shape != predicted.shape:
            return False
        if self.fault is not None:
            return is_nearer(output, predicted, self.expected, self.sizes)
        is_visible = is_beyond_rounding(predicted, self.expected, self.sizes, self.problem.dtype)
        return is_visible and is_nearer(output, self.expected, predicted, self.sizes)

    def permits(self, plan: Plan) -> bool:
        """Return True if the observed output of a passing call is within the tolerance of a plan's as well.

        Of several ways to add, one must permit it.

        Raises
        ------
        TooExpensiveError
            If the plan's output needs too many products.
        """
        output = self.observation.output
        try:
            return output is not None and any(
                self._agrees(output, reading.output(), reading) for reading in plan.readings()
            )
        except NoOutputError:
            return False

    def fits(self, plan: Plan) -> bool:
        """Return True if the call did what a plan predicts: its output, or an exception if it has none.

        The plan must also account for the deviation from the right output, not only lie near enough. Of several ways
        to add, one must fit.

        Raises
        ------
        TooExpensiveError
            If the plan's output needs too many products.
        """
        return any(map(self._fits, plan.readings()))

    def _fits(self, plan: Plan) -> bool:
        """Return True if `fits` holds for a plan with one way to add."""
        observed = self.observation.output
        if observed is not None and self._has_other_size(plan) and observed.shape[2:] == self.problem.output_size:
            return False
        try:
            predicted = plan.output()
        except NoOutputError:
            return self.observation.kind == "raised"
        output = self.expected if self.fault is None else self.observation.output
        if output is None:
            return False
        if plan.accumulator and self._is_computed_in(plan.accumulator, output):
            return close(output, predicted, plan.bound())
        if output.shape != predicted.shape:
            return False
        # the bound of a plan is a convolution of its own: the cheaper test is made first
        return self._accounts_for(output, predicted) and self._agrees(output, predicted, plan)

    def _agrees(self, output: Array, predicted: Array, plan: Plan) -> bool:
        """Return True if an output is near enough to a predicted one; a plan may leave the range of exact sums."""
        if self.family == "exact":
            if not self._is_apart(output, predicted, self.tolerance) and close(output, predicted, self.tolerance):
                return True
            if output.shape != predicted.shape:
                return False
            if plan.is_whole and not _may_be_rounded(predicted, self.problem.dtype):
                return plan.has_finishes and close(
                    output, predicted, self.tolerance + _roundings(predicted, plan.dtype)
                )
        return close(output, predicted, plan.bound())

    def _is_computed_in(self, dtype: str, output: Array) -> bool:
        """Return True if every output is a number of a narrower dtype, and most of the right outputs are not."""
        finite = self.expected[np.isfinite(self.expected)]
        others = np.count_nonzero(~are_representable(finite, dtype))
        is_wider = bool(2 * others >= max(1, finite.size))
        return is_wider and bool(are_representable(output, dtype).all())

    def _accounts_for(self, output: Array, predicted: Array) -> bool:
        """Return True if little of the deviation remains, or if it lies in NaN and infinities."""
        if self.fault is None or output.shape != self.expected.shape or not is_equally_finite(output, self.expected):
            return True
        return is_nearer(output, predicted, self.expected, self.sizes)


def _roundings(output: Array, dtype: str) -> Array:
    """Return the error of two roundings of each output: of a change that does not keep whole numbers."""
    return 2 * DTYPES[dtype].roundoff * np.abs(np.where(np.isfinite(output), output, 0)).astype(np.float64)


def _may_be_rounded(output: Array, dtype: str) -> bool:
    """Return True if sums of an output's size may need more digits than the dtype has."""
    largest = np.max(np.abs(output), where=np.isfinite(output), initial=0.0)
    return dtype in FLOATS and bool(largest > 2.0 ** (DTYPES[dtype].digits - 1))


def close(output: Array, expected: Array, tolerance: float | Array) -> bool:
    """Return True if two arrays have the same shape and differ by at most the tolerance; NaN equals NaN."""
    if output.shape != expected.shape:
        return False
    with np.errstate(invalid="ignore", over="ignore"):
        agree = np.abs(np.subtract(output, expected, dtype=np.result_type(output, expected, np.float64))) <= tolerance
    if agree.all():
        return True
    return bool((agree | (output == expected) | (np.isnan(output) & np.isnan(expected))).all())
