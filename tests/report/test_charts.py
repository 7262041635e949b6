"""Charts of margins, special values and counterexamples."""

from __future__ import annotations

import re

from convgauge import results
from convgauge.report.charts import locality, margins, picture
from convgauge.results import (
    Counterexample,
    Picture,
)
from support.records import spec


def test_margins_are_drawn_by_the_length_of_their_sums() -> None:
    records = [
        spec(id="x", margins=[0.5, 0.1, 0.2], reductions=[1, 9, 100]),
        spec(id="y", margins=[0.3, 2.0], reductions=[9, 9], dtype="float32"),
        spec(id="z", margins=[0.1], reductions=[4], dtype="float64"),
        spec(id="old", margins=[0.1] * 9),
    ]
    figure, dtypes = margins.by_length(records)
    assert dtypes == ["float32", "float64"]
    assert "float32: 3 lengths, largest margin 2" in figure
    assert "float64: 1 lengths, largest margin 0.1" in figure
    assert [path.count("M") for path in re.findall(r'class="points[^"]*" d="([^"]*)"', figure)] == [3, 1]
    assert margins.by_length([spec(margins=[0.1] * 9)]) == ("", [])


def test_a_nan_that_spread_is_drawn_and_counted() -> None:
    image = results.ImageRecord("a", "NaN", "", kind="locality", table=[[0, 1, 1], [2, 2, 0]])
    assert [(kind, count) for kind, _, count in locality.counts(image)] == [(0, 2), (1, 2), (2, 2)]
    figure = locality.draw(image)
    assert '<path class="reach r1" d="M1 0.5h2"/>' in figure
    assert '<path class="reach r2" d="M0 1.5h2"/>' in figure
    assert locality.draw(results.ImageRecord("a", "NaN", "", kind="locality")) == ""


def test_the_counterexample_s_first_wrong_output_and_its_receptive_field_are_marked() -> None:
    case = Counterexample(
        "n1c1h3w3_o1k2x2_s1x1_p0x0_d1x1_g1_float32", "exact", 1, "", "", index=[0, 0, 1, 0],
        picture=Picture([[1, 2, 3], [4, 5, 6], [7, 8, 9]], [[1, 0], [0, 0]], [[1, 2], [0, None]], [[1, 2], [4, 5]]),
    )  # fmt: skip
    marks = [[cell.mark for row in grid.rows for cell in row] for grid in picture.grids(case)]
    assert marks[0] == ["", "", "", "field", "field", "", "field", "field", ""]
    assert marks[2] == ["", "", "wrong first", "wrong"]
    assert picture.grids(case)[2].rows[1][1].text == "nan"


def test_what_is_within_the_bound_is_not_marked() -> None:
    planes: list[list[list[float | None]]] = [[[1.0, 2.0]], [[1.0]], [[1.001, 2.5]], [[1.0, 2.0]]]
    case = Counterexample("?", "gaussian", 1, "", "", index=[0, 0, 0, 1], bound="0.01", picture=Picture(*planes))
    assert [cell.mark for cell in picture.grids(case)[2].rows[0]] == ["", "wrong first"]


def test_a_large_picture_is_cut_and_says_so() -> None:
    plane: list[list[float | None]] = [[0.5] * 50 for _ in range(50)]
    case = Counterexample("?", "exact", 1, "", "", picture=Picture(plane, [[1]], plane, plane))
    grid = picture.grids(case)[0]
    assert grid.title == "input (50 × 50)"
    assert [len(grid.rows), len(grid.rows[0]), grid.rows[-1][0].text] == [25, 25, "…"]
