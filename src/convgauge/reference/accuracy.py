"""How wrong an answer may be, and how wrong it is: bounds, the three tests, the grade.

With u the unit roundoff of the accumulator, K products per output and a bias, every order of summation gives
|y' - y| <= gamma_{K+1} S, where S = sum |w||x| + |b| and gamma_n = n u / (1 - n u) (Higham, *Accuracy and Stability
of Numerical Algorithms*, 2nd ed., section 3.1). A narrower output adds its own rounding, u_out |y|; with a bias it may
have been added to a sum already rounded, so u_out (2 |y| + |b|). Products below the normal range each add up to half
a subnormal step. Fused multiply-adds, blocking and pairwise summation only make it smaller.

The largest error alone is a weak test at long reductions: gamma_{K+1} S there lets through operands rounded to TF32.
So, after the requirements of the TOSA specification for dot products, two more are asked of outputs that are many:

- *mean square*: rounding errors that are independent with mean 0 (Higham and Mary 2019) have, whatever the order,
  variance at most sigma^2 = (K + 1)/3 u^2 S^2 + u_out^2/3 (y^2 + ...), since one rounding of a value v is spread over
  at most +-u |v|, a uniform variable of variance u^2 v^2 / 3, and no partial sum exceeds S. The mean of (e / sigma)^2
  over T outputs may exceed 1 by 2 sqrt(t/T) + 2 t/T, t = 21: Laurent and Massart's tail bound (2000, lemma 1), missed
  once in 10^9;
- *bias*: the mean of e sign(y) / sigma may differ from 0 by 6 / sqrt(T), or by a tenth, whichever is more: outputs
  share operands, so that their errors are not quite independent. The one rounding with which a channel's bias is added
  may even be the same in all of the channel's outputs (sums on a coarser grid than the bias), so that there are only as
  many independent ones as channels, O: their part of sigma is 1 / sqrt(K + 1), and 6 / sqrt(O (K + 1)) is added, or
  sqrt(3 / (K + 1)) where that is less, since none exceeds u S. Where the output is narrower than the accumulator, that
  rounding is the largest of all, and K + 1 becomes 1.

Outputs that round to the same number are not independent (where the input is constant they even are the same sum), so
T is not their count but Kish's effective size of a sample in clusters, (sum n)^2 / sum n^2 over the n outputs of each
number.

Grade A holds for each output's own S; B with the largest S in its place (what FFT and Winograd keep), among all
placements of the kernel that touch the input, those that stride or padding leave out as well, since transforms compute
them too;
C only with the unit roundoff of a lower precision; F not even so.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from convgauge.dtypes import DTYPES, round_to
from convgauge.problem import Problem
from convgauge.reference import oracle
from convgauge.reference.operands import Array, Operands
from convgauge.terms import Grade

ORDER = "ABCF"
_TAIL = 21.0  # -ln of the chance that a sound implementation misses a statistical test: 10^-9
_DEVIATIONS = 6.0  # standard deviations that have the same chance
_CORRELATION = 0.1  # of sigma: the least bias that is told from correlated errors
_LEAST_SAMPLE = 32  # independent outputs below which mean square and bias say nothing
LOWER_ROUNDOFF = {"float64": 2.0**-24, "float32": 2.0**-11, "float16": 2.0**-11, "bfloat16": 2.0**-8}
_TYPICAL = 0.1  # root mean square of a transform's errors, divided by the largest that is allowed
_MAGNIFIED = (
    2.0**12
)  # what the output transform of Winograd's F(6x6, 3x3) may multiply an underflow by: 64 along each axis
_SUBGAUSSIAN = 7.0  # lambda in 2 exp(-lambda^2 / 2), the chance to be beyond lambda deviations: some 10^-10


def transform_terms(problem: Problem) -> float:
    """Roundings that a fast algorithm's transforms add to the K + 1 of a direct sum, in units of u times the largest S.

    96 covers Winograd's F(4x4, 3x3), the least accurate in common use, whose transforms amplify an error by some ten
    along each axis (Barabasz et al. 2018, tables 2 and 4); 8 per doubling of the plane covers the butterflies of an
    FFT and its inverse (Higham, theorem 24.2: log2(N) times 6.7 u). It bounds the largest error; the root of the mean
    square is a tenth of it at most (`_TYPICAL`): amplification is largest in a tile's last row and column, and F(6x6,
    3x3), worse than F(4x4, 3x3) whatever its points, was measured at 7 u S over all families of operands.
    """
    (top, bottom), (left, right) = problem.pads
    plane = (problem.height + top + bottom) * (problem.width + left + right)
    return 96.0 + 8.0 * math.log2(max(2, plane))


def integer_headroom(problem: Problem) -> float:
    """By how much to keep exact operands below their limit so that an implementation of grade B errs by at most 1/4.

    (K + 1 + transform_terms) u S <= 1/4 with S <= 2**digits / headroom.
    """
    dtype = DTYPES[problem.dtype]
    if dtype.kind == "i":
        return 1.0  # integers are exact, or they are wrong: nothing less than all their digits shows a float in between
    accumulator = DTYPES[dtype.accumulator]
    terms = problem.reduction + 1 + transform_terms(problem)
    return max(1.0, 4.0 * terms * 2.0 ** (dtype.digits - accumulator.digits))


def integer_tolerance(problem: Problem, promise: str) -> float:
    """How far an answer on exact operands may be from the integer: nothing for A.

    For B it is 1/4 (see `integer_headroom`) and half the spacing of a narrower output, which is at most 1: below the
    least step, 1, by which any fault in indexing moves an output.
    """
    if promise == "A" or DTYPES[problem.dtype].kind == "i":
        return 0.0
    narrow = DTYPES[problem.dtype].accumulator != problem.dtype
    return 0.75 if narrow else 0.25


def largest_magnitude(problem: Problem, operands: Operands) -> float:
    """The largest S of all placements of the kernel that touch the input."""
    rows, columns = problem.extent
    everywhere = problem.replace(stride=(1, 1), padding=(rows - 1, columns - 1))
    return float(oracle.magnitude(everywhere, operands).max(initial=0.0))


def normwise(problem: Problem, operands: Operands) -> float:
    """Grade B's bound on operands that may hold infinities or overflow; 0 where NaN leaves nothing to measure by."""
    size = largest_magnitude(problem, operands)
    if math.isnan(size):
        return 0.0
    terms = problem.reduction + 1 + transform_terms(problem)
    return terms * DTYPES[DTYPES[problem.dtype].accumulator].roundoff * size


@dataclass(frozen=True)
class Accuracy:
    """How accurate one answer is. Errors are in multiples of their bound (1 is the limit).

    ``margin`` is the largest error under the bound of ``grade`` (of B where the grade is C or F), ``componentwise``
    under that of A, ``mean_square`` and ``bias`` the two statistics under A's (0 where there are too few outputs).
    ``index`` is the output with the largest componentwise error; ``bound`` what it was allowed there.
    """

    grade: Grade
    margin: float
    componentwise: float
    mean_square: float
    bias: float
    index: tuple[int, ...]
    bound: float


@dataclass(frozen=True)
class Scale:
    """What errors are measured by: the exact answer and S of each output, arrays of the output's shape."""

    exact: Array
    magnitude: Array
    problem: Problem
    bias: Array | None
    squares: Array | None = None

    @classmethod
    def of(cls, problem: Problem, operands: Operands) -> Scale:
        """The scale of one case. float64 is summed exactly, the others in float64."""
        double = problem.dtype == "float64"
        exact = oracle.summed(problem, operands) if double else oracle.answer(problem, operands)
        return cls(exact, oracle.magnitude(problem, operands), problem, operands.bias)

    @cached_property
    def sample(self) -> float:
        """How many independent errors the outputs are worth: Kish's effective size, see the module's text."""
        _, counts = np.unique(round_to(self.exact, self.problem.dtype), return_counts=True)
        return float(counts.sum()) ** 2 / float((counts.astype(np.float64) ** 2).sum()) if counts.size else 0.0

    def bounds(self, grade: str, operands: Operands) -> tuple[Array, Array]:
        """(largest error allowed, sigma) of each output for a grade."""
        dtype = DTYPES[self.problem.dtype]
        accumulator = DTYPES[dtype.accumulator]
        terms = self.problem.reduction + 1.0
        spread = terms / 3
        size: Any = self.magnitude
        if grade != "A":
            size = largest_magnitude(self.problem, operands)
            terms += transform_terms(self.problem)
            spread += (_TYPICAL * transform_terms(self.problem)) ** 2
        u = accumulator.roundoff
        largest = terms * u / (1 - terms * u) * size
        sigma = math.sqrt(spread) * u * size
        rounded = self._output_roundings()
        if rounded is not None:
            largest = largest + dtype.roundoff * rounded * (1 + terms * u)
            sigma = np.hypot(sigma, dtype.roundoff / math.sqrt(3) * rounded)
        if grade == "C":
            further, further_sigma = self._lower_precision(operands)
            largest, sigma = largest + further, np.hypot(sigma, further_sigma)
        underflow = 0.5 * (terms if grade == "A" else terms + _MAGNIFIED) * accumulator.step + dtype.step
        return (
            np.broadcast_to(largest + underflow, self.exact.shape),
            np.broadcast_to(sigma + underflow, self.exact.shape),
        )

    def bias_allowed(self, grade: str) -> float:
        """How far the mean of the normalised errors may be from 0: see the module's text.

        Operands truncated to grade C's precision have an error of up to sigma that is all on one side.
        """
        if grade == "C":
            return 1.0
        allowed = max(_CORRELATION, _DEVIATIONS / math.sqrt(self.sample))
        if self.bias is not None:
            narrow = DTYPES[self.problem.dtype].accumulator != self.problem.dtype
            share = 1.0 if narrow else math.sqrt(self.problem.reduction + 1)
            allowed += min(_DEVIATIONS / math.sqrt(self.problem.out_channels), math.sqrt(3)) / share
        return allowed

    def _output_roundings(self) -> Array | None:
        """What the output's own rounding is relative to: |y|, or 2|y| + |b| where a bias may be added after it."""
        if DTYPES[self.problem.dtype].accumulator == self.problem.dtype:
            return None
        size = np.abs(self.exact)
        return size if self.bias is None else 2 * size + np.abs(self.bias.astype(np.float64))[:, None, None]

    def _lower_precision(self, operands: Operands) -> tuple[Array, Array]:
        """The further error that grade C allows, and the root of its mean square.

        16-bit floats: a sum kept in the storage type, gamma_{K+1}(u_out) S; where it stops growing the error is
        systematic, so that its mean square is that of the largest.

        Others: both operands of each product rounded to u_c (TF32's 2**-11, or float32's for float64), to nearest or
        by truncation. Either way an operand's relative error is spread evenly over a range of 2 u_c at most, of
        variance u_c^2 / 3, around 0 or around u_c. So the output's has a mean of at most 2 u_c |y| and the variance
        2/3 u_c^2 sum (w x)^2, and as an even spread is sub-Gaussian with its own variance, it is beyond lambda
        deviations once in 10^10. For float64 the sums are in float32 as well. Subnormal operands lose up to u_c times
        the least normal number, each in K products.
        """
        lower = LOWER_ROUNDOFF[self.problem.dtype]
        terms = self.problem.reduction + 1
        dtype = DTYPES[self.problem.dtype]
        sizes = sum(float(np.abs(one).max(initial=0.0)) for one in (operands.input, operands.weight))
        subnormal = lower * dtype.tiny * terms * sizes
        if DTYPES[self.problem.dtype].accumulator != self.problem.dtype:
            # (1 + u)^n - 1 keeps its meaning where n u is no longer small
            largest: Array = math.expm1(min(terms * math.log1p(lower), 50.0)) * self.magnitude
            return largest, largest
        spread = math.sqrt(2 / 3) * lower * oracle.root_of_squares(self.problem, operands)
        mean = 2 * lower * np.abs(self.exact)
        largest, sigma = mean + _SUBGAUSSIAN * spread, np.hypot(mean, spread)
        if self.problem.dtype == "float64":
            largest = largest + terms * lower * self.magnitude
            sigma = np.hypot(sigma, math.sqrt(terms / 3) * lower * self.magnitude)
        return largest + subnormal, sigma + subnormal


def measure(output: Array, scale: Scale, operands: Operands, statistics: bool = True) -> Accuracy:
    """The grade and margins of one answer; ``output`` has the exact answer's shape.

    ``statistics`` asks for the mean square and the bias as well: leave it out for operands whose rounding errors are
    not independent with mean 0 (powers of two, values that cancel by design). An answer that is NaN or infinite
    where the exact one is finite has an infinite error.
    """
    error = output.astype(np.float64) - scale.exact
    error[~np.isfinite(error)] = np.inf
    size = np.abs(error)
    under = {}
    grades: tuple[Grade, ...] = ("A", "B", "C")
    for grade in grades:
        bound, sigma = scale.bounds(grade, operands)
        under[grade] = (bound, _tests(error, size, scale, grade, bound, sigma, statistics))
        if max(under[grade][1]) <= 1.0:
            break
    else:
        grade = "F"
    bound, componentwise = under["A"]
    with np.errstate(over="ignore"):  # an error beyond all bounds is infinitely often its bound
        place = np.unravel_index(int(np.argmax(size / bound)), size.shape) if size.size else ()
    index = tuple(int(i) for i in place)
    margin = under["A" if grade == "A" else "B"][1][0]
    return Accuracy(grade, margin, *componentwise, index, float(bound[index]) if index else 0.0)


def _tests(
    error: Array, size: Array, scale: Scale, grade: str, bound: Array, sigma: Array, statistics: bool
) -> tuple[float, float, float]:
    """Largest error, mean square and bias, each divided by what is allowed."""
    with np.errstate(over="ignore"):
        largest = float((size / bound).max(initial=0.0))
    sample = scale.sample if statistics else 0.0
    if sample < _LEAST_SAMPLE or not math.isfinite(largest):
        return largest, 0.0, 0.0
    normal = error / sigma
    allowed = 1 + 2 * math.sqrt(_TAIL / sample) + 2 * _TAIL / sample
    with np.errstate(over="ignore"):
        mean_square = float(np.mean(normal * normal)) / allowed
    mean = abs(float(np.mean(normal * np.sign(scale.exact)))) / scale.bias_allowed(grade)
    return largest, mean_square, mean


def worst(grades: Iterable[Grade]) -> Grade:
    """Return the lowest of several grades, or "" if there is none."""
    return max(grades, key=ORDER.index, default="")
