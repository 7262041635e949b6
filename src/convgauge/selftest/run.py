"""``convgauge selftest``: the suite is run on every faulty implementation of the zoo, and must catch each.

The kill matrix says which spec caught which fault. A fault that survives and a sound implementation that is accused
are failures of the suite. So is, less gravely, a spec that catches nothing: it is listed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import itertools
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from convgauge.bundled import bundled
from convgauge.conformance import judge as judging
from convgauge.conformance.judge import Setting, Skip
from convgauge.conformance.session import Session, Target
from convgauge.conformance.spec import TIERS, Spec
from convgauge.environment import cores
from convgauge.problem import Problem
from convgauge.process.isolation import Limits
from convgauge.reference import memo, oracle
from convgauge.reference.operands import Operands, draw
from convgauge.registry import LoadError
from convgauge.results import FAULTS
from convgauge.selftest import kill_matrix
from convgauge.selftest.kill_matrix import Finding, Matrix
from convgauge.selftest.mutants import Exhibit, exhibits
from convgauge.worker.server import die_with_parent
from convgauge.worker.subject import Call

SMOKE = Problem.parse("n2c3h8w8_o4k3x3_s1x1_p1x1_d1x1_g1_b_float32")
"""What most people test: one float32 problem, 3x3, stride 1, padding 1, with a tolerance of 1e-3."""
DEATHS = 3  # of its process, after which a fault's run ends: it is caught

Test = Callable[[Any], None]


def selftest(tier: str, output: Path | None, k: str, first: bool = False, resume: Path | None = None) -> int:
    """Run the suite on the zoo, print and write the kill matrix; 1 where a fault survives or a sound one is accused.

    ``output`` is written anew after each exhibit. ``resume`` is such a file: what it says of exhibits that have not
    changed is taken from it. Raises `Damaged`, `OSError` where it cannot be.
    """
    if tier not in TIERS:
        print(f"convgauge: tier {tier!r} is not one of {', '.join(TIERS)}", file=sys.stderr)
        return 4
    chosen = [one for one in exhibits() if k in one.name or k == one.path.stem]
    if not chosen:
        print(f"convgauge: no exhibit of the zoo has {k!r} in its name", file=sys.stderr)
        return 5
    before = None if resume is None else kill_matrix.read(resume)
    if before is not None and (before.tier != tier or before.ended_early != first):
        print(f"convgauge: {resume} was made at another tier, or with and not without -x", file=sys.stderr)
        return 4
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
    return 0 if all(one.good for one in matrix.findings) else 1


def write(matrix: Matrix, output: Path) -> None:
    """Write the matrix, so that there is always a whole file."""
    output.parent.mkdir(parents=True, exist_ok=True)
    beside = output.with_name(f"{output.name}.part")
    beside.write_text(json.dumps(matrix.table(), indent=1) + "\n", encoding="utf-8")
    beside.replace(output)


def run(
    chosen: list[Exhibit],
    tier: str,
    *,
    first: bool = False,
    narrow: bool = False,
    jobs: int = 0,
    before: Matrix | None = None,
    progress: Callable[[Finding, Matrix], None] | None = None,
) -> Matrix:
    """Judge each exhibit, ``jobs`` at once (as many as there are cores by default).

    ``first`` ends a fault's run at the first spec that catches it, those that should catch it first; ``narrow`` runs
    no other specs than those on a fault. The matrix is then not whole. What ``before`` says of an exhibit that has not
    changed since is taken over. ``progress`` is told each finding, and given the matrix so far.
    """
    jobs = jobs or cores()
    prints = {one.name: fingerprint(one) for one in chosen}
    findings = {one.name: one for one in (before.findings if before else []) if one.fingerprint == prints.get(one.name)}
    specs: dict[str, str] = dict(before.specs) if before else {}
    kept = {spec.id: spec.kept for spec, _ in collected() if spec.kept}

    def matrix() -> Matrix:
        found = [findings[one.name] for one in chosen if one.name in findings]
        whole = len(found) == len(chosen) and not (first or narrow)
        return Matrix(tier, found, dict(sorted(specs.items())), whole, kept, ended_early=first)

    # a pool's workers go on with what is queued when their parent has been killed, and then wait for ever
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=die_with_parent) as pool:
        pending = {pool.submit(examine, one, tier, first, narrow) for one in chosen if one.name not in findings}
        for done in as_completed(pending):
            finding, run_specs = done.result()
            finding.fingerprint = prints[finding.name]
            findings[finding.name] = finding
            specs.update(run_specs)
            if progress is not None:
                progress(finding, matrix())
    return matrix()


def fingerprint(exhibit: Exhibit) -> str:
    """A digest of the exhibit's file, of what its folder's files share and of the specification."""
    paths = [exhibit.path, *sorted(exhibit.path.parent.glob("_*.py")), *sorted(bundled("conformance").glob("*.py"))]
    return hashlib.blake2b(b"\0".join(path.read_bytes() for path in paths), digest_size=8).hexdigest()


def examine(exhibit: Exhibit, tier: str, first: bool = False, narrow: bool = False) -> tuple[Finding, dict[str, str]]:
    """Judge one exhibit in a child process of its own; what was found and the specs that were run."""
    judging.MOST_FAULTS = 1  # one is enough to know, and no counterexample is made smaller
    memo.remember()  # the next exhibit is put to the same cases
    started = time.perf_counter()
    setting = Setting(profile=exhibit.profile, tier=tier)
    session = Session([Target(exhibit.origin)], setting, Limits(exhibit.timeout), isolated=True, python="")
    due = TIERS.index(exhibit.tier) <= TIERS.index(tier)
    finding = Finding(exhibit.name, exhibit.faulty, smoke=False, due=due)
    specs: dict[str, str] = {}
    try:
        session.load()
        finding.smoke = smoke(session, exhibit)
        for spec, test in _ordered(exhibit):
            if _over(finding, session, exhibit, first):
                break
            if narrow and exhibit.faulty and not exhibit.expects(spec.chapter, spec.id):
                continue
            for name, dtype, device in session.due(spec):
                specs[spec.id] = spec.sentence
                _one(session, finding, spec, test, (name, dtype, device))
                if spec.id in finding.caught:
                    finding.expected |= exhibit.expects(spec.chapter, spec.id)
                    break
        finding.overlooked = [id for id in exhibit.noted_by if id not in finding.advised]
    except (LoadError, Exception) as error:
        finding.reason = f"{type(error).__name__}: {error}"
        if not finding.faulty:
            finding.caught["load"] = "errored"
    finally:
        session.close()
    finding.seconds = round(time.perf_counter() - started, 2)
    return finding, specs


def _over(finding: Finding, session: Session, exhibit: Exhibit, first: bool) -> bool:
    """Whether enough is known of a fault."""
    if not exhibit.faulty or not finding.caught:
        return False
    return first or session.deaths(exhibit.origin.name) >= DEATHS


def _one(session: Session, finding: Finding, spec: Spec, test: Test, due: tuple[str, str, str]) -> None:
    made = session.judge(spec, *due)
    made.minimizes = False
    try:
        test(made)
    except Skip:
        return
    except Exception as error:  # the spec's own, which says nothing of the exhibit
        finding.mistrusted.append(f"{spec.id} ({type(error).__name__}: {error})")
        return
    status, _ = session.settle(made, 0.0)
    finding.specs += 1
    finding.cases += made.judged
    if status == "mistrusted":  # a fault of the suite's, never a kill
        finding.mistrusted.append(spec.id)
    elif status in FAULTS:
        caught = finding.caught if spec.level == "required" else finding.advised
        caught.setdefault(spec.id, status)
        if not finding.reason or not finding.faulty:
            case, fault = made.faults[0] if made.faults else ("", None)
            finding.reason = f"{spec.id} {status}: {fault.message if fault else ''} [{case}]"


def smoke(session: Session, exhibit: Exhibit) -> bool:
    """Whether an exhibit passes the usual smoke test: ``allclose(rtol=1e-3, atol=1e-3)`` on one problem."""
    drawn = draw(SMOKE, "gaussian")
    assert drawn.bias is not None
    scale = np.float32(0.1)  # about as layers are initialised
    operands = Operands(drawn.input, drawn.weight * scale, drawn.bias * scale)
    call = Call(operands.input, operands.weight, operands.bias, {"stride": 1, "padding": 1})
    expected = oracle.answer(SMOKE, operands)
    runner = session._subject(exhibit.origin.name)
    seen = next(iter(runner.stream([(None, call)])))[1]
    if seen.output is None or seen.output.shape != expected.shape:
        return False
    return bool(np.allclose(seen.output, expected, rtol=1e-3, atol=1e-3))


# --- the specification's tests, without pytest -----------------------------------------------------------------------

_collected: list[tuple[Spec, Test]] = []


def collected() -> list[tuple[Spec, Test]]:
    """Every spec with its test function, in the order of chapters and lines."""
    if not _collected:
        for path in sorted(bundled("conformance").glob("test_*.py")):
            module = _imported(path)
            tests = [value for value in vars(module).values() if hasattr(value, "spec") and callable(value)]
            _collected.extend((test.spec, test) for test in tests if test.spec.chapter == path.stem[5:])
    return _collected


def _imported(path: Path) -> Any:
    name = f"convgauge._chapters.{path.stem}"
    found = importlib.util.spec_from_file_location(name, path)
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    found.loader.exec_module(module)
    return module


def _ordered(exhibit: Exhibit) -> Iterable[tuple[Spec, Test]]:
    """The specs that should catch a fault first."""
    return sorted(collected(), key=lambda one: not exhibit.expects(one[0].chapter, one[0].id))


# --- what is printed -------------------------------------------------------------------------------------------------


def _progress(finding: Finding) -> None:
    if finding.good and (finding.smoke or not finding.faulty):
        print("." if finding.faulty else "s", end="", flush=True)
    else:
        word = "survives" if finding.faulty and not finding.caught else "accused" if not finding.faulty else "no smoke"
        word = f"{', '.join(finding.overlooked)} says nothing of it" if finding.overlooked else word
        word = f"mistrusted {', '.join(finding.mistrusted)}" if finding.mistrusted else word
        print(f"\n{finding.name}: {word} ({finding.specs} specs, {finding.cases} cases) {finding.reason}", flush=True)


def _show(matrix: Matrix, elapsed: float) -> None:
    faults = [one for one in matrix.findings if one.faulty]
    sound = [one for one in matrix.findings if not one.faulty]
    print("\n\nspec                                               catches  alone")
    for id in matrix.specs:
        caught = sum(id in one.caught for one in faults)
        alone = matrix.sole.get(id, [])
        print(f"{id:50} {caught:7}  {', '.join(alone[:4])}{' …' * (len(alone) > 4)}")
    print(f"\nspecs that catch nothing ({len(matrix.idle)}): {', '.join(matrix.idle) or 'none'}")
    for id in matrix.idle:
        print(f"  {id}: {matrix.kept.get(id, 'does not say why it is kept')}")
    for line in itertools.chain(_lines("survives", matrix.survivors), _lines("accused", matrix.accused)):
        print(line)
    smoke = sum(one.smoke for one in faults)
    if matrix.later:
        print(f"not caught, and not due below the standard tier: {', '.join(one.name for one in matrix.later)}")
    caught = sum(bool(one.caught) for one in faults)
    print(
        f"{caught} of {len(faults)} faults caught at {matrix.tier} ({smoke} of them pass"
        f" the smoke test); {len(matrix.accused)} of {len(sound)} sound ones accused;"
        f" {sum(one.cases for one in matrix.findings)} cases in {elapsed:.0f} s"
    )


def _lines(word: str, findings: list[Finding]) -> Iterator[str]:
    for one in findings:
        yield f"{word}: {one.name} ({one.reason or f'{one.specs} specs, {one.cases} cases'})"
