"""Kernels that refuse or fail, outside of the test modules, whose assertions pytest rewrites."""

from __future__ import annotations

from typing import Any


def asserts(groups: int) -> None:
    """Assert one group."""
    assert groups == 1


def compiled_by_numba() -> Any:  # numba has no annotations
    """Return a compiled function of (array, groups) that raises, asserts or fails."""
    import numba

    @numba.njit(boundscheck=True)  # type: ignore[untyped-decorator]  # as above
    def compiled(array: Any, groups: int) -> Any:  # as above
        if groups > 1:
            raise ValueError("groups")
        assert groups > 0, "no group"
        return array[groups + 3]

    return compiled
