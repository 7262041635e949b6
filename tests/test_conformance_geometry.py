"""The chapters of geometry stand on these: covering arrays, what they cover, and benchdnn's descriptors."""

from __future__ import annotations

import itertools

import pytest

from convgauge import benchdnn
from convgauge.conformance.cases import Case
from convgauge.conformance.covering import combinations, coverage, covering
from convgauge.conformance.reduce import simpler
from convgauge.problem import Problem, ProblemError

FACTORS = {"a": [1, 2, 3], "b": ["x", "y"], "c": [True, False], "d": [(0, 0), (1, 2), (3, 1), (2, 2)]}


class TestCovering:
    @pytest.mark.parametrize("strength", [1, 2, 3, 4])
    def test_every_combination_is_in_some_row(self, strength):
        rows = covering(FACTORS, strength)
        held = {combination for row in rows for combination in combinations(row, strength)}
        for names in itertools.combinations(FACTORS, strength):
            for values in itertools.product(*(FACTORS[name] for name in names)):
                assert tuple(zip(names, values, strict=True)) in held

    def test_pairs_need_few_rows(self):
        assert 12 <= len(covering(FACTORS, 2)) <= 16  # 3 x 4 is the least; the product has 48

    def test_rows_are_allowed_and_what_cannot_be_is_not_asked_for(self):
        def allowed(row):
            return not (row["a"] == 1 and row["b"] == "x")

        rows = covering(FACTORS, 2, allowed)
        assert all(map(allowed, rows))
        achieved = coverage(rows, FACTORS, 2, allowed)
        assert achieved.covered == achieved.possible == 44 - 1  # 3*2 + 3*2 + 3*4 + 2*2 + 2*4 + 2*4 pairs

    def test_coverage_counts_what_is_missing(self):
        rows = covering(FACTORS, 2)
        assert coverage(rows[:1], FACTORS, 2).covered == 6
        assert coverage([], FACTORS, 2).covered == 0
        assert coverage(rows, FACTORS, 3).covered < coverage(rows, FACTORS, 3).possible
        assert "of 44 combinations of 2 parameters' values (100 %)" in str(coverage(rows, FACTORS, 2))

    def test_a_beginning_covers_more_than_its_share(self):
        rows = covering(FACTORS, 2)
        half = coverage(rows[: len(rows) // 2], FACTORS, 2)
        assert half.covered > half.possible / 2

    def test_the_same_arguments_give_the_same_rows(self):
        assert covering(FACTORS, 2, seed=3) == covering(FACTORS, 2, seed=3)


class TestBenchdnn:
    def test_the_defaults(self):
        problem = benchdnn.read("ic16ih7oc32kh3").problem
        assert problem == Problem(2, 16, 7, 7, 32, (3, 3))

    def test_a_layer(self):
        found = benchdnn.read('mb1ic64ih56oc64oh56kh3ph1n"res2a_branch2b*3"', bias=True, dtype="bfloat16")
        assert found.problem.text == "n1c64h56w56_o64k3x3_s1x1_p1x1_d1x1_g1_b_bfloat16"
        assert (found.name, found.count) == ("res2a_branch2b", 3)

    def test_dilation_is_counted_from_zero(self):
        assert benchdnn.read("ic1ih9oc1kh3dh1").problem.dilation == (2, 2)

    def test_underscores_mean_nothing_and_the_order_is_free(self):
        long = "g2mb3_ic4id1ih9iw8_oc6od1oh4ow3_kd1kh3kw2_sd1sh2sw3_pd0ph0pw1_dd0dh0dw0_nsome_name"
        found = benchdnn.read(long)
        assert found.problem == Problem(3, 4, 9, 8, 6, (3, 2), (2, 3), (0, 1), (1, 1), 2)
        assert found.name == "some_name"
        assert benchdnn.read("kw2kh3ic4oc6g2mb3iw8ih9sw3sh2pw1ph0").problem == found.problem

    def test_padding_follows_from_the_output(self):
        assert benchdnn.read("ic3ih227oc96oh55kh11sh4").problem.padding == (0, 0)
        assert benchdnn.read("ic1ih9oc1oh9kh3dh2").problem.padding == (3, 3)

    def test_widths_alone_are_one_dimensional(self):
        assert benchdnn.read("mb1ic2iw9oc3kw3pw1").problem == Problem(1, 2, 1, 9, 3, (1, 3), (1, 1), (0, 1))

    @pytest.mark.parametrize(
        "problem",
        [
            Problem(1, 64, 56, 56, 64, (3, 3), padding=(1, 1)),
            Problem(2, 6, 17, 23, 9, (5, 4), (3, 2), (7, 1), (1, 8), 3),
            Problem(1, 3, 8, 8, 4, (3, 3), padding="same"),
            Problem(4, 8, 8, 8, 8, (1, 1), (2, 2), groups=8),
            Problem(1, 1, 1, 9, 1, (1, 3), dilation=(1, 2)),
        ],
    )
    def test_what_is_written_reads_back(self, problem):
        text = benchdnn.write(problem, "a layer", 2)
        found = benchdnn.read(text)
        (top, _), (left, _) = problem.pads
        assert found == benchdnn.Descriptor(problem.replace(padding=(top, left)), "a layer", 2)

    @pytest.mark.parametrize(
        ("text", "complaint"),
        [
            ("ic16ih7oc32", "no kh"),
            ("ih7oc32kh3", "no ic"),
            ("ic16id4ih7oc32kd3kh3", "three-dimensional"),
            ("ic16ih7oc32kh3xx", "no field"),
            ("ic16ic16ih7oc32kh3", "twice"),
            ("ic1ih9oc1oh9kh4", "one side"),
            ("ic3ih224oc64oh112kh7sh2", "one side"),
            ("ic1ih2oc1kh4", "nothing to put out"),
            ("", "no ic"),
        ],
    )
    def test_what_makes_no_sense_is_named(self, text, complaint):
        with pytest.raises(ProblemError, match=complaint):
            benchdnn.read(text)

    def test_uneven_padding_cannot_be_written(self):
        with pytest.raises(ProblemError, match="one side"):
            benchdnn.write(Problem(1, 3, 8, 8, 4, (2, 2), padding="same"))


def test_a_counterexample_keeps_the_arguments_that_its_call_spells():
    problem = Problem(2, 4, 8, 9, 6, (3, 2), (2, 2), (1, 1), (1, 1), 2, True)
    for case in simpler(Case(problem, arguments=(("stride", 2), ("padding", 1)))):
        assert (case.problem.stride, case.problem.padding) == ((2, 2), (1, 1))
