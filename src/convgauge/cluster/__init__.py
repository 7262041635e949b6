"""Checks and races on a cluster: Dask carries whole command lines to its workers, and their runs back.

Each part of a run is the same command in a process of its own on one worker, so isolation, time-outs and records are
those of one machine. `farm` hands parts out and takes them back from workers that are gone; `check` and `bench` cut a
run into parts and put what comes back together. This module imports nothing until it is used.
"""

from __future__ import annotations


class ClusterError(Exception):
    """What was asked for cannot be done on this cluster; the message says what and what to do.

    ``status`` is the command's exit status: 4 where the caller can put it right beforehand, 3 where a run broke off.
    """

    def __init__(self, message: str, status: int = 4) -> None:
        super().__init__(message)
        self.status = status
