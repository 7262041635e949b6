"""Examination of one mutant or correct build: a whole check of it as a user makes it, and its diagnosis."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from convgauge.conformance.diagnose import Findings
from convgauge.conformance.setting import Setting
from convgauge.conformance.suite import Suite
from convgauge.conformance.targets import Target
from convgauge.conformance.terminal import show_summary
from convgauge.diagnosis.mechanism import Mechanism, library
from convgauge.diagnosis.properties import observed
from convgauge.diagnosis.sample import Sample
from convgauge.reference import memo
from convgauge.request import CheckRequest, RequestError
from convgauge.results import SpecRecord
from convgauge.selftest.diagnoses import judged_cases
from convgauge.selftest.diagnoses.finding import DiagnosisFinding, NamedCause
from convgauge.selftest.diagnoses.judged_cases import JudgedCases
from convgauge.selftest.diagnoses.recording_terminal import RecordingTerminal
from convgauge.selftest.mutants import Mutant
from convgauge.terms import FAULTS, STRICTNESS_FAULTS, TIERS, Tier

SETTING = Setting(minimizes=False)
"""Setting of the judges: that of a check, but no counterexample is reduced, because causes do not depend on it."""

MAX_TRIED = 32
"""Failing samples on which a mechanism is asked if it has a meaning for them."""


def examine(mutant: Mutant, tier: Tier, evidence: Path | None = None) -> DiagnosisFinding:
    """Check a mutant in a child process of its own, diagnose it, and return the finding.

    The judged cases are taken from the folder ``evidence`` if it has those of this mutant, and are else written there.
    """
    memo.enable()  # the next mutant is given the same cases
    started_s = time.perf_counter()
    due = TIERS.index(mutant.tier) <= TIERS.index(tier)
    finding = DiagnosisFinding(mutant.name, mutant.faulty, [str(kind) for kind in mutant.kinds], due)
    request = CheckRequest(profile=mutant.profile, tier=tier, timeout_s=mutant.timeout, jobs=1)
    try:
        with Suite(request, [Target(mutant.origin)], setting=SETTING) as suite:
            _check(suite, finding, None if evidence is None else judged_cases.path_of(evidence, mutant, tier))
    except RequestError as error:  # of an implementation that cannot be loaded
        finding.not_run = str(error)
    except Exception as error:
        finding.error = f"{type(error).__name__}: {error}"
    finding.check_seconds = round(time.perf_counter() - started_s, 2)
    return finding


def _check(suite: Suite, finding: DiagnosisFinding, path: Path | None) -> None:
    """Judge all tasks and fill the finding in."""
    suite.load()
    cases = None if path is None else judged_cases.read(path)
    if cases is not None:
        cases.restore(suite, finding.name)
    else:
        for _ in suite:
            pass
    suite.finish()
    if path is not None and cases is None:
        judged_cases.write(path, JudgedCases.of(suite, finding.name))
    if suite.internal_errors:
        raise RuntimeError("; ".join(suite.internal_errors))
    statuses = {record.spec for record in suite.recorder.records if record.status in (*FAULTS, *STRICTNESS_FAULTS)}
    finding.failing, finding.has_failed = len(statuses), bool(statuses)
    finding.seconds, finding.cpu_seconds = suite.diagnoses.seconds.get(finding.name, (0.0, 0.0))
    _add_causes(
        finding,
        suite.diagnoses.findings.get(finding.name),
        specs_that_count(suite.recorder.records, is_faulty=finding.faulty),
    )
    if finding.has_failed:
        samples = suite.diagnoses.samples(finding.name)
        finding.has_candidate = finding.is_right_first or has_candidate(samples, finding.kinds)
    terminal: Any = RecordingTerminal()
    show_summary(suite, terminal)
    finding.text = terminal.lines


def specs_that_count(records: Iterable[SpecRecord], *, is_faulty: bool) -> set[str]:
    """Return the ids of the specs whose causes count: the required ones that failed, or all if a mutant fails none.

    What fails a recommended spec alone may be the framework on which a mutant rests: torch flushes subnormal numbers of
    bfloat16 on some processors.
    """
    failed = [record for record in records if record.status in (*FAULTS, *STRICTNESS_FAULTS)]
    required = {record.spec for record in failed if record.level == "required"}
    return required if required or not is_faulty else {record.spec for record in failed}


def _add_causes(finding: DiagnosisFinding, findings: Findings | None, counting: set[str]) -> None:
    if findings is None:
        return
    finding.unexplained, finding.remark = findings.unexplained, findings.remark
    finding.causes = [
        NamedCause(cause.mechanism, cause.kind, cause.sentence, cause.region, len(cause.specs), cause.cases)
        for cause in findings.causes
        if counting.intersection(cause.specs)
    ]


def has_candidate(samples: Sequence[Sample], kinds: Iterable[str]) -> bool:
    """Return True if a mechanism, or a property of faults, of one of the kinds has a meaning for a failing sample.

    The population of a figure is defined by it: mutants whose fault the library claims to know. It does not matter if
    the mechanism predicts what the mutant does.
    """
    failing = [sample for sample in samples if sample.fault is not None]
    accepted = set(kinds)
    properties = filter(None, map(observed, failing))
    if any(property.kind in accepted for property in properties):
        return True
    plain = [sample for sample in failing if sample.is_plain]
    candidates = [each for each in library(samples) if each.kind in accepted] if plain else []
    return any(_applies(each, sample) for each in candidates for sample in plain[:MAX_TRIED])


def _applies(mechanism: Mechanism, sample: Sample) -> bool:
    try:
        changed = mechanism.change(sample.plan, sample)
    except Exception:  # a mechanism that fails claims nothing
        return False
    return changed is not None and changed is not sample.plan
