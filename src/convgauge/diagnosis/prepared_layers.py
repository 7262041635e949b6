"""Faults of prepared layers that show in the outputs of a call mode: layers or outputs that share memory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.plan import NoOutputError, TooExpensiveError
from convgauge.diagnosis.property import Property
from convgauge.diagnosis.sample import Sample, close
from convgauge.reference.compare import Fault
from convgauge.reference.operands import Array


def shared_by_layers(sample: Sample, fault: Fault) -> Property | None:
    """Return what the outputs of a prepared layer show, if they equal each other although they must differ."""
    output, others = sample.observation.output, sample.observation.extra_outputs
    if output is None or not others or others[0] is None or not np.array_equal(output, others[0]):
        return None
    try:
        return _of_mode(sample, output)
    except (NoOutputError, TooExpensiveError):
        return None


def _of_mode(sample: Sample, output: Array) -> Property | None:
    mode, weight = sample.call.mode, sample.call.extra_operand
    if mode == "several_inputs" and close(output, sample.expected, sample.tolerance):
        text = "memory: the outputs of a prepared layer share memory with each other"
        return Property("prepared_outputs_aliased", MechanismKind.OUTPUT_ALIASED, text)
    if mode != "two_layers" or weight is None:
        return None
    second = replace(sample.plan, weight=weight.astype(sample.plan.weight.dtype)).output()
    if not close(output, second, sample.tolerance):
        return None
    text = "prepare: all layers use the weight that was prepared last"
    return Property("prepared_weights_shared", MechanismKind.PREVIOUS_ANSWER, text)
