"""A cost model: how long an implementation is going to take, from how long it took on other problems.

For each kind of problem and each implementation, the logarithm of the seconds is linear in the logarithms of what is
to be computed and moved: a power law, whose errors are factors. It is fitted by ridge regression (Hoerl and Kennard
1970), as measurements are few. This module measures nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from convgauge.problem import Problem

RIDGE = 0.03
"""Weight of the penalty on exponents, in squared errors of log2: that of one measurement that is 13 % off."""

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
    """One implementation's law for one kind: coefficients of `features`; by what factor it is off, quadratic mean."""

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


def fit(measurements: Sequence[Measurement]) -> dict[str, dict[str, Law]]:
    """The laws of all implementations, by kind; none for one measured on fewer than `LEAST` problems of the kind."""
    by_kind: dict[str, dict[str, list[Measurement]]] = {}
    for one in measurements:
        by_kind.setdefault(kind(Problem.parse(one.problem)), {}).setdefault(one.implementation, []).append(one)
    return {
        what: {name: _law(some) for name, some in sorted(by_name.items()) if len(some) >= LEAST}
        for what, by_name in sorted(by_kind.items())
    }


def _law(some: Sequence[Measurement]) -> Law:
    """Ridge regression about the means, so that the constant is not drawn to 0."""
    rows = np.array([features(Problem.parse(one.problem))[1:] for one in some])
    logs = np.log2([one.seconds for one in some])
    centre = rows.mean(axis=0)
    apart = rows - centre
    exponents = np.linalg.solve(apart.T @ apart + RIDGE * np.eye(rows.shape[1]), apart.T @ (logs - logs.mean()))
    constant = logs.mean() - centre @ exponents
    residuals = logs - constant - rows @ exponents
    return Law([float(constant), *map(float, exponents)], float(2.0 ** np.sqrt(np.mean(residuals**2))))


def contenders(predicted: Mapping[str, float], baseline: str, within: float, most: int) -> list[str]:
    """Who is worth measuring: the baseline, and those predicted within a factor of the fastest; ``most`` in all."""
    least = min(predicted.values(), default=math.inf)
    near = [name for name in sorted(predicted, key=lambda one: (predicted[one], one)) if name != baseline]
    return [baseline, *[name for name in near if predicted[name] <= within * least][: most - 1]]


def winner(seconds: Mapping[str, float], baseline: str, clearly: float) -> str:
    """The fastest where it takes at most ``clearly`` times what the baseline takes, else the baseline."""
    fastest = min(seconds, key=lambda name: (seconds[name], name))
    return fastest if seconds[fastest] <= clearly * seconds[baseline] else baseline
