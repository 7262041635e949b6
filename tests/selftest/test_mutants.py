"""Tests of the declarations of mutants: names, mechanisms and spec ids, without running any."""

from __future__ import annotations

from pathlib import Path

import pytest

from convgauge.conformance.collection import collect_specs
from convgauge.conformance.spec import Spec
from convgauge.diagnosis.kinds import MechanismKind
from convgauge.registry import framework_names
from convgauge.selftest.mutants import Mutant, by_spec, mutants

ALL = mutants()
SPECS = [spec for spec, _ in collect_specs()]


def test_there_are_many_mutants_and_correct_builds() -> None:
    faulty = [mutant for mutant in ALL if mutant.faulty]
    assert len(faulty) >= 300
    assert len(ALL) - len(faulty) >= 50
    assert sum(mutant.smoke for mutant in faulty) > 0.9 * len(faulty)


@pytest.mark.parametrize("mutant", ALL, ids=lambda mutant: mutant.name)
def test_a_declaration_is_well_formed(mutant: Mutant) -> None:
    assert mutant.sentence.endswith(".")
    assert len(mutant.sentence.split()) <= 25
    assert mutant.framework in framework_names()
    assert not mutant.faulty or mutant.killed_by
    assert mutant.faulty or not mutant.killed_by
    assert (mutant.path.parent.name == "correct") != mutant.faulty


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.id)
def test_a_spec_is_named_by_a_mutant_or_says_why_not(spec: Spec) -> None:
    named = bool(by_spec(ALL, SPECS)[spec.id])
    assert named or spec.no_mutant_because, "no mutant names it in killed_by or advised_by, and it gives no reason"
    assert not (named and spec.no_mutant_because), "it gives a reason for having no mutant, and has one"


@pytest.mark.parametrize(
    "names",
    ['killed_by=("padding",)', 'killed_by=("arguments.by_keyword",)', 'advised_by=("padding.pair",)'],
    ids=["a chapter", "a recommended spec that kills", "a required spec that advises"],
)
def test_a_name_that_is_not_a_spec_of_its_level_is_an_error(names: str, tmp_path: Path) -> None:
    (tmp_path / "first.py").write_text(MUTANT.format(keywords=f'mechanism="bias_dropped", {names}'))
    with pytest.raises(ValueError, match="which is not a re"):
        by_spec(mutants(tmp_path), SPECS)


def test_every_mechanism_is_used_and_described() -> None:
    assert {mutant.mechanism for mutant in ALL if mutant.faulty} == set(MechanismKind)
    assert all(mechanism.sentence.endswith(".") for mechanism in MechanismKind)


MUTANT = """
@mutant("Drops the bias.", {keywords})
def without_bias(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return None
"""


def test_a_name_that_is_used_twice_is_an_error(tmp_path: Path) -> None:
    for name in ("first.py", "second.py"):
        (tmp_path / name).write_text(MUTANT.format(keywords='mechanism="bias_dropped"'))
    with pytest.raises(ValueError, match="both declare without_bias"):
        mutants(tmp_path)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ('mechanism="magic"', "'magic'"),
        ('mechanism="bias_dropped", tier="daily"', "'daily'"),
        ('mechanism="bias_dropped", killed_by="padding.pair"', "killed_by"),
        ('mechanism="bias_dropped", kills=()', "kills"),
        ("smoke=True", "has a mechanism"),
    ],
)
def test_a_damaged_declaration_is_an_error(keywords: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "first.py").write_text(MUTANT.format(keywords=keywords))
    with pytest.raises(ValueError, match=message):
        mutants(tmp_path)


def test_a_mutant_has_the_origin_of_a_function_in_a_file() -> None:
    (mutant,) = (mutant for mutant in ALL if mutant.name == "padding_pair_swapped")
    assert mutant.origin.kind == "file"
    assert mutant.origin.framework == "numpy"
    helpers = {"_backward.py", "_base.py", "_computed.py", "_disk.py", "_domains.py", "_partial_sums.py"}
    assert {path.name for path in mutant.sources} == {"padding.py", *helpers}
    (build,) = (mutant for mutant in ALL if mutant.name == "added_pairwise")
    assert {path.name for path in build.sources} == {"summation.py", "_parts.py", *helpers}
