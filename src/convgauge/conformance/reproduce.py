"""``convgauge reproduce`` without a spec: run one case and print everything about it."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np

from convgauge import registry
from convgauge.conformance.cases import Case
from convgauge.conformance.checks import check_exact, check_form, is_unjudged, missing_output, side_effects
from convgauge.conformance.execution import Executed, Execution
from convgauge.domain import domain_of
from convgauge.process.client import start_subject
from convgauge.process.runner import Limits
from convgauge.reference import accuracy, oracle
from convgauge.reference.assessment import assess_accuracy
from convgauge.reference.compare import Fault
from convgauge.reference.operands import Array
from convgauge.request import CheckRequest
from convgauge.text import escape_controls

SHOWN = 8  # rows and columns of a plane that are printed


def reproduce(request: CheckRequest) -> int:
    """Run one case on one implementation with exact and with Gaussian operands and print the result.

    Parameters
    ----------
    request : CheckRequest
        The first of its targets and devices, and its case, are used.

    Returns
    -------
    int
        0 if every output is right or declined, 1 otherwise.

    Raises
    ------
    ProblemError, TargetError, LoadError
        If the case or the target cannot be read or loaded.
    """
    case = Case.parse(request.case)
    (origin,) = registry.resolve(request.targets[0], request.framework)[:1]
    limits, python = Limits(request.timeout_s, request.memory_mib << 20), request.python or sys.executable
    subject = start_subject(origin, limits, isolated=request.isolation, python=python, refusals=request.refusals)
    subject.wait_ready()
    description, problem = subject.description, case.problem
    version = description.versions.get(description.framework, "")
    print(f"{description.name} ({description.framework} {version}), declared grade {description.grade or 'none'}")
    print(f"problem   {problem}")
    print(f"output    {problem.output_shape}, {problem.reduction} products each, {problem.flops} FLOPs")
    families = [case.operands] if case.operands != "exact" else ["exact", "gaussian"]
    declared = domain_of(description.supports) & domain_of(request.supports)
    execution = Execution(subject, request.devices[0], declared)
    variants = [replace(case, operands=family, seed=case.seed or request.seed) for family in families]
    faults = [_print_case(execution, variant) for variant in variants]
    subject.close()
    return int(any(fault is not None for fault in faults))


def _print_case(execution: Execution, case: Case) -> Fault | None:
    """Run and print one case; return its fault."""
    executed = execution.run_once(case)
    observation = executed.observation
    print(f"\noperands  {case.operands}, seed {case.seed}, layouts {'/'.join(case.layouts)}")
    print(f"call      {', '.join(f'{name}={value!r}' for name, value in case.keywords().items())}")
    if is_unjudged(observation):
        print(escape_controls(f"{observation.kind:<9} {observation.message}"))
        return None
    fault = _fault(executed, execution.declared_grade)
    if observation.printed:
        print(escape_controls(f"printed   {observation.printed.strip()}"))
    print(escape_controls(f"verdict   {'right' if fault is None else f'{fault.status}: {fault.message}'}"))
    if fault is not None and fault.index and observation.output is not None:
        print(f"first at  {fault.index}: got {fault.got}, expected {fault.expected} (within {fault.bound})")
        _print_planes(fault, observation.output, oracle.answer(case.problem, executed.operands))
    return fault


def _fault(executed: Executed, declared_grade: str) -> Fault | None:
    """Return the fault of a case; print the accuracy of an output on operands that are not exact."""
    case, operands, observation = executed
    fault = missing_output(observation) or check_form(case, observation) or side_effects(observation)
    if fault is not None or observation.output is None:
        return fault
    if case.operands == "exact":
        return check_exact(case, operands, observation, declared_grade)
    scale = accuracy.Scale.of(case.problem, operands)
    measured = accuracy.measure(observation.output, scale, operands)
    statistics = f"mean square {measured.mean_square:.3g}, bias {measured.bias:.3g}"
    print(f"accuracy  grade {measured.grade}; largest error {measured.componentwise:.3g} of its bound, {statistics}")
    return assess_accuracy(observation.output, case.problem, operands, declared_grade).fault


def _print_planes(fault: Fault, output: Array, expected: Array) -> None:
    """Print the plane of the first wrong output and a map of its wrong elements."""
    if len(fault.index) != 4 or fault.mask is None:
        return
    image, channel = fault.index[:2]
    window = (image, channel, slice(0, SHOWN), slice(0, SHOWN))
    print(f"image {image}, channel {channel} (# is wrong):")
    for row in fault.mask[window]:
        print("  " + " ".join("#" if wrong else "." for wrong in row))
    with np.printoptions(precision=6, linewidth=110):
        print(f"got\n{output[window]}\nexpected\n{expected[window]}")
