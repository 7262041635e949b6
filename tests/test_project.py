"""What stands in several of the project's own files says the same in each."""

from __future__ import annotations

import configparser
import re
import tomllib
from pathlib import Path

import pytest

from convgauge import registry

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
NEWS = {kind["directory"] for kind in PROJECT["tool"]["towncrier"]["type"]}


@pytest.fixture(scope="module")
def tox() -> configparser.ConfigParser:
    found = configparser.ConfigParser(interpolation=None)
    found.read(ROOT / "tox.ini")
    return found


def minimum(requirement: str) -> tuple[str, str]:
    """A requirement's name and the oldest version that it admits."""
    found = re.fullmatch(r"([\w-]+)>=([\d.]+)", requirement)
    assert found, requirement
    return found[1], found[2]


def test_the_oldest_environment_has_the_oldest_versions_that_are_admitted() -> None:
    pinned = dict(re.findall(r"^([\w-]+)==([\d.]+)$", (ROOT / "tests" / "oldest.txt").read_text(), re.MULTILINE))
    admitted = dict(minimum(one) for one in PROJECT["project"]["dependencies"])
    assert pinned.keys() == admitted.keys()
    assert all(f"{pinned[name]}.".startswith(f"{version}.") for name, version in admitted.items())


def test_every_engine_of_an_implementation_has_an_environment(tox: configparser.ConfigParser) -> None:
    (section,) = (name for name in tox.sections() if name.startswith("testenv:engine-"))
    engines = set(section.partition("{")[2].rstrip("}").split(","))
    extras = PROJECT["project"]["optional-dependencies"]
    assert engines <= set(extras)
    assert set(extras["all"][0].partition("[")[2].rstrip("]").split(",")) == set(extras) - {"all", "docs"}
    needed = set()
    for origin in registry.builtins().values():
        imports = re.findall(r"^(?:import|from) (\w+)", Path(origin.place).read_text(encoding="utf-8"), re.MULTILINE)
        needed |= {registry._EXTRAS.get(name, name) for name in imports}
    assert {name for name in needed if name in extras} <= engines


def test_the_workflow_runs_the_whole_test(tox: configparser.ConfigParser) -> None:
    (listed,) = re.findall(r"environment: \[(.+)\]", (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    assert listed == tox["tox"]["env_list"]


RUNS_NO_KERNEL = {
    "test_help": "lists frameworks",
    "test_imports": "lists modules",
    "test_operand_set": "moves operands",
    "test_play_off": "times calls",
    "test_plugin": "lists modules",
    "test_problem": "compares shapes on the meta device",
    "test_project": "reads files",
    "test_race": "lists modules",
    "test_race_sets": "moves operands",
    "test_registry": "resolves names",
    "test_selection": "selects specs",
    "test_sets": "runs models on the meta device",
}


def test_what_differs_with_the_processor_is_marked() -> None:
    names_torch = re.compile(r"""import torch|["']torch["']""")
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        source = path.read_text(encoding="utf-8")
        if names_torch.search(source) and path.stem not in RUNS_NO_KERNEL:
            assert "pytest.mark.isa" in source, f"{path.name} names torch and marks no test `isa`"


def test_hooks_before_a_commit_judge_as_the_whole_test_does(tox: configparser.ConfigParser) -> None:
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    (ruff,) = [requirement for requirement in tox["testenv:lint"]["deps"].split() if requirement.startswith("ruff==")]
    assert set(re.findall(r"ruff==[\d.]+", hooks)) == {ruff}


def test_the_version_stands_in_one_place() -> None:
    assert PROJECT["project"]["dynamic"] == ["version"]
    assert "version:" not in (ROOT / "CITATION.cff").read_text(encoding="utf-8").replace("cff-version:", "")


def test_news_is_named_for_what_it_is_and_said_in_a_sentence() -> None:
    for path in ROOT.glob("changes/*"):
        assert re.fullmatch(rf"\+[\w-]+\.({'|'.join(NEWS)})\.md", path.name), path.name
        assert path.read_text(encoding="utf-8").strip().endswith("."), path.name
