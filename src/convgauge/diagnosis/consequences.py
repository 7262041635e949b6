"""Consequences of named causes: failures that follow from them although no single output of theirs is predicted.

An invalid call is answered where the mechanism makes it valid. A rounding inside the mechanism's sums may fall to the
other side, because the order of the sums is not known. A law compares several calls, of which one is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from convgauge.diagnosis.broken_rules import broken_arguments, broken_rules
from convgauge.diagnosis.cause import Cause
from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.named import Named, attribute_each
from convgauge.diagnosis.outcome import changed
from convgauge.diagnosis.plan import NoOutputError, Plan, TooExpensiveError
from convgauge.diagnosis.property_causes import CHEATS, MISREADINGS
from convgauge.diagnosis.sample import Sample
from convgauge.dtypes import DTYPES, FLOATS
from convgauge.problem import Pair
from convgauge.reference.operands import Array

Test = Callable[[Named, Sample], bool]
"""Function of a named mechanism and a sample: True if the failure follows from the mechanism."""

OF_OPERANDS = (
    MechanismKind.BIAS_AXIS,
    MechanismKind.BIAS_DROPPED,
    MechanismKind.GROUPS_IGNORED,
    MechanismKind.GROUPS_PERMUTED,
    MechanismKind.SWAPPED_AXES,
)
"""Kinds that read an operand by another shape, so that its own shape is not noticed."""

OPERAND_NOUNS = {
    "bias": ("biases",),
    "weight": ("weights",),
    "input": ("inputs",),
    "channels": ("weights", "inputs", "groups"),
    "filters": ("weights", "groups"),
    "groups": ("weights", "inputs", "groups"),
}
"""Nouns of the rules (`broken_rules`) that a topic of mechanisms is about."""

ROUNDINGS = (MechanismKind.NARROW_ACCUMULATOR, MechanismKind.NARROWED_OPERANDS)
"""Kinds whose errors depend on the order of operations."""

MAX_ROUNDINGS = 4.0
"""Roundings of the largest output by which an output may miss a prediction: a change is rounded in its own way."""

MAX_ROUNDING_RATIO = 4.0
"""Largest error of an output divided by the largest one that a mechanism of rounding predicts for the call."""

MIN_STATE_SHARE = 0.25
"""Predicted samples, as a share of those that are left, with which a state is the reason of these."""


def attribute_acceptances(accepted: Sequence[Sample], named: Sequence[Named]) -> list[Sample]:
    """Attribute answered invalid calls to the mechanisms that make them valid; return the others."""
    return _attribute_by(lambda each, sample: _misreads(each, sample) or _is_made_valid(each, sample), accepted, named)


def _attribute_by(test: Test, samples: Sequence[Sample], named: Sequence[Named]) -> list[Sample]:
    """Attribute each sample to the first mechanism for which a test holds; return the others."""
    return attribute_each(samples, lambda sample: next((each for each in named if test(each, sample)), None))


def _misreads(named: Named, sample: Sample) -> bool:
    """Return True if a mechanism misreads the argument or the operand that alone is wrong in an invalid call."""
    mechanism = named.candidate.mechanism
    if mechanism.kind in MISREADINGS and broken_arguments(sample.call) == {mechanism.topic}:
        return True
    rules, nouns = broken_rules(sample.call), OPERAND_NOUNS.get(mechanism.topic, ())
    return mechanism.kind in OF_OPERANDS and bool(rules) and all(any(noun in rule for noun in nouns) for rule in rules)


def _is_made_valid(named: Named, sample: Sample) -> bool:
    """Return True if an invalid call, read as a mechanism reads it, has an output of the shape that was observed."""
    try:
        plan = _spelled(sample)
        read = changed(named.candidate.mechanism, sample, plan)
        if read is None or read == plan:
            return False
        return bool(read.output().shape == sample.observation.shape)
    except (NoOutputError, TooExpensiveError, TypeError, ValueError, IndexError):
        return False


def _spelled(sample: Sample) -> Plan:
    """Return the plan of a call with the numbers that its arguments spell. Raises `TypeError` and `ValueError`."""
    call, arguments = sample.call, sample.call.arguments
    whole = Plan.of(sample.problem, call.input, call.weight, call.bias)
    stride, dilation = (_pair(arguments.get(name, 1)) for name in ("stride", "dilation"))
    rows, columns = _pair(arguments.get("padding", 0))
    groups = arguments.get("groups", 1)
    if not isinstance(groups, int):
        raise TypeError("groups that are no number")
    pads = ((rows, rows), (columns, columns))
    return replace(whole, stride=stride, dilation=dilation, pads=pads, groups=groups)


def _pair(value: object) -> Pair:
    rows, columns = value if isinstance(value, (tuple, list)) else (value, value)
    if not (isinstance(rows, int) and isinstance(columns, int)):
        raise TypeError("numbers that are not whole")
    return rows, columns


def attribute_roundings(left: Sequence[Sample], named: Sequence[Named]) -> list[Sample]:
    """Attribute errors of the size that a named rounding predicts, and outputs that are one up to rounding."""
    return _attribute_by(_is_predicted_roughly, left, named)


def _is_predicted_roughly(named: Named, sample: Sample) -> bool:
    """Return True if a mechanism predicts an output up to rounding, or the size of its errors if these are roundings.

    Of several ways to add, one must do so.
    """
    test = _is_error_of_size if named.candidate.mechanism.kind in ROUNDINGS else _is_near
    output = sample.observation.output
    plan = named.plan(sample) if sample.is_plain else None
    if output is None or plan is None:
        return False
    try:
        right = sample.expected
        return any(test(output, reading.output(), right, sample.problem.dtype) for reading in plan.readings())
    except (NoOutputError, TooExpensiveError):
        return False


def _is_near(output: Array, predicted: Array, right: Array, dtype: str) -> bool:
    """Return True if an output is a predicted one up to some roundings, and much farther from the right one."""
    if dtype not in FLOATS or not output.shape == predicted.shape == right.shape or not np.isfinite(predicted).all():
        return False
    near = MAX_ROUNDINGS * DTYPES[dtype].roundoff * np.abs(predicted).max(initial=0.0)
    remainder, error = (np.abs(output - each).max(initial=0.0) for each in (predicted, right))
    return bool(remainder <= near and error > MAX_ROUNDING_RATIO * near)


def _is_error_of_size(output: Array, predicted: Array, right: Array, dtype: str) -> bool:
    """Return True if no finite output has an error above `MAX_ROUNDING_RATIO` times the largest predicted one."""
    if not output.shape == predicted.shape == right.shape:
        return False
    finite = np.isfinite(output) & np.isfinite(predicted) & np.isfinite(right)
    error, due = (np.abs(each[finite] - right[finite]).max(initial=0.0) for each in (output, predicted))
    return bool(error <= MAX_ROUNDING_RATIO * due)


def attribute_state(left: Sequence[Sample], named: Sequence[Named]) -> list[Sample]:
    """Attribute wrong values after other calls to a mechanism that uses earlier calls again; return the others.

    Of a process's calls, only the latest and the first of each shape are known: what is used again may be of another.
    """
    cause = next((each for each in named if each.candidate.mechanism.kind == MechanismKind.PREVIOUS_ANSWER), None)
    if cause is None or MIN_STATE_SHARE * len(left) > len(cause.samples):
        return list(left)

    def cause_of(sample: Sample) -> Named | None:
        is_wrong = sample.fault is not None and sample.fault.kind in ("values", "accuracy", "shape", "relation")
        return cause if is_wrong and sample.fields.get("order", "later") == "later" else None

    return attribute_each(left, cause_of)


def attribute_nonfinite(left: Sequence[Sample], named: Sequence[Named]) -> list[Sample]:
    """Attribute calls with NaN or infinity to the mechanisms that predict all finite outputs; return the others.

    Whether a product that a kernel leaves out spreads NaN depends on how it leaves it out.
    """
    return _attribute_by(_has_predicted_finite, left, named)


def _has_predicted_finite(named: Named, sample: Sample) -> bool:
    """Return True for a call with NaN or infinity whose finite outputs are those that a mechanism predicts."""
    output = sample.observation.output
    if output is None or not sample.is_plain or sample.plan.is_finite:
        return False
    plan = named.plan(sample)
    try:
        predicted = None if plan is None else plan.output()
    except (NoOutputError, TooExpensiveError):
        return False
    if predicted is None or predicted.shape != output.shape:
        return False
    finite = np.isfinite(output) & np.isfinite(predicted)
    return bool((np.abs(output[finite] - predicted[finite]) <= sample.tolerance).all())


def attribute_laws(left: Sequence[Sample], causes: Sequence[Cause]) -> tuple[list[Cause], list[Sample]]:
    """Return causes with the broken laws that are left, and the other samples.

    If the outputs of single calls are all explained, a law can only be broken by these. A law of which a plain call is
    not explained stays.
    """
    reason = next((cause for cause in causes if _changes_values(cause)), None)
    if reason is None or any(sample.is_plain for sample in left):
        return list(causes), list(left)
    dtypes = {sample.problem.dtype for sample in reason.samples}
    laws = [sample for sample in left if sample.is_law and sample.problem.dtype in dtypes]
    in_laws = set(map(id, laws))
    joined = [replace(c, samples=(*c.samples, *laws)) if c is reason else c for c in causes]
    return joined, [sample for sample in left if id(sample) not in in_laws]


def _changes_values(cause: Cause) -> bool:
    return cause.kind in CHEATS or any(
        sample.is_plain and sample.fault is not None and sample.fault.kind in ("values", "accuracy", "shape")
        for sample in cause.samples
    )
