"""``convgauge merge``: join the shards of one run."""

from __future__ import annotations

from pathlib import Path

import click

from convgauge.cli.errors import InputError
from convgauge.cli.group import Command


@click.command("merge", cls=Command, examples=("convgauge merge shard-1.jsonl shard-2.jsonl --output run.jsonl",))
@click.argument(
    "runs",
    nargs=-1,
    required=True,
    metavar="RUN.jsonl...",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option(
    "--output", required=True, metavar="RUN.jsonl", type=click.Path(path_type=Path), help="write the whole run here"
)
def command(runs: tuple[Path, ...], output: Path) -> int:
    """Join the shards of one run."""
    from convgauge import results
    from convgauge.conformance.merge import MismatchedRunsError, merge

    try:
        return merge([results.read(path) for path in runs], output)
    except (results.DamagedFileError, OSError, MismatchedRunsError) as error:
        raise InputError(str(error)) from None
