"""Any text of people or other programs is parsed, or refused in one sentence."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from convgauge.conformance.cases import Case
from convgauge.conformance.expectations import Expectation, read_expectations
from convgauge.conformance.shards import WHOLE, Shard
from convgauge.problem import Problem, ProblemError
from convgauge.request import RequestError

FUZZ = settings(
    database=None, derandomize=True, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
GOOD = "n1c2h5w6_o3k3x2_s1x1_p0x0_d1x1_g1_b_float32"
PARTS = st.sampled_from(
    [*GOOD, "same", "valid", "_", "x", "0", "-1", "9" * 40, "1" * 5000, ";", "seed=", "²", "٣", "\n"]
)
PROBLEMS = st.text() | st.lists(PARTS, max_size=12).map("".join) | st.builds(
    lambda index, part: GOOD[:index] + part + GOOD[index + 1 :], st.integers(0, len(GOOD)), PARTS
)  # fmt: skip


@FUZZ
@given(PROBLEMS)
@example("n1c2h5w6_o3k3x2_s1x1_p0x0_d1x1_g1_b_float32\n")
@example("n" + "1" * 5000 + GOOD[2:])
def test_a_problem_is_read_or_refused(text: str) -> None:
    try:
        problem = Problem.parse(text)
    except ProblemError as error:
        assert str(error)  # noqa: PT017
    else:
        assert Problem.parse(problem.text) == problem


@FUZZ
@given(PROBLEMS, st.lists(PARTS | st.text(max_size=9), max_size=4).map(";".join))
@example(GOOD, "stride:" + "(" * 3000)
@example(GOOD, "stride:" + "9" * 5000)
@example(GOOD, "stride:\x00")
@example(GOOD, "seed=²")
def test_a_case_is_read_or_refused(problem: str, rest: str) -> None:
    try:
        Case.parse(f"{problem};{rest}")
    except ProblemError as error:
        assert str(error)  # noqa: PT017


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.dictionaries(st.sampled_from(["reason", "url", "padding", "same", ""]), inner, max_size=3),
    max_leaves=6,
)


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_toml(entry)}" for key, entry in value.items()) + "}"
    return json.dumps(value)


@FUZZ
@given(st.binary(max_size=100) | st.dictionaries(st.text(min_size=1, max_size=9), VALUES, max_size=3).map(
    lambda tables: "\n".join(f"{_toml(key)} = {_toml(value)}" for key, value in tables.items()).encode()
))  # fmt: skip
@example(b"a = " + b"[" * 5000)
@example(b'["padding.same"]\nreason = "\\ud800"')
@example(b"a = 1e999999")
@example(b'reason = "at the top"')
def test_expected_failures_are_read_or_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "expect.toml"
    path.write_bytes(content)
    try:
        expectations = read_expectations(str(path))
    except RequestError as error:
        assert "expect.toml" in str(error)  # noqa: PT017
    else:
        assert all(isinstance(entry, Expectation) and entry.reason for entry in expectations.values())


@FUZZ
@given(st.text(max_size=12) | st.lists(st.sampled_from("0123/-²"), max_size=6).map("".join))
def test_a_shard_is_read_or_refused(text: str) -> None:
    try:
        shard = Shard.parse(text)
    except RequestError:
        return
    assert 0 <= shard.first < shard.of or (not text and shard == WHOLE)
