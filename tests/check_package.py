"""What a stranger gets: the wheel and the sdist in a folder, looked through, installed afresh, used from elsewhere.

python tests/check_package.py dist
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

IN_THE_WHEEL = [
    "convgauge/py.typed",
    "convgauge/_bundled/conformance/test_padding.py",
    "convgauge/_bundled/conformance/pytest.ini",
    "convgauge/_bundled/conformance/data/costs.json",
    "convgauge/_bundled/implementations/numpy_windows.py",
    "convgauge/_bundled/benchmarks/layers/resnet50.toml",
    "convgauge/_bundled/mutants/padding.py",
]
IN_THE_SDIST = ["pyproject.toml", "README.md", "LICENSE", "CITATION.cff", "tox.ini", "docs/conf.py"]
IN_THE_SDIST += ["examples/conv2d.c", "examples/numba_kernel.py", "conformance/test_padding.py"]
IN_THE_SDIST += ["tests/cli/test_check.py"]
IN_THE_SDIST += ["benchmarks/studies/roofline.py", "benchmarks/test_race.py", "tools/train_digits.py"]
NOT_IN_THE_WHEEL = ["/studies/", "/tools/", "/support/", "/benchmarks/test_", "/conftest.py", "train_digits"]
NOWHERE = ["__pycache__", ".pyc", "/_build/", "/_generated/", "/.tox/", "reports/site", "reports/runs"]


def main(folder: Path) -> None:
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    look_through(zipfile.ZipFile(wheel).namelist(), IN_THE_WHEEL, NOWHERE + NOT_IN_THE_WHEEL, wheel)
    with tarfile.open(sdist) as archive:
        look_through([name.partition("/")[2] for name in archive.getnames()], IN_THE_SDIST, NOWHERE, sdist)
    with tempfile.TemporaryDirectory() as elsewhere:
        use(wheel, Path(elsewhere))
    print(
        f"{wheel.name} ({wheel.stat().st_size >> 10} KiB) and {sdist.name} ({sdist.stat().st_size >> 10} KiB) are good"
    )


def look_through(names: list[str], wanted: list[str], unwanted: list[str], archive: Path) -> None:
    """Exit where an archive lacks something or has what it should not."""
    lacking = [name for name in wanted if name not in names]
    stray = [name for name in names if any(part in f"/{name}" for part in unwanted)]
    if lacking or stray:
        sys.exit(f"{archive.name} lacks {lacking} and has {stray[:5]}")


def use(wheel: Path, folder: Path) -> None:
    """Install the wheel into a fresh environment and go through the command line, away from any checkout."""
    venv.create(folder / "fresh", with_pip=True)
    scripts = folder / "fresh" / ("Scripts" if os.name == "nt" else "bin")
    run(folder, scripts / "python", "-m", "pip", "install", "--quiet", wheel)
    told = run(folder, scripts / "convgauge", "--version")
    assert told.split()[1] == wheel.name.split("-")[1], told
    assert "numpy_windows" in run(folder, scripts / "convgauge", "list")
    few = ("--tier", "quick", "-k", "padding", "--output", "run.jsonl")
    assert "numpy_windows: conformant" in run(folder, scripts / "convgauge", "check", "numpy_windows", *few)
    run(folder, scripts / "convgauge", "report", "run.jsonl", "--output", "site")
    assert (folder / "site" / "index.html").is_file()


def run(folder: Path, *words: object) -> str:
    """What a command prints, run in ``folder``. Exits where the command fails."""
    done = subprocess.run([str(word) for word in words], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, words))} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
