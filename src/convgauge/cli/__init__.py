"""The command line: one module per command, and options generated from the requests.

`entry_point.main` runs a command and sets the exit status. A command's module imports what it needs when it runs, so
that help and completion start quickly.
"""

from convgauge.cli.entry_point import main

__all__ = ["main"]
