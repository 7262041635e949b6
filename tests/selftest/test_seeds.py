"""Seeds with which mutants are killed."""

from __future__ import annotations

import pytest

from convgauge import cli
from convgauge.selftest import seeds
from convgauge.selftest.mutants import select
from convgauge.selftest.seeds import SeedFinding, seeds_of, table

CHANCE = SeedFinding("by_chance", True, (0, 1000, 2000), {1000: "padding.pair"})
SURE = SeedFinding("sure", True, (0, 1000), {0: "padding.pair", 1000: "stride.pair"})


def test_seeds_are_so_far_apart_that_no_two_cases_share_one() -> None:
    assert seeds_of(3) == (0, 1000, 2000)


def test_a_mutant_is_expected_to_be_killed_with_each_seed_and_a_correct_build_with_none() -> None:
    assert SURE.is_expected
    assert not CHANCE.is_expected
    assert SeedFinding("sound", False, (0, 1000)).is_expected
    assert not SeedFinding("accused", False, (0, 1000), {0: "padding.pair"}).is_expected
    assert SeedFinding("not imported", True, (0,), error="LoadError: no module").is_expected
    assert not SeedFinding("not imported", False, (0,), error="LoadError: no module").is_expected


def test_the_table_has_the_mutants_that_a_seed_misses_and_the_total() -> None:
    assert table([SURE, CHANCE], "quick", 3).splitlines() == [
        "| mutant | seeds that kill it | seeds that do not |",
        "|---|---|---|",
        "| `by_chance` | 1 of 3 | 0, 2000 |",
        "",
        "1 of 2 mutants that are due at quick are killed with each of 3 seeds.",
    ]
    assert table([SURE], "quick", 2) == "1 of 1 mutants that are due at quick are killed with each of 2 seeds."
    sound = SeedFinding("sound", False, (0,))
    assert table([sound], "quick", 1) == "1 of 1 correct builds pass at quick with each of 1 seeds."


@pytest.mark.once
def test_a_mutant_is_judged_with_each_seed_by_the_specs_that_it_names() -> None:
    (mutant,) = select(["padding_pair_swapped"])
    finding = seeds.examine(mutant, "quick", (0, 1000))
    assert list(finding.killed) == [0, 1000]
    assert set(finding.killed.values()) <= set(mutant.killed_by)


def test_the_command_prints_the_mutants_that_a_seed_misses(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(seeds, "examine", lambda mutant, tier, seeds: CHANCE)
    assert cli.main(["selftest", "--tier", "quick", "--seeds", "3", "-k", "padding_pair_swapped"]) == 1
    assert "| `by_chance` | 1 of 3 | 0, 2000 |" in capsys.readouterr().out
    assert cli.main(["selftest", "--tier", "quick", "--seeds", "3", "-k", "no such mutant"]) == 5
