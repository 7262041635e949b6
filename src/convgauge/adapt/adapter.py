"""Adapter of a target: found by a search in a child process, with the text of its file."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from convgauge import registry
from convgauge.adapt.search import Adaptation, search
from convgauge.adapt.source import adapter_text
from convgauge.adapt.target_import import target_import
from convgauge.adapt.trial_process import TrialProcess
from convgauge.adapt.trials import Trials
from convgauge.registry import LoadError
from convgauge.worker.messages import Inspected


@dataclass(frozen=True)
class Adapter:
    """Result for a target: the text of its adapter, or "" if no guess is right."""

    text: str
    target: Inspected
    adaptation: Adaptation


def find_adapter(target: str, folder: Path, *, framework: str = "", python: str = "") -> Adapter:
    """Return the adapter of a target.

    Parameters
    ----------
    target : str
        Target as the command line spells it.
    folder : Path
        Folder in which the adapter's file will be.
    framework : str
        Framework of the operands; "" for the one that the target's module imports.
    python : str
        Path of the interpreter; "" for this one.

    Raises
    ------
    TargetError, LoadError
        The target cannot be found or imported.
    """
    (origin,) = registry.resolve(target, framework)[:1]
    with tempfile.TemporaryDirectory(prefix="convgauge-adapt-") as temporary:
        process = TrialProcess(origin, Path(temporary), python or sys.executable)
        try:
            inspected = process.inspect()
            if inspected.kind == "unknown":
                raise LoadError(f"{origin} {inspected.error}")
            trials = Trials(process, target_import(origin, Path(temporary)), inspected)
            adaptation = search(trials)
        finally:
            process.close()
    if adaptation.guess is None:
        return Adapter("", inspected, adaptation)
    return Adapter(adapter_text(target_import(origin, folder), inspected, adaptation.guess), inspected, adaptation)
