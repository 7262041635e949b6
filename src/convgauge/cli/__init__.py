"""The command line: one module per command, and options generated from the requests.

`entry_point.main` runs a command and sets the exit status. A module belongs here if it reads words of a command line or
prints for a command. It may import every package, and does so when the command runs: help and completion start quickly.
"""

from convgauge.cli.entry_point import main

__all__ = ["main"]
