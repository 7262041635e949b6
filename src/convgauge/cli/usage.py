"""How the command line speaks: examples under each help, the suite's exit status, the word nearest to a wrong one."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Iterable
from typing import Any, NoReturn

USAGE_ERROR = 4


class UsageError(Exception):
    """Something that the caller can put right; shown as one sentence."""


class Parser(argparse.ArgumentParser):
    """argparse's, but wrong usage ends with pytest's status for it, and a mistyped option is told its neighbour."""

    def __init__(self, *words: Any, examples: Iterable[str] = (), **options: Any) -> None:
        lines = "".join(f"\n  {example}" for example in examples)
        options["epilog"] = f"examples:{lines}" if lines else None
        options.update(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
        super().__init__(*words, **options)

    def error(self, message: str) -> NoReturn:
        if message.startswith("unrecognized arguments:"):
            wrong = message.partition(": ")[2].split()[0]
            message = f"{wrong} is not an option here{near(wrong, sorted(self.every_option()))}"
        print(f"convgauge: {message}\nsee {self.prog} --help", file=sys.stderr)
        sys.exit(USAGE_ERROR)

    def every_option(self) -> set[str]:
        """The options of this command, or of all commands where this is the whole line's parser."""
        found = {word for action in self._actions for word in action.option_strings}
        return found.union(*(parser.every_option() for parser in self.commands().values()))

    def commands(self) -> dict[str, Parser]:
        """The parsers of the commands, by name; none where this is a command's own."""
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                return dict(action.choices)
        return {}


def near(wrong: str, known: list[str]) -> str:
    """The end of a sentence that names the word nearest to a wrong one, or "" where none is near."""
    found = difflib.get_close_matches(wrong, known, n=1)
    return f"; did you mean {found[0]}?" if found else ""


def positive(text: str) -> float:
    """A number of seconds above 0, for an option's ``type``."""
    try:
        number = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
    if not number > 0:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number
