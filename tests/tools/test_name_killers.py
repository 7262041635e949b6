"""Tests of the script that names specs in the declarations of mutants."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from convgauge.diagnosis.kinds import MechanismKind
from convgauge.selftest.mutants import Mutant
from support.paths import ROOT

SCRIPT = runpy.run_path(str(ROOT / "tools" / "name_killers.py"))


def mutant(name: str, family: str, *killed_by: str) -> Mutant:
    return Mutant(name, Path(f"{family}.py"), "Is wrong.", True, MechanismKind.BIAS_DROPPED, killed_by=killed_by)


def test_each_spec_is_named_once_and_by_its_own_family() -> None:
    declared = [mutant("a", "bias", "bias.none"), mutant("b", "stride"), mutant("c", "tails")]
    killed_by = {
        "a": {"bias.none", "bias.zero", "stride.pair"},
        "b": {"bias.zero", "stride.pair", "stride.int"},
        "c": {"bias.zero", "stride.pair", "sweep.batch"},
    }
    assert SCRIPT["proposals"](declared, killed_by) == {
        "a": ["bias.none", "bias.zero"],
        "b": ["stride.int", "stride.pair"],
        "c": ["sweep.batch"],
    }


FILE = """
from _base import mutant

@mutant("Drops the bias.", mechanism="bias_dropped", killed_by=("bias.none",), smoke=False)
def without_bias(input, weight, bias=None):
    return None
"""


@pytest.mark.parametrize(
    ("field", "declaration"),
    [
        ("killed_by", 'killed_by=("bias.zero",), smoke=False'),
        ("advised_by", 'killed_by=("bias.none",), smoke=False, advised_by=("bias.zero",)'),
    ],
)
def test_a_declaration_is_rewritten(field: str, declaration: str) -> None:
    text = SCRIPT["rewritten"](FILE, "without_bias", field, ["bias.zero"])
    assert text == FILE.replace('killed_by=("bias.none",), smoke=False', declaration)
