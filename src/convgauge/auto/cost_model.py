"""Cost model: predicts the time of an implementation from its times on other problems.

For each kind of problem, the logarithm of the baseline's seconds is linear in the logarithms of the numbers of
operations and of elements moved. So is the logarithm of every other implementation's ratio to it. These are power laws,
whose errors are factors. They are fitted by ridge regression (Hoerl and Kennard 1970), because measurements are few.
Leave-one-out errors (Allen 1974) determine the strength of the ridge and the error of a law. This module measures
nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from convgauge.problem import PROBLEM_KINDS, Problem

RIDGES = (0.03, 0.3, 3.0, 30.0, 300.0)
"""Weights of the penalty on exponents, in squared errors of log2; the last one leaves little more than a constant."""

MIN_MEASUREMENTS = 6
"""Measurements that a law needs: about as many as it has coefficients."""

VECTOR_CHANNELS = 16
"""Channels in a block of libraries' blocked layouts on the widest vectors: with fewer, lanes are idle."""

LAW_KINDS = {
    kind: {
        "depthwise": "depthwise",
        "grouped": "grouped",
        "pointwise": "pointwise",
        "dilated": "strided or dilated",
        "strided": "strided or dilated",
    }.get(kind, "dense")
    for kind in PROBLEM_KINDS
}
"""Kinds of problems with laws of their own, by `Problem.kind`: libraries have separate code for these."""


class Measurement(msgspec.Struct, frozen=True):
    """Seconds of one call of ``implementation`` on the problem with that text."""

    implementation: str
    problem: str
    seconds: float


class Law(msgspec.Struct, frozen=True):
    """Law of one implementation for one kind of problem.

    Parameters
    ----------
    coefficients : list of float
        Coefficients of `features` for the logarithm (base 2) of the seconds of one call.
    error : float
        Usual factor of the error on problems that were not fitted to (quadratic mean): of the baseline's seconds, or
        of another implementation's ratio to the baseline.
    """

    coefficients: list[float]
    error: float


class Model(msgspec.Struct, frozen=True):
    """Laws by kind of problem and implementation, with the number of measurements, the date, and the seconds taken."""

    laws: dict[str, dict[str, Law]]
    measurements: int
    fitted: str = ""
    elapsed: float = 0.0

    def times(self, problem: Problem) -> dict[str, float]:
        """Return the predicted seconds of one call by implementation, the fastest first.

        An implementation without a law for this kind of problem is missing.
        """
        values = features(problem)
        seconds = {name: 2.0 ** float(np.dot(values, law.coefficients)) for name, law in self._laws(problem).items()}
        return dict(sorted(seconds.items(), key=lambda item: (item[1], item[0])))

    def optimistic_times(self, problem: Problem) -> dict[str, float]:
        """Return the predicted seconds of one call divided by the usual error factor of each law.

        Used to select candidates, so that an implementation with a poor model is still tried.
        """
        laws = self._laws(problem)
        return {name: seconds / laws[name].error for name, seconds in self.times(problem).items()}

    def _laws(self, problem: Problem) -> dict[str, Law]:
        return self.laws.get(LAW_KINDS[problem.kind], {})


def features(problem: Problem) -> NDArray[np.float64]:
    """Return the terms of a law: 1, then logarithms (base 2) of FLOPs, elements of each array, and channels per block.

    Returns
    -------
    array of float64, shape (7,)
        Channels count up to `VECTOR_CHANNELS`: fewer leave vector lanes idle.
    """
    c, o, g = problem.in_channels, problem.out_channels, problem.groups
    sizes = (
        problem.flops,
        math.prod(problem.input_shape),
        math.prod(problem.output_shape),
        math.prod(problem.weight_shape),
        min(VECTOR_CHANNELS, c // g),
        min(VECTOR_CHANNELS, o // g),
    )
    return np.array([1.0, *(math.log2(max(1, size)) for size in sizes)])


def fit(measurements: Sequence[Measurement], baseline: str) -> dict[str, dict[str, Law]]:
    """Fit the laws of all implementations, by kind of problem.

    Parameters
    ----------
    measurements : sequence of Measurement
        Other implementations are measured on problems on which the baseline is measured.
    baseline : str
        Name of the implementation to which the others' ratios refer.

    Returns
    -------
    dict
        Without the implementations that are measured on fewer than `MIN_MEASUREMENTS` problems of the kind. Empty for
        a kind in which the baseline has no law.
    """
    by_kind: dict[str, dict[str, dict[str, float]]] = {}
    for measurement in measurements:
        kind = LAW_KINDS[Problem.parse(measurement.problem).kind]
        logs = by_kind.setdefault(kind, {}).setdefault(measurement.implementation, {})
        logs[measurement.problem] = math.log2(measurement.seconds)
    return {kind: _laws(by_kind[kind], baseline) for kind in sorted(by_kind)}


def _laws(logs: dict[str, dict[str, float]], baseline: str) -> dict[str, Law]:
    base = logs.get(baseline, {})
    if len(base) < MIN_MEASUREMENTS:
        return {}
    law = _law(base)
    laws = {baseline: law}
    for name in sorted(logs.keys() - {baseline}):
        ratios = {text: log - base[text] for text, log in logs[name].items() if text in base}
        if len(ratios) >= MIN_MEASUREMENTS:
            ratio = _law(ratios)
            sums = [a + b for a, b in zip(law.coefficients, ratio.coefficients, strict=True)]
            laws[name] = Law(sums, ratio.error)
    return laws


def _law(logs: Mapping[str, float]) -> Law:
    """Fit by ridge regression about the means, so that the ridge does not pull the constant to 0."""
    rows = np.array([features(Problem.parse(text))[1:] for text in logs])
    values = np.array(list(logs.values()))
    centre, mean = rows.mean(axis=0), values.mean()
    centred = rows - centre
    fits = []
    for ridge in RIDGES:
        solution = np.linalg.solve(centred.T @ centred + ridge * np.eye(rows.shape[1]), centred.T)
        leverage = 1 / len(values) + np.einsum("ij,ji->i", centred, solution)
        exponents = solution @ (values - mean)
        left_out = (values - mean - centred @ exponents) / (1 - leverage)  # errors of each value if it is not fitted to
        fits.append((float(np.mean(left_out**2)), exponents))
    squares, exponents = min(fits, key=lambda item: item[0])
    return Law([float(mean - centre @ exponents), *map(float, exponents)], 2.0 ** math.sqrt(squares))


def candidates(times: Mapping[str, float], optimistic: Mapping[str, float], baseline: str, count: int) -> list[str]:
    """Return the implementations that are worth measuring.

    Parameters
    ----------
    times, optimistic : mapping
        Seconds of one call by implementation: `Model.times` and `Model.optimistic_times`.
    baseline : str
        Name of the baseline.
    count : int
        Largest number of candidates, the baseline included.

    Returns
    -------
    list of str
        The baseline, then those whose optimistic time is no longer than the baseline's time, the fastest first.
    """
    if baseline not in times:
        return [baseline]
    faster = [name for name in optimistic if name != baseline and optimistic[name] <= times[baseline]]
    return [baseline, *sorted(faster, key=lambda name: (optimistic[name], name))[: count - 1]]


def clearly_fastest(seconds: Mapping[str, float], baseline: str, max_ratio: float) -> str:
    """Return the fastest implementation if its ratio to the baseline is ``max_ratio`` or less, else the baseline."""
    fastest = min(seconds, key=lambda name: (seconds[name], name))
    return fastest if seconds[fastest] <= max_ratio * seconds[baseline] else baseline
