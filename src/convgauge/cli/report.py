"""``convgauge report``: write the HTML site of runs."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from convgauge.cli.errors import InputError
from convgauge.cli.group import Command
from convgauge.text import escape_controls


@click.command(
    "report",
    cls=Command,
    examples=(
        "convgauge report run.jsonl race.jsonl --output site",
        "convgauge report run.jsonl --serve",
    ),
)
@click.argument("runs", nargs=-1, required=True, metavar="RUN.jsonl...", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--output",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("reports/site"),
    help="folder of the site; default: reports/site",
)
@click.option("--junitxml", metavar="FILE", type=click.Path(path_type=Path), help="write the results as JUnit XML too")
@click.option("--serve", is_flag=True, help="serve the site on the loopback interface until Ctrl-C")
def command(runs: tuple[Path, ...], output: Path, junitxml: Path | None, serve: bool) -> int:
    """Write the HTML site of runs.

    A RUN.jsonl is a run, a folder of runs, or a file that `convgauge selftest --output` wrote.
    """
    from convgauge import report, results

    issues: list[report.InputIssue] = []
    try:
        index = report.build(list(runs), output, issues.append, junitxml)
    except (results.DamagedFileError, OSError) as error:
        raise InputError(escape_controls(str(error))) from None
    for issue in issues:
        consequence = "left out, and named in the report" if issue.is_lost else "the report states it"
        print(f"convgauge: {escape_controls(issue.text)}: {consequence}", file=sys.stderr)
    print(f"wrote {index}")
    if serve:
        report.serve(index.parent)
    return int(any(issue.is_lost for issue in issues))
