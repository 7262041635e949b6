"""The group of commands: each command is a module, imported when it is named."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import click

from convgauge import __version__
from convgauge.cli.project import defaults
from convgauge.terms import ExitStatus

COMMANDS = ("list", "check", "bench", "report", "compare", "merge", "reproduce", "adapt", "selftest", "completion")
"""Commands in the order of the help; ``convgauge.cli.NAME.command`` is the command NAME."""


class Command(click.Command):
    """Command whose help ends with examples; options of a configurable one have defaults in pyproject.toml."""

    def __init__(
        self,
        name: str | None,
        *,
        examples: Sequence[str] = (),
        is_configurable: bool = False,
        **settings: Any,  # noqa: ANN401  # click's settings of a command
    ) -> None:
        super().__init__(name, **settings)
        self.examples, self.is_configurable = tuple(examples), is_configurable

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words, after the defaults of the project; a request for help does not read them."""
        if self.is_configurable and not ctx.resilient_parsing and not set(args) & set(ctx.help_option_names):
            ctx.default_map = defaults(ctx)
        return super().parse_args(ctx, args)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, each on its line."""
        if self.examples:
            with formatter.section("Examples"):
                for example in self.examples:
                    formatter.write(f"{'':>{formatter.current_indent}}{example}\n")


class CommandGroup(click.Group):
    """Group that imports a command's module when the command is named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, or None if there is none of this name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"convgauge.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the words name. Raises `click.UsageError` with a near name, if there is one."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            near = get_close_matches(name, COMMANDS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"the commands are {', '.join(COMMANDS)}"
            ctx.fail(f"No such command {name!r}; {hint}")
        return super().resolve_command(ctx, args)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, each on its line."""
        with formatter.section("Examples"):
            for example in EXAMPLES:
                formatter.write(f"{'':>{formatter.current_indent}}{example}\n")


EXAMPLES = (
    "convgauge check torch_conv2d --tier quick",
    "convgauge check my_kernel.py:conv2d --framework numpy",
    "convgauge bench torch_conv2d my_kernel.py:conv2d --layers resnet50",
)


@click.group(
    cls=CommandGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="convgauge %(version)s")
@click.pass_context
def group(ctx: click.Context) -> int:
    """Prove a 2-D convolution right, then time it."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
        return ExitStatus.USAGE_ERROR
    return ExitStatus.REACHED
