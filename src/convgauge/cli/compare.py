"""``convgauge compare``: print the differences between two runs."""

from __future__ import annotations

from pathlib import Path

import click

from convgauge.cli.errors import InputError
from convgauge.cli.group import Command
from convgauge.cli.options import json_option

_RUN = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(
    "compare",
    cls=Command,
    examples=(
        "convgauge compare main.jsonl branch.jsonl",
        "convgauge compare main.jsonl branch.jsonl --json",
    ),
)
@click.argument("old", metavar="OLD.jsonl", type=_RUN)
@click.argument("new", metavar="NEW.jsonl", type=_RUN)
@click.option("--slower", type=float, metavar="PERCENT", help="a ratio that grew by more is a regression")
@click.option("--other-machine", is_flag=True, help="compare ratios of different machines")
@click.option("--markdown", is_flag=True, help="print tables for a pull request")
@json_option
def command(old: Path, new: Path, slower: float | None, other_machine: bool, markdown: bool, as_json: bool) -> int:
    """Compare two runs; exit 1 on a regression."""
    from convgauge import report, results

    try:
        old_run, new_run = results.read(old), results.read(new)
    except (results.DamagedFileError, OSError) as error:
        raise InputError(str(error)) from None
    if (difference := report.other_machine(old_run, new_run)) and not other_machine:
        raise InputError(
            f"the two runs were timed on different machines ({difference}); --other-machine compares ratios"
        )
    limit = None if slower is None else slower / 100
    text, status = report.compare(old_run, new_run, limit, markdown)
    if as_json:
        from convgauge.cli import json_output

        text = json_output.encode(json_output.compare(old_run, new_run, status))
    print(text)
    return status
