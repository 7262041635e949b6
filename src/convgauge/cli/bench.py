"""``convgauge bench``: race implementations over the layers of real networks."""

from __future__ import annotations

import sys

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
    ),
)
@targets_argument
@request_options(BenchRequest)
@cluster_option("race on the workers of this Dask scheduler, one race at a time on each")
@click.option("-q", "--quiet", is_flag=True, help="print no tables; the run and the exit status have the result")
@json_option
def command(request: BenchRequest, cluster: str, quiet: bool, as_json: bool) -> int:
    """Race implementations over the layers of real networks.

    A TARGET is a registered name, package.module:function or path/file.py:function; 'builtin' stands for all built-in
    implementations. NAME=TARGET gives it another name.
    """
    if not as_json:
        return _run(request, cluster, quiet)
    if cluster:
        raise InputError("--json is for one machine: several kinds of machine have several runs, see --output")
    from convgauge.cli import json_output

    return json_output.print_summary(request, lambda written: _run(written, cluster, quiet), json_output.bench)


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
