"""Text of the test of the diagnosis for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from convgauge.selftest.diagnoses.finding import DiagnosisFinding
from convgauge.selftest.diagnoses.table import DiagnosisTable, Figure


def print_progress(finding: DiagnosisFinding, *, prints_text: bool = False) -> None:
    """Print a mark for a right diagnosis, and a line for another one."""
    if finding.is_judged and _is_right(finding) and not prints_text:
        print("." if finding.faulty else "c", end="", flush=True)
        return
    print(f"\n{outcome(finding)}", flush=True)
    if prints_text:
        print("\n".join(f"    {line}" for line in finding.text), flush=True)


def _is_right(finding: DiagnosisFinding) -> bool:
    if not finding.faulty:
        return not finding.causes and not finding.error
    return finding.is_right_first and finding.has_one_cause


def outcome(finding: DiagnosisFinding) -> str:
    """Return the line of a finding: what should be named, and what is."""
    return f"{finding.name} ({' or '.join(finding.kinds) or 'correct'}): {named_text(finding)}"


def named_text(finding: DiagnosisFinding) -> str:
    """Return what is named for a mutant: its causes, or the reason why there is none."""
    if finding.not_run or finding.error:
        return (finding.not_run or finding.error).partition("\n")[0]
    if not finding.has_failed:
        return "no spec fails" + ("" if finding.due else ", and none is due below the standard tier")
    specs = f"{finding.unexplained} of {finding.failing} failing specs unexplained"
    causes = [*map(str, finding.causes), finding.remark]
    named = "; ".join(filter(None, causes)) or "no cause"
    candidate = "" if finding.is_right_first or finding.has_candidate else "; no candidate in the library"
    return f"{named}; {specs}{candidate}"


def print_table(table: DiagnosisTable, elapsed_s: float) -> None:
    """Print the mutants that are misdiagnosed, and the figures beside what must be reached."""
    print("\n")
    for title, findings in (("misdiagnosed", table.misdiagnosed), ("not counted", table.unjudged)):
        if findings:
            print(f"{title} ({len(findings)}):")
            print("\n".join(f"  {outcome(finding)}" for finding in findings) + "\n")
    for line in figure_lines(table.figures):
        print(line)
    print(f"{len(table.mutants)} mutants and {len(table.correct)} correct builds at {table.tier} in {elapsed_s:.0f} s")


def figure_lines(figures: list[Figure]) -> Iterator[str]:
    """Yield the lines of a table of figures."""
    yield f"{'figure':54} {'measured':>22}  to reach"
    for figure in figures:
        mark = "" if figure.is_reached or figure.value is None else "  not reached"
        yield f"{figure.label:54} {figure.measured_text:>22}  {figure.limit_text}{mark}"
