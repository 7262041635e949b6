"""A command line that ends with the worker that started it: ``python -m convgauge.cluster.linked_process WORD…``.

The worker holds the other end of its standard input. However the worker ends, that closes, and this process ends;
its own children do as their pipes close. So no machine goes on with what another one is doing again.
"""

from __future__ import annotations

import os
import runpy
import sys
import threading

LEFT_ALONE = 3


def _end_with_worker() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(LEFT_ALONE)


if __name__ == "__main__":
    threading.Thread(target=_end_with_worker, daemon=True).start()
    runpy.run_module("convgauge", run_name="__main__", alter_sys=True)
