"""Web server for a report, reachable from this computer only."""

from __future__ import annotations

import functools
import http.server
from pathlib import Path

LOOPBACK = "127.0.0.1"
"""Address that no other computer can reach."""


class _QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Handler without a log line per request."""

    def log_message(self, *_: object) -> None:
        """Print nothing."""

    def end_headers(self) -> None:
        """Forbid caching, because the next report has the same address."""
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()


def server(folder: Path, port: int = 0) -> http.server.ThreadingHTTPServer:
    """Return a server of ``folder`` that is not yet serving; port 0 stands for a free port. Raises `OSError`."""
    handler = functools.partial(_QuietHandler, directory=str(folder))
    return http.server.ThreadingHTTPServer((LOOPBACK, port), handler)


def serve(folder: Path, port: int = 0) -> None:
    """Serve ``folder`` on the loopback interface until interrupted, and print the address.

    Raises
    ------
    OSError
        If the port is in use.
    """
    with server(folder, port) as running:
        print(f"the report is at http://{LOOPBACK}:{running.server_port}/ (Ctrl-C ends)", flush=True)
        try:
            running.serve_forever()
        except KeyboardInterrupt:
            print()
