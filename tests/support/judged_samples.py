"""Samples of mutants that the specification has judged in a process of their own."""

from __future__ import annotations

from convgauge.conformance.evidence import Evidence
from convgauge.conformance.setting import Setting
from convgauge.conformance.suite import Suite
from convgauge.conformance.targets import Target
from convgauge.diagnosis.sample import Sample
from convgauge.request import CheckRequest
from support.mutant_samples import declared


def judged(name: str, *specs: str, dtypes: tuple[str, ...] = ()) -> list[Sample]:
    """Return the samples of a mutant, judged by some specs of the quick tier, those that it names by default."""
    mutant, evidence = declared()[name], Evidence()
    due = specs or mutant.killed_by
    request = CheckRequest(profile=mutant.profile, tier="quick", timeout_s=mutant.timeout, jobs=1, dtypes=dtypes)
    setting = Setting(minimizes=False, diagnoses=False, on_counted=evidence.add)
    with Suite(request, [Target(mutant.origin)], setting=setting) as suite:
        suite.load()
        for task in suite.tasks():
            if task.spec.id in due:
                suite.result(task)
    return evidence.samples()
