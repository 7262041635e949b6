"""Defaults of a project for `check` and `bench`: the table [tool.convgauge] of its pyproject.toml.

    [tool.convgauge]
    targets = ["src/my_package/kernel.py:conv2d"]
    framework = "numpy"
    profile = "kernel"
    expect = "convgauge-expect.toml"

A key is the long name of an option; a command ignores the keys that only the other command has. A value is checked as
if it had been typed, and options of the command line override it. Paths are relative to the pyproject.toml, which is
the nearest one, in the working directory or above, that has the table.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast

import click

from convgauge.cli.errors import PROJECT_FILE, InputError
from convgauge.cli.options import TARGETS, flag_of
from convgauge.request import BenchRequest, CheckRequest, Option, option_fields

Table = Mapping[str, object]
Value = str | bool | list[str]


def defaults(ctx: click.Context) -> dict[str, Any]:
    """Return the defaults of the context's command, by the names of its parameters. Raises `InputError`."""
    path, table = _nearest_table(Path.cwd())
    ctx.meta[PROJECT_FILE] = path
    parameters = {name: _parameters(command) for name, command in _configurable(ctx).items()}
    keys = sorted(set().union(*parameters.values()))
    for key in table:
        if key not in keys:
            near = get_close_matches(key, keys, n=1)
            hint = f"; did you mean {near[0]}?" if near else f"; the keys are {', '.join(keys)}"
            raise InputError(f"{path}: [tool.convgauge] has no key {key!r}{hint}")
    of_command = parameters[ctx.command.name or ""]
    return {
        of_command[key].name or "": _value(path, key, value, of_command[key])
        for key, value in table.items()
        if key in of_command
    }


def _configurable(ctx: click.Context) -> dict[str, click.Command]:
    """Return the commands whose options have defaults, by name."""
    root = ctx.find_root()
    group = cast(click.Group, root.command)
    commands = [group.get_command(root, name) for name in group.list_commands(root)]
    return {each.name or "": each for each in commands if each and getattr(each, "is_configurable", False)}


def _parameters(command: click.Command) -> dict[str, click.Parameter]:
    """Return the parameters of a command that a project can set, by key."""
    excluded = {flag for flag, option in _request_options().items() if not option.is_configurable}
    parameters = {
        flag.removeprefix("--"): parameter
        for parameter in command.params
        for flag in parameter.opts
        if flag.startswith("--") and flag not in excluded
    }
    (targets,) = [parameter for parameter in command.params if parameter.name == TARGETS]
    return parameters | {TARGETS: targets}


def _request_options() -> dict[str, Option]:
    """Return the options of both requests, by flag."""
    fields = [each for kind in (CheckRequest, BenchRequest) for each in option_fields(kind, "command line").values()]
    return {flag_of(each): each.metadata["option"] for each in fields}


def _nearest_table(folder: Path) -> tuple[Path, Table]:
    """Return the table and its file; an empty table if no pyproject.toml has one. Raises `InputError`."""
    for parent in (folder, *folder.parents):
        path = parent / "pyproject.toml"
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {}).get("convgauge")
        except FileNotFoundError:
            continue
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise InputError(f"{path} cannot be read: {error}") from None
        if isinstance(table, dict):
            return path, table
        if table is not None:
            raise InputError(f"{path}: [tool.convgauge] must be a table, not {table!r}")
    return folder, {}


def _value(path: Path, key: str, value: object, parameter: click.Parameter) -> Value:
    """Return a value as it would be typed; a list is typed with commas. Raises `InputError`."""
    is_flag = isinstance(parameter, click.Option) and parameter.is_flag
    items = value if isinstance(value, list) and not is_flag else [value]
    for item in items:
        if isinstance(item, bool) != is_flag or not isinstance(item, str | int | float):
            kind = "true or false" if is_flag else "a text, a number or a list of them"
            raise InputError(f"{path}: {key} of [tool.convgauge] must be {kind}, not {item!r}")
    if is_flag:
        return bool(value)
    texts = [str(item) for item in items]
    if key == TARGETS:
        return [_target(path, text) for text in texts]
    option = _request_options().get(f"--{key}")
    text = ",".join(texts)
    return str(path.parent / text) if option is not None and option.is_file else text


def _target(path: Path, target: str) -> str:
    """Return a target as seen from the working directory."""
    from convgauge.registry import split_name

    name, target = split_name(target)
    if name:
        return f"{name}={_target(path, target)}"
    file, colon, function = target.rpartition(":") if ":" in target else (target, "", "")
    return f"{os.path.relpath(path.parent / file)}{colon}{function}" if file.endswith(".py") else target
