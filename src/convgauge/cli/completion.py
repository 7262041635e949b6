"""``convgauge completion``: print the script with which a shell completes the command line."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from convgauge.cli.group import Command


@click.command(
    "completion",
    cls=Command,
    examples=(
        'eval "$(convgauge completion bash)"    # in ~/.bashrc',
        'convgauge completion zsh > "${fpath[1]}/_convgauge"',
        "convgauge completion fish > ~/.config/fish/completions/convgauge.fish",
    ),
)
@click.argument("shell", metavar="SHELL", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> int:
    """Print the completion script of a shell: bash, zsh or fish."""
    completion_class = get_completion_class(shell)
    assert completion_class is not None
    print(completion_class(ctx.find_root().command, {}, "convgauge", "_CONVGAUGE_COMPLETE").source())
    return 0
