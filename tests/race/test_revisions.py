"""The baseline of a race against a git revision, and what is left behind."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from convgauge import race, results
from convgauge.layers import BenchError
from convgauge.race import revisions
from convgauge.race.regressions import markdown, regressions, summary
from convgauge.registry import Origin, resolve_all
from convgauge.request import BenchRequest
from convgauge.results import TimingRecord
from convgauge.terms import RaceVerdict
from support.git import commit_all, git, init

KERNEL = "from helper import scale\n\n\ndef conv(input, weight, bias=None, **kwargs):\n    return scale\n"


@pytest.fixture
def kernel(tmp_path: Path) -> Path:
    """Return a kernel in a folder of a repository, whose first revision differs from its working tree."""
    init(tmp_path)
    folder = tmp_path / "kernels"
    folder.mkdir()
    path = folder / "kernel.py"
    path.write_text(KERNEL)
    (folder / "helper.py").write_text("scale = 1\n")
    commit_all(tmp_path, "first")
    git(tmp_path, "tag", "v1")
    (folder / "helper.py").write_text("scale = 2\n")
    (folder / "later.py").write_text(KERNEL)
    return path


def origin_of(path: Path) -> Origin:
    return Origin("file", str(path), "conv", "conv", "numpy")


def test_a_revision_has_its_own_files_and_leaves_nothing(kernel: Path) -> None:
    before = git(kernel.parent, "status", "--porcelain")
    with revisions.baseline_of(origin_of(kernel), "v1", "numpy") as baseline:
        earlier = Path(baseline.location)
        assert (earlier.parent / "helper.py").read_text() == "scale = 1\n"
        assert (baseline.name, baseline.attribute, baseline.framework) == ("conv@v1", "conv", "numpy")
    assert not earlier.exists()
    assert git(kernel.parent, "status", "--porcelain") == before
    assert len(git(kernel.parent, "worktree", "list").splitlines()) == 1


def test_another_target_is_the_baseline_as_it_is(kernel: Path) -> None:
    with revisions.baseline_of(origin_of(kernel), f"{kernel.with_name('later.py')}:conv", "numpy") as baseline:
        assert (baseline.name, Path(baseline.location).name) == ("conv (before)", "later.py")


@pytest.mark.parametrize("against", ["no-such-branch", "--output=stolen", "HEAD~7"])
def test_a_revision_that_does_not_exist(kernel: Path, against: str) -> None:
    with (
        pytest.raises(BenchError, match="no such revision in"),
        revisions.baseline_of(origin_of(kernel), against, "numpy"),
    ):
        pass


def test_a_file_that_did_not_exist(kernel: Path) -> None:
    later = origin_of(kernel.with_name("later.py"))
    with (
        pytest.raises(BenchError, match=r"--against v1: kernels/later.py does not exist in [0-9a-f]{12}"),
        revisions.baseline_of(later, "v1", "numpy"),
    ):
        pass


def test_a_module_and_a_file_outside_a_repository_have_no_revisions(tmp_path: Path) -> None:
    (tmp_path / "kernel.py").write_text(KERNEL)
    for origin, message in (
        (Origin("module", "package.kernel", "conv", "conv"), "is a module"),
        (origin_of(tmp_path / "kernel.py"), "is in no git repository"),
    ):
        with pytest.raises(BenchError, match=message), revisions.baseline_of(origin, "HEAD", "numpy"):
            pass


def test_a_submodule_is_written_too_and_its_changes_are_not(
    kernel: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    library = tmp_path_factory.mktemp("library")
    init(library)
    (library / "code.py").write_text("version = 1\n")
    commit_all(library, "first")
    root = kernel.parent.parent
    git(root, "-c", "protocol.file.allow=always", "submodule", "add", str(library), "vendored")
    commit_all(root, "add the library")
    (root / "vendored" / "code.py").write_text("version = 2\n")
    with revisions.baseline_of(origin_of(kernel), "HEAD", "numpy") as baseline:
        vendored = Path(baseline.location).parent.parent / "vendored"
        assert (vendored / "code.py").read_text() == "version = 1\n"
    git(root, "submodule", "deinit", "--force", "vendored")
    with (
        pytest.raises(BenchError, match="submodule vendored is not here; run git submodule update"),
        revisions.baseline_of(origin_of(kernel), "HEAD", "numpy"),
    ):
        pass


def test_one_target_is_raced(kernel: Path) -> None:
    origins = resolve_all((f"{kernel}:conv", f"other={kernel}:conv"), "numpy")
    with pytest.raises(BenchError, match="one target on each side is needed, not 2"):
        revisions.only_target(origins, "v1")


def record(verdict: RaceVerdict, low: float | None, high: float | None, problem: str = "n1c1h1w1") -> TimingRecord:
    ratio = None if low is None or high is None else (low * high) ** 0.5
    seconds = [1e-3] if ratio else []
    return TimingRecord("conv", problem, seconds, ratio, low, high, verdict, "conv@v1", None, None, 1, layers="set")


def test_a_regression_is_an_interval_beyond_the_margin() -> None:
    records = [
        record("slower", 1.03, 1.05),
        record("slower", 1.01, 1.05),
        record("faster", 0.9, 0.95),
        record("same", 0.99, 1.01),
        record("undecided", 0.9, 1.2),
        record("wrong", None, None),
    ]
    assert regressions(records, 0.02) == records[:1]
    assert summary(records, 0.02) == (
        "slower by more than 2.0% on 1 layer, faster on 1, within it on 2, without a verdict on 2"
    )
    text = markdown([record("baseline", 1.0, 1.0), *records], 0.02)
    assert text.startswith("**Regression** against `conv@v1`: slower by more than 2.0% on 1 layer")
    assert "| – | `n1c1h1w1` | 1 ms | 1.04 [1.03, 1.05] | slower |" in text
    assert markdown(records[1:], 0.02).startswith("No regression")


@pytest.mark.parametrize("calls", [3, 6])
def test_a_race_against_a_revision_ends_with_1_if_the_kernel_became_slower(tmp_path: Path, calls: int) -> None:
    init(tmp_path)
    path = tmp_path / "kernel.py"
    code = (
        "import numpy as np\n"
        "def conv(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):\n"
        "    for _ in range(3):\n"
        "        output = np.einsum('nchw,oc->nohw', input, weight[:, :, 0, 0])\n"
        "    return output\n"
    )
    path.write_text(code)
    commit_all(tmp_path, "first")
    path.write_text(code.replace("range(3)", f"range({calls})"))
    request = BenchRequest(
        (f"{path}:conv",), framework="numpy", against="HEAD", layers="n1c16h20w20_o16k1x1_s1x1_p0x0_d1x1_g1_float32",
        budget_s=4.0, output=str(tmp_path / "run.jsonl"),
    )  # fmt: skip
    status = race.bench(request, Console(quiet=True))
    baseline, other = (each for each in results.read(tmp_path / "run.jsonl").records if isinstance(each, TimingRecord))
    assert (baseline.implementation, other.implementation) == ("conv@HEAD", "conv")
    assert status == (1 if calls == 6 else 0), other
