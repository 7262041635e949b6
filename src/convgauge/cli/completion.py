"""``convgauge completion``: what a shell needs to complete the command line, made by shtab from the parser itself."""

from __future__ import annotations

from typing import Any

from convgauge.cli.usage import Parser

SHELLS = ("bash", "zsh", "fish")
FILES = {"TARGET", "FILE", "FILE.json", "RUN.jsonl", "OLD.jsonl", "NEW.jsonl", "PATH"}


def script(parser: Parser, shell: str) -> str:
    """The completion script of a shell."""
    import shtab

    for command in (parser, *parser.commands().values()):
        for action in command._actions:
            offered: Any = action
            if action.metavar in FILES:
                offered.complete = shtab.FILE
            elif action.metavar == "DIR":
                offered.complete = shtab.DIRECTORY
    return str(shtab.complete(parser, shell))
