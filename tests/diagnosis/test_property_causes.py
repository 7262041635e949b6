"""Causes that faults state by themselves: before mechanisms of values, or after them if they may be a consequence."""

from __future__ import annotations

from convgauge.diagnosis.cause import Cause
from convgauge.diagnosis.explain import explain
from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.property_causes import join_acceptance, stated_causes
from support.judged_samples import judged
from support.mutant_samples import observe


def test_an_effect_is_a_cause_before_mechanisms_are_tried() -> None:
    samples = judged("answers_none", "shape.axes", dtypes=("float32",))
    failing = [sample for sample in samples if sample.fault is not None]
    (cause,), left = stated_causes(failing, [], consequences=False)
    assert (cause.kind, list(cause.samples), left) == ("wrong_type", failing, [])
    assert explain(samples).causes == [cause]


def test_an_exception_is_a_cause_only_after_mechanisms() -> None:
    samples = judged("bias_required", "bias.none", dtypes=("float32",))
    failing = [sample for sample in samples if sample.fault is not None]
    assert stated_causes(failing, [], consequences=False) == ([], failing)
    (cause,), left = stated_causes(failing, [], consequences=True)
    assert (cause.kind, left) == ("refuses_valid", [])


def test_an_exception_has_a_region() -> None:
    samples = judged("bias_required", "bias.none", "definition.delta", "dtype.kept", dtypes=("float32",))
    (cause,) = explain(samples).causes
    assert cause.region


def test_wrong_values_without_a_mechanism_stay_unexplained() -> None:
    failing = [sample for sample in observe("wrong_on_integers") if sample.fault is not None]
    assert stated_causes(failing, [], consequences=True) == ([], failing)


def test_an_invalid_argument_is_accepted_because_it_is_misread() -> None:
    accepting = [sample for sample in judged("negative_stride", "errors.stride", dtypes=("float32",)) if sample.fault]
    (acceptance,), _ = stated_causes(accepting, [], consequences=False)
    misread = Cause("a", MechanismKind.ARGUMENT_MISREAD, "stride: its sign is dropped", "", "", ())
    other = Cause("b", MechanismKind.ARGUMENT_MISREAD, "padding: its sign is dropped", "", "", ())
    (joined,) = join_acceptance([misread, acceptance])
    assert (joined.mechanism, joined.samples) == ("a", acceptance.samples)
    assert join_acceptance([other, acceptance]) == [other, acceptance]
