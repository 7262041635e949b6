"""Coverage of the space of parameters."""

from __future__ import annotations

import re

from convgauge.conformance.features import FEATURES
from convgauge.report import coverage
from support.records import spec


def test_coverage_counts_the_pairs_that_the_runs_ask_for() -> None:
    whole = coverage.feature_space([spec(space={"s": [1], "sg": [2, 0, 0], "?": [1]})])
    part = coverage.feature_space(
        [spec(space={"s": [1], "sg": [0, 0, 2]}), spec(status="declined", space={"": [0, 0, 1]})]
    )
    coverages = coverage.pair_coverages({0: whole, 7: part})
    features = len(FEATURES)
    plain = features * (features - 1) // 2  # pairs of absent features, in the plainest case
    with_stride, with_groups = features - 1, features - 1  # groups meet the others absent, and the stride
    assert (coverages[0].judged, coverages[0].asked) == (plain + with_stride + with_groups,) * 2
    assert coverages[7].asked == coverages[0].asked
    assert coverages[7].judged == (features - 1) * (features - 2) // 2 + with_stride, "what it declined is not covered"
    assert coverage.pair_coverages({}) == {}
    assert coverage.pair_coverages({0: coverage.feature_space([spec()])})[0].share is None, "0 of 0 is no coverage"


def test_the_picture_shows_the_results_of_each_pair() -> None:
    space = coverage.feature_space([spec(space={"sg": [4, 1], "s": [4], "db": [1, 1], "v": [0, 0, 3]})])
    drawn = dict(re.findall(r'class="pair ([^"]*)" d="([^"]*)"', coverage.picture(space)))
    cells = {kind: sum(int(wide) // 13 for wide in re.findall(r"h(\d+)", steps)) for kind, steps in drawn.items()}
    assert cells == {
        "some-failed": 3,  # stride alone and with groups, groups alone
        "most-failed": 3,
        "declined": 1,
    }
    assert coverage.picture(coverage.feature_space([spec()])) == ""
