"""``convgauge selftest``: run the specification on every mutant, which it must kill, and on every correct build.

The kill matrix records the specs that kill each mutant. A mutant that survives, or that is killed by none of the specs
that it names, is a failure of the suite, and so is a correct build that fails. A spec that kills nothing is listed.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from convgauge.bundled import bundled
from convgauge.conformance.collection import collect_specs
from convgauge.conformance.selection import Task
from convgauge.conformance.setting import Setting
from convgauge.conformance.suite import Suite
from convgauge.conformance.targets import Target
from convgauge.environment import cores
from convgauge.problem import Problem
from convgauge.reference import memo, oracle
from convgauge.reference.operands import Operands, draw
from convgauge.registry import LoadError
from convgauge.request import CheckRequest
from convgauge.selftest import kill_matrix
from convgauge.selftest.kill_matrix import Finding, Matrix
from convgauge.selftest.mutants import Mutant, by_spec, mutants
from convgauge.terms import FAULTS, TIERS, ExitStatus, Tier
from convgauge.worker.call import Call
from convgauge.worker.server import die_with_parent

SMOKE = Problem.parse("n2c3h8w8_o4k3x3_s1x1_p1x1_d1x1_g1_b_float32")
"""Problem of the usual smoke test: float32, 3x3, stride 1, padding 1, with a tolerance of 1e-3."""
MAX_MUTANT_DEATHS = 3  # of its process, after which a mutant's run ends: it is killed
ONE_FAULT_KILLS = Setting(max_faults=1, minimizes=False)


def selftest(tier: Tier, output: Path | None, k: str, first: bool = False, resume: Path | None = None) -> int:
    """Run the specification on the mutants, print and write the kill matrix; return the exit status.

    The status is 1 if a finding is not as declared. ``output`` is rewritten after each mutant. ``resume`` is such a
    file: the findings of mutants that have not changed are taken from it. Raises `DamagedFileError` or `OSError`.
    """
    if tier not in TIERS:
        print(f"convgauge: tier {tier!r} is not one of {', '.join(TIERS)}", file=sys.stderr)
        return ExitStatus.USAGE_ERROR
    chosen = [mutant for mutant in mutants() if k in mutant.name or k == mutant.path.stem]
    if not chosen:
        print(f"convgauge: no mutant has {k!r} in its name", file=sys.stderr)
        return ExitStatus.NOTHING_EXECUTED
    before = None if resume is None else kill_matrix.read(resume)
    if before is not None and (before.tier != tier or before.first_kill_only != first):
        print(f"convgauge: {resume} was written at another tier, or with a different use of -x", file=sys.stderr)
        return ExitStatus.USAGE_ERROR
    started = time.perf_counter()

    def progress(finding: Finding, matrix: Matrix) -> None:
        _progress(finding)
        if output is not None:
            write(matrix, output)

    matrix = run(chosen, tier, first=first, before=before, progress=progress)
    _show(matrix, time.perf_counter() - started)
    if output is not None:
        write(matrix, output)
        print(f"wrote {output}")
    return 0 if all(finding.is_expected for finding in matrix.findings) else 1


def write(matrix: Matrix, output: Path) -> None:
    """Write the matrix by replacing the file, so that it is complete at every moment."""
    output.parent.mkdir(parents=True, exist_ok=True)
    beside = output.with_name(f"{output.name}.part")
    beside.write_text(json.dumps(matrix.table(), indent=1) + "\n", encoding="utf-8")
    beside.replace(output)


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
    only those that it names. The matrix is then not complete. Findings of ``before`` are taken over for mutants that
    have not changed. ``progress`` is called with each finding and the matrix so far. Raises `ValueError` for a mutant
    that names a spec that does not exist.
    """
    by_spec(chosen, [spec for spec, _ in collect_specs()])
    jobs = jobs or cores()
    prints = {mutant.name: fingerprint(mutant) for mutant in chosen}
    earlier = before.findings if before else []
    findings = {finding.name: finding for finding in earlier if finding.fingerprint == prints.get(finding.name)}
    specs: dict[str, str] = dict(before.specs) if before else {}
    reasons = {spec.id: spec.no_mutant_because for spec, _ in collect_specs() if spec.no_mutant_because}

    def matrix() -> Matrix:
        judged = [findings[mutant.name] for mutant in chosen if mutant.name in findings]
        complete = len(judged) == len(chosen) and not (first or narrow)
        return Matrix(tier, judged, dict(sorted(specs.items())), complete, reasons, first_kill_only=first)

    # without it, a pool's workers outlive a parent that is killed: they finish what is queued and wait forever
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=die_with_parent) as pool:
        pending = {
            pool.submit(examine, mutant, tier, first, narrow) for mutant in chosen if mutant.name not in findings
        }
        for done in as_completed(pending):
            finding, run_specs = done.result()
            finding.fingerprint = prints[finding.name]
            findings[finding.name] = finding
            specs.update(run_specs)
            if progress is not None:
                progress(finding, matrix())
    return matrix()


def fingerprint(mutant: Mutant) -> str:
    """Return a digest of the mutant's files and of the specification."""
    paths = [*mutant.sources, *sorted(bundled("conformance").glob("*.py"))]
    return hashlib.blake2b(b"\0".join(path.read_bytes() for path in paths), digest_size=8).hexdigest()


def examine(mutant: Mutant, tier: Tier, first: bool = False, narrow: bool = False) -> tuple[Finding, dict[str, str]]:
    """Judge a mutant in a child process of its own; return the finding and the sentences of the specs that ran."""
    memo.enable()  # the next mutant is given the same cases
    started = time.perf_counter()
    due = TIERS.index(mutant.tier) <= TIERS.index(tier)
    finding = Finding(mutant.name, mutant.faulty, smoke=False, due=due)
    specs: dict[str, str] = {}
    request = CheckRequest(profile=mutant.profile, tier=tier, timeout_s=mutant.timeout, jobs=1)
    try:
        with Suite(request, [Target(mutant.origin)], setting=ONE_FAULT_KILLS) as suite:
            suite.load()
            finding.smoke = smoke(suite, mutant)
            for task in _tasks(suite, mutant, narrow):
                if _is_over(finding, suite, mutant, first):
                    break
                if task.spec.id not in finding.killed_by:
                    specs[task.spec.id] = task.spec.sentence
                    _judge(suite, finding, task)
        _compare_with_declaration(finding, mutant, specs)
    except (LoadError, Exception) as error:
        finding.reason = f"{type(error).__name__}: {error}"
        if not finding.faulty:
            finding.killed_by["load"] = "errored"
    finding.seconds = round(time.perf_counter() - started, 2)
    return finding, specs


def _tasks(suite: Suite, mutant: Mutant, narrow: bool) -> list[Task]:
    """Return the tasks of a mutant, those of the specs that it names first; only these for a faulty one if ``narrow``.

    A correct build is always judged by all specs.
    """
    tasks = sorted(suite.tasks(), key=lambda task: not mutant.names(task.spec.id))
    return [task for task in tasks if not (narrow and mutant.faulty) or mutant.names(task.spec.id)]


def _is_over(finding: Finding, suite: Suite, mutant: Mutant, first: bool) -> bool:
    """Return True if no more specs are needed on a mutant."""
    if not mutant.faulty or not finding.killed_by:
        return False
    return first or suite.pool.deaths(mutant.origin.name) >= MAX_MUTANT_DEATHS


def _compare_with_declaration(finding: Finding, mutant: Mutant, specs: Iterable[str]) -> None:
    """Record in a finding how the specs that a mutant names did, of those that were run."""
    finding.killed_as_named = any(mutant.names(id) for id in finding.killed_by)
    failed = {**finding.killed_by, **finding.advised_by}
    named = [*(mutant.killed_by if finding.due else ()), *mutant.advised_by]
    finding.unconfirmed = [id for id in named if id in specs and id not in failed]


def _judge(suite: Suite, finding: Finding, task: Task) -> None:
    """Judge one task and add its result to the finding."""
    try:
        result = suite.result(task)
    except LoadError:
        raise
    except Exception as error:  # of the spec itself, which proves nothing about the mutant
        finding.vacuous.append(f"{task.spec.id} ({type(error).__name__}: {error})")
        return
    judge, status = result.judge, result.record.status
    if not result.is_applicable:
        return
    finding.specs += 1
    finding.cases += judge.tally.judged
    if status == "vacuous":  # a fault of the suite, never a kill
        finding.vacuous.append(task.spec.id)
    elif status in FAULTS:
        statuses = finding.killed_by if task.spec.level == "required" else finding.advised_by
        statuses.setdefault(task.spec.id, status)
        if not finding.reason or not finding.faulty:
            case, fault = judge.tally.faults[0] if judge.tally.faults else ("", None)
            finding.reason = f"{task.spec.id} {status}: {fault.message if fault else ''} [{case}]"


def smoke(suite: Suite, mutant: Mutant) -> bool:
    """Return True if a mutant passes the usual smoke test: ``allclose(rtol=1e-3, atol=1e-3)`` on one problem."""
    drawn = draw(SMOKE, "gaussian")
    assert drawn.bias is not None
    scale = np.float32(0.1)  # about as layers are initialised
    operands = Operands(drawn.input, drawn.weight * scale, drawn.bias * scale)
    call = Call(operands.input, operands.weight, operands.bias, {"stride": 1, "padding": 1})
    expected = oracle.answer(SMOKE, operands)
    observation = suite.pool.subject(mutant.origin.name).observe(call)
    if observation.output is None or observation.output.shape != expected.shape:
        return False
    return bool(np.allclose(observation.output, expected, rtol=1e-3, atol=1e-3))


# --- output ----------------------------------------------------------------------------------------------------------


def _progress(finding: Finding) -> None:
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


def _show(matrix: Matrix, elapsed: float) -> None:
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
