"""Detection of functions of libraries that an implementation replaces: comparisons, clocks, parts of the harness."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import FunctionType

from convgauge.worker.refusals import OwnCode

WATCHED = {
    "numpy": ("allclose", "array_equal", "array_equiv", "isclose"),
    "numpy.testing": ("assert_allclose", "assert_almost_equal", "assert_array_equal", "assert_equal"),
    "time": ("monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time", "time", "time_ns"),
    "torch": ("allclose", "equal", "isclose"),
    "torch.testing": ("assert_close",),
}
"""Comparisons and clocks, by the name of their module."""

HARNESS = (
    "convgauge.conformance.checks",
    "convgauge.reference.compare",
    "convgauge.reference.oracle",
    "convgauge.worker.observe",
    "convgauge.worker.side_effects",
    "convgauge.worker.stability",
)
"""Modules of the harness. An implementation that imports them gets a copy, which is watched here."""


class PatchDetector:
    """Comparison of watched functions with what they were when the implementation had been loaded."""

    def __init__(self, code: OwnCode) -> None:
        self._code = code
        self._originals = [
            (vars(sys.modules[module]), name, vars(sys.modules[module]).get(name), f"{module}.{name}")
            for module, names in WATCHED.items()
            if module in sys.modules
            for name in names
        ]

    def find(self) -> tuple[str, ...]:
        """Return the full names of the functions that have been replaced."""
        replaced = [
            full_name for values, name, original, full_name in self._originals if values.get(name) is not original
        ]
        return (*replaced, *self._replaced_in_harness())

    def _replaced_in_harness(self) -> Iterator[str]:
        """Yield the functions and methods of the harness whose code is the implementation's own."""
        for module in HARNESS:
            values = getattr(sys.modules.get(module), "__dict__", {})
            for name, value in list(values.items()):
                members = vars(value) if isinstance(value, type) and value.__module__ == module else {"": value}
                for member, function in list(members.items()):
                    if isinstance(function, FunctionType) and function.__code__.co_filename in self._code:
                        yield ".".join(filter(None, (module, name, member)))
