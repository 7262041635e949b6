"""Samples of mutants: calls in this process, judged by exact operands, for tests of mechanisms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache

from convgauge.conformance.execution import repeated
from convgauge.diagnosis.mechanism import Mechanism, library
from convgauge.diagnosis.outcome import outcome
from convgauge.diagnosis.plan import NoOutputError, Plan, TooExpensiveError
from convgauge.diagnosis.sample import Sample
from convgauge.domain import CONTIGUOUS, fields_of
from convgauge.problem import Problem
from convgauge.process.in_process import InProcessSubject
from convgauge.reference.compare import Fault, check_output
from convgauge.reference.operands import draw
from convgauge.selftest import mutants
from convgauge.worker.call import Call, Observation

Layouts = tuple[str, str, str]

_TEXTS = """
n2c3h8w8_o4k3x3_s1x1_p1x1_d1x1_g1_b_float32
n3c4h7w9_o6k3x2_s1x1_p0x1_d1x1_g1_b_float32
n2c4h6w5_o4k2x3_s1x2_p1x0_d1x1_g1_b_float64
n4c6h5w5_o4k1x1_s1x1_p0x0_d1x1_g1_b_float32
n1c6h9w8_o6k3x3_s2x1_p1x2_d1x2_g3_b_float32
n2c8h6w7_o4k3x3_s1x1_p1x1_d1x1_g2_b_float32
n2c6h6w7_o12k2x2_s1x1_p0x1_d1x1_g3_b_float32
n2c4h7w6_o8k3x3_s2x2_p1x1_d1x1_g4_b_float32
n3c5h6w6_o5k3x3_s1x1_p1x1_d1x1_g5_b_float32
n2c8h5w6_o8k3x1_s1x1_p1x0_d1x1_g4_b_int32
n1c1h5w7_o1k3x3_s1x1_p0x0_d1x1_g1_b_float32
n5c3h6w4_o3k2x2_s1x1_p0x0_d2x1_g1_float32
n2c6h8w9_o9k3x3_s1x3_p2x1_d2x1_g3_float32
n1c12h6w6_o6k3x3_s1x1_p1x1_d1x1_g1_b_float32
n2c5h6w5_o6k3x3_s1x1_psame_d1x2_g1_b_float32
n3c7h4w11_o10k1x4_s1x1_p0x2_d1x1_g1_b_float32
n2c2h12w10_o3k5x4_s1x1_p2x2_d1x1_g1_b_float32
n1c2h20w18_o2k3x3_s1x1_p1x1_d1x1_g1_b_float32
n2c3h5w21_o3k2x3_s1x1_p1x1_d1x1_g1_float64
n1c9h4w4_o11k2x2_s1x1_p1x1_d1x1_g1_b_float32
n6c2h4w4_o2k3x3_s1x1_p1x1_d1x1_g2_b_float32
n2c4h6w6_o6k1x1_s2x2_p0x0_d1x1_g2_b_float32
n9c2h4w5_o3k2x2_s1x1_p0x0_d1x1_g1_b_float32
n2c3h6w5_o3k5x5_s1x1_p5x4_d1x1_g1_b_float32
n1c4h6w6_o4k1x1_s1x1_p1x1_d1x1_g1_b_float32
n2c3h8w5_o5k3x3_s3x2_p1x1_d1x1_g1_b_complex64
n1c10h5w6_o10k3x3_s1x1_p1x1_d1x1_g1_b_float32
n2c6h5w6_o6k2x3_s1x1_p1x1_d1x1_g2_b_float32
n1c3h3w34_o2k1x3_s1x1_p0x1_d1x1_g1_b_float32
n1c2h36w3_o2k3x1_s1x1_p1x0_d1x1_g1_b_float32
n1c17h4w4_o18k1x1_s1x1_p0x0_d1x1_g1_b_float32
n1c3h6w6_o33k3x3_s1x1_p1x1_d1x1_g1_b_float32
n2c3h3w3_o4k3x3_s1x1_p0x0_d1x1_g1_b_float32
n2c3h2w6_o4k2x3_s1x1_p0x0_d1x1_g1_b_float32
n2c3h6w2_o4k3x2_s1x1_p0x0_d1x1_g1_b_float32
n0c3h5w5_o4k3x3_s1x1_p1x1_d1x1_g1_b_float32
n1c2h0w4_o3k3x3_s1x1_p2x1_d1x1_g1_b_float32
n2c0h4w4_o3k3x3_s1x1_p1x1_d1x1_g1_b_float32
"""

POOL = [Problem.parse(text) for text in _TEXTS.split()]
"""Small problems: groups, multipliers, rectangles, strides, dilations, batches, remainders of tiles."""


@cache
def declared() -> dict[str, mutants.Mutant]:
    """Return all mutants and correct builds by name."""
    return {mutant.name: mutant for mutant in mutants.mutants()}


def observe(
    name: str, problems: Iterable[Problem] = POOL, *, layouts: Layouts = CONTIGUOUS, seed: int = 0
) -> list[Sample]:
    """Return the samples of a mutant that answers problems with exact operands; refused ones are left out.

    Parameters
    ----------
    name : str
        Name of the mutant.
    problems : iterable of Problem
        Problems of the calls.
    layouts : tuple of str
        Memory layouts of input, weight and bias.
    seed : int
        Seed of the operands.
    """
    subject = InProcessSubject(declared()[name].origin)
    samples = (observed(subject, problem, layouts=layouts, seed=seed) for problem in problems)
    return [sample for sample in samples if sample.observation.kind != "refused"]


def observed(
    subject: InProcessSubject,
    problem: Problem,
    *,
    layouts: Layouts = CONTIGUOUS,
    seed: int = 0,
    arguments: Mapping[str, object] | None = None,
    mode: str = "",
) -> Sample:
    """Return the sample of one call of a subject with exact operands, and with arguments as they are spelled."""
    arguments = problem.arguments if arguments is None else arguments
    operands = draw(problem, "exact", seed)
    input, weight, bias = (
        None if values is None else repeated(values, layout)
        for values, layout in zip((operands.input, operands.weight, operands.bias), layouts, strict=True)
    )
    assert input is not None and weight is not None
    dtypes = (problem.dtype,) * 3
    call = Call(input, weight, bias, arguments, dtypes, layouts, mode=mode, is_valid=True)
    observation = subject.observe(call)
    fields = fields_of(problem, arguments, layouts)
    right = Plan.of(problem, input, weight, bias).output()
    fault: Fault | None
    if observation.kind == "answer":
        fault = check_output(observation.output, observation.dtype, right, problem.dtype, 0.0)
    else:
        fault = Fault("errored", observation.message)
    return Sample("", problem.text, problem, "exact", call, observation, fault, fields)


def planted(mechanism: Mechanism, samples: Iterable[Sample]) -> list[Sample]:
    """Return samples of a correct build as a kernel with a fault would answer them; an exception has no output."""
    return [_planted(mechanism, sample) for sample in samples]


def _planted(mechanism: Mechanism, sample: Sample) -> Sample:
    plan = mechanism.change(sample.plan, sample)
    if plan is None:
        return sample
    try:
        output = plan.output()
    except NoOutputError as error:
        return replace(sample, observation=Observation("raised"), fault=Fault("errored", str(error)))
    fault = check_output(output, sample.problem.dtype, sample.expected, sample.problem.dtype, 0.0)
    return replace(sample, observation=replace(sample.observation, output=output), fault=fault)


def fitting(samples: Sequence[Sample], candidates: Iterable[Mechanism] | None = None) -> set[str]:
    """Return the slugs of the mechanisms that predict every failing sample, and change each.

    Parameters
    ----------
    samples : sequence of Sample
        Samples of one implementation; at least one fails.
    candidates : iterable of Mechanism
        Mechanisms to try; by default the whole library.
    """
    failing = [sample for sample in samples if sample.fault is not None]
    assert failing, "no sample fails"
    tried = library(samples) if candidates is None else candidates
    return {each.slug for each in tried if all(predicts(each, sample) for sample in failing)}


def predicts(mechanism: Mechanism, sample: Sample) -> bool:
    """Return True if a mechanism changes the output of a failing sample to what was observed."""
    return outcome(mechanism, sample) == "fits"


def changed_output(mechanism: Mechanism, sample: Sample) -> bytes | None:
    """Return the output that a mechanism predicts, as bytes with its shape; None if it changes nothing."""
    plan = mechanism.change(sample.plan, sample)
    try:
        if plan is None or not sample.differs(plan):
            return None
        output = plan.output()
    except NoOutputError:
        return b"no output"
    except TooExpensiveError:
        return b"too expensive"
    return repr(output.shape).encode() + output.tobytes()
