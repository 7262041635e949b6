"""``convgauge check``: judge implementations against the specification."""

from __future__ import annotations

import click

from convgauge.cli.errors import InputError, cluster_status
from convgauge.cli.group import Command
from convgauge.cli.options import cluster_option, json_option, request_options, targets_argument
from convgauge.cli.temporary_output import temporary_output
from convgauge.cluster import ClusterError
from convgauge.request import CheckRequest, RequestError, Verbosity
from convgauge.text import unwritable


@click.command(
    "check",
    cls=Command,
    is_configurable=True,
    examples=(
        "convgauge check torch_conv2d --tier quick",
        "convgauge check my_kernel.py:conv2d --framework numpy -k 'padding or stride' -x",
        "convgauge check old.py:conv2d new=new.py:conv2d --supports 'groups == 1 and kernel_h == kernel_w'",
        "convgauge check my_package.kernels:conv2d --profile training --output run.jsonl",
        "convgauge check builtin --cluster tcp://10.0.0.1:8786 --output run.jsonl",
        "convgauge check --json | jq .verdicts    # targets from [tool.convgauge] in pyproject.toml",
    ),
)
@targets_argument
@request_options(CheckRequest)
@cluster_option("share the parts of the run among the workers of this Dask scheduler")
@click.option("-q", "--quiet", is_flag=True, help="print each verdict and its first cause only")
@click.option("-v", "--verbose", is_flag=True, help="print a line for every spec, and the report of each that fails")
@json_option
def command(request: CheckRequest, cluster: str, quiet: bool, verbose: bool, as_json: bool) -> int:
    """Judge implementations against the specification.

    A TARGET is a registered name, package.module:function or path/file.py:function; 'builtin' stands for all built-in
    implementations. NAME=TARGET gives it another name.
    """
    verbosity = Verbosity.VERDICTS if quiet else Verbosity.EVERY_SPEC if verbose else Verbosity.FAULTS
    if as_json:
        from convgauge.cli import json_output

        return json_output.print_summary(request, lambda written: _run(written, cluster, verbosity), json_output.check)
    status = _run(request, cluster, verbosity)
    path = request.resume or request.output
    if path and status in (0, 1):
        print(f"kept in {path}; its pages: convgauge report {path}")
    return status


def _run(request: CheckRequest, cluster: str, verbosity: Verbosity) -> int:
    if not cluster:
        from convgauge.conformance.run import check

        return check(request, verbosity)
    from rich.console import Console

    from convgauge.cluster.check import check as check_on_cluster

    with temporary_output(request) as written:
        try:
            return check_on_cluster(cluster, written, Console(), verbosity)
        except RequestError as error:
            raise InputError(str(error)) from None
        except ClusterError as error:
            return cluster_status(error)
        except OSError as error:
            raise InputError(unwritable(written.output, error)) from None
