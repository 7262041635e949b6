"""Random: problems drawn from all that networks use and some that none does, for faults that need several conditions.

A table finds faults that depend on one parameter, a covering array those that depend on two. Random problems find those
that depend on three or four (a 3 x 3 kernel at stride 2 on even sizes with different paddings). Each dtype has its own
problems, because the geometry of one dtype is evidence for the others as well.
"""

from collections.abc import Callable

import numpy as np

from convgauge.conformance import Case, Judge, spec
from convgauge.conformance.random_problems import choose, random_problems
from convgauge.problem import Problem
from convgauge.reference.operands import Array, Operands, Random

CONV2D = "torch.nn.functional.conv2d"
FEW = 28  # problems of a kind at quick
MANY = 350  # and at standard


def drawn(judge: Judge, purpose: str, many: int = MANY) -> list[Problem]:
    """Return random problems for a purpose, ``many`` of them at standard; ``--seed`` gives others."""
    count = {"quick": FEW, "standard": many}.get(judge.setting.tier, 20 * many)
    return random_problems(count, f"{purpose} {judge.dtype} {judge.setting.seed}")


@spec("random.exact", source=CONV2D, quick=("float32", "float64", "float16", "bfloat16"))
def test_exact(judge: Judge) -> None:
    """Any problem is answered exactly on integers, whatever parameters and sizes come together in it."""
    judge.exact(drawn(judge, "exact"))
    if judge.setting.tier == "quick":
        judge.exact(drawn(judge, "exact again"))


@spec("random.accurate", source=CONV2D)
def test_accurate(judge: Judge) -> None:
    """Any problem is answered accurately on real numbers, whatever parameters and sizes come together in it."""
    judge.accurate(drawn(judge, "accurate", 100))


@spec("random.layouts", profile="functional", source="numpy.ndarray.strides; torch.Tensor.stride")
def test_layouts(judge: Judge) -> None:
    """Any problem is answered exactly, however each of its operands lies in memory."""
    lazy = ("negated", "conjugated")
    known = [layout for layout in judge.description.layouts if layout not in ("broadcast", *lazy)]
    if len(known) == 1:
        judge.skip(f"{judge.description.framework} makes contiguous arrays only")
    random = np.random.default_rng(judge.setting.seed)

    def layouts(random: Random) -> tuple[str, str, str]:
        input, weight, bias = (choose(random, ["contiguous", *known]) for _ in range(3))
        return input, weight, bias

    judge.exact([Case(problem, layouts=layouts(random)) for problem in drawn(judge, "layouts", 200)])


@spec("random.prepared", profile="functional", source="the contract of prepare")
def test_prepared(judge: Judge) -> None:
    """Any problem is answered exactly by way of ``prepare``, where there is one."""
    if not judge.description.prepares:
        judge.skip("the implementation prepares nothing")
    judge.exact([Case(problem, prepared=True) for problem in drawn(judge, "prepared")])


def sparse(random: Random, array: Array, share: float = 0.1) -> Array:
    """Return the array with all but a share of its elements replaced by zero."""
    thinned: Array = array * (random.random(array.shape) < share)
    return thinned


STRUCTURES: list[Callable[[Random, Array, Array], tuple[Array, Array]]] = [
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


DILATED = Problem(2, 3, 7, 8, 4, (3, 2), padding=(1, 1), dilation=(2, 2), bias=True)


@spec("random.structured", profile="functional", source=CONV2D)
def test_structured(judge: Judge) -> None:
    """Any problem is answered exactly on operands that are sparse, constant, separable, signs or repeated."""

    def change(case: Case, operands: Operands) -> Operands:
        random = np.random.default_rng(case.seed)
        make = STRUCTURES[case.seed % len(STRUCTURES)]
        input, weight = make(random, operands.input, operands.weight)
        dtype = operands.input.dtype
        return Operands(np.ascontiguousarray(input, dtype), np.ascontiguousarray(weight, dtype), operands.bias)

    dilated = [Case(DILATED, seed=seed) for seed in range(1, 1 + len(STRUCTURES))]  # every structure, with each seed
    random = [Case(problem, seed=seed) for seed, problem in enumerate(drawn(judge, "structured", 200), start=1)]
    for due in (dilated, random):
        judge.satisfies(due, judge.check_exact, transform=change)


@spec(
    "random.integers",
    profile="functional",
    source=CONV2D,
    dtypes=("int64", "int32", "int16", "int8"),
    quick=("int64", "int32", "int16", "int8"),
)
def test_integers(judge: Judge) -> None:
    """Integer operands of any problem are refused, or added up exactly and given back in their own dtype."""
    judge.refuses([Case(problem) for problem in drawn(judge, "integers", 80)], unless=judge.check_exact)


@spec("random.complex", profile="functional", source=CONV2D, dtypes=("complex128", "complex64"), quick=("complex64",))
def test_complex(judge: Judge) -> None:
    """Complex operands of any problem are refused, or multiplied without conjugation and added up exactly."""
    judge.refuses([Case(problem) for problem in drawn(judge, "complex", 80)], unless=judge.check_exact)
