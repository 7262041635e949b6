"""``convgauge selftest --diagnosis``: diagnose every mutant and every correct build, and print the figures."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

import convgauge
from convgauge.bundled import bundled
from convgauge.environment import cores
from convgauge.selftest.diagnoses import table as tables
from convgauge.selftest.diagnoses import terminal
from convgauge.selftest.diagnoses.examiner import Examiner
from convgauge.selftest.diagnoses.finding import DiagnosisFinding
from convgauge.selftest.diagnoses.table import DiagnosisTable
from convgauge.selftest.mutants import Mutant, mutants, select
from convgauge.selftest.temporary_folder import temporary_folder
from convgauge.terms import ExitStatus, Tier

Progress = Callable[[DiagnosisFinding, DiagnosisTable], None]

_ENGINE = ("diagnosis", "conformance", "reference", "selftest/diagnoses")
"""Packages of convgauge on which a diagnosis depends."""


def show(
    tier: Tier,
    names: Sequence[str] = (),
    *,
    output: Path | None = None,
    resume: Path | None = None,
    jobs: int = 0,
    prints_text: bool = False,
    evidence: Path | None = None,
) -> int:
    """Diagnose mutants, print the figures and the mutants that are misdiagnosed; return the exit status.

    Parameters
    ----------
    tier : Tier
        Tier of the checks.
    names : sequence of str
        Parts of names of mutants, or stems of their files; all mutants if empty.
    output : Path or None
        File that is rewritten after each mutant.
    resume : Path or None
        Such a file: findings are taken from it if nothing that they depend on has changed.
    jobs : int
        Mutants that are examined at once; by default one per core.
    prints_text : bool
        Print what a check of each mutant prints at its end.
    evidence : Path or None
        Folder of judged cases: those of a mutant are read from it, and are else judged and written there.

    Returns
    -------
    int
        0 if all figures are reached, 1 if one is not, 5 if no mutant has such a name.

    Raises
    ------
    DamagedFileError
        If ``resume`` is not such a file.
    OSError
        If a file cannot be read or written.
    """
    everything = mutants()
    chosen = select(names, everything)
    if not chosen:
        print(f"convgauge: no mutant has {' or '.join(map(repr, names))} in its name", file=sys.stderr)
        return ExitStatus.NOTHING_EXECUTED
    earlier = tables.read(resume).diagnoses if resume is not None else []
    started_s = time.perf_counter()

    def progress(finding: DiagnosisFinding, table: DiagnosisTable) -> None:
        terminal.print_progress(finding, prints_text=prints_text)
        if output is not None:
            write(table, output)

    table = diagnose_mutants(chosen, tier, jobs=jobs, earlier=earlier, progress=progress, evidence=evidence)
    table.complete = len(chosen) == len(everything)
    terminal.print_table(table, time.perf_counter() - started_s)
    if output is not None:
        write(table, output)
        print(f"wrote {output}")
    measured = [figure for figure in table.figures if table.complete or figure.value is not None]
    return int(not all(figure.is_reached for figure in measured))


def diagnose_mutants(
    chosen: Sequence[Mutant],
    tier: Tier,
    *,
    jobs: int = 0,
    earlier: Sequence[DiagnosisFinding] = (),
    progress: Progress | None = None,
    evidence: Path | None = None,
) -> DiagnosisTable:
    """Return the table of the mutants, of which ``jobs`` are examined at once.

    Findings of ``earlier`` are taken over if nothing that they depend on has changed. ``progress`` is called with each
    new finding and the table so far. ``evidence`` is a folder of judged cases.
    """
    fingerprints = {mutant.name: fingerprint(mutant, tier) for mutant in chosen}
    findings = {finding.name: finding for finding in earlier if finding.fingerprint == fingerprints.get(finding.name)}

    def table() -> DiagnosisTable:
        return DiagnosisTable(tier, [findings[each.name] for each in chosen if each.name in findings], complete=False)

    pending = [mutant for mutant in chosen if mutant.name not in findings]
    for finding in _examined(pending, tier, jobs or cores(), evidence):
        finding.fingerprint = fingerprints[finding.name]
        findings[finding.name] = finding
        if progress is not None:
            progress(finding, table())
    return table()


def _examined(pending: Sequence[Mutant], tier: Tier, jobs: int, evidence: Path | None) -> Iterator[DiagnosisFinding]:
    """Yield the findings of mutants as they become known."""
    with temporary_folder(), _examiners(jobs, evidence) as idle, ThreadPoolExecutor(jobs) as pool:

        def examine(mutant: Mutant) -> DiagnosisFinding:
            examiner = idle.get()
            try:
                return examiner.examine(mutant, tier)
            finally:
                idle.put(examiner)

        try:
            for done in as_completed([pool.submit(examine, mutant) for mutant in pending]):
                yield done.result()
        finally:
            pool.shutdown(cancel_futures=True)  # an interrupt waits for the mutants in progress, not for all


@contextmanager
def _examiners(jobs: int, evidence: Path | None) -> Iterator[SimpleQueue[Examiner]]:
    """Make processes available, and end them afterwards."""
    examiners = [Examiner(evidence=evidence) for _ in range(jobs)]
    idle: SimpleQueue[Examiner] = SimpleQueue()
    for examiner in examiners:
        idle.put(examiner)
    try:
        yield idle
    finally:
        for examiner in examiners:
            examiner.close()


def fingerprint(mutant: Mutant, tier: Tier) -> str:
    """Return a digest of the mutant's files, the specification, and the modules that diagnose."""
    package = Path(convgauge.__file__).parent
    engine = [path for folder in _ENGINE for path in sorted((package / folder).rglob("*.py"))]
    paths = [*mutant.sources, *sorted(bundled("conformance").glob("*.py")), *engine]
    content = b"\0".join([tier.encode(), *(path.read_bytes() for path in paths)])
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def write(table: DiagnosisTable, output: Path) -> None:
    """Write the table by replacing the file, so that it is complete at every moment."""
    output.parent.mkdir(parents=True, exist_ok=True)
    partial = output.with_name(f"{output.name}.part")
    partial.write_text(json.dumps(table.content(), indent=1) + "\n", encoding="utf-8")
    partial.replace(output)
