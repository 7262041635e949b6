"""Causes as facts: what they explain, and the union of those of shards."""

from __future__ import annotations

from convgauge.conformance.causes import failing_specs, joined, unexplained_specs
from support.records import cause, example, spec


def test_a_spec_fails_once_whatever_its_dtypes_and_an_unexpected_pass_has_no_cause() -> None:
    records = [
        spec(id="padding.pair", status="failed"),
        spec(id="padding.pair", status="errored", dtype="float64"),
        spec(id="errors.stride", status="answered_invalid"),
        spec(id="stride.one", status="xpassed"),
        spec(id="stride.two", status="xfailed"),
        spec(id="bias.one"),
    ]
    assert failing_specs(records) == ["padding.pair", "errors.stride"]
    assert unexplained_specs(records, [cause(specs=["padding.pair"])]) == ["errors.stride"]


def test_a_region_without_a_mechanism_explains_nothing() -> None:
    records = [spec(id="padding.pair", status="failed")]
    assert unexplained_specs(records, [cause(mechanism="", specs=["padding.pair"])]) == ["padding.pair"]


def test_equal_causes_of_shards_are_one() -> None:
    small, large = example(outputs=2, reproduce="small"), example(outputs=9, reproduce="large")
    shards = [
        cause(specs=["a.b", "c.d"], cases=3, counterexample=large, reproduce="large"),
        cause(mechanism="bias_dropped", specs=["e.f", "g.h", "i.j", "k.l"], cases=1),
        cause(specs=["c.d", "e.f"], cases=4, counterexample=small, reproduce="small"),
    ]
    dropped, swapped = joined(shards)
    assert (dropped.mechanism, dropped.cases) == ("bias_dropped", 1)
    assert (swapped.specs, swapped.cases, swapped.reproduce) == (["a.b", "c.d", "e.f"], 7, "small")
    assert swapped.counterexample == small


def test_causes_of_other_regions_and_implementations_stay_apart() -> None:
    causes = [cause(), cause(region="stride > 1"), cause(name="b"), cause(mechanism="", sentence="all are wrong")]
    assert len(joined(causes)) == 4
    assert joined(causes)[-1].mechanism == ""


def test_the_plainest_of_equally_small_counterexamples_is_kept() -> None:
    plain = example()
    narrow = example("n1c1h1w1_o1k1x1_s1x1_p0x1_d1x1_g1_int8")
    (union,) = joined([cause(counterexample=narrow), cause(counterexample=plain)])
    assert union.counterexample == plain


def test_the_counterexample_without_earlier_calls_is_kept() -> None:
    after = example(outputs=1, after=["n1c1h3w3_o1k1x1_s1x1_p0x0_d1x1_g1_float32"])
    alone = example(outputs=8)
    (union,) = joined([cause(counterexample=after), cause(counterexample=alone)])
    assert union.counterexample == alone
