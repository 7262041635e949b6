"""Tests of the process that examines mutants: its end, or its hanging, concerns one mutant only."""

from __future__ import annotations

import os
import time
from pathlib import Path

from convgauge.selftest.diagnoses.examiner import Examiner
from convgauge.selftest.diagnoses.finding import DiagnosisFinding
from convgauge.selftest.mutants import Mutant
from convgauge.terms import Tier


def examine(mutant: Mutant, tier: Tier, evidence: Path | None) -> DiagnosisFinding:
    """Stand-in for an examination, which does what the mutant's name states."""
    if mutant.name == "ends":
        os._exit(3)
    if mutant.name == "hangs":
        time.sleep(600)
    return DiagnosisFinding(mutant.name, mutant.faulty, remark=str(os.getpid()))


def named(name: str) -> Mutant:
    return Mutant(name, Path("mutants.py"), "A sentence.", True)


def test_a_process_that_ends_or_hangs_is_replaced() -> None:
    examiner = Examiner(max_s=20.0, examination=examine)
    try:
        first = examiner.examine(named("first"), "quick")
        again = examiner.examine(named("again"), "quick")
        ended = examiner.examine(named("ends"), "quick")
        examiner._max_s = 1.0
        hung = examiner.examine(named("hangs"), "quick")
        examiner._max_s = 20.0
        last = examiner.examine(named("last"), "quick")
    finally:
        examiner.close()
    assert first.remark == again.remark  # the process is used again
    assert ended.error == "the process of the examination ended"
    assert hung.error == "the examination exceeded 1 s"
    assert last.error == ""
    assert last.remark != first.remark
