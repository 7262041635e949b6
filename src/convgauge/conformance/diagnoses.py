"""Diagnoses of the implementations of a run: their evidence, what was found, and the time that it took."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from time import perf_counter, process_time

from convgauge.conformance.diagnose import Findings, diagnose
from convgauge.conformance.evidence import Evidence
from convgauge.diagnosis.explain import Ask
from convgauge.diagnosis.sample import Sample
from convgauge.results import SpecRecord


class Diagnoses:
    """Diagnoses of some implementations.

    Parameters
    ----------
    names : iterable of str
        Names of the implementations.

    Attributes
    ----------
    evidence : dict
        Judged cases by implementation.
    findings : dict
        Last findings of the implementations that failed, by name.
    seconds : dict
        Seconds, and seconds of this process's CPU time, that the last diagnosis of each took.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.evidence = {name: Evidence() for name in names}
        self.findings: dict[str, Findings] = {}
        self.seconds: dict[str, tuple[float, float]] = {}

    def diagnose(self, name: str, records: Sequence[SpecRecord], ask: Ask) -> Findings | None:
        """Return the findings of an implementation, from its cases so far; None if nothing failed.

        Parameters
        ----------
        name
            Name of the implementation.
        records
            Records of the run.
        ask
            Function that makes further calls.
        """
        started_s, started_cpu_s = perf_counter(), process_time()
        try:
            records = [record for record in records if record.implementation == name]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # plans of faulty kernels overflow, and average nothing
                findings = diagnose(name, self.evidence[name], records, ask)
        finally:
            self.seconds[name] = (perf_counter() - started_s, process_time() - started_cpu_s)
        if findings is not None:
            self.findings[name] = findings
        return findings

    def samples(self, name: str) -> list[Sample]:
        """Return the judged cases of an implementation that are kept."""
        return self.evidence[name].samples()
