"""Laws: relations between the answers to different calls, without an oracle.

Hypothesis generates the problems, the same ones in every run with the same seed; quick has a table. The operands are
exact, so that both sides of a law are equal to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from tempfile import TemporaryDirectory
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from convgauge.conformance import Case, Judge, spec
from convgauge.conformance.checks import Ask, Law
from convgauge.problem import Problem, ProblemError
from convgauge.reference.operands import Array, Operands, draw

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

GUIDE = "Dumoulin and Visin 2016, A guide to convolution arithmetic for deep learning"
DUMOULIN_TRANSPOSED = f"{GUIDE}, chapter 4"
YU = "Yu and Koltun 2016, Multi-scale context aggregation by dilated convolutions"

TWO = ("float32", "float16")  # laws of geometry, which does not depend on the dtype
COUNT = {"standard": 20, "exhaustive": 400}
TABLE = [
    Problem(2, 4, 6, 7, 6, (3, 2), (2, 1), (1, 1), (1, 2), 2, True),
    Problem(3, 2, 5, 8, 3, (2, 4), (1, 3), (0, 2), (2, 1), 1, False),
    Problem(2, 6, 7, 5, 6, (3, 3), (1, 2), (1, 0), (1, 1), 3, True),
    Problem(1, 3, 9, 4, 4, (4, 1), (3, 1), (2, 0), (2, 3), 1, True),
    Problem(2, 3, 4, 9, 3, (1, 3), (1, 1), (0, 1), (1, 2), 3, False),
    Problem(2, 4, 8, 8, 8, (2, 2), (2, 2), (1, 1), (1, 1), 4, True),
]
"""Problems of the quick tier, which are as different as possible: Hypothesis takes half a second to import."""


def drawn(judge: Judge, condition: Callable[[Problem], bool] = lambda problem: True, **changes: Any) -> list[Problem]:  # noqa: ANN401 of several types
    """Return the problems for a law: those of the seed and tier that meet the condition, with some changes."""
    table = []
    tier = judge.setting.tier
    for problem in TABLE if tier == "quick" else _problems(COUNT[tier], judge.setting.seed):
        try:
            changed = problem.replace(**changes)
        except ProblemError:
            continue
        if condition(changed):
            table.append(changed)
    return table


def relates(
    judge: Judge,
    law: Law,
    condition: Callable[[Problem], bool] = lambda problem: True,
    **changes: Any,  # noqa: ANN401 of several types
) -> None:
    """Require a law on the problems of `drawn`; further cases meet the condition and the changes of arguments too."""
    arguments = {name: value for name, value in changes.items() if not name.endswith("channels")}

    def is_met(case: Case) -> bool:
        problem = case.problem
        return condition(problem) and all(getattr(problem, name) == value for name, value in arguments.items())

    judge.relates(drawn(judge, condition, **changes), law, needs=is_met)


def _problems(count: int, seed: int) -> list[Problem]:
    """Call `_generated` from one thread at a time, as Hypothesis needs it."""
    with ONE_AT_A_TIME:
        return _generated(count, seed)


ONE_AT_A_TIME = Lock()


@lru_cache
def _generated(count: int, seed: int) -> list[Problem]:
    """Return ``count`` different problems from Hypothesis's generator: no database, no shrinking, one seed."""
    import hypothesis.configuration
    from hypothesis import HealthCheck, Phase

    generated: dict[Problem, None] = {}

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=3 * count, database=None, derandomize=True, phases=[Phase.generate], deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @hypothesis.given(_problem())
    def collect(problem: Problem) -> None:
        generated[problem] = None

    with TemporaryDirectory() as folder:  # otherwise Hypothesis writes to the working directory
        hypothesis.configuration.set_hypothesis_home_dir(folder)
        collect()
        hypothesis.configuration.set_hypothesis_home_dir(None)
    ordered = sorted(generated, key=lambda p: p.flops == 2 * p.reduction)  # those of a single output last
    return ordered[:count]


def _problem() -> SearchStrategy[Problem]:
    """Return a strategy of small problems with every parameter free; kernels of up to 4 x 4 fit the padded input."""
    from hypothesis import strategies as st

    small = st.integers(1, 3)

    @st.composite
    def problem(choose: DrawFn) -> Problem:
        groups, inputs, outputs = (choose(small) for _ in range(3))
        kernel = (choose(st.integers(1, 4)), choose(st.integers(1, 4)))
        stride = (choose(small), choose(small))
        dilation = (choose(small), choose(small))
        padding = (choose(st.integers(0, 3)), choose(st.integers(0, 3)))
        size = [
            max(1, d * (k - 1) + 1 - 2 * p + choose(st.integers(0, 6)))
            for k, d, p in zip(kernel, dilation, padding, strict=True)
        ]
        batch, bias = choose(small), choose(st.booleans())
        return Problem(
            batch, groups * inputs, size[0], size[1], groups * outputs, kernel, stride, padding, dilation, groups, bias
        )

    return problem()


def other(problem: Problem) -> Operands:
    """Return further operands for a problem."""
    return draw(problem, "exact", 1, 16.0)


# --- linear ----------------------------------------------------------------------------------------------------------


@spec("laws.additive.input", keeps=("no_bias",), source=GUIDE, dtypes=TWO)
def test_additive_in_the_input(judge: Judge) -> None:
    """Without bias, the answer to a sum of two inputs is the sum of their answers."""

    def law(ask: Ask, problem: Problem, operands: Operands) -> tuple[Array, Array]:
        second = np.sign(other(problem).input)
        both = replace(operands, input=operands.input + second)
        return ask(problem, both), ask(problem, operands) + ask(problem, replace(operands, input=second))

    relates(judge, law, bias=False)


@spec("laws.additive.weight", keeps=("no_bias",), source=GUIDE, dtypes=TWO)
def test_additive_in_the_weight(judge: Judge) -> None:
    """Without bias, the answer under a sum of two weights is the sum of the answers under each."""

    def law(ask: Ask, problem: Problem, operands: Operands) -> tuple[Array, Array]:
        second = np.sign(other(problem).weight)
        both = replace(operands, weight=operands.weight + second)
        return ask(problem, both), ask(problem, operands) + ask(problem, replace(operands, weight=second))

    relates(judge, law, bias=False)


@spec("laws.homogeneous", keeps=("no_bias",), source=GUIDE, dtypes=TWO)
def test_homogeneous(judge: Judge) -> None:
    """Without bias, the answer to -2 times the input is -2 times the answer."""
    relates(
        judge,
        lambda ask, problem, operands: (
            ask(problem, replace(operands, input=-2 * operands.input)),
            -2 * ask(problem, operands),
        ),
        bias=False,
    )


@spec("laws.bias", keeps=("bias",), source=GUIDE, dtypes=TWO)
def test_the_bias_is_added(judge: Judge) -> None:
    """The answer with a bias is the answer without, and the bias."""

    def law(ask: Ask, problem: Problem, operands: Operands) -> tuple[Array, Array]:
        assert operands.bias is not None
        without = ask(problem.replace(bias=False), replace(operands, bias=None))
        return ask(problem, operands), without + operands.bias[:, None, None].astype(float)

    relates(judge, law, bias=True)


# --- symmetries ------------------------------------------------------------------------------------------------------


@spec("laws.shift", keeps=("no_padding",), source=GUIDE, dtypes=TWO)
def test_shift(judge: Judge) -> None:
    """Without padding, an input without its first stride of rows and columns loses the first outputs alone."""

    def law(ask: Ask, problem: Problem, operands: Operands) -> tuple[Array, Array]:
        (s, t), (oh, ow) = problem.stride, problem.output_size
        s, t = s * (oh > 1), t * (ow > 1)
        cut = problem.replace(height=problem.height - s, width=problem.width - t)
        moved = ask(cut, replace(operands, input=operands.input[:, :, s:, t:]))
        return moved, ask(problem, operands)[:, :, int(oh > 1) :, int(ow > 1) :]

    relates(judge, law, padding=(0, 0))


@spec("laws.batch", keeps=("batch",), source=GUIDE, dtypes=TWO)
def test_images_are_independent(judge: Judge) -> None:
    """Images in another order give the answers in that order, and an image by itself gives the same as among others."""

    def law(ask: Ask, problem: Problem, operands: Operands) -> tuple[Array, Array]:
        order = np.roll(np.arange(problem.batch)[::-1], 1)
        turned = ask(problem, replace(operands, input=operands.input[order]))
        alone = [ask(problem.replace(batch=1), replace(operands, input=operands.input[i : i + 1])) for i in order]
        return turned, np.concatenate(alone)

    relates(judge, law, lambda p: p.batch > 1)


@spec("laws.input_channels", keeps=("channels",), source=GUIDE, dtypes=TWO)
def test_order_of_input_channels(judge: Judge) -> None:
    """Input channels of a group in another order, and the weight's with them, give the same answer."""

    def law(ask: Ask, problem: Problem, operands: Operands) -> tuple[Array, Array]:
        per_group = problem.in_channels // problem.groups
        order = np.roll(np.arange(per_group)[::-1], 1)
        of_all = np.concatenate([order + g * per_group for g in range(problem.groups)])
        turned = replace(operands, input=operands.input[:, of_all], weight=operands.weight[:, order])
        return ask(problem, turned), ask(problem, operands)

    relates(judge, law, lambda p: p.in_channels > p.groups)


@spec("laws.output_channels", keeps=("outputs",), source=GUIDE, dtypes=TWO)
def test_order_of_output_channels(judge: Judge) -> None:
    """Filters of a group in another order, and the bias with them, give the outputs in that order."""

    def law(ask: Ask, problem: Problem, operands: Operands) -> tuple[Array, Array]:
        per_group = problem.out_channels // problem.groups
        order = np.roll(np.arange(per_group)[::-1], 1)
        of_all = np.concatenate([order + g * per_group for g in range(problem.groups)])
        bias = None if operands.bias is None else operands.bias[of_all]
        turned = replace(operands, weight=operands.weight[of_all], bias=bias)
        return ask(problem, turned), ask(problem, operands)[:, of_all]

    relates(judge, law, lambda p: p.out_channels > p.groups)


@spec("laws.transposed", source=GUIDE, dtypes=TWO)
def test_height_and_width_exchanged(judge: Judge) -> None:
    """With height and width of everything exchanged, height and width of the answer are exchanged."""

    def law(ask: Ask, problem: Problem, operands: Operands) -> tuple[Array, Array]:
        sizes = {name: getattr(problem, name)[::-1] for name in ("kernel", "stride", "padding", "dilation")}
        exchanged = problem.replace(height=problem.width, width=problem.height, **sizes)
        turned = replace(operands, input=operands.input.swapaxes(2, 3), weight=operands.weight.swapaxes(2, 3))
        return ask(exchanged, turned).swapaxes(2, 3), ask(problem, operands)

    relates(judge, law)


@spec("laws.reflected", source=GUIDE, dtypes=TWO)
def test_input_and_kernel_reflected(judge: Judge) -> None:
    """With stride 1, input and kernel reflected give the answer reflected."""
    relates(
        judge,
        lambda ask, problem, operands: (
            ask(
                problem,
                replace(operands, input=operands.input[..., ::-1, ::-1], weight=operands.weight[..., ::-1, ::-1]),
            ),
            ask(problem, operands)[..., ::-1, ::-1],
        ),
        stride=(1, 1),
    )


# --- one parameter by others -----------------------------------------------------------------------------------------


@spec("laws.groups", keeps=("groups",), source=GUIDE, dtypes=TWO)
def test_groups_are_a_block_diagonal(judge: Judge) -> None:
    """Groups are one group whose weight is zero between the blocks."""

    def law(ask: Ask, problem: Problem, operands: Operands) -> tuple[Array, Array]:
        inputs, outputs = problem.in_channels // problem.groups, problem.out_channels // problem.groups
        dense = np.zeros((problem.out_channels, problem.in_channels, *problem.kernel), operands.weight.dtype)
        for g in range(problem.groups):
            rows, columns = slice(g * outputs, (g + 1) * outputs), slice(g * inputs, (g + 1) * inputs)
            dense[rows, columns] = operands.weight[rows]
        return ask(problem, operands), ask(problem.replace(groups=1), replace(operands, weight=dense))

    relates(judge, law, lambda p: p.groups > 1)


@spec("laws.dilation", keeps=("dilation",), source=YU, dtypes=TWO)
def test_dilation_is_a_kernel_with_zeros(judge: Judge) -> None:
    """A dilated kernel is the kernel with zeros put between its elements."""

    def law(ask: Ask, problem: Problem, operands: Operands) -> tuple[Array, Array]:
        d, e = problem.dilation
        spread = np.zeros((*operands.weight.shape[:2], *problem.extent), operands.weight.dtype)
        spread[:, :, ::d, ::e] = operands.weight
        dense = problem.replace(kernel=problem.extent, dilation=(1, 1))
        return ask(problem, operands), ask(dense, replace(operands, weight=spread))

    relates(judge, law, lambda p: p.extent != p.kernel)


@spec("laws.stride", keeps=("stride",), source=GUIDE, dtypes=TWO)
def test_stride_picks_from_stride_one(judge: Judge) -> None:
    """Stride (s, t) gives every s-th row and t-th column of the answer with stride 1."""
    relates(
        judge,
        lambda ask, problem, operands: (
            ask(problem, operands),
            ask(problem.replace(stride=(1, 1)), operands)[:, :, :: problem.stride[0], :: problem.stride[1]],
        ),
        lambda p: p.stride != (1, 1),
    )


@spec("laws.padding", keeps=("padding",), source=GUIDE, dtypes=TWO)
def test_padding_is_zeros_around_the_input(judge: Judge) -> None:
    """Padding gives the answer without padding to the input with zeros put around it."""

    def law(ask: Ask, problem: Problem, operands: Operands) -> tuple[Array, Array]:
        (p, _), (q, _) = problem.pads
        padded = np.pad(operands.input, ((0, 0), (0, 0), (p, p), (q, q)))
        larger = problem.replace(height=problem.height + 2 * p, width=problem.width + 2 * q, padding=(0, 0))
        return ask(problem, operands), ask(larger, replace(operands, input=padded))

    relates(judge, law, lambda p: p.padding != (0, 0))


@spec("laws.channel_sum", keeps=("channels", "no_bias"), source=GUIDE, dtypes=TWO)
def test_channels_add_up(judge: Judge) -> None:
    """Without bias, the answers to single input channels under their own weights add up to the answer to all."""

    def law(ask: Ask, problem: Problem, operands: Operands) -> tuple[Array, Array]:
        single = problem.replace(in_channels=1)
        parts = [
            ask(single, Operands(operands.input[:, c : c + 1], operands.weight[:, c : c + 1], None))
            for c in range(problem.in_channels)
        ]
        return ask(problem, operands), np.sum(parts, axis=0)

    relates(judge, law, lambda p: p.in_channels > 1, groups=1, bias=False, out_channels=2)


@spec("laws.filters", keeps=("outputs",), source=GUIDE, dtypes=TWO)
def test_filters_are_independent(judge: Judge) -> None:
    """The answer under each filter by itself is that filter's channel of the answer under all."""

    def law(ask: Ask, problem: Problem, operands: Operands) -> tuple[Array, Array]:
        single = problem.replace(out_channels=1)
        bias = operands.bias
        parts = [
            ask(
                single,
                Operands(operands.input, operands.weight[o : o + 1], None if bias is None else bias[o : o + 1]),
            )
            for o in range(problem.out_channels)
        ]
        return ask(problem, operands), np.concatenate(parts, axis=1)

    relates(judge, law, lambda p: p.out_channels > 1, groups=1, in_channels=2)


@spec("laws.adjoint", keeps=("no_bias",), source=DUMOULIN_TRANSPOSED, dtypes=TWO)
def test_adjoint(judge: Judge) -> None:
    """The inner product of the answer with an array is that of the input with the array convolved back: the adjoint."""

    def law(ask: Ask, problem: Problem, operands: Operands) -> tuple[Array, Array]:
        array = np.random.default_rng(problem.flops).choice([-1, 1], problem.output_shape).astype(operands.input.dtype)
        weight = np.sign(operands.weight)  # so that both sums stay exact
        answer = ask(problem, replace(operands, weight=weight))
        returned = ask(_back(problem), Operands(_spaced(problem, array), _turned(problem, weight), None))
        return np.sum(answer * array, keepdims=True), np.sum(operands.input * returned, keepdims=True)

    def has_adjoint(problem: Problem) -> bool:
        return all(p < extent for (p, _), extent in zip(problem.pads, problem.extent, strict=True))

    relates(judge, law, has_adjoint, bias=False)


def _back(problem: Problem) -> Problem:
    """Return the adjoint of a strided convolution, which maps the array of `_spaced` to the size of the input."""
    (eh, ew) = problem.extent
    return problem.replace(
        in_channels=problem.out_channels, out_channels=problem.in_channels, height=problem.height + eh - 1,
        width=problem.width + ew - 1, stride=(1, 1), padding=(0, 0),
    )  # fmt: skip


def _spaced(problem: Problem, array: Array) -> Array:
    """Return the array with stride - 1 zeros between rows and columns, and with zeros around it for the adjoint."""
    back = _back(problem)
    spaced = np.zeros((*array.shape[:2], back.height, back.width), array.dtype)
    first = [extent - 1 - p for extent, (p, _) in zip(problem.extent, problem.pads, strict=True)]
    steps = zip(first, problem.output_size, problem.stride, strict=True)
    rows, columns = (slice(start, start + (count - 1) * step + 1, step) for start, count, step in steps)
    spaced[:, :, rows, columns] = array
    return spaced


def _turned(problem: Problem, weight: Array) -> Array:
    """Return the weight turned by 180 degrees, with inputs and outputs exchanged within each group."""
    blocks = weight.reshape(problem.groups, -1, *weight.shape[1:])[..., ::-1, ::-1]
    return np.ascontiguousarray(blocks.swapaxes(1, 2)).reshape(-1, blocks.shape[1], *problem.kernel)
