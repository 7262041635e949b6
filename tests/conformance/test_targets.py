"""Targets: how they are resolved, introduced and spelled in a command line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from convgauge.conformance.targets import (
    Target,
    description_from_declaration,
    implementation_record,
    reproduction_options,
    resolve_targets,
)
from convgauge.registry import Declaration, Origin
from convgauge.request import CheckRequest, RequestError

DECLARATION = Declaration("mine", "numpy", "direct", "A", ("float32",), summary="A direct sum.")
MINE = Origin("file", "kernels/mine.py", "conv", "mine", declaration=DECLARATION)


def test_names_are_resolved() -> None:
    assert [target.name for target in resolve_targets(CheckRequest(("numpy_windows", "numpy_im2col")))] == [
        "numpy_windows",
        "numpy_im2col",
    ]
    with pytest.raises(RequestError, match="no_such_implementation"):
        resolve_targets(CheckRequest(("no_such_implementation",)))


def test_two_targets_of_one_name_are_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.py").touch()
    with pytest.raises(RequestError, match=r"two targets are called 'f', .*a\.py:f and .*b\.py:f"):
        resolve_targets(CheckRequest((f"{tmp_path}/a.py:f", f"{tmp_path}/b.py:f")))


def test_a_library_that_is_absent_here_may_be_installed_for_another_python(monkeypatch: pytest.MonkeyPatch) -> None:
    origin = Origin("file", "mine.py", "conv", "mine", absent="jax is not installed")
    monkeypatch.setattr("convgauge.registry.resolve_all", lambda *_: [origin])
    assert resolve_targets(CheckRequest(("mine",)))[0].absent == "jax is not installed"
    assert resolve_targets(CheckRequest(("mine",), python="/usr/bin/python3"))[0].absent == ""


def test_a_declaration_describes_an_implementation_before_it_is_loaded() -> None:
    description = description_from_declaration(MINE, ("cpu", "cuda:0"))
    assert (description.name, description.algorithm, description.grade) == ("mine", "direct", "A")
    assert (tuple(description.dtypes), tuple(description.devices)) == (("float32",), ("cpu", "cuda:0"))


def test_the_record_of_an_absent_implementation_gives_the_reason() -> None:
    record = implementation_record(Target(MINE, absent="jax is not installed"))
    assert (record.implementation, record.summary, record.absent) == ("mine", "A direct sum.", "jax is not installed")
    record = implementation_record(Target(MINE, description_from_declaration(MINE)))
    assert (record.dtypes, record.absent) == (["float32"], "")


def test_the_domains_of_the_declaration_and_of_the_request_are_joined() -> None:
    origin = replace(MINE, declaration=replace(DECLARATION, supports="groups == 1"))
    assert Target(origin).declared.text == "groups == 1"
    target = Target(origin, description_from_declaration(origin), supports="batch == 1")
    assert target.declared.text == "groups == 1 and batch == 1"
    assert implementation_record(target).supports == "groups == 1 and batch == 1"
    assert implementation_record(Target(MINE)).supports == ""
    (resolved,) = resolve_targets(CheckRequest(("numpy_windows",), supports="bias"))
    assert resolved.declared.text == "bias"


def test_the_options_of_a_reproduction_are_those_that_change_a_case() -> None:
    origin = Origin("file", "mine.py", "conv", "conv", "numpy")
    assert reproduction_options(MINE, CheckRequest(tier="quick", seed=3)) == ()
    assert reproduction_options(MINE, CheckRequest(supports=" groups ==  1")) == ("--supports", "groups == 1")
    request = CheckRequest(python="/usr/bin/python3", memory_mib=512, timeout_s=2.5)
    assert reproduction_options(origin, request) == (
        *("--framework", "numpy", "--python", "/usr/bin/python3", "--memory", "512", "--timeout", "2.5"),
    )
