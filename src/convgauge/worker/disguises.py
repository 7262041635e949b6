"""Outputs that are no plain arrays: subclasses that compare in their own way, and masked arrays."""

from __future__ import annotations

from typing import Any

from convgauge.worker.refusals import class_name, classes

COMPARISONS = (
    "__eq__", "__ne__", "__sub__", "__rsub__", "__array_ufunc__", "__array_function__", "__torch_function__", "astype",
)  # fmt: skip
"""Methods by which a comparison of an array is made."""

LIBRARIES = ("builtins", "numpy", "torch", "jax", "jaxlib")


def disguise_of(output: Any) -> str:  # noqa: ANN401 - an array of some framework
    """Return what an output is, if its class compares in its own way or hides elements; else ""."""
    for kind in classes(type(output)):
        module, members = type.__dict__["__module__"].__get__(kind), type.__dict__["__dict__"].__get__(kind)
        if class_name(kind) == "MaskedArray" and str(module).startswith("numpy.ma"):
            return "a masked array"
        if str(module).partition(".")[0] in LIBRARIES:
            continue
        if any(name in members for name in COMPARISONS):
            return f"a subclass of the array with comparisons of its own ({class_name(kind)})"
    return ""
