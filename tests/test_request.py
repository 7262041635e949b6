"""Requests: values that are refused with the field that has them."""

from __future__ import annotations

from typing import Any

import pytest

from convgauge.request import BenchRequest, CheckRequest, Request, RequestError


@pytest.mark.parametrize(
    ("kind", "field", "value", "message"),
    [
        (CheckRequest, "profile", "kernels", "'kernels' is not one of kernel, functional"),
        (CheckRequest, "tier", "medium", "'medium' is not one of quick"),
        (CheckRequest, "dtypes", ("float31",), "dtype 'float31'"),
        (CheckRequest, "supports", "group == 1", "supports: `group` at column 1 is not a field: did you mean groups"),
        (BenchRequest, "supports", "height", "supports: `height` at column 1 is not a condition"),
        (BenchRequest, "refusals", ("not a name",), "'not a name' is not the name of an exception class"),
        (CheckRequest, "jobs", -1, "jobs = -1"),
        (CheckRequest, "timeout_s", 0.0, "timeout = 0 s"),
        (CheckRequest, "memory_mib", -1, "memory = -1 MiB"),
        (BenchRequest, "budget_s", 0.0, "budget = 0 s"),
        (BenchRequest, "budget_s", float("nan"), "budget = nan s"),
        (BenchRequest, "threads", (), "at least one thread count"),
        (BenchRequest, "threads", (0,), "threads = 0"),
        (BenchRequest, "operands", "lukewarm", "'lukewarm' is not one of hot, cold"),
    ],
)
def test_a_value_out_of_range_is_refused(kind: type[Request], field: str, value: Any, message: str) -> None:
    with pytest.raises(RequestError, match=message) as raised:
        kind(**{field: value})
    assert raised.value.field == field


def test_the_selection_names_what_narrows_a_check() -> None:
    assert not CheckRequest(("numpy_windows",)).selection
    narrowed = CheckRequest(keyword="padding", dtypes=("float32", "int8"), devices=("cpu",))
    assert narrowed.selection == "-k padding, only in float32,int8, only on cpu"
