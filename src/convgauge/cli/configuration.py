"""A project's own defaults for `check` and `bench`: the table [tool.convgauge] of its pyproject.toml.

    [tool.convgauge]
    targets = ["src/my_package/kernel.py:conv2d"]
    framework = "numpy"
    profile = "kernel"
    expect = "convgauge-expect.toml"

A key is an option's long name; one that only the other command has is left to that one. The values become words before
those of the command line, which therefore win, and are checked as if they had been typed. Paths are relative to the
pyproject.toml, which is the nearest above the working directory that has the table.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

from convgauge.cli.usage import Parser, UsageError, near

CONFIGURED = ("check", "bench")
PATHS = ("expect", "output")
NOT_DEFAULTS = {"help", "resume", "shard"}  # of one run, never of a project


def configured(parser: Parser, command: str, folder: Path) -> tuple[list[str], list[str]]:
    """The words that a project sets for a command, and its targets. Raises `UsageError`."""
    if command not in CONFIGURED:
        return [], []
    path, table = _table(folder)
    commands = parser.commands()
    known = {name: _options(commands[name]) for name in CONFIGURED}
    every = sorted({"targets"}.union(*known.values()))
    words: list[str] = []
    for key, value in table.items():
        if key not in every:
            raise UsageError(f"{path}: [tool.convgauge] has no key {key!r}{near(key, every)}")
        if key in known[command]:
            words += _words(path, key, value, takes_value=known[command][key])
    return words, [_target(path, target) for target in _texts(path, "targets", table.get("targets", []))]


def _table(folder: Path) -> tuple[Path, dict[str, Any]]:
    for parent in (folder, *folder.parents):
        path = parent / "pyproject.toml"
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {}).get("convgauge")
        except FileNotFoundError:
            continue
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise UsageError(f"{path} cannot be read: {error}") from None
        if isinstance(table, dict):
            return path, table
        if table is not None:
            raise UsageError(f"{path}: [tool.convgauge] is a table, not {table!r}")
    return folder, {}


def _options(parser: Parser) -> dict[str, bool]:
    """The long options of a command, without their dashes, and whether each takes a value."""
    found = {
        word[2:]: action.nargs != 0
        for action in parser._actions
        for word in action.option_strings
        if word.startswith("--")
    }
    return {name: takes for name, takes in found.items() if name not in NOT_DEFAULTS}


def _words(path: Path, key: str, value: Any, takes_value: bool) -> list[str]:
    if not takes_value:
        if not isinstance(value, bool):
            raise UsageError(f"{path}: {key} of [tool.convgauge] is true or false, not {value!r}")
        return [f"--{key}"] * value
    text = ",".join(_texts(path, key, value))
    if key in PATHS:
        text = str(path.parent / text)
    return [f"--{key}={text}"]


def _texts(path: Path, key: str, value: Any) -> list[str]:
    """A value as texts: a list has several, anything else one."""
    values = value if isinstance(value, list) else [value]
    for one in values:
        if isinstance(one, bool) or not isinstance(one, (str, int, float)):
            raise UsageError(f"{path}: {key} of [tool.convgauge] is a text, a number or a list of them, not {one!r}")
    return [str(one) for one in values]


def _target(path: Path, target: str) -> str:
    """A target as seen from the working directory."""
    place, colon, function = target.rpartition(":") if ":" in target else (target, "", "")
    if not place.endswith(".py"):
        return target
    return f"{os.path.relpath(path.parent / place)}{colon}{function}"
