"""Layer sets: the convolutions of real networks, with their multiplicity in the network.

A set is a TOML file in ``benchmarks/layers`` or elsewhere: ``title``, ``source``, ``licence``, ``derived``, then
``[[layer]]`` tables of ``problem``, ``count`` and ``name``. Any other file lists problems or benchdnn's descriptors,
one per line; empty lines, comments (``#``) and benchdnn's options (``--``) are skipped.
"""

from __future__ import annotations

import difflib
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convgauge.bundled import bundled
from convgauge.layers import BenchError, benchdnn
from convgauge.problem import Problem, ProblemError

MODEL_TIMEOUT_S = 300.0
"""Seconds for constructing a user's model and running it on the meta device."""


@dataclass(frozen=True)
class Layer:
    """Distinct convolution of a network: ``count`` layers are equal, and ``name`` is the name of the first."""

    problem: Problem
    count: int = 1
    name: str = ""


@dataclass(frozen=True)
class LayerSet:
    """Distinct convolutions with their provenance.

    Parameters
    ----------
    name : str
        Name of the set in records.
    layers : tuple of Layer
        Distinct convolutions in the order of the network.
    title, source, licence, derived : str
        Provenance: full name, library or paper, licence, and the command that derived the set.
    threads : tuple of int
        Thread counts of a set that prescribes them; empty for others.
    """

    name: str
    layers: tuple[Layer, ...]
    title: str = ""
    source: str = ""
    licence: str = ""
    derived: str = ""
    threads: tuple[int, ...] = ()

    @property
    def calls(self) -> int:
        """Number of convolutions in the network: the sum of multiplicities."""
        return sum(layer.count for layer in self.layers)


def names() -> list[str]:
    """Return the names of the layer sets of the suite."""
    return sorted(path.stem for path in bundled("benchmarks", "layers").glob("*.toml"))


def load(name: str) -> LayerSet:
    """Return the layer set that a name, a file or a list of problems stands for.

    Parameters
    ----------
    name : str
        One of

        - the name of a set of the suite (`names`);
        - the path of a TOML file, or of a file that lists problems;
        - problems, separated by commas: their texts, or descriptors of oneDNN's benchdnn;
        - ``sweep:AXIS``, one dimension of a problem grows (`sweeps`);
        - ``model.py:function``, the convolutions of the torch model that the function returns, alone or in a pair with
          its inputs.

    Raises
    ------
    BenchError
        If there is no such set, or if its file or its model is wrong.
    """
    if name.startswith("sweep:"):
        from convgauge.layers import sweeps

        return sweeps.load(name)
    if model := re.fullmatch(r"(.+\.py):(\w+)", name):
        return _of_model(Path(model[1]), model[2])
    if re.match(r"n\d+c\d+h", name) or benchdnn.is_descriptor(name):
        return LayerSet("problems", tuple(_spelled(text.strip(), "--layers") for text in name.split(",")))
    if name in names():
        return _read(bundled("benchmarks", "layers", f"{name}.toml"))
    path = Path(name)
    if path.suffix == ".toml":
        return _read(path)
    if path.suffix or "/" in name or path.is_file():
        return _listed(path)
    near = difflib.get_close_matches(name, names(), n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(names())}"
    raise BenchError(
        f"no layer set is called {name!r}; {hint} (a file of your own ends in .toml; a problem reads n1c64h56…)"
    )


def _of_model(path: Path, function: str) -> LayerSet:
    """Return the convolutions of a model; the user's code runs in another process."""
    where = f"--layers {path}:{function}"
    with tempfile.TemporaryDirectory() as folder:
        result_path = Path(folder, "result.json")
        command = [sys.executable, "-m", "convgauge.layers.torch_model", str(path), function, str(result_path)]
        try:
            process = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, timeout=MODEL_TIMEOUT_S, check=False
            )
        except subprocess.TimeoutExpired:
            raise BenchError(f"{where}: the model took more than {MODEL_TIMEOUT_S:g} s") from None
        if not result_path.exists():
            lines = process.stderr.decode(errors="replace").strip().splitlines()
            last = lines[-1] if lines else f"exit status {process.returncode}"
            raise BenchError(f"{where}: its process returned no layers: {last[:300]}")
        result = json.loads(result_path.read_text(encoding="utf-8"))
    if "error" in result:
        raise BenchError(f"{where}: {result['error']}")
    if not result["layers"]:
        raise BenchError(f"{where}: the model makes no 2-D convolution")
    layers = tuple(Layer(_problem(text, where), count, module) for text, count, module in result["layers"])
    return LayerSet(function, layers, f"{function} of {path.name}", "a model of the user's, on the meta device")


def _listed(path: Path) -> LayerSet:
    """Return the problems that a file lists, one per line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BenchError(f"layer set {path}: {getattr(error, 'strerror', None) or error}") from None
    layers = tuple(
        _spelled(line.strip(), f"layer set {path}, line {number}")
        for number, line in enumerate(lines, start=1)
        if line.strip() and not line.lstrip().startswith(("#", "--"))
    )
    if not layers:
        raise BenchError(f"layer set {path}: there is no problem in it")
    return LayerSet(path.stem, layers)


def _spelled(text: str, where: str) -> Layer:
    """Return the layer of a problem's text or of a descriptor."""
    if not benchdnn.is_descriptor(text):
        return Layer(_problem(text, where))
    try:
        return Layer(*benchdnn.parse(text))
    except ProblemError as error:
        raise BenchError(f"{where}: {error}") from None


def _read(path: Path) -> LayerSet:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BenchError(f"layer set {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BenchError(f"layer set {path}: {error}") from None
    entries = content.get("layer")
    if not isinstance(entries, list) or not entries:
        raise BenchError(f"layer set {path}: there is no [[layer]] in it")
    layers = tuple(_layer(entry, f"layer set {path}, layer {number}") for number, entry in enumerate(entries, start=1))
    title, source, licence, derived = (str(content.get(key, "")) for key in ("title", "source", "licence", "derived"))
    return LayerSet(path.stem, layers, title, source, licence, derived)


def _layer(entry: Mapping[str, Any], where: str) -> Layer:
    if not isinstance(entry, dict) or "problem" not in entry:
        raise BenchError(f"{where}: has no problem")
    count = entry.get("count", 1)
    if type(count) is not int or count < 1:
        raise BenchError(f"{where}: count = {count!r} must be a whole number from 1 up")
    return Layer(_problem(str(entry["problem"]), where), count, str(entry.get("name", "")))


def _problem(text: str, where: str) -> Problem:
    try:
        return Problem.parse(text)
    except ProblemError as error:
        raise BenchError(f"{where}: {error}") from None
