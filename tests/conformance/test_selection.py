"""Tasks that are due, without pytest and as pytest selects them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from convgauge.bundled import bundled
from convgauge.conformance.collection import collect_specs
from convgauge.conformance.plugin import Plugin
from convgauge.conformance.selection import Selection, Task, expected_tasks, matches_keyword
from convgauge.conformance.shards import Shard
from convgauge.conformance.targets import Target, description_from_declaration
from convgauge.registry import Origin, resolve_all
from convgauge.request import CheckRequest, RequestError
from convgauge.terms import includes

NAMES = ("numpy_windows", "numpy_im2col")


def targets(names: Sequence[str] = NAMES) -> dict[str, Target]:
    origins = resolve_all(names)
    return {origin.name: Target(origin, description_from_declaration(origin)) for origin in origins}


class Collected:
    """Plugin that keeps the items that pytest would run."""

    def __init__(self) -> None:
        self.names: list[str] = []

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.names = [item.name for item in session.items]


@pytest.mark.parametrize(
    "request_",
    [
        CheckRequest(NAMES, tier="quick"),
        CheckRequest(NAMES, tier="standard", profile="torch", shard="2/3"),
        CheckRequest(NAMES, tier="quick", keyword="padding and not (same or test_errors)"),
        CheckRequest(NAMES, tier="standard", keyword="STRIDE.PAIR or float64 and windows"),
        CheckRequest(NAMES, tier="quick", dtypes=("float64",), specs=("padding.pair", "dtype.kept")),
    ],
    ids=["tier", "profile and shard", "keyword", "keyword of a task", "specs and dtypes"],
)
def test_the_tasks_are_the_items_of_pytest(request_: CheckRequest) -> None:
    collected = Collected()
    chapters = bundled("conformance")
    words = ["--collect-only", "-qqq", "-c", str(chapters / "pytest.ini"), f"--rootdir={chapters}", str(chapters)]
    words += ["-k", request_.keyword] if request_.keyword else []
    pytest.main([*words, "-p", "no:cacheprovider"], plugins=[Plugin(request_), collected])
    tasks = Selection.from_request(request_).collected_tasks(targets())
    assert collected.names == [f"{task.test.__name__}[{task}]" for task in tasks]
    assert tasks


def test_profile_tier_and_dtypes() -> None:
    quick = Selection("kernel", "quick").collected_tasks(targets())
    assert all(includes("kernel", task.spec.profile) for task in quick)
    standard = Selection("kernel", "standard").collected_tasks(targets())
    assert {task.key for task in quick} < {task.key for task in standard}
    narrow = Selection("kernel", "standard", dtypes=("float64",)).collected_tasks(targets())
    assert {task.dtype for task in narrow} == {"float64"}


def test_implementations_follow_each_other() -> None:
    names = [task.implementation for task in Selection().collected_tasks(targets())]
    assert names == sorted(names, key=NAMES.index)


def test_shards_hold_every_task_once() -> None:
    whole = Selection(tier="quick").collected_tasks(targets())
    parts = [Selection(tier="quick", shard=Shard(number, 3)).collected_tasks(targets()) for number in range(3)]
    assert [task for part in parts for task in part] == whole


def test_an_implementation_that_has_not_been_described_has_no_tasks() -> None:
    (origin,) = resolve_all(["numpy_windows"])
    assert Selection().collected_tasks({origin.name: Target(origin)}) == []


def test_a_spec_of_one_framework_is_due_on_that_alone() -> None:
    frameworks = {"numpy_windows": "numpy", "torch_conv2d": "torch"}
    tasks = Selection("torch").collected_tasks(targets(list(frameworks)))
    restricted = [task for task in tasks if task.spec.frameworks]
    assert restricted
    assert all(frameworks[task.implementation] in task.spec.frameworks for task in restricted)


def test_the_tasks_are_known_before_anything_is_loaded() -> None:
    origins = [*resolve_all(NAMES), Origin("file", "nowhere.py", "conv", "conv")]
    tasks = expected_tasks(CheckRequest(tier="quick"), origins)
    assert {task.implementation for task in tasks} == {*NAMES, "conv"}


@pytest.mark.parametrize(
    ("expression", "is_match"),
    [
        ("", True),
        ("pair", True),
        ("PAIR", True),
        ("pairs", False),
        ("not pair", False),
        ("stride or pair", True),
        ("stride and pair", False),
        ("not (stride or same) and padding.pair", True),
        ("float32-cpu]", True),
    ],
)
def test_keywords(expression: str, is_match: bool) -> None:
    names = ("test_padding.py", "padding.pair", "test_axes[kernel-float32-cpu]")
    assert matches_keyword(expression, names) == is_match


@pytest.mark.parametrize("expression", ["and", "pair and", "(pair", "pair stride", "()", "(" * 3000])
def test_a_keyword_that_is_not_well_formed(expression: str) -> None:
    with pytest.raises(RequestError, match="-k"):
        matches_keyword(expression, ["padding.pair"])


def test_a_task_reads_as_the_id_of_its_item() -> None:
    spec, test = collect_specs()[0]
    assert str(Task(spec, test, "kernel", "float32", "cpu")) == "kernel-float32-cpu"
