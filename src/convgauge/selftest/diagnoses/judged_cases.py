"""Judged cases of a mutant in a file, so that a changed diagnosis is measured without judging them again."""

from __future__ import annotations

import gzip
import hashlib
import pickle
from dataclasses import dataclass, replace
from pathlib import Path

from convgauge.bundled import bundled
from convgauge.conformance.evidence import Evidence
from convgauge.conformance.suite import Suite
from convgauge.diagnosis.sample import Sample
from convgauge.results import ImplementationRecord, Record, SpecRecord
from convgauge.selftest.mutants import Mutant
from convgauge.terms import Tier


@dataclass(frozen=True)
class JudgedCases:
    """Cases and records of a mutant after a check.

    Attributes
    ----------
    samples : list of Sample
        Cases that are kept for the diagnosis.
    failed : int
        Number of failing cases.
    large : list of (str, dict)
        Spec and fields of the failing cases that are too large to be predicted.
    introduction : ImplementationRecord
        Description of the mutant, with what the check found out about it.
    records : list of SpecRecord
        Records of the specs.
    """

    samples: list[Sample]
    failed: int
    large: list[tuple[str, dict[str, object]]]
    introduction: ImplementationRecord
    records: list[SpecRecord]

    @classmethod
    def of(cls, suite: Suite, name: str) -> JudgedCases:
        """Return the cases of a suite that has judged all tasks of a mutant."""
        samples = [replace(sample) for sample in suite.diagnoses.samples(name)]  # without what a diagnosis has cached
        evidence, recorder = suite.diagnoses.evidence[name], suite.recorder
        return cls(samples, evidence.failed, evidence.large, recorder.introductions[name], list(recorder.records))

    def restore(self, suite: Suite, name: str) -> None:
        """Put the cases and the records into a suite that has judged no task."""
        suite.diagnoses.evidence[name] = _RestoredEvidence(self)
        records: list[Record] = [self.introduction, *self.records]
        for record in records:
            suite.recorder.write(record)


class _RestoredEvidence(Evidence):
    """Evidence that was read from a file."""

    def __init__(self, cases: JudgedCases) -> None:
        super().__init__()
        self.failed, self.large, self._samples = cases.failed, cases.large, cases.samples

    def samples(self) -> list[Sample]:
        """Return the samples."""
        return self._samples


def path_of(folder: Path, mutant: Mutant, tier: Tier) -> Path:
    """Return the file of a mutant's cases; its name changes with the mutant, the specification and the tier."""
    paths = [*mutant.sources, *sorted(bundled("conformance").glob("*.py"))]
    content = b"\0".join([tier.encode(), *(path.read_bytes() for path in paths)])
    return folder / f"{mutant.name}-{hashlib.blake2b(content, digest_size=8).hexdigest()}.pickle.gz"


def read(path: Path) -> JudgedCases | None:
    """Return the cases of a file; None if there is none, or if another version of convgauge wrote it."""
    try:
        with gzip.open(path) as file:
            cases = pickle.load(file)
    except (OSError, EOFError, pickle.UnpicklingError, AttributeError, ImportError, TypeError):
        return None
    return cases if isinstance(cases, JudgedCases) else None


def write(path: Path, cases: JudgedCases) -> None:
    """Write cases by replacing the file. Raises `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.part")
    with gzip.open(partial, "wb", compresslevel=1) as file:
        pickle.dump(cases, file, protocol=pickle.HIGHEST_PROTOCOL)
    partial.replace(path)
