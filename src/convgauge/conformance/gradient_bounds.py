"""Error bounds of gradients on real operands, and the check that gradients keep them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from convgauge.conformance.cases import Case
from convgauge.conformance.checks import SpecCheck
from convgauge.conformance.judge import Judge
from convgauge.dtypes import DTYPES, round_to
from convgauge.problem import Problem
from convgauge.reference import accuracy, compare, oracle
from convgauge.reference.compare import Fault
from convgauge.reference.operands import Array, Operands, generator
from convgauge.worker.call import OPERANDS, Observation


def real_grad_output(case: Case, operands: Operands) -> Array:
    """Return an upstream gradient of standard normal numbers; from 1 to 2 for positive operands, so that sums grow."""
    problem = case.problem
    random = generator(problem, "upstream", case.seed)
    is_positive, shape = case.operands == "positive", problem.output_shape
    return round_to(random.uniform(1, 2, shape) if is_positive else random.standard_normal(shape), problem.dtype)


def bounds(
    judge: Judge, problem: Problem, operands: Operands, g: Array, exact: tuple[Array, Array, Array | None]
) -> Iterator[Array | float | None]:
    """Yield the bounds of the gradients by input, weight and bias: gamma_n S, S the adjoint of the absolute values.

    The gradient by the input is a sum of O/G KH KW products, those by weight and bias are sums of N OH OW products
    (Higham, section 3.1), in the accumulator. The transforms of fast algorithms add their terms, and the bound is that
    of the largest S. The reference is summed in float64, so that the bound of that dtype is twice as large.

    A narrower gradient is rounded. Frameworks store partial sums in its dtype: of each tap for the input, which
    overlapping windows add up, and of each image for the weight. With the unit roundoff u of the dtype and T of them,
    that adds (T + 1) u S (T u is less than 1/4 for the sizes of the specs). The bias has one rounding, u times its
    gradient.
    """
    bias = None if operands.bias is None else np.abs(operands.bias)
    sizes = oracle.adjoint(problem, Operands(np.abs(operands.input), np.abs(operands.weight), bias), np.abs(g))
    by_output = problem.reduction_in("grad_weight")
    terms_of = (problem.reduction_in("grad_input"), by_output, by_output)
    stored = (accuracy.stored_sums(problem, "grad_input"), accuracy.stored_sums(problem, "grad_weight"), 0)
    dtype = DTYPES[problem.dtype]
    is_narrow = dtype.accumulator != problem.dtype
    u = DTYPES[dtype.accumulator].roundoff * (2 if problem.dtype == "float64" else 1)
    for terms, size, partial, gradient in zip(terms_of, sizes, stored, exact, strict=True):
        if size is None or gradient is None:
            yield None
            continue
        is_direct = judge.declared_grade == "A"
        further = 1.0 if is_direct else accuracy.transform_terms(problem)
        scale = size if is_direct else size.max(initial=0.0)
        bound = (terms + further) * u * scale
        if is_narrow:
            rounded = (partial + 1) * scale if partial else np.abs(gradient) + bound
            bound = bound + dtype.roundoff * rounded + (partial + 1) * dtype.step
        yield bound


def accurate_gradients(judge: Judge) -> SpecCheck:
    """Return the check of the gradients by input, weight and bias against their bounds."""

    def check(case: Case, operands: Operands, observation: Observation) -> Fault | None:
        g = real_grad_output(case, operands)
        exact = oracle.adjoint(case.problem, operands, g)
        allowed = bounds(judge, case.problem, operands, g, exact)
        for name, got, expected, bound in zip(OPERANDS, observation.extra_outputs, exact, allowed, strict=True):
            if expected is None or bound is None:
                continue
            if got is None:
                return Fault("failed", f"the gradient by the {name}: none", kind="graph")
            if got.shape != expected.shape:
                return Fault("failed", f"the gradient by the {name}: {got.shape}", kind="gradient")
            message = f"the gradient by the {name} is less accurate than its dtype"
            fault = compare.check_values(got, expected, bound, message)
            if fault is not None:
                return replace(fault, mask=None, kind="gradient")  # the mask is not one of the output
        return None

    return check
