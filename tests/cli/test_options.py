"""Options are generated from the fields of a request: an option is added in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import click
import msgspec
import pytest
from click.testing import CliRunner

from convgauge.cli.options import flag_of, request_options, targets_argument
from convgauge.conformance.plugin import pytest_addoption
from convgauge.request import BenchRequest, CheckRequest, Request, option, option_fields
from support.command_line import options_of


@dataclass(frozen=True)
class ExtendedRequest(CheckRequest):
    """A request with one more option of each type."""

    max_rounds: int = option(3, "rounds of every case", "N")
    order: Literal["forward", "backward"] = option("forward", "order of the cases", flag="--case-order")
    widths: tuple[int, ...] = option((), "comma-separated widths", flag="-w")
    limit_s: float | None = option(None, "seconds for everything", flag="--limit")
    shuffled: bool = option(False, "shuffle the cases")
    sorted_: bool = option(True, "do not sort the cases", flag="--unsorted")


def parsed(*words: str) -> Request | str:
    """Return the request that the words make, or what is printed if they cannot be used."""
    requests: list[Request] = []

    @click.command()
    @targets_argument
    @request_options(ExtendedRequest)
    def command(request: Request) -> int:
        requests.append(request)
        return 0

    result = CliRunner().invoke(command, words)
    return requests[0] if requests else result.output


def test_a_new_field_is_an_option() -> None:
    words = ["--max-rounds", "5", "--case-order", "backward", "-w", "1,2", "--limit", "1.5", "--shuffled", "--unsorted"]
    expected = ExtendedRequest(
        ("a", "b"), max_rounds=5, order="backward", widths=(1, 2), limit_s=1.5, shuffled=True, sorted_=False
    )
    assert parsed("a", *words, "b") == expected
    assert parsed("a") == ExtendedRequest(("a",))
    assert msgspec.json.decode(msgspec.json.encode(expected), type=ExtendedRequest) == expected
    assert "-w" in str(parsed("--help"))
    assert "rounds of every case; default: 3" in str(parsed("--help"))
    assert "'sideways' is not one of 'forward', 'backward'" in str(parsed("a", "--case-order", "sideways"))


@pytest.mark.parametrize(("command", "kind"), [("check", CheckRequest), ("bench", BenchRequest)])
def test_every_field_is_an_option_of_its_command(command: str, kind: type[Request]) -> None:
    flags = options_of(command)
    for field in option_fields(kind, "command line").values():
        assert flag_of(field) in flags


def test_every_field_is_an_option_of_pytest() -> None:
    parser = pytest.Parser(_ispytest=True)
    pytest_addoption(parser)
    options = parser.parse([])
    for name, field in option_fields(CheckRequest, "pytest").items():
        assert getattr(options, f"convgauge_{name}") == field.default
