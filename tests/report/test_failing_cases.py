"""Failing cases: the regions in which an implementation fails."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from convgauge import report
from convgauge.conformance.features import FEATURES
from convgauge.report import failing_cases
from convgauge.results import SpecRecord
from support.html_page import Page
from support.records import cause, spec, write_run


def fails_where(fault: Callable[[str], bool], specs: int = 12, dtype: str = "float32") -> list[SpecRecord]:
    """Records of specs with cases all over the space, those at fault whose letters ``fault`` picks."""
    chance = random.Random(1)
    records = []
    for number in range(specs):
        space: dict[str, list[int]] = {}
        for _ in range(28):
            letters = "".join(letter for letter in FEATURES if chance.random() < 0.35)
            counts = space.setdefault(letters, [0, 0, 0])
            counts[0], counts[1] = counts[0] + 1, counts[1] + fault(letters)
        records.append(spec(id=f"{dtype}.{number}", status="failed", dtype=dtype, space=space))
    return records


def located(records: list[SpecRecord]) -> dict[str, bool]:
    """The regions' descriptions, and whether all of each failed."""
    failures = failing_cases.locate_failures(records)
    assert failures is not None
    return {region.sentence: region.failed == region.judged for region in failures.regions}


def test_regions_are_found_from_what_fails_and_what_passes() -> None:
    assert located(fails_where(lambda met: {"s", "g"} <= set(met))) == {"stride > 1 and groups > 1": True}
    two = fails_where(lambda met: {"s", "g"} <= set(met) or ("d" in met and "b" not in met))
    assert located(two) == {"stride > 1 and groups > 1": True, "dilation > 1 and no bias": True}
    half = fails_where(lambda met: "v" in met, dtype="float16") + fails_where(lambda met: False)
    assert failing_cases.locate_failures(fails_where(lambda met: False)) is None
    assert located(half) == {"even kernel": True}, "specs that pass are no part of it"


def test_the_region_of_a_fault_in_one_of_several_dtypes_names_the_dtype() -> None:
    records = fails_where(lambda met: "s" in met, dtype="float16") + fails_where(lambda met: set("lcy") <= set(met))
    assert "stride > 1 and float16" in located(records)


def test_a_dtype_without_cases_belongs_to_no_region() -> None:
    records = [*fails_where(lambda met: True), spec(id="a.b", status="crashed", dtype="float16", space={})]
    failures = failing_cases.locate_failures(records)
    assert failures is not None
    assert not failures.regions


def test_a_spec_that_fails_on_every_case_is_listed_beside_the_regions() -> None:
    records = [*fails_where(lambda met: "m" in met), *fails_where(lambda met: True, specs=1, dtype="float64")]
    failures = failing_cases.locate_failures(records)
    assert failures is not None
    assert ([region.sentence for region in failures.regions], failures.everywhere) == (["depthwise"], ["float64.0"])
    failures = failing_cases.locate_failures(fails_where(lambda met: True, specs=1))
    assert failures is not None
    assert (failures.regions, failures.everywhere) == ([], ["float32.0"]), "no passed case separates them"


def test_the_page_shows_the_region_if_no_run_has_causes(tmp_path: Path) -> None:
    records = fails_where(lambda met: "g" in met)
    for number, further in enumerate(([], [cause(specs=["float32.1"])])):
        path = write_run(tmp_path / f"{number}.jsonl", *records, *further)
        site = report.build([path], tmp_path / str(number)).parent
        assert ("where groups > 1 : all" in Page(site / "implementations" / "a.html").text) == (not further)
