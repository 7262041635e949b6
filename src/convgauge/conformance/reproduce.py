"""``convgauge reproduce``: one case, everything printed."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import numpy as np

from convgauge import registry
from convgauge.conformance.cases import Case
from convgauge.process.isolation import Limits, run
from convgauge.reference import accuracy, compare, oracle
from convgauge.reference.operands import draw
from convgauge.text import escape_controls
from convgauge.worker.call import Call

SHOWN = 8  # rows and columns of a plane that are printed


def reproduce(options: Any) -> int:
    """Run one case on one implementation with exact and with Gaussian operands and print all there is to see.

    Raises `ProblemError`, `TargetError`, `LoadError`. Returns 0 where both answers are right, 1 where one is not.
    """
    case = Case.parse(options.problem)
    (origin,) = registry.resolve(options.target[0], options.framework)[:1]
    limits, python = Limits(options.timeout, options.memory << 20), options.python or sys.executable
    subject = run(origin, limits, isolated=not options.no_isolation, python=python)
    subject.greet()
    said, problem = subject.description, case.problem
    version = said.versions.get(said.framework, "")
    print(f"{said.name} ({said.framework} {version}), promised grade {said.grade or 'none'}")
    print(f"problem   {problem}")
    print(f"output    {problem.output_shape}, {problem.reduction} products each, {problem.flops} FLOPs")
    families = [case.operands] if case.operands != "exact" else ["exact", "gaussian"]
    faults = [
        _one(subject, replace(case, operands=family, seed=case.seed or options.seed), options.device)
        for family in families
    ]
    subject.close()
    return 1 if any(faults) else 0


def _one(subject: Any, case: Case, device: str) -> bool:
    """Run and print one case; whether it is at fault."""
    promise = subject.description.grade
    headroom = 1.0 if promise == "A" else accuracy.integer_headroom(case.problem)
    operands = draw(case.problem, case.operands, case.seed, headroom)
    dtype = case.problem.dtype
    call = Call(operands.input, operands.weight, operands.bias, case.keywords(), (dtype,) * 3, case.layouts, device)
    ((_, seen),) = subject.stream([(None, call)])
    print(f"\noperands  {case.operands}, seed {case.seed}, layouts {'/'.join(case.layouts)}")
    print(f"call      {', '.join(f'{name}={value!r}' for name, value in case.keywords().items())}")
    if seen.kind == "declined":
        print(escape_controls(f"declined  {seen.message}"))
        return False
    fault = compare.outcome(seen, case.problem) or compare.check_form(
        seen.shape, seen.dtype, case.problem.output_shape, dtype
    )
    if fault is None and seen.side_effects:
        fault = compare.Fault("failed", f"the call {'; '.join(seen.side_effects)}")
    if fault is None:
        fault = _judged(case, operands, seen, promise)
    if seen.printed:
        print(escape_controls(f"printed   {seen.printed.strip()}"))
    print(escape_controls(f"verdict   {'right' if fault is None else fault.status + ': ' + fault.message}"))
    if fault is not None and fault.index:
        print(f"first at  {fault.index}: got {fault.got}, expected {fault.expected} (within {fault.bound})")
        _planes(fault, seen.output, oracle.answer(case.problem, operands))
    return fault is not None


def _judged(case: Case, operands: Any, seen: Any, promise: str) -> compare.Fault | None:
    if case.operands == "exact":
        tolerance = accuracy.integer_tolerance(case.problem, promise)
        return compare.check_values(seen.output, oracle.answer(case.problem, operands), tolerance)
    scale = accuracy.Scale.of(case.problem, operands)
    found = accuracy.measure(seen.output, scale, operands)
    statistics = f"mean square {found.mean_square:.3g}, bias {found.bias:.3g}"
    print(f"accuracy  grade {found.grade}; largest error {found.componentwise:.3g} of its bound, {statistics}")
    required = promise or "B"
    if accuracy.ORDER.index(found.grade) <= accuracy.ORDER.index(required):
        return None
    bound, _ = scale.bounds(required, operands)
    worse = f"grade {found.grade}, where {required} is {'promised' if promise else 'required'}"
    return compare.check_values(seen.output, scale.exact, bound, worse) or compare.Fault("failed", worse)


def _planes(fault: compare.Fault, got: Any, expected: Any) -> None:
    """The plane around the first wrong output, and which of its elements are wrong."""
    if len(fault.index) != 4 or fault.mask is None:
        return
    image, channel = fault.index[:2]
    window = (image, channel, slice(0, SHOWN), slice(0, SHOWN))
    print(f"image {image}, channel {channel} (# is wrong):")
    for row in fault.mask[window]:
        print("  " + " ".join("#" if wrong else "." for wrong in row))
    with np.printoptions(precision=6, linewidth=110):
        print(f"got\n{got[window]}\nexpected\n{expected[window]}")
