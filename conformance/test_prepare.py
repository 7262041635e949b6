"""Prepared layers: what is done once per layer must not change what the layer computes."""

import numpy as np

from convgauge.conformance import Case, cases, problems, spec
from convgauge.reference import compare, oracle
from convgauge.reference.operands import Operands

PREPARE = "convgauge: prepare(problem, weight, bias) -> run(input)"
TABLE = problems(
    kernel=[(1, 1), (3, 2), (3, 3), (5, 5)], stride=[(1, 1), (2, 1)], padding=[(0, 0), (1, 2)], bias=[True, False]
)
GROUPED = problems(in_channels=4, out_channels=8, groups=[1, 2, 4], dilation=[(1, 1), (2, 1)], kernel=[(3, 3)])


def prepared(judge, what=(*TABLE, *GROUPED)) -> list[Case]:
    """The cases as calls through ``prepare``; skipped where there is none."""
    if not judge.description.prepares:
        judge.skip("has no prepare")
    return cases(what, prepared=True)


def turned(array):
    """An array of the same shape with other content."""
    return -array[..., ::-1, ::-1]


def right(judge, case, operands, outputs):
    """The first fault of several outputs, each given with the input and weight that it belongs to."""
    tolerance = judge.tolerance(case.problem)
    for what, output, input, weight in outputs:
        expected = oracle.answer(case.problem, Operands(input, weight, operands.bias))
        if output is None:
            return compare.Fault("failed", f"{what}: no output")
        fault = compare.check_values(output, expected, tolerance, what)
        if fault is not None:
            return fault
    return None


@spec("prepare.equals", source=PREPARE)
def test_prepared_layer(judge):
    """A prepared layer gives the answer of the plain call."""
    judge.exact(prepared(judge))


@spec("prepare.accuracy", source=PREPARE)
def test_prepared_layer_is_as_accurate(judge):
    """A prepared layer is as accurate as the plain call must be."""
    judge.accurate(prepared(judge, problems(in_channels=16, out_channels=8, kernel=[(1, 1), (3, 3), (5, 5)])))


@spec("prepare.several_inputs", source=PREPARE)
def test_several_inputs_through_one_layer(judge):
    """One prepared layer takes one input after the other; each answer is its input's own and stays as it is."""

    def check(case, operands, seen):
        other = turned(operands.input)
        return right(judge, case, operands, [
            ("the first output, read after two more calls, is wrong", seen.output, operands.input, operands.weight),
            ("the second input's output is wrong", seen.extra[0], other, operands.weight),
            ("the first input's output is wrong the second time", seen.extra[1], operands.input, operands.weight),
        ])  # fmt: skip

    judge.satisfies(
        prepared(judge), check, mode="several_inputs", upstream=lambda case, operands: turned(operands.input)
    )


@spec("prepare.two_layers", source=PREPARE)
def test_two_layers_in_turns(judge):
    """Two layers prepared from one problem and different weights do not disturb each other."""

    def check(case, operands, seen):
        other = turned(operands.weight)
        return right(judge, case, operands, [
            ("the first layer's output is wrong", seen.output, operands.input, operands.weight),
            ("the second layer's output is wrong", seen.extra[0], operands.input, other),
            ("the first layer's output is wrong after the second's", seen.extra[1], operands.input, operands.weight),
        ])  # fmt: skip

    judge.satisfies(prepared(judge), check, mode="two_layers", upstream=lambda case, operands: turned(operands.weight))


@spec("prepare.overwritten", source=PREPARE)
def test_weight_overwritten_after_prepare(judge):
    """A layer whose weight is overwritten after preparing works with the old or the new, never with parts of both."""

    def check(case, operands, seen):
        old = right(judge, case, operands, [("", seen.output, operands.input, operands.weight)])
        new = right(judge, case, operands, [("", seen.output, operands.input, turned(operands.weight))])
        if old is None or new is None:
            return None
        return compare.locate_fault(
            seen.output,
            oracle.answer(case.problem, operands),
            np.ones(seen.shape, bool),
            0.0,
            "the output belongs neither to the weight prepared nor to the one written over it",
        )

    judge.satisfies(prepared(judge), check, mode="overwritten", upstream=lambda case, operands: turned(operands.weight))
