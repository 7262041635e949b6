"""Arguments: how a call may be spelled, and the meaning of an omitted argument."""

from collections.abc import Callable
from typing import Any

from convgauge.conformance import Case, Judge, cases, problems, spec
from convgauge.conformance.cases import with_arguments
from convgauge.problem import Problem
from convgauge.reference.compare import Fault
from convgauge.reference.operands import Operands
from convgauge.worker.call import Observation

CONV2D = "torch.nn.functional.conv2d"

Form = Callable[[int], object]
"""Spelling of a number as an argument."""

SMALL = Problem(batch=2, in_channels=4, height=7, width=9, out_channels=6, kernel=(3, 2), bias=True)
DEFAULTS: dict[str, Any] = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1}
OTHERS: dict[str, Any] = {"stride": (2, 3), "padding": (1, 2), "dilation": (2, 1), "groups": 2}


@spec("arguments.defaults", profile="functional", source=CONV2D)
def test_arguments_left_out(judge: Judge) -> None:
    """Left out, stride means 1, padding 0, dilation 1 and groups 1, each by itself and all of them together."""
    alone = [with_arguments(SMALL.replace(**{**OTHERS, name: DEFAULTS[name]}), {name: None}) for name in DEFAULTS]
    all_but_one = [
        with_arguments(SMALL.replace(**{name: OTHERS[name]}), {other: None for other in DEFAULTS if other != name})
        for name in DEFAULTS
    ]
    none = [
        with_arguments(p, dict.fromkeys(DEFAULTS)) for p in problems(SMALL, kernel=[(3, 2), (1, 1)], bias=[True, False])
    ]
    judge.exact([*alone, *all_but_one, *none])


@spec("arguments.spellings", profile="functional", source=CONV2D)
def test_numbers_tuples_and_lists(judge: Judge) -> None:
    """A number, a tuple and a list of two mean the same in stride, padding and dilation, in any mixture."""
    base = SMALL.replace(stride=(2, 2), padding=(1, 1), dilation=(2, 2))
    forms: list[Form] = [lambda n: n, lambda n: (n, n), lambda n: [n, n]]
    judge.exact(
        [
            with_arguments(base, {"stride": s(2), "padding": p(1), "dilation": d(2), "groups": 1})
            for s in forms
            for p in forms
            for d in forms
        ]
    )


@spec("arguments.height_before_width", keeps=("unequal_pair",), source=CONV2D)
def test_height_comes_first(judge: Judge) -> None:
    """Of every pair the first number is that of the height, the second that of the width."""
    base = SMALL.replace(height=10, width=13)
    judge.exact(
        [
            *problems(base, kernel=[(1, 3), (3, 1), (2, 4), (4, 2)]),
            *problems(base, stride=[(1, 2), (2, 1), (1, 4), (4, 1)]),
            *problems(base, padding=[(0, 1), (1, 0), (0, 4), (4, 0)]),
            *problems(base, dilation=[(1, 2), (2, 1), (1, 4), (4, 1)]),
            *problems(base, stride=[(1, 2), (2, 1)], padding=[(0, 2), (2, 0)], dilation=[(1, 3), (3, 1)]),
        ]
    )


@spec("arguments.all_different", keeps=("spelling", "unequal_pair"), source=CONV2D)
def test_no_two_numbers_equal(judge: Judge) -> None:
    """If no two of the numbers of a problem are equal, each is used for its own parameter."""
    judge.exact(
        [
            Problem(2, 6, 17, 23, 9, (5, 4), (3, 2), (7, 1), (1, 8), 3, True),
            Problem(3, 4, 19, 14, 10, (1, 6), (5, 7), (8, 9), (11, 2), 2, True),
            Problem(5, 8, 11, 21, 12, (3, 7), (2, 1), (6, 13), (9, 3), 4, False),
            Problem(1, 10, 13, 8, 15, (4, 2), (2, 3), (9, 7), (6, 11), 5, True),
            Problem(4, 3, 9, 12, 5, (2, 8), (1, 6), (3, 10), (7, 2), 1, True),
        ]
    )


@spec("arguments.by_keyword", profile="functional", level="recommended", source=CONV2D)
def test_operands_by_keyword(judge: Judge) -> None:
    """The operands may be passed by their names: input, weight and bias."""
    judge.satisfies(cases(problems(SMALL, bias=[True, False])), judge.check_exact, mode="by_keyword")


BY_POSITION = [
    SMALL.replace(**OTHERS),
    SMALL.replace(stride=(2, 1), groups=2),
    SMALL.replace(padding=(2, 0), dilation=(1, 3)),
    SMALL.replace(padding=(2, 2), stride=(1, 1), dilation=(2, 2), groups=2),
]


@spec("arguments.by_position", profile="functional", level="recommended", source=CONV2D)
def test_all_by_position(judge: Judge) -> None:
    """All arguments may be passed by position: input, weight, bias, stride, padding, dilation, groups."""
    judge.satisfies(cases(BY_POSITION), judge.check_exact, mode="by_position")


@spec("arguments.order", profile="functional", source=CONV2D)
def test_the_order_of_arguments(judge: Judge) -> None:
    """If all arguments are taken by position, their order is stride, padding, dilation, groups."""

    def is_keyword_only(observation: Observation) -> bool:
        return observation.kind == "raised" and "TypeError" in observation.error and "positional" in observation.message

    def check(case: Case, operands: Operands, observation: Observation) -> Fault | None:
        return judge.check_exact(case, operands, observation) if observation.output is not None else None

    probe = judge.observe(Case(SMALL), mode="by_position")
    if is_keyword_only(probe):
        judge.skip(f"stride and what follows are taken by their names only: {probe.message}")
    judge.satisfies(cases(BY_POSITION), check, mode="by_position")


@spec("arguments.numpy_integers", profile="functional", source="numpy.shape, whose users compute strides with NumPy")
def test_numpy_integers(judge: Judge) -> None:
    """NumPy's integers, alone and in pairs, are refused or mean what Python's do."""
    base = SMALL.replace(height=10, width=13)
    table: list[Problem | Case] = [
        *problems(base, stride=[(1, 2), (2, 1)], padding=[(0, 2), (2, 1)], dilation=[(1, 3), (2, 1)], groups=[1, 2]),
        with_arguments(base.replace(stride=(2, 2), padding=(1, 1)), {"stride": 2, "padding": 1}),
        with_arguments(base.replace(stride=(2, 1), padding=(0, 1)), {"stride": [2, 1], "padding": [0, 1]}),
    ]
    judge.refuses(table, unless=judge.check_exact, mode="numpy_integers")


@spec("arguments.lists_of_one", profile="functional", source=CONV2D)
def test_lists_of_one(judge: Judge) -> None:
    """A list or tuple of one number is refused or means that number for both axes."""
    base = SMALL.replace(stride=(2, 2), padding=(1, 1), dilation=(2, 2))
    forms: list[Form] = [lambda n: [n], lambda n: (n,)]
    names = ("stride", "padding", "dilation")
    alone = [with_arguments(base, {name: form(getattr(base, name)[0])}) for name in names for form in forms]
    together = [with_arguments(base, {name: form(getattr(base, name)[0]) for name in names}) for form in forms]
    judge.refuses([*alone, *together], unless=judge.check_exact)


@spec("arguments.without_bias", keeps=("no_bias",), profile="functional", source=CONV2D)
def test_bias_left_out(judge: Judge) -> None:
    """The bias may be left out of the call, which means that there is none."""
    judge.satisfies(
        cases(problems(SMALL, bias=[False], kernel=[(1, 1), (3, 2)], groups=[1, 2])),
        judge.check_exact,
        mode="without_bias",
    )
