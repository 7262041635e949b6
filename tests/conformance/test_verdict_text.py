"""Text of a judgement: the verdict, the facts beside it, and the next step."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from convgauge.conformance.verdict_text import (
    MAX_LIMITS,
    JudgedImplementation,
    detail_lines,
    next_step,
    result_lines,
    verdict_line,
)
from convgauge.request import Verbosity
from convgauge.results import Counterexample, ImplementationRecord, Judgement, SpecRecord
from support.records import cause


def judgement(verdict: Any, **facts: Any) -> Judgement:
    return Judgement(verdict, facts.pop("grade", ""), facts.pop("executed", 12), facts.pop("declined", 0), **facts)


def failing(spec: str, status: Any, outputs: int) -> SpecRecord:
    example = Counterexample("p", "exact", 0, "wrong", f"convgauge reproduce mine {spec}", outputs=outputs)
    return SpecRecord("mine", spec, "required", status, 3, counterexample=example, outcomes={status: 3})


@pytest.mark.parametrize(
    ("result", "line"),
    [
        (judgement("conformant", coverage=100.0, is_strict=True, grade="A"),
         "mine: conformant, coverage 100\N{NO-BREAK SPACE}%, strict, accuracy grade A"),
        (judgement("partial", coverage=99.98, is_strict=None, grade="B"),
         "mine: partial, coverage 99.9\N{NO-BREAK SPACE}%, strictness not tested, accuracy grade B"),
        (judgement("wrong", coverage=0.01, is_strict=False),
         "mine: wrong, coverage 0.1\N{NO-BREAK SPACE}%, not strict, no accuracy grade"),
        (judgement("unjudged"), "mine: unjudged, strictness not tested, no accuracy grade"),
    ],
)  # fmt: skip
def test_a_line_has_the_verdict_and_its_facts(result: Judgement, line: str) -> None:
    assert verdict_line("mine", result) == line


def test_a_requirement_that_is_not_reached_is_named() -> None:
    assert verdict_line("mine", judgement("complete"), "conformant").startswith(
        "mine: complete (conformant is required),"
    )
    assert verdict_line("mine", judgement("complete"), "complete").startswith("mine: complete, ")


def test_names_cannot_change_the_terminal() -> None:
    assert "\x1b" not in verdict_line("mine\x1b[31m", judgement("wrong"))
    assert "\x1b" not in "".join(detail_lines(judgement("partial", limits=["a\x1b[31m"])))


def test_details_show_limits_lenient_specs_and_counts() -> None:
    limits = [f"limit {number}" for number in range(MAX_LIMITS + 2)]
    result = judgement(
        "partial", limits=limits, refused=5, declined=2, answered_invalid=3, specs={"passed": 4, "answered_invalid": 1}
    )
    about = ImplementationRecord("mine", adaptations=["stride is passed as a pair"])
    assert detail_lines(result, [failing("errors.stride", "answered_invalid", 0)], about) == [
        "  limits    limit 0; limit 1; limit 2; and 2 more",
        "  adapted   stride is passed as a pair",
        "  strict    3 invalid calls are answered: errors.stride",
        "  judged    12 cases judged, 5 refused, 2 declined; specs: 4 passed, 1 answered invalid",
    ]


def test_an_unjudged_implementation_shows_why() -> None:
    lines = detail_lines(judgement("unjudged", executed=0, reason="nothing was executed"))
    assert lines == ["  unjudged  nothing was executed", "  judged    0 cases judged; specs: none"]


def test_the_next_step_runs_the_smallest_wrong_output_again() -> None:
    records = [failing("a", "crashed", 0), failing("b", "failed", 9), failing("c", "failed", 4)]
    assert next_step(judgement("wrong"), records, None) == "convgauge reproduce mine c"


def test_the_next_step_of_a_complete_implementation_is_an_invalid_call() -> None:
    records = [failing("a", "answered_invalid", 0)]
    assert next_step(judgement("complete"), records, None) == "convgauge reproduce mine a"


def test_the_next_step_of_a_partial_implementation_states_its_domain() -> None:
    discovered = ImplementationRecord("mine", domain="groups == 1")
    assert '--supports "groups == 1"' in next_step(judgement("partial"), [], discovered)
    declared = ImplementationRecord("mine", domain="groups == 1", supports="groups == 1")
    assert next_step(judgement("partial"), [], declared) == ""
    assert next_step(judgement("conformant"), [], discovered) == ""


def test_a_region_of_errors_is_proposed_unless_a_domain_is_declared() -> None:
    about = ImplementationRecord("mine", limits=["groups > 1 (raises IndexError)"], domain="groups == 1")
    wrong = judgement("wrong", specs={"errored": 1})
    (line,) = [line for line in detail_lines(wrong, [], about) if line.startswith("  declare")]
    assert line.endswith('wherever groups > 1: if this is not supported, say so: --supports "groups == 1"')
    about = msgspec.structs.replace(about, supports="batch == 1")
    assert not any("declare" in line for line in detail_lines(wrong, [], about))


def test_a_refusal_in_the_declared_domain_proposes_a_narrower_one() -> None:
    record = ImplementationRecord("mine", supports="groups == 1", domain="groups == 1 and dilation_h == 1")
    step = next_step(judgement("wrong"), [failing("a", "errored", 0)], record)
    proposal = 'state what is supported: --supports "groups == 1 and dilation_h == 1"'
    assert step == f"convgauge reproduce mine a; or {proposal}"
    assert proposal not in next_step(judgement("wrong"), [failing("a", "failed", 1)], record), "a wrong output stays"
    assert next_step(judgement("partial"), [], record) == f"answer what is refused, or {proposal}"


def test_a_function_that_passes_no_spec_gets_the_advice_to_adapt_its_layout() -> None:
    records = [failing("padding.pair", "failed", 9)]
    undeclared, declared = ImplementationRecord("mine"), ImplementationRecord("mine", algorithm="direct")
    wrong = judgement("wrong", specs={"failed": 1})
    assert "convgauge adapt mine" in "".join(detail_lines(wrong, records, undeclared))
    assert "convgauge adapt" not in "".join(detail_lines(wrong, records, declared))
    passed = judgement("wrong", specs={"failed": 1, "passed": 3})
    assert "convgauge adapt" not in "".join(detail_lines(passed, records, undeclared))


@pytest.mark.parametrize(
    ("faulty", "passed", "is_named"),
    [("float16", "float32", True), ("float32", "float64", False), ("float16", "", False)],
)
def test_the_dtype_of_all_faults_is_named_if_others_pass(faulty: str, passed: str, is_named: bool) -> None:
    records = [msgspec.structs.replace(failing("dtype.kept", "failed", 9), dtype=faulty)]
    records += [SpecRecord("mine", "dtype.kept", "required", "passed", 3, passed)] if passed else []
    printed = "".join(detail_lines(judgement("wrong"), records))
    assert (f"every fault is in {faulty}: fix or refuse it; --dtype {passed} judges" in printed) is is_named


def test_the_causes_of_a_wrong_implementation_come_first() -> None:
    records = [failing("a.b", "failed", 4), failing("c.d", "failed", 9)]
    result = judgement("wrong", coverage=50.0, specs={"failed": 2}, limits=["groups > 1"])
    judged = JudgedImplementation("mine", result, records, causes=[cause(specs=["a.b"])])
    lines = result_lines(judged)
    assert lines[0] == "mine: wrong. 1 cause explains 1 of 2 failing specs (1 unexplained)."
    assert lines[1].startswith("1. padding: rows and columns are swapped")
    assert lines[4:] == [
        "1 failing spec has no cause that fits: c.d",
        "  verdict   coverage 50.0\N{NO-BREAK SPACE}%, strictness not tested, no accuracy grade",
        "  limits    groups > 1",
        "  judged    12 cases judged; specs: 2 failed",
    ]


def test_a_quiet_check_has_the_verdict_and_the_first_cause() -> None:
    causes = [cause(specs=["a.b"]), cause(mechanism="bias_dropped", specs=["c.d"])]
    records = [failing("a.b", "failed", 4), failing("c.d", "failed", 9)]
    judged = JudgedImplementation("mine", judgement("wrong"), records, causes=causes)
    lines = result_lines(judged, verbosity=Verbosity.VERDICTS)
    assert len(lines) == 4
    assert lines[0] == "mine: wrong. 2 causes explain all 2 failing specs (0 unexplained)."
    assert lines[3].startswith("   again: ")


def test_a_remark_comes_before_everything_else() -> None:
    remark = "It fails at random: equal calls give different answers."
    records = [failing("a.b", "failed", 4)]
    judged = JudgedImplementation("mine", judgement("wrong", remark=remark), records)
    assert result_lines(judged)[0] == f"mine: wrong. {remark}"
    judged = JudgedImplementation("mine", judgement("wrong", remark=remark), records, causes=[cause(specs=["a.b"])])
    assert result_lines(judged)[:2] == [
        f"mine: wrong. {remark}",
        "1 cause explains the failing spec (0 unexplained).",
    ]


def test_a_lenient_implementation_keeps_its_verdict_beside_a_cause() -> None:
    records = [failing("errors.stride", "answered_invalid", 0)]
    judged = JudgedImplementation("mine", judgement("complete"), records, causes=[cause(specs=["errors.stride"])])
    lines = result_lines(judged)
    assert lines[:2] == [
        verdict_line("mine", judgement("complete")),
        "1 cause explains the unmet spec (0 unexplained).",
    ]
    without = result_lines(JudgedImplementation("mine", judgement("complete"), records))
    assert without[1].startswith("  judged")


def test_a_command_of_a_cause_is_not_repeated_as_the_next_step() -> None:
    records = [failing("a", "failed", 4)]
    assert next_step(judgement("wrong"), records, None, [cause(specs=["a"])]) == ""


def test_long_details_are_wrapped_below_their_label() -> None:
    lines = detail_lines(judgement("partial", limits=["a limit of its own " * 4] * 3))
    assert lines[1].startswith(" " * 12)
    assert max(map(len, lines)) <= 110


def test_a_failed_diagnosis_states_nothing_about_causes() -> None:
    records = [failing("a.b", "failed", 4)]
    judged = JudgedImplementation("mine", judgement("wrong"), records, has_findings=False)
    assert result_lines(judged)[0] == verdict_line("mine", judgement("wrong"))
    assert "cause" not in "".join(result_lines(judged))
