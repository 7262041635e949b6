"""Tests of the cache on disk: it reads back, and a file that is damaged or stale counts as empty."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from convgauge.auto import cache
from convgauge.auto.cache import Choice, Tuning, TuningCache
from convgauge.auto.cost_model import Law, Model

KEY = {"threads": "1", "processor": "of a test"}


def filled() -> Tuning:
    laws = {"dense": {"one": Law([1.0, 0.5], 1.2)}}
    return Tuning(dict(KEY), Model(laws, 12, "today", 3.5), {"p": Choice("one", {"one": 1.0}, {"one": 1.1})})


def write(tuning_cache: TuningCache, content: Tuning) -> Tuning:
    def change(tuning: Tuning) -> None:
        tuning.model, tuning.choices = content.model, content.choices

    return tuning_cache.update(change)


def test_what_is_written_reads_back(tmp_path: Path) -> None:
    tuning_cache = TuningCache(KEY, tmp_path / "new folder")
    assert write(tuning_cache, filled()) == filled()
    assert tuning_cache.read() == filled()
    assert not list(tmp_path.rglob("*.new"))


def test_a_file_of_another_key_counts_as_empty(tmp_path: Path) -> None:
    tuning_cache = TuningCache(KEY, tmp_path)
    write(tuning_cache, filled())
    other = TuningCache({**KEY, "processor": "another"}, tmp_path)
    assert other.path != tuning_cache.path
    other.path.write_bytes(tuning_cache.path.read_bytes())
    assert other.read() == Tuning(other.key)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"key": 3}', b'{"key": {}, "model": {"laws": 1}}', b"\xff\xfe"]
)
def test_a_damaged_file_counts_as_empty_and_is_replaced(tmp_path: Path, content: bytes) -> None:
    tuning_cache = TuningCache(KEY, tmp_path)
    tuning_cache.path.write_bytes(content)
    assert tuning_cache.read() == Tuning(KEY)
    write(tuning_cache, filled())
    assert tuning_cache.read() == filled()


def test_no_part_of_a_file_that_is_cut_off_is_used(tmp_path: Path) -> None:
    tuning_cache = TuningCache(KEY, tmp_path)
    write(tuning_cache, filled())
    content = tuning_cache.path.read_bytes()
    for end in range(len(content)):
        tuning_cache.path.write_bytes(content[:end])
        assert tuning_cache.read() == Tuning(KEY)


def test_the_caller_gets_the_change_if_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert write(TuningCache(KEY, tmp_path / "file"), filled()) == filled()


def test_the_key_names_the_machine_the_versions_and_the_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    key = cache.machine_key(1)
    assert {"processor", "machine", "cores", "python", "numpy", "code"} <= set(key)
    assert cache.machine_key(2) != key
    monkeypatch.setenv("OMP_NUM_THREADS", "77")
    assert cache.machine_key(1) != key


def test_the_digest_of_code_changes_with_a_file(tmp_path: Path) -> None:
    path = tmp_path / "kernel.py"
    path.write_text("a = 1")
    before = cache.code_digest([path])
    assert cache.code_digest([path]) == before
    path.write_text("a = 2")
    assert cache.code_digest([path]) != before


def test_the_environment_variable_sets_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cache.CACHE_FOLDER_VARIABLE, str(tmp_path))
    assert TuningCache.for_threads(1).path.parent == tmp_path


def write_many(folder: str, name: str) -> None:
    """Add eight choices, one per update; runs in a process."""
    for number in range(8):
        choice = {f"{name}{number}": Choice(name)}
        TuningCache(KEY, Path(folder)).update(lambda tuning, choice=choice: tuning.choices.update(choice))  # type: ignore[misc]


def test_two_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    tuning_cache = TuningCache(KEY, tmp_path)
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write_many, args=(str(tmp_path), name)) for name in ("a", "b")]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        if tuning_cache.path.exists():
            assert tuning_cache.read().choices  # the file is complete at every moment
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    assert set(tuning_cache.read().choices) == {f"{name}{number}" for name in "ab" for number in range(8)}
    assert not list(tmp_path.glob("*.new"))
