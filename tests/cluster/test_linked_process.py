"""Requests as JSON, and a process that ends with its worker."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from convgauge.cluster import linked_process, worker
from convgauge.request import BenchRequest, CheckRequest, Request
from convgauge.terms import ExitStatus

CHECK = CheckRequest(("numpy_windows",), tier="quick", dtypes=("float32",), isolation=False, keyword="test_pair_pads")
BENCH = BenchRequest(("numpy_windows", "numpy_im2col"), budget_s=1.5, threads=(1, 2), operands="cold", seed=3)


@pytest.mark.parametrize(("command", "request_"), [("check", CHECK), ("bench", BENCH)])
def test_a_request_survives_json(command: linked_process.Command, request_: Request) -> None:
    assert linked_process.decode(command, linked_process.encode(request_)) == request_


def test_json_with_an_unknown_value_is_refused() -> None:
    text = linked_process.encode(CHECK).replace(b"quick", b"medium")
    with pytest.raises(msgspec.ValidationError, match="medium"):
        linked_process.decode("check", text)


def test_a_worker_returns_the_run_of_a_request(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    attachment = worker.Attachment("expect", "expect.toml", b"")
    outcome = worker.execute("check", linked_process.encode(CHECK), [attachment], str(tmp_path))
    assert outcome.status == 0, outcome.printed
    assert b'"footer"' in outcome.run
    assert not list(tmp_path.iterdir())


def test_a_process_ends_when_its_worker_ends(tmp_path: Path) -> None:
    path = tmp_path / "request.json"
    path.write_bytes(linked_process.encode(CheckRequest(("numpy_windows",), tier="exhaustive")))
    words = [sys.executable, "-m", linked_process.__name__, "check", str(path)]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(60) == ExitStatus.INTERNAL_ERROR
