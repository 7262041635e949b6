"""Checks and races on a cluster: Dask carries requests to its workers, and their runs back.

Each part of a run is a request of its own, and runs in a separate process on one worker, so isolation, time-outs and
records are those of one machine. `scheduler` assigns parts to workers and reassigns those of lost workers; `check` and
`bench` divide a request into parts and join the runs. A module belongs here if only a run on a cluster needs it. It
imports the suite, the race and all packages below them. This module imports nothing until it is used.
"""

from __future__ import annotations

from convgauge.terms import ExitStatus


class ClusterError(Exception):
    """Request that cannot be carried out on this cluster; the message states the reason and what to do.

    ``status`` is the command's exit status: a usage error if the caller can correct the request, or an internal error
    if a run broke off.
    """

    def __init__(self, message: str, status: ExitStatus = ExitStatus.USAGE_ERROR) -> None:
        super().__init__(message)
        self.status = status
