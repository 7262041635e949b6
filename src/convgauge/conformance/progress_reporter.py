"""The time that is left of a check: a line every ten seconds, in a terminal, a pipe and a log alike."""

from __future__ import annotations

import time
from typing import Any

import pytest

from convgauge.conformance import progress, shards
from convgauge.conformance.progress import Left


class TimeLeft:
    """Hooks of pytest's that weigh every item by what it is expected to cost."""

    def __init__(self, tier: str) -> None:
        self.tier = tier
        self.costs: dict[str, float] = {}
        self.left = Left(0)
        self.told = 0.0

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Begin to count: all items that are to be run are known."""
        estimated = shards.estimates(map(_key, session.items), self.tier)
        self.costs = dict(zip((item.nodeid for item in session.items), estimated, strict=True))
        self.left, self.told = Left(sum(estimated)), time.monotonic()
        self.terminal: Any = session.config.pluginmanager.get_plugin("terminalreporter")

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Count an item that is done."""
        self.left.add(self.costs.get(nodeid, 0.0))
        now = time.monotonic()
        if now - self.told >= progress.EVERY and self.left.part < 1:
            self.told = now
            self.terminal.ensure_newline()
            self.terminal.write_line(str(self.left))


def _key(item: Any) -> shards.Key | None:
    """(spec, implementation) of an item; None for one that is no spec's."""
    spec = getattr(getattr(item, "function", None), "spec", None)
    return None if spec is None else (spec.id, item.callspec.params["judge"][0])
