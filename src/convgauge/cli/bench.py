"""``convgauge bench``: race implementations over the layers of real networks."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from convgauge.cli.errors import InputError, cluster_status
from convgauge.cli.group import Command
from convgauge.cli.options import cluster_option, json_option, request_options, targets_argument
from convgauge.cluster import ClusterError
from convgauge.request import BenchRequest
from convgauge.terms import ExitStatus
from convgauge.text import unwritable


@click.command(
    "bench",
    cls=Command,
    is_configurable=True,
    examples=(
        "convgauge bench my_kernel.py:conv2d --framework numpy",
        "convgauge bench torch_conv2d my_kernel.py:conv2d --layers mobilenet_v2 --budget 120 --output race.jsonl",
        "convgauge bench numpy_im2col --baseline numpy_windows --layers smoke",
        "convgauge bench auto --explain --layers mobilenet_v2",
        "convgauge bench my_kernel.py:conv2d --against main --markdown",
    ),
)
@targets_argument
@request_options(BenchRequest)
@cluster_option("race on the workers of this Dask scheduler, one race at a time on each")
@click.option("-q", "--quiet", is_flag=True, help="print no tables; the run and the exit status have the result")
@click.option("--markdown", "as_markdown", is_flag=True, help="print a table for a pull request")
@json_option
def command(request: BenchRequest, cluster: str, quiet: bool, as_markdown: bool, as_json: bool) -> int:
    """Race implementations over the layers of real networks.

    A TARGET is a registered name, package.module:function or path/file.py:function; 'builtin' stands for all built-in
    implementations. NAME=TARGET gives it another name.
    """
    if cluster and request.against:
        raise InputError("--against is for one machine: its files are not on the workers of a cluster")
    if as_markdown and as_json:
        raise InputError("--markdown and --json are two formats; name one of them")
    if as_markdown:
        return _print_markdown(request, cluster)
    if not as_json:
        return _run(request, cluster, quiet)
    if cluster:
        raise InputError("--json is for one machine: several kinds of machine have several runs, see --output")
    from convgauge.cli import json_output

    return json_output.print_summary(request, lambda written: _run(written, cluster, quiet), json_output.bench)


def _print_markdown(request: BenchRequest, cluster: str) -> int:
    from convgauge import results
    from convgauge.cli.temporary_output import temporary_output
    from convgauge.race.regressions import markdown

    if cluster:
        raise InputError("--markdown is for one machine: several kinds of machine have several runs, see --output")
    with temporary_output(request) as written:
        status = _run(written, cluster, quiet=True)
        records = results.read(Path(written.output)).records
    timings = [record for record in records if isinstance(record, results.TimingRecord)]
    print(markdown(timings, request.margin / 100), end="")
    return status


def _run(request: BenchRequest, cluster: str, quiet: bool) -> int:
    from rich.console import Console

    from convgauge import race
    from convgauge.registry import TargetError
    from convgauge.results import UnwritableFileError

    console = Console(quiet=quiet)
    try:
        if not cluster:
            return race.bench(request, console)
        from convgauge.cluster.bench import bench as bench_on_cluster

        return bench_on_cluster(cluster, request, console)
    except (TargetError, race.BenchError) as error:
        raise InputError(str(error)) from None
    except ClusterError as error:
        return cluster_status(error)
    except UnwritableFileError as error:
        print(f"convgauge: {unwritable(request.output, error)}", file=sys.stderr)
        return ExitStatus.INTERNAL_ERROR
    except OSError as error:
        raise InputError(unwritable(request.output, error)) from None
