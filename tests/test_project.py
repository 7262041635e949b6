"""Agreement of the project's own files with each other."""

from __future__ import annotations

import configparser
import re
import tomllib

import pytest

from convgauge import registry
from support.engines import engines
from support.paths import ROOT, TESTS

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
NEWS = {kind["directory"] for kind in PROJECT["tool"]["towncrier"]["type"]}


@pytest.fixture(scope="module")
def tox() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / "tox.ini")
    return parser


def minimum(requirement: str) -> tuple[str, str]:
    """Return the name of a requirement and the oldest version that it permits."""
    match = re.fullmatch(r"([\w-]+)>=([\d.]+)", requirement)
    assert match, requirement
    return match[1], match[2]


def test_the_oldest_environment_has_the_oldest_permitted_versions() -> None:
    pinned = dict(re.findall(r"^([\w-]+)==([\d.]+)$", (ROOT / "tests" / "oldest.txt").read_text(), re.MULTILINE))
    permitted = dict(map(minimum, PROJECT["project"]["dependencies"]))
    assert pinned.keys() == permitted.keys()
    assert all(f"{pinned[name]}.".startswith(f"{version}.") for name, version in permitted.items())


def test_every_engine_has_an_extra() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    assert set(extras["all"][0].partition("[")[2].rstrip("]").split(",")) == set(extras) - {"all", "docs"}
    installed = {requirement.partition(">")[0] for values in extras.values() for requirement in values}
    for module in engines():
        assert registry.EXTRAS.get(module, module) in set(extras) | installed | DEPENDENCIES_OF_ENGINES, module


DEPENDENCIES_OF_ENGINES = {"llvmlite"}
"""Modules that an engine installs with itself: Numba's compiler."""


def test_the_workflow_runs_all_environments(tox: configparser.ConfigParser) -> None:
    (environments,) = re.findall(
        r"environment: \[(.+)\]", (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    )
    assert environments == tox["tox"]["env_list"]


RUNS_NO_KERNEL = {
    "test_call_text": "writes calls as code",
    "test_disguises": "reads classes of outputs",
    "test_frameworks": "copies operands",
    "test_help": "lists frameworks",
    "test_loading": "reads declarations",
    "test_operand_set": "moves operands",
    "test_play_off": "times calls",
    "test_plugin": "lists modules",
    "test_precision": "skips a test",
    "test_problem": "compares shapes on the meta device",
    "test_project": "reads files",
    "test_race": "lists modules",
    "test_selection": "selects specs",
    "test_refusals": "raises exceptions",
    "test_sets": "runs models on the meta device",
}
"""Reasons of modules that contain the name of torch and do not run a kernel."""


def test_kernels_that_differ_with_the_processor_are_marked() -> None:
    names_torch = re.compile(r"""import torch|["']torch["']""")
    for path in sorted(TESTS.rglob("test_*.py")):
        source = path.read_text(encoding="utf-8")
        if names_torch.search(source) and path.stem not in RUNS_NO_KERNEL:
            assert "pytest.mark.isa" in source, f"{path.name} contains torch and has no test with the mark `isa`"


def test_commit_hooks_have_the_versions_of_tox(tox: configparser.ConfigParser) -> None:
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    (ruff,) = [requirement for requirement in tox["testenv:lint"]["deps"].split() if requirement.startswith("ruff==")]
    assert set(re.findall(r"ruff==[\d.]+", hooks)) == {ruff}


def test_the_version_is_in_one_place() -> None:
    assert PROJECT["project"]["dynamic"] == ["version"]
    assert "version:" not in (ROOT / "CITATION.cff").read_text(encoding="utf-8").replace("cff-version:", "")


def test_a_news_fragment_is_named_by_its_type_and_is_a_sentence() -> None:
    for path in ROOT.glob("changes/*"):
        assert re.fullmatch(rf"\+[\w-]+\.({'|'.join(NEWS)})\.md", path.name), path.name
        assert path.read_text(encoding="utf-8").strip().endswith("."), path.name
