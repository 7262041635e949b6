"""Random: problems drawn from all that networks use and some that none does, for the faults that need several things.

A table shows what depends on one parameter, a covering array what depends on two. What takes three or four together (a
3 x 3 kernel at stride 2 on even sizes with unlike paddings) is met by many problems that have nothing in common. Each
dtype has problems of its own, as their geometry tells of the others as well.
"""

import numpy as np

from convgauge.conformance import Case, spec
from convgauge.conformance.judge import Judge
from convgauge.conformance.random_problems import choose, random_problems
from convgauge.reference.operands import Operands

CONV2D = "torch.nn.functional.conv2d"
FEW = 28  # problems of a kind at quick
MANY = 350  # and at standard


def some(judge: Judge, what, many=MANY):
    """Random problems for one purpose, ``many`` of them at standard; ``--seed`` gives others."""
    count = {"quick": FEW, "standard": many}.get(judge.setting.tier, 20 * many)
    return random_problems(count, f"{what} {judge.dtype} {judge.setting.seed}")


@spec("random.exact", source=CONV2D, quick=("float32", "float64", "float16", "bfloat16"))
def test_exact(judge: Judge) -> None:
    """Any problem is answered exactly on integers, whatever parameters and sizes come together in it."""
    judge.exact(some(judge, "exact"))
    if judge.setting.tier == "quick":
        judge.exact(some(judge, "exact again"))


@spec("random.accurate", source=CONV2D)
def test_accurate(judge: Judge) -> None:
    """Any problem is answered accurately on real numbers, whatever parameters and sizes come together in it."""
    judge.accurate(some(judge, "accurate", 100))


@spec("random.layouts", profile="functional", source="numpy.ndarray.strides; torch.Tensor.stride")
def test_layouts(judge: Judge) -> None:
    """Any problem is answered exactly, however each of its operands lies in memory."""
    lazy = ("negated", "conjugated")
    known = [layout for layout in judge.description.layouts if layout not in ("broadcast", *lazy)]
    if len(known) == 1:
        judge.skip(f"{judge.description.framework} makes contiguous arrays only")
    random = np.random.default_rng(judge.setting.seed)
    judge.exact(
        [
            Case(problem, layouts=tuple(choose(random, ["contiguous", *known]) for _ in range(3)))
            for problem in some(judge, "layouts", 200)
        ]
    )


@spec("random.prepared", profile="functional", source="the contract of prepare")
def test_prepared(judge: Judge) -> None:
    """Any problem is answered exactly by way of ``prepare``, where there is one."""
    if not judge.description.prepares:
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
def test_structured(judge: Judge) -> None:
    """Any problem is answered exactly on operands that are sparse, constant, separable, signs or repeated."""

    def change(case: Case, operands: Operands) -> Operands:
        random = np.random.default_rng(case.seed)
        make = STRUCTURES[case.seed % len(STRUCTURES)]
        made = [
            np.ascontiguousarray(one, operands.input.dtype) for one in make(random, operands.input, operands.weight)
        ]
        return Operands(*made, operands.bias)

    judge.satisfies(
        [Case(problem, seed=1 + place) for place, problem in enumerate(some(judge, "structured", 200))],
        judge.check_exact,
        transform=change,
    )


@spec(
    "random.integers",
    profile="functional",
    source=CONV2D,
    dtypes=("int64", "int32", "int16", "int8"),
    quick=("int64", "int32", "int16", "int8"),
)
def test_integers(judge: Judge) -> None:
    """Integer operands of any problem are refused, or added up exactly and given back in their own dtype."""
    judge.refuses([Case(problem) for problem in some(judge, "integers", 80)], unless=judge.check_exact)


@spec("random.complex", profile="functional", source=CONV2D, dtypes=("complex128", "complex64"), quick=("complex64",))
def test_complex(judge: Judge) -> None:
    """Complex operands of any problem are refused, or multiplied without conjugation and added up exactly."""
    judge.refuses([Case(problem) for problem in some(judge, "complex", 80)], unless=judge.check_exact)
