"""Redrawers of an implementation, one for each dtype and device, in the domain that is declared or found by a probe."""

from __future__ import annotations

import functools
import operator
import threading
from collections.abc import Callable, Iterable

from convgauge.conformance.cases import Case
from convgauge.conformance.limits import Discovery
from convgauge.conformance.redraw import Redrawer
from convgauge.domain import EVERYTHING, Domain


class Redrawers:
    """Redrawing for one implementation, prepared when a case was not answered for the first time.

    Parameters
    ----------
    declared : Domain
        Domain that the implementation declares.
    discover : callable or None
        Function that probes the implementation. It is called at most once; the others wait for its result.
    """

    def __init__(self, declared: Domain = EVERYTHING, discover: Callable[[], Discovery] | None = None) -> None:
        self.declared = declared
        self._discover = discover
        self._lock = threading.Lock()
        self._discovery: Discovery | None = None
        self._redrawers: dict[tuple[Domain, str, str], Redrawer] = {}

    @property
    def discovery(self) -> Discovery | None:
        """Result of the probe; None if there was no reason to probe."""
        return self._discovery

    def probe(self) -> Discovery:
        """Return the result of the probe, which is made now if it was not."""
        with self._lock:
            return self._probed()

    @property
    def is_unanswered(self) -> bool:
        """True if a probe was made and none of its calls was answered: then nothing is known about the domain."""
        discovery = self._discovery
        return discovery is not None and discovery.probes > 0 and not discovery.anchor

    def allowed_dtypes(self, dtypes: Iterable[str], *, is_probed: bool) -> tuple[str, ...]:
        """Return those of some dtypes that no condition of the domain on the dtype alone excludes."""
        domain = self.declared & self.probe().domain if is_probed else self.declared
        conditions = [part for part in domain.conjuncts if part.names == {"dtype"}]
        return tuple(dtype for dtype in dtypes if all(part.contains({"dtype": dtype}) for part in conditions))

    def redrawer(self, dtype: str, device: str, *, is_probed: bool) -> Redrawer:
        """Return the redrawer of the declared domain, or of the part of it that the probe found to be answered."""
        with self._lock:
            domain, known = self.declared, []
            if is_probed:
                discovery = self._probed()
                domain = domain & discovery.domain
                known = [Case.parse(discovery.anchor)] if discovery.anchor else []
            domain = _for_dtype(domain, dtype)
            key = domain, dtype if "dtype" in domain.names else "", device  # one serves all dtypes if it names none
            if key not in self._redrawers:
                self._redrawers[key] = Redrawer(domain, dtype, device, known)
            return self._redrawers[key]

    def _probed(self) -> Discovery:
        if self._discovery is None:
            self._discovery = Discovery() if self._discover is None else self._discover()
        return self._discovery


@functools.lru_cache(maxsize=256)
def _for_dtype(domain: Domain, dtype: str) -> Domain:
    """Return the domain without the conditions on the dtype alone, if the dtype meets them."""
    others = [part for part in domain.conjuncts if part.names != {"dtype"}]
    if not all(part.contains({"dtype": dtype}) for part in domain.conjuncts if part not in others):
        return domain
    return functools.reduce(operator.and_, others, EVERYTHING)
