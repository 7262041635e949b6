"""Errors of the command line: one sentence about input that cannot be used."""

from __future__ import annotations

import sys

import click
from click.core import ParameterSource

from convgauge.cluster import ClusterError
from convgauge.terms import ExitStatus

PROJECT_FILE = "convgauge.project_file"
"""Key in a context's ``meta``: path of the pyproject.toml that gives defaults to options."""


class InputError(click.ClickException):
    """Input that the caller can correct; the message is one sentence."""

    exit_code = ExitStatus.USAGE_ERROR


def cluster_status(error: ClusterError) -> int:
    """Print the error of a run that broke off and return its exit status. Raises `InputError` if nothing started."""
    if error.status == ExitStatus.USAGE_ERROR:
        raise InputError(str(error)) from None
    print(f"convgauge: {error}", file=sys.stderr)
    return error.status


def sentence(error: click.ClickException) -> str:
    """Return the message of an error; for wrong usage, with the origin of the value and the command that helps."""
    message = error.format_message()
    if not isinstance(error, click.UsageError):
        return message
    message = " ".join(message.split())
    if error.ctx is None:  # the parser of words has none
        return f"{message}\nsee convgauge --help"
    name = getattr(getattr(error, "param", None), "name", None)
    if name and error.ctx.get_parameter_source(name) is ParameterSource.DEFAULT_MAP:
        message = f"{message.rstrip('.')} (set by [tool.convgauge] in {error.ctx.meta[PROJECT_FILE]})"
    return f"{message}\nsee {error.ctx.command_path} --help"
