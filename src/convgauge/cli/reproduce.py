"""``convgauge reproduce``: run one case again and print everything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from convgauge.cli.errors import InputError
from convgauge.cli.group import Command
from convgauge.cli.options import request_options
from convgauge.request import CheckRequest, RequestError, split_list
from convgauge.text import escape_controls, unwritable

if TYPE_CHECKING:
    from convgauge.conformance.bug_script.failure import Failure


@click.command(
    "reproduce",
    cls=Command,
    examples=(
        "convgauge reproduce numpy_windows n1c2h5w6_o3k3x2_s1x1_p0x0_d1x1_g1_b_float32",
        "convgauge reproduce my_kernel.py:conv2d 'n1c1h2w1_o1k1x1_s1x1_p3x4_d1x1_g1_float32' --spec padding.pair",
        "convgauge reproduce my_kernel.py:conv2d 'n1c1h2w1_o1k1x1_s1x1_p3x4_d1x1_g1_float32' --script report.py",
    ),
)
@click.argument("target", metavar="TARGET", type=click.Path())
@click.argument("problem", metavar="PROBLEM")
@click.option("--spec", default="", metavar="ID", help="judge the case as this spec does")
@click.option(
    "--after",
    multiple=True,
    metavar="CASE",
    help="call this case before, in the same process; may be repeated; SPEC@CASE calls it as that spec does",
)
@click.option(
    "--script",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.py",
    help="write a short file without convgauge that shows the failure, for a bug report",
)
@click.option("--device", default="cpu", metavar="DEVICE", help="device of the call, e.g. cuda:0; default: cpu")
@request_options(
    CheckRequest,
    "framework",
    "supports",
    "reproducible",
    "python",
    "timeout_s",
    "memory_mib",
    "refusals",
    "seed",
    "isolation",
    "output",
)
def command(
    request: CheckRequest,
    target: str,
    problem: str,
    spec: str,
    after: tuple[str, ...],
    script: Path | None,
    device: str,
) -> int:
    """Run one case again and print everything.

    A PROBLEM is the text of a problem, or a case as a counterexample prints it. The calls of --after are made before
    it, in their order: a kernel that keeps a state may fail only after them.
    """
    request = replace(request, targets=(target,), case=problem, specs=split_list(spec), devices=(device,), after=after)
    from convgauge.conformance.reproduce import reproduce, reproduce_specs
    from convgauge.problem import ProblemError
    from convgauge.registry import LoadError, TargetError

    failures: list[Failure] = []
    try:
        run = reproduce_specs if request.specs else reproduce
        status = run(request, failures.append)
    except (RequestError, ProblemError, TargetError) as error:
        raise InputError(str(error)) from None
    except LoadError as error:
        raise InputError(f"{error}\n{error.trace}".rstrip()) from None
    if script is not None:
        _write(failures, script, request)
    return status


def _write(failures: Sequence[Failure], path: Path, request: CheckRequest) -> None:
    """Write the script of the first failing case that has one. Raises `InputError` if none has."""
    from convgauge.conformance.bug_script.failure import NoScriptError
    from convgauge.conformance.bug_script.writing import write_script

    reasons = ["no case fails"]
    for failure in failures:
        try:
            line = write_script(failure, path, python=request.python, timeout_s=request.timeout_s)
        except NoScriptError as error:
            reasons.append(str(error))
        except OSError as error:
            raise InputError(unwritable(path, error)) from None
        else:
            print(f"wrote {path}; it fails today: {escape_controls(line)}")
            return
    raise InputError(f"{path} is not written: {reasons[1] if failures else reasons[0]}")
