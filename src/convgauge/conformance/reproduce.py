"""``convgauge reproduce``: run one case, by itself or as specs judge it, and print everything about it."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from convgauge import registry
from convgauge.conformance.bug_script.reporter import FailureReporter, OnFailure, ignore
from convgauge.conformance.call_text import call_lines, output_lines
from convgauge.conformance.cases import Case
from convgauge.conformance.checks import (
    check_exact,
    check_form,
    check_refused,
    is_unjudged,
    missing_output,
    side_effects,
)
from convgauge.conformance.collection import collect_specs
from convgauge.conformance.counted import Counted
from convgauge.conformance.execution import Executed, Execution
from convgauge.conformance.redrawers import Redrawers
from convgauge.conformance.replay import EarlierCall, make_again
from convgauge.conformance.setting import Setting
from convgauge.conformance.soundness import OracleSubject
from convgauge.conformance.suite import Suite
from convgauge.domain import domain_of
from convgauge.dtypes import DTYPES
from convgauge.process.by_width import start_subject
from convgauge.process.runner import Limits, Runner
from convgauge.reference import accuracy, oracle
from convgauge.reference.assessment import assess_accuracy
from convgauge.reference.compare import Fault
from convgauge.reference.operands import Array
from convgauge.request import CheckRequest, RequestError
from convgauge.terms import FAULTS, STRICTNESS_FAULTS, ExitStatus
from convgauge.text import counted as count_text
from convgauge.text import escape_controls
from convgauge.worker.call import Call, Description, Observation

NOT_OF_THE_SPEC = "it is not a case of this spec: its dtype, operands or parameters are not of the kind that it judges"

SHOWN = 8  # rows and columns of a plane that are printed


def reproduce(request: CheckRequest, on_failure: OnFailure = ignore) -> int:
    """Run one case on one implementation with exact and with Gaussian operands and print the result.

    Parameters
    ----------
    request : CheckRequest
        The first of its targets and devices, and its case, are used.
    on_failure : callable
        Function that is called with each failing case.

    Returns
    -------
    int
        0 if every output is right or declined, 1 otherwise.

    Raises
    ------
    ProblemError, TargetError, LoadError
        If the case or the target cannot be read or loaded.
    """
    case, earlier = Case.parse(request.case), list(map(EarlierCall.parse, request.after))
    (origin,) = registry.resolve(request.targets[0], request.framework)[:1]
    limits, python = Limits(request.timeout_s, request.memory_mib << 20), request.python or sys.executable
    subject = start_subject(origin, limits, isolated=request.isolation, python=python, refusals=request.refusals)
    subject.wait_ready()
    problem = case.problem
    _print_head(subject.description)
    print(f"problem   {problem}")
    print(f"output    {problem.output_shape}, {problem.reduction} products each, {problem.flops} FLOPs")
    has_accuracy = case.operands == "exact" and DTYPES[problem.dtype].kind != "c"
    families = ["exact", "gaussian"] if has_accuracy else [case.operands]
    declared = domain_of(subject.description.supports) & domain_of(request.supports)
    execution = Execution(subject, request.devices[0], declared)
    _make_earlier_calls(earlier, subject, request.devices[0], Setting(redrawers=Redrawers(declared)))
    reporter = FailureReporter(request, origin, on_failure)
    variants = [replace(case, operands=family, seed=case.seed or request.seed) for family in families]
    faults = [_run_case(execution, variant, reporter) for variant in variants]
    subject.close()
    return int(any(fault is not None for fault in faults))


def reproduce_specs(request: CheckRequest, on_failure: OnFailure = ignore) -> int:
    """Run one case as each of the request's specs judges it, and print its calls and the results.

    Parameters
    ----------
    request : CheckRequest
        The targets, the case and the specs.
    on_failure : callable
        Function that is called with each failing case.

    Returns
    -------
    int
        0 if the case passes, 1 if it fails, 5 if no spec judges it.

    Raises
    ------
    RequestError, ProblemError
        If the request, or an earlier call, cannot be used.
    """
    descriptions: list[Description] = []
    reporters: list[FailureReporter] = []

    def show(counted: Counted) -> None:
        _print_calls_of_earlier_process(counted)
        _print_call(counted.executed, counted.call, counted.assessment.fault, descriptions[-1])
        print(escape_controls(f"verdict   {_verdict(counted.executed, counted.assessment.fault)}"))
        reporters[-1].report(counted.executed, counted.call, counted.assessment.fault, counted.execution)

    _require_specs(request.specs)
    earlier = list(map(EarlierCall.parse, request.after))
    statuses = []
    with Suite(request, setting=Setting(minimizes=False, on_counted=show)) as suite:
        suite.load()
        for task in suite.tasks():
            description = suite.targets[task.implementation].description
            assert description is not None
            descriptions.append(description)
            origin = suite.targets[task.implementation].origin
            reporters.append(FailureReporter(request, origin, on_failure, task.spec.sentence, task.spec.id))
            _print_head(description)
            print(f"spec      {task.spec.id} ({task.spec.level}) in {task.dtype} on {task.device}")
            print(f"          {task.spec.sentence}")
            subject, setting = suite.pool.subject(task.implementation), suite.setting_of(task.implementation)
            _make_earlier_calls(earlier, subject, task.device, setting)
            result = suite.result(task)
            statuses.append(result.record.status)
            if not result.judge.tally.outcomes:
                print(f"skipped   {result.record.reason or NOT_OF_THE_SPEC}")
            print()
        suite.finish()
    if any(status in (*FAULTS, *STRICTNESS_FAULTS) for status in statuses):
        return ExitStatus.NOT_REACHED
    return ExitStatus.REACHED if "passed" in statuses else ExitStatus.NOTHING_EXECUTED


def _require_specs(ids: Sequence[str]) -> None:
    """Raise `RequestError` if one of the ids is not that of a spec."""
    known = [spec.id for spec, _ in collect_specs()]
    for id in ids:
        if id not in known:
            near = difflib.get_close_matches(id, known, n=3)
            hint = f"did you mean {' or '.join(near)}?" if near else "see convgauge list --specs"
            raise RequestError(f"no spec has the id {id!r}: {hint}")


def _make_earlier_calls(earlier: Sequence[EarlierCall], subject: Runner, device: str, setting: Setting) -> None:
    """Make the calls before the case and print them, in the process that is called afterwards."""
    for number, call in enumerate(earlier, start=1):
        times = f", {call.count} times" if call.count > 1 else ""
        print(f"\nbefore    call {number} of {len(earlier)}{times}: {call.case}")
        if call.spec:
            print(f"          as {call.spec} makes it")
        plain = make_again([call], subject, device, setting)
        for executed in plain[:1]:
            execution = Execution(subject, device, setting.declared)
            _print_code(execution.call(executed.case, executed.operands), subject.description)
            print(escape_controls(f"outcome   {_outcome(executed.observation)}"))


def _print_calls_of_earlier_process(counted: Counted) -> None:
    """Print the cases of the calls that an earlier process made, if a case is judged in another one."""
    before, process = counted.execution.before, counted.procedure.process
    if not before or process is None:
        return
    end = "and is forked then" if process.is_fork else "and ends before the next one starts"
    print(f"\nbefore    a process makes {count_text(len(before), 'call')}, {end}:")
    for logged in before:
        print(f"          {logged.case}")


def _outcome(observation: Observation) -> str:
    """Return what a call did that is not judged."""
    if observation.output is not None:
        return f"an output of shape {observation.shape}"
    return f"{observation.kind}: {observation.message}"


def _print_head(description: Description) -> None:
    version = description.versions.get(description.framework, "")
    print(f"{description.name} ({description.framework} {version}), declared grade {description.grade or 'none'}")


def _run_case(execution: Execution, case: Case, reporter: FailureReporter) -> Fault | None:
    """Run and print one case; return its fault."""
    executed = execution.run_once(case)
    unjudged = is_unjudged(executed.observation)
    fault = None if unjudged else _fault(executed, execution.declared_grade)
    call = execution.call(case, executed.operands)
    _print_call(executed, call, fault, execution.subject.description)
    reporter.report(executed, call, fault, execution)
    if fault is None and executed.observation.output is not None and case.operands != "exact":
        _print_accuracy(executed)
    print(escape_controls(f"verdict   {_verdict(executed, fault)}"))
    if fault is not None and fault.index and executed.observation.output is not None:
        _print_planes(fault, executed.observation.output, oracle.answer(case.problem, executed.operands))
    return fault


def _print_call(executed: Executed, call: Call, fault: Fault | None, description: Description) -> None:
    """Print a call as code, and its output beside that of the oracle."""
    case = executed.case
    expected = OracleSubject(description).observe(call)
    print(f"\noperands  {case.operands}, seed {case.seed}")
    _print_code(call, description)
    for line in output_lines(executed.observation, expected, fault):
        print(escape_controls(line))


def _print_code(call: Call, description: Description) -> None:
    """Print a call as code."""
    print()
    for line in call_lines(call, description.name, description.framework):
        print(escape_controls(line))
    print()


def _verdict(executed: Executed, fault: Fault | None) -> str:
    if fault is not None:
        return f"{fault.status}: {fault.message}"
    case, _, observation = executed
    if observation.kind == "answer":
        return "right"
    is_due = observation.kind == "raised" or (observation.kind == "refused" and bool(case.invalid_call))
    return "refused, as is due" if is_due else f"{observation.kind}, which is no fault"


def _fault(executed: Executed, declared_grade: str) -> Fault | None:
    """Return the fault of a case."""
    case, operands, observation = executed
    is_refused = observation.kind in ("raised", "refused")
    if is_refused and (case.invalid_call or case.is_exotic):
        return None
    if case.invalid_call:
        return missing_output(observation) or check_refused(case, observation)
    fault = missing_output(observation) or check_form(case, observation) or side_effects(observation)
    if fault is not None or observation.output is None:
        return fault
    if case.operands == "exact":
        return check_exact(case, operands, observation, declared_grade)
    return assess_accuracy(observation.output, case.problem, operands, declared_grade).fault


def _print_accuracy(executed: Executed) -> None:
    """Print the accuracy of an output on operands that are not exact."""
    case, operands, observation = executed
    assert observation.output is not None
    measured = accuracy.measure(observation.output, accuracy.Scale.of(case.problem, operands), operands)
    statistics = f"mean square {measured.mean_square:.3g}, bias {measured.bias:.3g}"
    print(f"accuracy  grade {measured.grade}; largest error {measured.componentwise:.3g} of its bound, {statistics}")


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
