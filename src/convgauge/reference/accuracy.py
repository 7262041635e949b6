"""Accuracy of an output: error bounds, the tests of error, mean square and bias, and the grade.

With u the unit roundoff of the accumulator, K products per output and a bias, every order of summation gives
|y' - y| <= gamma_{K+1} S, where S = sum |w||x| + |b| and gamma_n = n u / (1 - n u) (Higham, *Accuracy and Stability
of Numerical Algorithms*, 2nd ed., section 3.1). A narrower output adds its own rounding, u_out |y|; with a bias it may
have been added to a sum already rounded, so u_out (2 |y| + |b|). Products below the normal range each add up to half
a subnormal step. Fused multiply-adds, blocking and pairwise summation make the error smaller.

The largest error alone is a weak test at long reductions: gamma_{K+1} S there accepts operands rounded to TF32.
Two more tests of many outputs follow the requirements of the TOSA specification for dot products:

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

Outputs that round to the same number are not independent (for a constant input they are the same sum). So T is not
their count but Kish's effective size of a sample in clusters, (sum n)^2 / sum n^2 over the n outputs of each number.
Exact outputs whose significands are equal have equal relative errors of rounding, so that e sign(y) / sigma is the same
for them: with one product per output and few weights there are few significands. T is the smaller of the two sizes.

No output of a dtype is more accurate than the correctly rounded one. Its mean square is allowed, and the bias is also
measured as the difference from its bias, so that it has grade A whatever the operands.

The grade is the best one whose bounds hold. A: with each output's own S. B, which FFT and Winograd keep: with the
largest S of all placements of the kernel that touch the input. Stride or padding may leave some of these out, but
transforms compute them too. C: with the unit roundoff of a lower precision. F: none of them.
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
from convgauge.terms import Computed, Grade

ORDER = "ABCF"
"""Grades from the best to the worst."""
LOWER_ROUNDOFF = {"float64": 2.0**-24, "float32": 2.0**-11, "float16": 2.0**-11, "bfloat16": 2.0**-8}
"""Unit roundoff of grade C by dtype."""
_TAIL = 21.0  # -ln of the probability that a correct implementation fails a statistical test: 10^-9
_DEVIATIONS = 6.0  # standard deviations of the same probability
_CORRELATION = 0.1  # in sigma: the smallest bias that differs from that of correlated errors
_MIN_SAMPLE = 32  # independent outputs below which mean square and bias are not tested
_TYPICAL = 0.1  # root mean square of a transform's errors, divided by the largest error allowed
_MAGNIFIED = 2.0**12  # factor of an underflow in the output transform of Winograd's F(6x6, 3x3): 64 along each axis
_SUBGAUSSIAN = 7.0  # lambda in 2 exp(-lambda^2 / 2), the probability of more than lambda deviations: about 10^-10


def transform_terms(problem: Problem) -> float:
    """Return the roundings that a fast algorithm's transforms add to the K + 1 of a direct sum.

    Their unit is u times the largest S. 96 covers Winograd's F(4x4, 3x3), the least accurate in common use, whose
    transforms amplify an error by about ten along each axis. 8 per doubling of the plane covers the butterflies of an
    FFT and its inverse: log2(N) times 6.7 u. The sum bounds the largest error. The root of the mean square is at most a
    tenth of it (`_TYPICAL`), since amplification is largest in a tile's last row and column. F(6x6, 3x3), less accurate
    than F(4x4, 3x3) with any points, was measured at 7 u S over all families of operands.

    Source
    ------
    Barabasz et al. 2018, tables 2 and 4; Higham, theorem 24.2.
    """
    (top, bottom), (left, right) = problem.pads
    plane = (problem.height + top + bottom) * (problem.width + left + right)
    return 96.0 + 8.0 * math.log2(max(2, plane))


def stored_sums(problem: Problem, direction: Computed) -> int:
    """Return the partial sums that grade B lets a gradient narrower than its accumulator store in its dtype.

    Backward passes add overlapping windows, one per tap, to the gradient by the input, and one gradient per image to
    that by the weight. T sums that are rounded to the dtype add T u_out S to the error. An output has no such sums.
    """
    if direction == "grad_input":
        return problem.kernel[0] * problem.kernel[1]
    return problem.batch if direction == "grad_weight" else 0


def integer_headroom(problem: Problem) -> float:
    """Return the factor by which exact operands stay below their limit, so that errors of grade B are at most 1/4.

    (K + 1 + transform_terms) u S <= 1/4 with S <= 2**digits / headroom.

    Returns
    -------
    float
        Headroom of `convgauge.reference.operands.draw`, at least 1.
    """
    dtype = DTYPES[problem.dtype]
    if dtype.kind == "i":
        return 1.0  # integers are exact or wrong: only operands of all digits detect a float in between
    accumulator = DTYPES[dtype.accumulator]
    terms = problem.reduction + 1 + transform_terms(problem)
    return max(1.0, 4.0 * terms * 2.0 ** (dtype.digits - accumulator.digits))


def integer_tolerance(problem: Problem, declared_grade: str) -> float:
    """Return the allowed difference of an output on exact operands from the integer: 0 for grade A.

    For B it is 1/4 (see `integer_headroom`) and half the spacing of a narrower output, which is at most 1. Both
    together are less than 1, the smallest change of an output by any fault in indexing.

    Parameters
    ----------
    problem : Problem
        Problem of the output.
    declared_grade : {"A", "B", "C", ""}
        Grade that the implementation declares.
    """
    if declared_grade == "A" or DTYPES[problem.dtype].kind == "i":
        return 0.0
    narrow = DTYPES[problem.dtype].accumulator != problem.dtype
    return 0.75 if narrow else 0.25


def largest_magnitude(problem: Problem, operands: Operands) -> float:
    """Return the largest S of all that a transform computes.

    These are all placements of the kernel that touch the input, all rows and columns of the padded input, or all taps
    within the extent of the kernel.
    """
    rows, columns = problem.extent
    if problem.direction == "forward":
        everywhere = problem.replace(stride=(1, 1), padding=(rows - 1, columns - 1))
    elif problem.direction == "grad_input":
        (top, bottom), (left, right) = problem.pads
        size = {"height": top + problem.height + bottom, "width": left + problem.width + right}
        everywhere = problem.replace(padding=(0, 0), **size)
    else:
        everywhere = problem.replace(kernel=(rows, columns), dilation=(1, 1))
    return float(oracle.magnitude(everywhere, operands).max(initial=0.0))


def normwise_bound(problem: Problem, operands: Operands) -> float:
    """Return grade B's bound on operands that may contain infinities or overflow, or 0 if the largest S is NaN."""
    size = largest_magnitude(problem, operands)
    if math.isnan(size):
        return 0.0
    terms = problem.reduction + 1 + transform_terms(problem)
    return terms * DTYPES[DTYPES[problem.dtype].accumulator].roundoff * size


def effective_size(values: Array) -> float:
    """Return Kish's effective size of a sample whose clusters are the outputs of equal values.

    Source
    ------
    Kish 1965, Survey Sampling, section 11.7.
    """
    _, counts = np.unique(values, return_counts=True)
    return float(counts.sum()) ** 2 / float((counts.astype(np.float64) ** 2).sum()) if counts.size else 0.0


@dataclass(frozen=True)
class Accuracy:
    """Accuracy of one output. Errors are in multiples of their bound (1 is the limit).

    Attributes
    ----------
    grade : {"A", "B", "C", "F"}
        Best grade whose bounds hold.
    margin : float
        Largest error, by the bound of ``grade``; by that of B if the grade is C or F.
    componentwise : float
        Largest error, by the bound of grade A.
    mean_square, bias : float
        Statistics by the limits of grade A; 0 for too few outputs.
    index : tuple of int
        Index of the largest componentwise error.
    bound : float
        Bound of grade A at ``index``.
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
    """Scale of the errors of one case.

    Attributes
    ----------
    exact, magnitude : numpy.ndarray
        Exact output and S of each output, of the output's shape, in float64.
    problem : Problem
        Problem of the case.
    bias : numpy.ndarray or None
        Bias of the case.
    """

    exact: Array
    magnitude: Array
    problem: Problem
    bias: Array | None

    @classmethod
    def of(cls, problem: Problem, operands: Operands) -> Scale:
        """Compute the scale of one case: exact sums for float64, sums in float64 for other dtypes."""
        double = problem.dtype == "float64"
        exact = oracle.summed(problem, operands) if double else oracle.answer(problem, operands)
        return cls(exact, oracle.magnitude(problem, operands), problem, operands.bias)

    @cached_property
    def sample(self) -> float:
        """Number of independent errors: the smaller of two of Kish's effective sizes (see the module's text)."""
        accumulator = DTYPES[self.problem.dtype].accumulator
        significands = round_to(np.frexp(np.abs(self.exact))[0], accumulator)
        return min(effective_size(round_to(self.exact, self.problem.dtype)), effective_size(significands))

    @cached_property
    def rounding_errors(self) -> Array:
        """Errors of the correctly rounded output; 0 where it overflows."""
        errors: Array = round_to(self.exact, self.problem.dtype).astype(np.float64) - self.exact
        return np.where(np.isfinite(errors), errors, 0.0)

    def bounds(self, grade: str, operands: Operands) -> tuple[Array, Array]:
        """Return the largest error allowed and sigma of each output.

        Parameters
        ----------
        grade : {"A", "B", "C"}
            Grade.
        operands : Operands
            Operands of the case.

        Returns
        -------
        tuple of numpy.ndarray
            Two arrays of the output's shape, in float64.
        """
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
            if grade != "A" and (stored := stored_sums(self.problem, self.problem.direction)):
                largest = largest + dtype.roundoff * stored * size + 0.5 * stored * dtype.step
                sigma = np.hypot(sigma, dtype.roundoff * math.sqrt(stored / 3) * size)
        if grade == "C":
            further, further_sigma = self._lower_precision(operands)
            largest, sigma = largest + further, np.hypot(sigma, further_sigma)
        underflow = 0.5 * (terms if grade == "A" else terms + _MAGNIFIED) * accumulator.step + dtype.step
        return (
            np.broadcast_to(largest + underflow, self.exact.shape),
            np.broadcast_to(sigma + underflow, self.exact.shape),
        )

    @property
    def mean_square_allowed(self) -> float:
        """Largest mean square of the normalised errors (see the module's text); infinite for too few outputs."""
        if self.sample < _MIN_SAMPLE:
            return math.inf
        return 1 + 2 * math.sqrt(_TAIL / self.sample) + 2 * _TAIL / self.sample

    def bias_allowed(self, grade: str) -> float:
        """Return the largest mean of the normalised errors (see the module's text).

        Operands truncated to grade C's precision have an error of up to sigma on one side.
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
        """Return the numbers whose rounding the output adds: |y|, or 2|y| + |b| with a bias, added after it.

        Return None if the output is as wide as the accumulator.
        """
        if DTYPES[self.problem.dtype].accumulator == self.problem.dtype:
            return None
        size = np.abs(self.exact)
        return size if self.bias is None else 2 * size + np.abs(self.bias.astype(np.float64))[:, None, None]

    def _lower_precision(self, operands: Operands) -> tuple[Array, Array]:
        """Return the further error that grade C allows, and the root of its mean square.

        16-bit floats: a sum in the storage type, gamma_{K+1}(u_out) S. If it stops growing the error is systematic, so
        that its mean square is that of the largest.

        Others: both operands of each product rounded to u_c (TF32's 2**-11, or float32's for float64), to nearest or
        by truncation. Either way an operand's relative error is spread evenly over a range of 2 u_c at most, of
        variance u_c^2 / 3, around 0 or around u_c. So the output's has a mean of at most 2 u_c |y| and the variance
        2/3 u_c^2 sum (w x)^2, and as an even spread is sub-Gaussian with its own variance, it is beyond lambda
        deviations once in 10^10. For float64 the sums are in float32 as well. Subnormal operands lose up to u_c times
        the smallest normal number, each in K products.
        """
        lower = LOWER_ROUNDOFF[self.problem.dtype]
        terms = self.problem.reduction + 1
        dtype = DTYPES[self.problem.dtype]
        sizes = sum(float(np.abs(array).max(initial=0.0)) for array in (operands.input, operands.weight))
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
    """Measure the grade and the margins of one output.

    The error is infinite if the output is NaN or infinite and the exact one is finite.

    Parameters
    ----------
    output : numpy.ndarray
        Output of the shape of ``scale.exact``, in its carrier dtype.
    scale : Scale
        Scale of the case.
    operands : Operands
        Operands of the case.
    statistics : bool
        Also test the mean square and the bias. False for operands whose rounding errors are not independent with mean
        0, such as powers of two and values that cancel by design.

    Returns
    -------
    Accuracy
        Grade and margins.
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
    with np.errstate(over="ignore"):  # the quotient may overflow
        largest = np.unravel_index(int(np.argmax(size / bound)), size.shape) if size.size else ()
    index = tuple(int(i) for i in largest)
    margin = under["A" if grade == "A" else "B"][1][0]
    return Accuracy(grade, margin, *componentwise, index, float(bound[index]) if index else 0.0)


def _tests(
    error: Array, size: Array, scale: Scale, grade: str, bound: Array, sigma: Array, statistics: bool
) -> tuple[float, float, float]:
    """Return the largest error, the mean square and the bias, each divided by its limit."""
    with np.errstate(over="ignore"):
        largest = float((size / bound).max(initial=0.0))
    sample = scale.sample if statistics else 0.0
    if sample < _MIN_SAMPLE or not math.isfinite(largest):
        return largest, 0.0, 0.0
    mean_square, mean = _moments(error / sigma, scale)
    least_square, least_mean = _moments(scale.rounding_errors / sigma, scale)
    bias = min(abs(mean), abs(mean - least_mean)) / scale.bias_allowed(grade)
    return largest, mean_square / max(scale.mean_square_allowed, least_square), bias


def _moments(normal: Array, scale: Scale) -> tuple[float, float]:
    """Return the mean square of normalised errors, and their mean in the direction of the exact outputs."""
    with np.errstate(over="ignore"):
        return float(np.mean(normal * normal)), float(np.mean(normal * np.sign(scale.exact)))


def lowest_grade(grades: Iterable[Grade]) -> Grade:
    """Return the lowest of several grades, or "" if there is none."""
    return max(grades, key=ORDER.index, default="")
