"""The command line: run in a process of its own, or parsed only."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from convgauge.cli.group import group


def convgauge(*words: str, folder: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``convgauge`` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "convgauge", *words],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def commands() -> dict[str, click.Command]:
    """Return the commands by name."""
    ctx = group.make_context("convgauge", [])
    by_name = {name: group.get_command(ctx, name) for name in group.list_commands(ctx)}
    return {name: command for name, command in by_name.items() if command is not None}


def parse(words: Sequence[str]) -> click.Context:
    """Parse a command and its words without running it. Raises `click.ClickException`, but not for missing files."""
    name, *rest = words
    with group.make_context("convgauge", []) as ctx:
        try:
            return commands()[name].make_context(name, rest, parent=ctx)
        except click.BadParameter as error:
            if "does not exist" not in error.message or error.ctx is None:
                raise
            return error.ctx


def options_of(command: str) -> set[str]:
    """Return the flags of a command."""
    return {flag for parameter in commands()[command].params for flag in parameter.opts if flag.startswith("-")}
