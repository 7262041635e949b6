"""``convgauge selftest``: run the specification on every mutant, which it must kill, and on every correct build.

The kill matrix records the specs that kill each mutant. A mutant that survives, or that is killed by none of the specs
that it names, is a failure of the suite, and so is a correct build that fails. A spec that kills nothing is listed.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from convgauge.bundled import bundled
from convgauge.conformance.collection import collect_specs
from convgauge.environment import cores
from convgauge.selftest import kill_matrix
from convgauge.selftest.examination import examine
from convgauge.selftest.kill_matrix import Finding, Matrix
from convgauge.selftest.mutants import Mutant, by_spec, select
from convgauge.selftest.temporary_folder import temporary_folder
from convgauge.selftest.terminal import print_matrix, print_progress
from convgauge.terms import TIERS, ExitStatus, Tier
from convgauge.worker.server import die_with_parent


def selftest(
    tier: Tier,
    output: Path | None,
    words: Sequence[str] = (),
    first: bool = False,
    resume: Path | None = None,
    jobs: int = 0,
) -> int:
    """Run the specification on the mutants, print and write the kill matrix; return the exit status.

    The status is 1 if a finding is not as declared. ``output`` is rewritten after each mutant. ``resume`` is such a
    file: the findings of mutants that have not changed are taken from it. Raises `DamagedFileError` or `OSError`.
    """
    if tier not in TIERS:
        print(f"convgauge: tier {tier!r} is not one of {', '.join(TIERS)}", file=sys.stderr)
        return ExitStatus.USAGE_ERROR
    chosen = select(words)
    if not chosen:
        print(f"convgauge: no mutant has {' or '.join(map(repr, words))} in its name", file=sys.stderr)
        return ExitStatus.NOTHING_EXECUTED
    before = None if resume is None else kill_matrix.read(resume)
    if before is not None and (before.tier != tier or before.first_kill_only != first):
        print(f"convgauge: {resume} was written at another tier, or with a different use of -x", file=sys.stderr)
        return ExitStatus.USAGE_ERROR
    started = time.perf_counter()

    def progress(finding: Finding, matrix: Matrix) -> None:
        print_progress(finding)
        if output is not None:
            write(matrix, output)

    matrix = run(chosen, tier, first=first, jobs=jobs, before=before, progress=progress)
    print_matrix(matrix, time.perf_counter() - started)
    if output is not None:
        write(matrix, output)
        print(f"wrote {output}")
    return 0 if all(finding.is_expected for finding in matrix.findings) else 1


def write(matrix: Matrix, output: Path) -> None:
    """Write the matrix by replacing the file, so that it is complete at every moment."""
    output.parent.mkdir(parents=True, exist_ok=True)
    partial = output.with_name(f"{output.name}.part")
    partial.write_text(json.dumps(matrix.table(), indent=1) + "\n", encoding="utf-8")
    partial.replace(output)


def run(
    chosen: list[Mutant],
    tier: Tier,
    *,
    first: bool = False,
    narrow: bool = False,
    jobs: int = 0,
    before: Matrix | None = None,
    progress: Callable[[Finding, Matrix], None] | None = None,
) -> Matrix:
    """Return the findings of the mutants, ``jobs`` of which are judged at once (by default one per core).

    ``first`` ends a mutant's run at the first spec that kills it, beginning with those that it names; ``narrow`` runs
    only those that it names, and a share of the specs on a correct build. The matrix is then not complete. Findings of
    ``before`` are taken over for mutants that have not changed. ``progress`` is called with each finding and the matrix
    so far. Raises `ValueError` for a mutant that names a spec that does not exist.
    """
    by_spec(chosen, [spec for spec, _ in collect_specs()])
    jobs = jobs or cores()
    fingerprints = {mutant.name: fingerprint(mutant) for mutant in chosen}
    earlier = before.findings if before else []
    findings = {finding.name: finding for finding in earlier if finding.fingerprint == fingerprints.get(finding.name)}
    specs: dict[str, str] = dict(before.specs) if before else {}
    reasons = {spec.id: spec.no_mutant_because for spec, _ in collect_specs() if spec.no_mutant_because}

    def matrix() -> Matrix:
        judged = [findings[mutant.name] for mutant in chosen if mutant.name in findings]
        complete = len(judged) == len(chosen) and not (first or narrow)
        return Matrix(tier, judged, dict(sorted(specs.items())), complete, reasons, first_kill_only=first)

    pending = [mutant for mutant in chosen if mutant.name not in findings]
    for finding, run_specs in _examined(pending, tier, jobs, first=first, narrow=narrow):
        finding.fingerprint = fingerprints[finding.name]
        findings[finding.name] = finding
        specs.update(run_specs)
        if progress is not None:
            progress(finding, matrix())
    return matrix()


def _examined(
    pending: Iterable[Mutant], tier: Tier, jobs: int, *, first: bool, narrow: bool
) -> Iterator[tuple[Finding, dict[str, str]]]:
    """Yield the findings of mutants as they become known, with the sentences of the specs that ran."""
    with temporary_folder():
        # without the initializer, workers outlive a parent that is killed: they finish what is queued and wait forever
        pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=die_with_parent)
        try:
            for done in as_completed({pool.submit(examine, mutant, tier, first, narrow) for mutant in pending}):
                yield done.result()
        finally:
            pool.shutdown(cancel_futures=True)  # an interrupt waits for the mutants in progress, not for all


def fingerprint(mutant: Mutant) -> str:
    """Return a digest of the mutant's files and of the specification."""
    paths = [*mutant.sources, *sorted(bundled("conformance").glob("*.py"))]
    return hashlib.blake2b(b"\0".join(path.read_bytes() for path in paths), digest_size=8).hexdigest()
