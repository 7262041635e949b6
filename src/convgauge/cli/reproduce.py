"""``convgauge reproduce``: run one case again and print everything."""

from __future__ import annotations

from dataclasses import replace

import click

from convgauge.cli.errors import InputError
from convgauge.cli.group import Command
from convgauge.cli.options import request_options
from convgauge.request import CheckRequest, RequestError, split_list


@click.command(
    "reproduce",
    cls=Command,
    examples=(
        "convgauge reproduce numpy_windows n1c2h5w6_o3k3x2_s1x1_p0x0_d1x1_g1_b_float32",
        "convgauge reproduce my_kernel.py:conv2d 'n1c1h2w1_o1k1x1_s1x1_p3x4_d1x1_g1_float32' --spec padding.pair",
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
@click.option("--device", default="cpu", metavar="DEVICE", help="device of the call, e.g. cuda:0; default: cpu")
@request_options(
    CheckRequest,
    "framework",
    "supports",
    "python",
    "timeout_s",
    "memory_mib",
    "refusals",
    "seed",
    "isolation",
    "output",
)
def command(request: CheckRequest, target: str, problem: str, spec: str, after: tuple[str, ...], device: str) -> int:
    """Run one case again and print everything.

    A PROBLEM is the text of a problem, or a case as a counterexample prints it. The calls of --after are made before
    it, in their order: a kernel that keeps a state may fail only after them.
    """
    request = replace(request, targets=(target,), case=problem, specs=split_list(spec), devices=(device,), after=after)
    from convgauge.conformance.reproduce import reproduce, reproduce_specs
    from convgauge.problem import ProblemError
    from convgauge.registry import LoadError, TargetError

    if request.specs:
        try:
            return reproduce_specs(request)
        except (RequestError, ProblemError) as error:
            raise InputError(str(error)) from None
    try:
        return reproduce(request)
    except (ProblemError, TargetError) as error:
        raise InputError(str(error)) from None
    except LoadError as error:
        raise InputError(f"{error}\n{error.trace}".rstrip()) from None
