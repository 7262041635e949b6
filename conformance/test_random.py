"""Random: problems drawn from all that networks use and some that none does, for the faults that need several things.

A table shows what depends on one parameter, a covering array what depends on two. What takes three or four together (a
3 x 3 kernel at stride 2 on even sizes with unlike paddings) is met by many problems that have nothing in common. Each
dtype has problems of its own, as their geometry tells of the others as well.
"""

import math
import zlib
from functools import lru_cache

import numpy as np

from convgauge.conformance import Case, spec
from convgauge.conformance.cases import seeing
from convgauge.operands import Operands
from convgauge.problem import Problem, ProblemError

CONV2D = "torch.nn.functional.conv2d"
FEW = 28  # problems of a kind at quick
MANY = 350  # and at standard
MOST = 240_000  # FLOPs of one, so that loops in plain Python come through as well

KERNELS = [*[(3, 3)] * 6, *[(1, 1)] * 4, *[(5, 5)] * 3, (7, 7), (2, 2), (4, 4), (1, 3), (3, 1), (1, 7), (7, 1), (2, 3),
           (5, 3), (3, 5), (9, 9), (6, 2), (11, 11), (1, 15), (13, 1)]  # fmt: skip
STRIDES = [*[(1, 1)] * 6, *[(2, 2)] * 4, (1, 2), (2, 1), (3, 3), (4, 4), (3, 2), (1, 4)]
DILATIONS = [*[(1, 1)] * 8, (2, 2), (2, 2), (1, 2), (2, 1), (3, 3), (4, 4), (1, 5)]
CHANNELS = [1, 2, 3, 3, 4, 5, 6, 7, 8, 8, 12, 16, 16, 20, 24, 32, 32, 33, 48, 64, 64, 65, 96, 100, 128, 160, 256]
BATCHES = [*[1] * 6, 2, 2, 3, 4, 4, 5, 6, 8, 8, 9, 12, 16, 17, 32, 33, 64]
SIZES = [*range(1, 21), 24, 27, 28, 31, 32, 33, 34, 35, 36, 37, 40, 47, 48, 49, 56, 63, 64, 65, 66, 96, 112, 127, 128]


def one_of(random, values):
    return values[int(random.integers(len(values)))]


def drawn(random):
    """One problem at random, or None where the parameters do not fit together or there is too much to compute."""
    kernel, stride, dilation = (one_of(random, values) for values in (KERNELS, STRIDES, DILATIONS))
    extent = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    padding = one_of(
        random,
        [
            (0, 0),
            *[tuple(size // 2 for size in extent)] * 3,
            "same" if stride == (1, 1) else "valid",
            (extent[0] - 1, extent[1] - 1),
            tuple(int(random.integers(5)) for _ in range(2)),
            (int(random.integers(1, 4)), 0),
        ],
    )
    groups = one_of(random, [*[1] * 5, 2, 2, 3, 4, 8, "depthwise", "depthwise"])
    into, out = (one_of(random, CHANNELS) for _ in range(2))
    if groups == "depthwise":
        groups, out = into, into * one_of(random, [1, 1, 1, 2, 3])
    else:
        into, out = (max(1, channels // groups) * groups for channels in (into, out))
    height, width = (one_of(random, SIZES) for _ in range(2))
    if random.integers(3) == 0:
        width = height
    try:
        problem = Problem(
            one_of(random, BATCHES), into, height, width, out, kernel, stride, padding, dilation, groups,
            bool(random.integers(2)),
        )  # fmt: skip
    except ProblemError:
        return None
    return problem if 0 < problem.flops <= MOST and math.prod(seeing(problem)) >= 0.25 else None


@lru_cache
def several(count, key):
    """``count`` problems, the same ones for the same ``key``."""
    random = np.random.default_rng(zlib.crc32(key.encode()))
    found = []
    while len(found) < count:
        problem = drawn(random)
        if problem is not None:
            found.append(problem)
    return found


def some(judge, what):
    """Random problems for one purpose, as many as the tier has time for; ``--seed`` gives others."""
    count = {"quick": FEW, "standard": MANY}.get(judge.setting.tier, 20 * MANY)
    return several(count, f"{what} {judge.dtype} {judge.setting.seed}")


@spec("random.exact", source=CONV2D, quick=("float32", "float64", "float16", "bfloat16"))
def test_exact(judge):
    """Any problem is answered exactly on integers, whatever parameters and sizes come together in it."""
    judge.exact(some(judge, "exact"))
    if judge.setting.tier == "quick":
        judge.exact(some(judge, "exact again"))


@spec("random.accurate", source=CONV2D)
def test_accurate(judge):
    """Any problem is answered accurately on real numbers, whatever parameters and sizes come together in it."""
    judge.accurate(some(judge, "accurate"))


@spec("random.layouts", profile="functional", source="numpy.ndarray.strides; torch.Tensor.stride")
def test_layouts(judge):
    """Any problem is answered exactly, however each of its operands lies in memory."""
    lazy = ("negated", "conjugated")
    known = [layout for layout in judge.said.layouts if layout not in ("broadcast", *lazy)]
    if len(known) == 1:
        judge.skip(f"{judge.said.framework} makes contiguous arrays only")
    random = np.random.default_rng(judge.setting.seed)
    judge.exact(
        [
            Case(problem, layouts=tuple(one_of(random, ["contiguous", *known]) for _ in range(3)))
            for problem in some(judge, "layouts")
        ]
    )


@spec("random.prepared", profile="functional", source="the contract of prepare")
def test_prepared(judge):
    """Any problem is answered exactly by way of ``prepare``, where there is one."""
    if not judge.said.prepares:
        judge.skip("the implementation prepares nothing")
    judge.exact([Case(problem, prepared=True) for problem in some(judge, "prepared")])


def sparse(random, array, share=0.1):
    return array * (random.random(array.shape) < share)


STRUCTURES = [
    lambda random, x, w: (sparse(random, x), w),
    lambda random, x, w: (x, sparse(random, w, 0.2)),
    lambda random, x, w: (sparse(random, x, 0.03), sparse(random, w, 0.5)),
    lambda random, x, w: (np.broadcast_to(x[:1, :1, :1, :1], x.shape), w),
    lambda random, x, w: (x, np.broadcast_to(w[:, :, :1, :1], w.shape)),
    lambda random, x, w: (np.abs(x), np.abs(w)),
    lambda random, x, w: (np.sign(x), np.sign(w)),
    lambda random, x, w: (x, w[:, :, :, :1] * np.sign(w[:, :, :1])),
    lambda random, x, w: (x, w[:1] * np.sign(w[:, :1, :1, :1])),
    lambda random, x, w: (x[:1] * np.sign(x[:, :1, :1, :1]), w),
    lambda random, x, w: (x * (np.indices(x.shape).sum(0) % 2), w),
    lambda random, x, w: (x, np.where(np.arange(w.shape[3]) == w.shape[3] // 2, w, 0)),
]


@spec("random.structured", profile="functional", source=CONV2D)
def test_structured(judge):
    """Any problem is answered exactly on operands that are sparse, constant, separable, signs or repeated."""

    def change(case, operands):
        random = np.random.default_rng(case.seed)
        make = STRUCTURES[case.seed % len(STRUCTURES)]
        made = [
            np.ascontiguousarray(one, operands.input.dtype) for one in make(random, operands.input, operands.weight)
        ]
        return Operands(*made, operands.bias)

    judge.answers(
        [Case(problem, seed=1 + place) for place, problem in enumerate(some(judge, "structured"))],
        judge.rightly,
        change=change,
    )


@spec(
    "random.integers",
    profile="functional",
    source=CONV2D,
    dtypes=("int64", "int32", "int16", "int8"),
    quick=("int64", "int32", "int16", "int8"),
)
def test_integers(judge):
    """Integer operands of any problem are refused, or added up exactly and given back in their own dtype."""
    judge.refuses([Case(problem) for problem in some(judge, "integers")[:80]], unless=judge.rightly)


@spec("random.complex", profile="functional", source=CONV2D, dtypes=("complex128", "complex64"), quick=("complex64",))
def test_complex(judge):
    """Complex operands of any problem are refused, or multiplied without conjugation and added up exactly."""
    judge.refuses([Case(problem) for problem in some(judge, "complex")[:80]], unless=judge.rightly)
