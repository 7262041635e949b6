"""Redrawing: cases inside a domain, as many and as different as those outside, about the same things."""

from __future__ import annotations

import pytest

from convgauge.conformance.case_cost import FILTER_COST
from convgauge.conformance.cases import BASE, Case, cases, problems, sweep
from convgauge.conformance.limits import Discovery
from convgauge.conformance.parameters import parameters_of
from convgauge.conformance.redraw import MAX_COST, USUAL_COST, Redrawer, is_inside, redraw
from convgauge.conformance.redrawers import Redrawers
from convgauge.conformance.repair import Repair
from convgauge.conformance.traits import ALWAYS, keeps, kept_traits
from convgauge.domain import Domain
from convgauge.problem import Problem

PLANE = Problem(batch=1, in_channels=1, height=4, width=5, out_channels=2, kernel=(3, 3), padding=(1, 1), bias=True)
SIZES = [*range(1, 21), 23, 24, 25, 31, 32, 33, 47, 48, 49, 63, 64, 65, 127, 128, 129]
TABLE = problems(kernel=[(1, 1), (3, 2), (5, 5)], stride=[(1, 1), (2, 3)], groups=[1], bias=[True, False])
PLAIN = "groups == 1 and stride_h == stride_w == 1 and dilation_h == dilation_w == 1"
SQUARES = f"kernel == (3, 3) and height == width and padding_h == 0 and padding_w == 0 and {PLAIN}"
DOMAINS = [
    f"{PLAIN} and padding_h == 0 and padding_w == 0 and batch == 1",
    SQUARES,
    "in_channels % 32 == 0 and out_channels % 32 == 0 and groups == 1",
    "isinstance(stride, int) and isinstance(padding, int) and isinstance(dilation, int)",
    "depthwise and kernel_h == kernel_w and padding_h == kernel_h // 2 and padding_w == kernel_w // 2",
    "height == width == 56 and kernel_h in (1, 3) and kernel_w == kernel_h",
    "reduction % 16 == 0 and out_w % 4 == 0",
    "height % 2 == 0 and width % 2 == 0 and stride_h == 2 and stride_w == 2",
    "kernel_h == kernel_w and padding == 'same'",
    "(groups == 1 and bias) or (depthwise and kernel_h == 3 and not bias)",
    "groups == 7 or batch == 3",
    "padding_h < kernel_h and padding_w < kernel_w and height >= 8 and width >= 8",
    "isinstance(padding, (int, str)) and (padding == 'valid' or padding == 0)",
]
GROUPS = {
    "table": cases(TABLE),
    "width": cases(sweep(PLANE, "width", SIZES)),
    "in_channels": cases(sweep(PLANE, "in_channels", SIZES)),
    "repeated": [Case(problem, seed=seed) for problem in TABLE[:3] for seed in range(1, 6)],
}


def outside(domain: Domain, group: list[Case]) -> list[Case]:
    return [case for case in group if not is_inside(domain, case, "cpu")]


@pytest.mark.parametrize("text", DOMAINS)
@pytest.mark.parametrize("name", GROUPS)
def test_as_many_different_cases_inside_as_there_are_outside(text: str, name: str) -> None:
    domain, group = Domain.parse(text), GROUPS[name]
    missing = outside(domain, group)
    drawn = redraw(group, domain)
    assert all(is_inside(domain, case, "cpu") for case in drawn)
    assert len(drawn) == len(missing)
    different = {(case.problem, case.arguments) for case in missing}
    assert len({(case.problem, str(case.arguments)) for case in drawn}) == len(different)
    assert not {str(case) for case in drawn} & {str(case) for case in group}
    assert [case.seed for case in drawn] == [case.seed for case in missing]
    assert max([case.problem.flops for case in drawn], default=0) <= MAX_COST


@pytest.mark.parametrize("text", DOMAINS)
def test_the_same_arguments_give_the_same_cases(text: str) -> None:
    domain = Domain.parse(text)
    redrawer = Redrawer(domain, "float32", "cpu")
    other = Redrawer(domain, "float32", "cpu")
    missing = outside(domain, GROUPS["table"])
    other.redraw(outside(domain, GROUPS["width"]), (), None, 5)  # what was drawn before has no influence
    assert redrawer.redraw(missing, (), None, 1) == other.redraw(missing, (), None, 1)


@pytest.mark.parametrize("text", DOMAINS)
def test_what_a_chapter_is_about_is_kept(text: str) -> None:
    domain = Domain.parse(text)
    groups = {
        "padding": problems(BASE, padding=[(1, 0), (2, 2), (0, 3)], kernel=[(3, 3), (2, 2)]),
        "stride": problems(BASE, stride=[(2, 2), (1, 3)], kernel=[(1, 1), (3, 3)]),
        "groups": problems(BASE, in_channels=4, groups=[2, 4], kernel=[(3, 3), (1, 1)]),
        "bias": problems(BASE, bias=[True, False], kernel=[(3, 3), (1, 1)]),
    }
    for chapter, table in groups.items():
        traits = kept_traits(chapter, None)
        for case, drawn in pairs(Redrawer(domain, "float32", "cpu"), cases(table), traits):
            before, after = parameters_of(case), parameters_of(drawn)
            assert before is not None and after is not None and keeps(traits, before, after)


def pairs(redrawer: Redrawer, group: list[Case], traits: tuple[str, ...]) -> list[tuple[Case, Case]]:
    """Return each case with the one that replaces it, found by the seed."""
    numbered = [Case(case.problem, seed=seed) for seed, case in enumerate(group, start=1)]
    missing = outside(redrawer.domain, numbered)
    return [(numbered[case.seed - 1], case) for case in redrawer.redraw(missing, traits, None, 0).cases]


def test_what_cannot_be_kept_is_a_reason() -> None:
    redrawer = Redrawer(Domain.parse(SQUARES), "float32", "cpu")
    for chapter, base, words in (
        ("padding", {"padding": (1, 1)}, "padding"),
        ("stride", {"stride": (2, 2)}, "stride > 1"),
        ("groups", {"in_channels": 4, "groups": 4}, "groups > 1"),
        ("dilation", {"dilation": (2, 1)}, "dilation > 1"),
    ):
        group = cases(problems(BASE.replace(**base), kernel=[(3, 3), (2, 2)]))
        redrawn = redrawer.redraw(group, kept_traits(chapter, None), None, 0)
        assert not redrawn.cases
        assert redrawn.reason == f"the domain has no problem with {words}"


def test_a_domain_without_the_dtype_is_empty() -> None:
    redrawer = Redrawer(Domain.parse("dtype == 'float64'"), "float32", "cpu")
    redrawn = redrawer.redraw(cases(TABLE), (), None, 0)
    assert (redrawn.cases, redrawn.reason) == ([], "no problem inside the domain was found")


def test_needs_are_met() -> None:
    def is_square(case: Case) -> bool:
        return case.problem.height == case.problem.width

    domain = Domain.parse("batch == 1 and padding_h == padding_w == 0")
    drawn = redraw(GROUPS["table"], domain, is_square)
    assert drawn and all(map(is_square, drawn))
    assert redraw(GROUPS["table"], domain, lambda case: False) == []


def test_a_sweep_stays_as_near_as_the_domain_permits() -> None:
    drawn = redraw(GROUPS["width"], Domain.parse(SQUARES))
    assert {case.problem.width for case in drawn} >= {size for size in SIZES if size >= 3}
    channels = {case.problem.in_channels for case in redraw(GROUPS["in_channels"], Domain.parse(DOMAINS[2]))}
    assert channels >= {32, 64, 96, 128, 160}


def test_sizes_are_spread_where_cases_coincide() -> None:
    drawn = redraw(cases(problems(PLANE, kernel=[(1, 1), (2, 2), (5, 5), (7, 7)], batch=[*range(1, 8)])),
                   Domain.parse(f"{SQUARES} and batch == 1"))  # fmt: skip
    assert len({case.problem.width for case in drawn}) >= 8
    assert max(case.problem.width for case in drawn) > 64
    assert max(case.problem.in_channels for case in drawn) > 16
    filters = max(case.problem.out_channels * case.problem.in_channels for case in drawn)
    assert filters <= USUAL_COST // FILTER_COST


def test_equal_cases_become_equal_ones() -> None:
    drawn = redraw(GROUPS["repeated"], Domain.parse(SQUARES))
    assert len({case.problem for case in drawn}) == 3
    assert len({str(case) for case in drawn}) == len(GROUPS["repeated"])


def test_a_domain_of_one_problem_is_drawn_with_other_operands() -> None:
    only = PLANE.replace(width=8)
    text = f"height == 4 and width == 8 and {PLAIN} and kernel == (3, 3) and padding in ((1, 1), 1) and bias"
    domain = Domain.parse(f"{text} and batch == in_channels == 1 and out_channels == 2")
    numbered = [Case(problem, seed=seed) for seed, problem in enumerate(TABLE, start=1)]
    drawn = redraw(numbered, domain)
    assert {case.problem for case in drawn} == {only}
    assert len({case.seed for case in drawn}) == len(drawn) == len(TABLE)
    assert redraw([*numbered, *drawn], domain) == []


def test_layouts_are_always_kept() -> None:
    laid = [Case(problem, layouts=("fortran", "contiguous", "sliced")) for problem in TABLE]
    redrawer = Redrawer(Domain.parse(SQUARES), "float32", "cpu")
    assert {case.layouts for case in redrawer.redraw(laid, ALWAYS, None, 0).cases} == {laid[0].layouts}
    contiguous = Redrawer(Domain.parse(f"{SQUARES} and layout == 'contiguous'"), "float32", "cpu")
    assert contiguous.redraw(laid, ALWAYS, None, 0).reason == "the domain has no problem with these memory layouts"


def test_an_implementation_is_probed_once_and_only_if_it_refuses() -> None:
    calls: list[int] = []

    def discover() -> Discovery:
        calls.append(1)
        return Discovery(Domain.parse("groups == 1"), anchor=str(BASE))

    redrawers = Redrawers(Domain.parse("batch == 1"), discover)
    assert redrawers.redrawer("float32", "cpu", is_probed=False).domain == redrawers.declared
    assert redrawers.discovery is None
    for dtype in ("float32", "float32", "float64"):
        redrawer = redrawers.redrawer(dtype, "cpu", is_probed=True)
        assert redrawer.domain.text == "batch == 1 and groups == 1"
    assert calls == [1]


@pytest.mark.parametrize("sizes", [(1, 3), (3, 1)])
def test_padding_by_name_is_that_of_each_kernel(sizes: tuple[int, int]) -> None:
    repair = Repair(Domain.parse("padding_h == 0 and padding_w == 0"), "float32", "cpu")
    for size in sizes:  # 'same' adds nothing to a kernel of 1×1, in either order
        values = parameters_of(Case(PLANE.replace(kernel=(size, size), padding="same")))
        assert values is not None
        assert repair.contains(values) == (size == 1)
