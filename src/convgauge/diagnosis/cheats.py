"""Cheats that the worker process sees: replaced functions, and outputs that compare in their own way."""

from __future__ import annotations

from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.property import Property
from convgauge.diagnosis.sample import Sample
from convgauge.reference.compare import Fault

HARNESS_MODULES = ("time", "convgauge.worker")
"""Modules whose functions measure or check a call; those of the others compare outputs."""


def cheat_of(sample: Sample, fault: Fault) -> Property | None:
    """Return the cheat that a failing sample shows, if there is one."""
    observation = sample.observation
    if observation.patched:
        is_harness = any(name.startswith(HARNESS_MODULES) for name in observation.patched)
        kind = MechanismKind.CHEAT_HARNESS if is_harness else MechanismKind.CHEAT_COMPARISON
        return Property("replaces_functions", kind, "process: replaces {}", observation.patched)
    if observation.disguise and fault.kind in ("values", "accuracy", "shape"):
        text = f"output: {observation.disguise}, which is wrong"
        return Property("output_disguised", MechanismKind.CHEAT_COMPARISON, text)
    return None
