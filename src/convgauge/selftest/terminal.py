"""Text of the self-test for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from convgauge.selftest.kill_matrix import Finding, Matrix


def print_progress(finding: Finding) -> None:
    """Print a mark for a finding as declared, or a line for another one."""
    if finding.is_expected and (finding.smoke or not finding.faulty):
        print("." if finding.faulty else "c", end="", flush=True)
        return
    counts = f"{finding.specs} specs, {finding.cases} cases"
    print(f"\n{finding.name}: {_problem(finding)} ({counts}) {finding.reason}", flush=True)


def _problem(finding: Finding) -> str:
    """Return what differs from the declaration of a mutant or a correct build."""
    if finding.vacuous:
        return f"vacuous {', '.join(finding.vacuous)}"
    if finding.faulty and not finding.killed_by:
        return "survives"
    if finding.faulty and not finding.killed_as_named and finding.due:
        return f"killed, but not by {', '.join(finding.unconfirmed) or 'a spec that it names'}"
    if finding.faulty:
        return "fails the smoke test"
    return "fails" if finding.killed_by else f"not reported by {', '.join(finding.unconfirmed)}"


def print_matrix(matrix: Matrix, elapsed: float) -> None:
    """Print the kills of each spec, the findings that are not as declared, and counts; ``elapsed`` is in seconds."""
    print("\n\nspec                                               kills  alone")
    for id, names in matrix.kills.items():
        alone = matrix.unique_kills.get(id, [])
        print(f"{id:50} {len(names):5}  {', '.join(alone[:4])}{' …' * (len(alone) > 4)}")
    print(f"\nspecs that kill nothing ({len(matrix.kills_nothing)}): {', '.join(matrix.kills_nothing) or 'none'}")
    for id in matrix.kills_nothing:
        print(f"  {id}: {matrix.no_mutant_because.get(id, 'no reason given')}")
    for line in _unexpected(matrix):
        print(line)
    smoke = sum(mutant.smoke for mutant in matrix.mutants)
    killed = sum(bool(mutant.killed_by) for mutant in matrix.mutants)
    print(
        f"{killed} of {len(matrix.mutants)} mutants killed at {matrix.tier} ({smoke} of them pass the smoke test);"
        f" {len(matrix.false_positives)} of {len(matrix.correct)} correct builds failed;"
        f" {sum(finding.cases for finding in matrix.findings)} cases in {elapsed:.0f} s"
    )


def _unexpected(matrix: Matrix) -> Iterator[str]:
    """Yield a line for each finding that differs from its declaration, and one for those that are not due."""
    for finding in matrix.findings:
        if not finding.is_expected:
            yield f"{_problem(finding)}: {finding.name} ({finding.reason or f'{finding.specs} specs'})"
        elif finding.killed_by and finding.unconfirmed:
            yield f"named but did not kill: {', '.join(finding.unconfirmed)} ({finding.name})"
    if matrix.not_due:
        yield f"not killed, and not due below the standard tier: {', '.join(mutant.name for mutant in matrix.not_due)}"
