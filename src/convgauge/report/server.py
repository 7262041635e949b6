"""A look at a report from this computer's own browser."""

from __future__ import annotations

import functools
import http.server
from pathlib import Path
from typing import Any

LOOPBACK = "127.0.0.1"
"""Nothing outside this computer can reach it."""


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """A line for each picture helps nobody."""

    def end_headers(self) -> None:
        """The next report is at the same address: the browser must ask again."""
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()


def server(folder: Path, port: int = 0) -> http.server.ThreadingHTTPServer:
    """A server of ``folder`` on the loopback interface, not yet serving; port 0 takes a free one. Raises `OSError`."""
    handler = functools.partial(_Quiet, directory=str(folder))
    return http.server.ThreadingHTTPServer((LOOPBACK, port), handler)


def serve(folder: Path, port: int = 0) -> None:
    """Serve ``folder`` until interrupted, and say where."""
    with server(folder, port) as running:
        print(f"the report is at http://{LOOPBACK}:{running.server_port}/ (Ctrl-C ends)", flush=True)
        try:
            running.serve_forever()
        except KeyboardInterrupt:
            print()
