"""Domains: conditions on a problem and its call, written as expressions, that say what an implementation supports.

``groups == 1 and kernel_h == kernel_w and isinstance(padding, int)`` is one. An expression is parsed against a list of
allowed syntax and computed without Python's builtins. A module belongs here if it is about this language. It runs in
the worker too, so on Python 3.9, and imports nothing that is not in Python.
"""

from convgauge.domain.fields import CONTIGUOUS, FIELDS, SPELLED, Field, fields_of
from convgauge.domain.hints import hints
from convgauge.domain.language import EVERYTHING, OUTSIDE, Domain, domain_of
from convgauge.domain.syntax import FUNCTIONS, DomainError

__all__ = [
    "CONTIGUOUS",
    "EVERYTHING",
    "FIELDS",
    "FUNCTIONS",
    "OUTSIDE",
    "SPELLED",
    "Domain",
    "DomainError",
    "Field",
    "domain_of",
    "fields_of",
    "hints",
]
