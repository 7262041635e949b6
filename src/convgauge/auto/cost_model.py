"""A cost model: how long an implementation is going to take, from how long it took on other problems.

For each kind of problem, the logarithm of a baseline's seconds is linear in the logarithms of what is to be computed
and moved, and so is that of every other implementation's ratio to it: power laws, whose errors are factors. They are
fitted by ridge regression (Hoerl and Kennard 1970), as measurements are few; how strong the ridge is, and by how much a
law is off, is told by leaving one measurement out at a time (Allen 1974). This module measures nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from convgauge.problem import Problem

RIDGES = (0.03, 0.3, 3.0, 30.0, 300.0)
"""Weights of the penalty on exponents, in squared errors of log2; by the last, all that remains is a constant."""

LEAST = 6
"""Measurements that a law needs: about as many as it has coefficients."""

VECTOR = 16
"""Channels in a block of libraries' blocked layouts on the widest vectors: fewer leave lanes idle."""


class Measurement(msgspec.Struct, frozen=True):
    """Seconds that one call of ``implementation`` took on the problem of that text."""

    implementation: str
    problem: str
    seconds: float


class Law(msgspec.Struct, frozen=True):
    """One implementation's law for one kind: coefficients of `features`, and by what factor it is off where it was not
    fitted (quadratic mean): the baseline in its seconds, others in their ratio to it."""

    coefficients: list[float]
    error: float


class Model(msgspec.Struct, frozen=True):
    """Laws by kind of problem and implementation; from how many measurements, when and in how many seconds."""

    laws: dict[str, dict[str, Law]]
    measurements: int
    fitted: str = ""
    elapsed: float = 0.0

    def predict(self, problem: Problem) -> dict[str, float]:
        """Seconds of a call for each implementation that has a law for this kind, fastest first."""
        values = features(problem)
        found = {
            name: 2.0 ** float(np.dot(values, law.coefficients))
            for name, law in self.laws.get(kind(problem), {}).items()
        }
        return dict(sorted(found.items(), key=lambda one: (one[1], one[0])))

    def hope(self, problem: Problem) -> dict[str, float]:
        """As `predict`, where each law is off in its implementation's favour by its usual factor.

        Whom to try is decided by that: who is hard to predict would else never be measured.
        """
        laws = self.laws.get(kind(problem), {})
        return {name: seconds / laws[name].error for name, seconds in self.predict(problem).items()}


def kind(problem: Problem) -> str:
    """What libraries tell apart: "depthwise", "grouped", "pointwise", "strided or dilated" or "dense"."""
    if problem.groups == problem.in_channels:
        return "depthwise"
    if problem.groups > 1:
        return "grouped"
    if problem.kernel == problem.stride == (1, 1):
        return "pointwise"
    return "dense" if problem.stride == problem.dilation == (1, 1) else "strided or dilated"


def features(problem: Problem) -> NDArray[np.float64]:
    """The logarithms (base 2) that a law is linear in: 1, FLOPs, elements of each array, and lanes left idle."""
    c, o, g = problem.in_channels, problem.out_channels, problem.groups
    sizes = (
        problem.flops,
        math.prod(problem.input_shape),
        math.prod(problem.output_shape),
        math.prod(problem.weight_shape),
        min(VECTOR, c // g),
        min(VECTOR, o // g),
    )
    return np.array([1.0, *(math.log2(max(1, size)) for size in sizes)])


def fit(measurements: Sequence[Measurement], baseline: str) -> dict[str, dict[str, Law]]:
    """The laws of all implementations, by kind; none for one measured on fewer than `LEAST` problems of the kind.

    Others are measured on problems that the baseline is measured on; where it has no law, nobody has.
    """
    by_kind: dict[str, dict[str, dict[str, float]]] = {}
    for one in measurements:
        some = by_kind.setdefault(kind(Problem.parse(one.problem)), {}).setdefault(one.implementation, {})
        some[one.problem] = math.log2(one.seconds)
    return {what: _laws(by_kind[what], baseline) for what in sorted(by_kind)}


def _laws(logs: dict[str, dict[str, float]], baseline: str) -> dict[str, Law]:
    base = logs.get(baseline, {})
    if len(base) < LEAST:
        return {}
    law = _law(base)
    found = {baseline: law}
    for name in sorted(logs.keys() - {baseline}):
        ratios = {text: log - base[text] for text, log in logs[name].items() if text in base}
        if len(ratios) >= LEAST:
            ratio = _law(ratios)
            sums = [one + other for one, other in zip(law.coefficients, ratio.coefficients, strict=True)]
            found[name] = Law(sums, ratio.error)
    return found


def _law(logs: Mapping[str, float]) -> Law:
    """Ridge regression about the means, so that the constant is not drawn to 0, of logarithms by problem."""
    rows = np.array([features(Problem.parse(text))[1:] for text in logs])
    values = np.array(list(logs.values()))
    centre, mean = rows.mean(axis=0), values.mean()
    apart = rows - centre
    found = []
    for ridge in RIDGES:
        solved = np.linalg.solve(apart.T @ apart + ridge * np.eye(rows.shape[1]), apart.T)
        leverage = 1 / len(values) + np.einsum("ij,ji->i", apart, solved)
        exponents = solved @ (values - mean)
        left_out = (values - mean - apart @ exponents) / (1 - leverage)  # what is off where each is not fitted to
        found.append((float(np.mean(left_out**2)), exponents))
    squares, exponents = min(found, key=lambda one: one[0])
    return Law([float(mean - centre @ exponents), *map(float, exponents)], 2.0 ** math.sqrt(squares))


def contenders(predicted: Mapping[str, float], hoped: Mapping[str, float], baseline: str, most: int) -> list[str]:
    """Who is worth measuring: the baseline, and those that may hope to be faster, best first; ``most`` in all."""
    if baseline not in predicted:
        return [baseline]
    able = [name for name in hoped if name != baseline and hoped[name] <= predicted[baseline]]
    return [baseline, *sorted(able, key=lambda one: (hoped[one], one))[: most - 1]]


def winner(seconds: Mapping[str, float], baseline: str, clearly: float) -> str:
    """The fastest where it takes at most ``clearly`` times what the baseline takes, else the baseline."""
    fastest = min(seconds, key=lambda name: (seconds[name], name))
    return fastest if seconds[fastest] <= clearly * seconds[baseline] else baseline
