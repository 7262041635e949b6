"""Calls that are made before a failing case, as the script makes them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from convgauge.conformance.redrawers import Redrawers
from convgauge.conformance.replay import EarlierCall, make_again
from convgauge.conformance.setting import Setting
from convgauge.conformance.soundness import OracleSubject
from convgauge.domain import Domain
from convgauge.worker.call import Call, Description, Observation


@dataclass(frozen=True)
class _Recorder(OracleSubject):
    """Oracle that keeps the calls which it answers."""

    calls: list[Call] = field(default_factory=list)

    def observe(self, call: Call) -> Observation:
        """Keep a call and return its answer."""
        self.calls.append(call)
        return super().observe(call)


def calls_before(
    earlier: Iterable[EarlierCall], description: Description, device: str, declared: Domain
) -> list[tuple[Call, int]]:
    """Return the calls that earlier ones stand for, each with the number of times.

    Parameters
    ----------
    earlier : iterable of EarlierCall
        Earlier calls.
    description : Description
        Description of the implementation; it is not called.
    device : str
        Device of the calls.
    declared : Domain
        Domain that the implementation declares.
    """
    setting = Setting(redrawers=Redrawers(declared))
    before: list[tuple[Call, int]] = []
    for each in earlier:
        recorder = _Recorder(description)
        make_again([EarlierCall(each.case, each.spec)], recorder, device, setting)
        before += [(call, each.count) for call in recorder.calls]
    return before
