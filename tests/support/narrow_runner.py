"""Runner that answers the calls inside a region with zeros, and raises for the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from convgauge.arguments import resolve
from convgauge.domain import fields_of
from convgauge.worker.call import Call, Observation
from support.fake_runner import FakeRunner

Fields = Mapping[str, Any]
Region = Callable[[Fields], bool]
LAYOUTS = ("contiguous", "fortran", "channels_last", "negative", "readonly", "bigendian")


def fields_of_call(call: Call) -> Fields:
    """Return the fields of a valid call."""
    arrays = (call.input, call.weight, call.bias)
    problem = resolve(*arrays, **call.arguments).replace(dtype=call.dtypes[0])
    return fields_of(problem, call.arguments, call.layouts, call.device)


class NarrowRunner(FakeRunner):
    """Runner without a process that refuses the calls outside a region, each with the same exception.

    Parameters
    ----------
    region : callable
        Function that returns True for the fields of a call that is answered.
    dtypes : tuple of str
        Declared dtypes.
    """

    def __init__(self, region: Region, dtypes: tuple[str, ...] = ("float32", "float64", "float16")) -> None:
        def kernel(call: Call) -> Observation:
            if region(fields_of_call(call)):
                return Observation("answer", np.zeros(()))
            return Observation("refused", error=("AssertionError", "Exception"), message="narrow (kernel.py:3)")

        super().__init__(kernel, "A", dtypes)
        self.description = replace(self.description, layouts=LAYOUTS)
