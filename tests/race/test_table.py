"""Tests of the terminal output of a race."""

from __future__ import annotations

import io

from rich.console import Console

from convgauge.layers.sets import LayerSet
from convgauge.race import table
from convgauge.race.formats import format_ratio, format_seconds
from convgauge.results import TimingRecord

RECORD = TimingRecord("base", "p", [1e-3], 1.0, 1.0, 1.0, "baseline", "base", None, None, 10, layers="net")


def test_durations_have_units() -> None:
    assert [format_seconds(value) for value in (2.0, 1.234e-3, 5e-6, 2e-9)] == ["2 s", "1.23 ms", "5 µs", "2 ns"]


def test_ratios_have_the_digits_that_their_interval_needs() -> None:
    assert format_ratio(None, None, None) == "–"
    assert format_ratio(1.2345, None, None) == "1.23"
    assert format_ratio(1.2345, 1.1, 1.4) == "1.23 [1.1, 1.4]"
    assert format_ratio(1.0023, 0.9991, 1.0052) == "1.002 [0.9991, 1.005]"


def test_a_quiet_console_prints_nothing_in_a_pipe() -> None:
    for quiet in (False, True):
        file = io.StringIO()
        table.print_standings(Console(file=file, quiet=quiet), [RECORD], LayerSet("net", ()))
        assert bool(file.getvalue()) is not quiet


def test_rates_of_algorithms_with_fewer_products_are_marked() -> None:
    assert table.has_effective_rate("winograd_4x3")
    assert not table.has_effective_rate("im2col")
