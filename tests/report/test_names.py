"""A name that stands for different implementations is shown once for each."""

from __future__ import annotations

from pathlib import Path

from convgauge import report
from convgauge.report import model
from convgauge.report.names import is_same_target, name_apart
from convgauge.results import Footer, ImplementationRecord, Judgement
from support.html_page import Page
from support.records import run, spec, timing, write_run


def test_two_implementations_of_one_name_are_two_entries() -> None:
    check = run(ImplementationRecord("conv2d", target="a.py:conv2d"), spec("conv2d"))
    race = run(
        timing("conv2d", "p", 1.2, "slower", target="b.py:conv2d"),
        timing("base", "p", 1.0, "baseline", target="base"),
        timing("conv2d", "q", 1.2, "slower", target="b.py:conv2d"),
    )
    gathered = model.gather([check, race])
    entries = [(entry.name, len(entry.specs), len(entry.timings)) for entry in gathered.entries]
    assert sorted(entries) == [("base", 0, 1), ("conv2d (a.py:conv2d)", 1, 0), ("conv2d (b.py:conv2d)", 0, 2)]
    assert gathered.notes == [
        "conv2d stands for 2 implementations, a.py:conv2d and b.py:conv2d: each is shown by itself"
    ]
    verdicts = {entry.name: entry.verdict for entry in gathered.entries}
    assert verdicts["conv2d (a.py:conv2d)"] == "conformant"
    assert verdicts["conv2d (b.py:conv2d)"] == "not checked"


def test_a_shared_baseline_is_named_apart_in_all_ratios() -> None:
    runs = [
        run(timing("k", "p", 1.0, "baseline", target=target), timing("m", "p", 2.0, "slower", baseline="k", target="m"))
        for target in ("x=a.py:k", "x=b.py:k")
    ]
    renamed, _ = name_apart(runs)
    assert [record.baseline for each in renamed for record in each.records if hasattr(record, "baseline")][1::2] == [
        "k (a.py:k)",
        "k (b.py:k)",
    ]


def test_runs_of_one_implementation_stay_together() -> None:
    check = run(ImplementationRecord("mine", target="mine=/work/kernels/a.py:f"), spec("mine"))
    race = run(timing("mine", "p", 1.2, "slower", target="mine=kernels/a.py:f"))
    older = run(spec("mine"), timing("mine", "p", 1.0, "same"))
    runs, notes = name_apart([check, race, older])
    assert (runs, notes) == ([check, race, older], [])


def test_a_relative_path_is_that_of_any_folder() -> None:
    assert is_same_target("/home/a/kernels/k.py:f", "kernels/k.py:f")
    assert is_same_target("mine=k.py:f", "other=k.py:f")
    assert not is_same_target("/home/a/my_k.py:f", "k.py:f")
    assert not is_same_target("k.py:f", "k.py:g")


def test_the_first_page_and_the_terminal_name_shared_names(tmp_path: Path) -> None:
    footer = Footer({"conv2d": Judgement("conformant", "A", 3, 0)}, 1.0, 3)
    paths = [
        write_run(
            tmp_path / f"{name}.jsonl",
            ImplementationRecord("conv2d", target=f"{name}.py:conv2d"),
            spec("conv2d"),
            footer=footer,
        )
        for name in ("a", "b")
    ]
    issues: list[report.InputIssue] = []
    index = report.build(paths, tmp_path / "site", issues.append)
    sentence = "conv2d stands for 2 implementations, a.py:conv2d and b.py:conv2d: each is shown by itself"
    assert [(issue.text, issue.is_lost) for issue in issues] == [(sentence, False)]
    assert sentence in Page(index).text
