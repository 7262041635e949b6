"""``convgauge adapt``: print an adapter, a function that calls a convolution of another form."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from convgauge.cli.errors import InputError
from convgauge.cli.group import Command
from convgauge.cli.options import request_options
from convgauge.request import CheckRequest
from convgauge.terms import ExitStatus
from convgauge.text import escape_controls, unwritable

if TYPE_CHECKING:
    from convgauge.adapt.adapter import Adapter
    from convgauge.adapt.search import Adaptation


@click.command(
    "adapt",
    cls=Command,
    examples=(
        "convgauge adapt layers.py:Conv2D",
        "convgauge adapt nhwc.py:conv --framework numpy --output adapter.py",
    ),
)
@click.argument("target", metavar="TARGET", type=click.Path())
@request_options(CheckRequest, "framework", "python")
@click.option("--output", "-o", default="", metavar="FILE", help="write the adapter to this file")
def command(request: CheckRequest, target: str, output: str) -> int:
    """Print an adapter of a function, class, module or autograd function.

    An adapter is a short file that defines conv2d and calls the TARGET. Its form is found out by small calls in a child
    process. The adapter is printed, or written with --output; what it supports is printed after it.
    """
    from convgauge.adapt.adapter import find_adapter
    from convgauge.registry import LoadError, TargetError

    folder = Path(output).parent if output else _folder_of(target)
    try:
        adapter = find_adapter(target, folder, framework=request.framework, python=request.python)
    except TargetError as error:
        raise InputError(str(error)) from None
    except LoadError as error:
        raise InputError(escape_controls(f"{error}\n{error.trace}".rstrip())) from None
    if not adapter.text:
        click.echo(escape_controls(_failure(target, adapter.adaptation)), err=True)
        return ExitStatus.NOT_REACHED
    _write(adapter.text, output)
    click.echo(escape_controls(_summary(adapter, output)), err=True)
    return ExitStatus.NOT_REACHED if wrong(adapter.adaptation) else ExitStatus.REACHED


def _folder_of(target: str) -> Path:
    location = target.rpartition(":")[0] or target
    return Path(location).parent if location.endswith(".py") else Path.cwd()


def _write(text: str, output: str) -> None:
    if not output:
        click.echo(text, nl=False)
        return
    try:
        Path(output).write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(unwritable(Path(output), error)) from None


def wrong(adaptation: Adaptation) -> list[str]:
    """Return what the trials showed that are wrong."""
    return [name for name, trial in adaptation.trials.items() if trial.status == "wrong"]


def _summary(adapter: Adapter, output: str) -> str:
    """Return what the adapter supports, and the command to run next."""
    trials = adapter.adaptation.trials
    right = [name for name, trial in trials.items() if trial.status == "right"]
    lines = [f"right on {len(right)} of {len(right) + len(wrong(adapter.adaptation))} trial problems"]
    unsupported = [
        name + ("" if trial.status == "refused" else f" ({trial.message.partition(':')[0]})")
        for name, trial in trials.items()
        if trial.status not in ("right", "wrong")
    ]
    if unsupported:
        lines[0] += f"; not supported: {', '.join(unsupported)}"
    lines += [f"wrong: {name} ({trials[name].message})" for name in wrong(adapter.adaptation)]
    if wrong(adapter.adaptation):
        lines.append(
            "no form explains the wrong outputs: they are faults of the kernel, or limits that it does not state"
        )
    file = output or "adapter.py"
    words = ["convgauge", "check", f"{file}:conv2d", "--framework", adapter.target.framework]
    saved = "" if output else f" (after saving the adapter as {file})"
    return "\n".join([*lines, f"next: {shlex.join(words)}{saved}"])


def _failure(target: str, adaptation: Adaptation) -> str:
    """Return why there is no adapter: what was tried, and the guess that came nearest."""
    turned = adaptation.turned
    if turned is not None:
        return (
            f"{target} computes with the kernel turned by 180° (mathematical convolution) on {turned.problem}:"
            " that is a fault, which an adapter must not hide"
        )
    guesses = list(dict.fromkeys(str(trial.guess) for trial in adaptation.tried))
    problems = list(dict.fromkeys(trial.problem for trial in adaptation.tried))
    lines = [f"no guess about the form of {target} is right: {len(guesses)} were tried on {len(problems)} problems"]
    nearest = adaptation.nearest
    if nearest is not None:
        lines.append(f"nearest: {nearest.guess}, on {nearest.problem}: {nearest.status}, {nearest.message}")
    return "\n".join(lines)
