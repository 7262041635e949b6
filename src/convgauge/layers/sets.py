"""Layer sets: the convolutions of real networks, with how often each stands in its network.

A set is a TOML file in ``benchmarks/layers`` or anywhere else: ``title``, ``source``, ``licence``, ``derived``, then
``[[layer]]`` tables of ``problem``, ``count`` and ``name``. Any other file lists problems, or benchdnn's descriptors,
one a line; empty lines, comments (``#``) and benchdnn's options (``--``) are passed over.
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

MODEL_TIMEOUT = 300.0
"""Seconds that a user's model may take to be made and run on the meta device."""


@dataclass(frozen=True)
class Layer:
    """One distinct convolution: ``count`` layers of the network are alike, ``name`` is the first of them."""

    problem: Problem
    count: int = 1
    name: str = ""


@dataclass(frozen=True)
class LayerSet:
    """Distinct convolutions and where they come from; ``threads`` are the thread counts of a set that has its own."""

    name: str
    layers: tuple[Layer, ...]
    title: str = ""
    source: str = ""
    licence: str = ""
    derived: str = ""
    threads: tuple[int, ...] = ()

    @property
    def calls(self) -> int:
        """Convolutions in the network: the multiplicities' sum."""
        return sum(layer.count for layer in self.layers)


def names() -> list[str]:
    """The layer sets that come with the suite."""
    return sorted(path.stem for path in bundled("benchmarks", "layers").glob("*.toml"))


def load(name: str) -> LayerSet:
    """The layer set called ``name``, or in the file ``name``, or the problems that ``name`` lists, comma-separated.

    A problem is its text, or a descriptor of oneDNN's benchdnn. ``sweep:AXIS`` is a problem of which one dimension
    grows (`sweeps`), ``model.py:function`` the convolutions of the torch model that the function returns, alone or in a
    pair with its inputs. Raises `BenchError`.
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
    """The convolutions of a model, found by a process of its own, as user's code is not run in this one."""
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder, "found.json")
        words = [sys.executable, "-m", "convgauge.layers.torch_model", str(path), function, str(found)]
        try:
            ran = subprocess.run(
                words, stdin=subprocess.DEVNULL, capture_output=True, timeout=MODEL_TIMEOUT, check=False
            )
        except subprocess.TimeoutExpired:
            raise BenchError(f"--layers {path}:{function}: the model took more than {MODEL_TIMEOUT:g} s") from None
        if not found.exists():
            said = ran.stderr.decode(errors="replace").strip().splitlines() or [f"exit status {ran.returncode}"]
            raise BenchError(f"--layers {path}:{function}: its process said nothing of layers: {said[-1][:300]}")
        answer = json.loads(found.read_text(encoding="utf-8"))
    where = f"--layers {path}:{function}"
    if "error" in answer:
        raise BenchError(f"{where}: {answer['error']}")
    if not answer["layers"]:
        raise BenchError(f"{where}: the model makes no 2-D convolution")
    layers = tuple(Layer(_problem(text, where), count, module) for text, count, module in answer["layers"])
    return LayerSet(function, layers, f"{function} of {path.name}", "a model of the user's, on the meta device")


def _listed(path: Path) -> LayerSet:
    """The problems that a file lists, one a line."""
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
    """A layer from a problem's text or a descriptor."""
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
    layers = tuple(_layer(entry, f"layer set {path}, layer {place}") for place, entry in enumerate(entries, start=1))
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
