"""Check of the wheel and the sdist in a folder: their contents, and the command line of a fresh installation.

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
    """Check the archives of a folder."""
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    check_contents(zipfile.ZipFile(wheel).namelist(), IN_THE_WHEEL, NOWHERE + NOT_IN_THE_WHEEL, wheel)
    with tarfile.open(sdist) as archive:
        check_contents([name.partition("/")[2] for name in archive.getnames()], IN_THE_SDIST, NOWHERE, sdist)
    with tempfile.TemporaryDirectory() as elsewhere:
        use(wheel, Path(elsewhere))
    print(
        f"{wheel.name} ({wheel.stat().st_size >> 10} KiB) and {sdist.name} ({sdist.stat().st_size >> 10} KiB) are good"
    )


def check_contents(names: list[str], wanted: list[str], unwanted: list[str], archive: Path) -> None:
    """Exit if an archive lacks a file or has one that it should not have."""
    lacking = [name for name in wanted if name not in names]
    stray = [name for name in names if any(part in f"/{name}" for part in unwanted)]
    if lacking or stray:
        sys.exit(f"{archive.name} lacks {lacking} and has {stray[:5]}")


def use(wheel: Path, folder: Path) -> None:
    """Install the wheel into a new environment and use the command line outside of the checkout."""
    venv.create(folder / "fresh", with_pip=True)
    scripts = folder / "fresh" / ("Scripts" if os.name == "nt" else "bin")
    run(folder, scripts / "python", "-m", "pip", "install", "--quiet", wheel)
    version = run(folder, scripts / "convgauge", "--version")
    assert version.split()[1] == wheel.name.split("-")[1], version
    assert "numpy_windows" in run(folder, scripts / "convgauge", "list")
    options = ("--tier", "quick", "-k", "padding", "--output", "run.jsonl")
    assert "numpy_windows: conformant" in run(folder, scripts / "convgauge", "check", "numpy_windows", *options)
    run(folder, scripts / "convgauge", "report", "run.jsonl", "--output", "site")
    assert (folder / "site" / "index.html").is_file()


def run(folder: Path, *words: object) -> str:
    """Run a command in ``folder`` and return its output. Exit if the command fails."""
    process = subprocess.run([str(word) for word in words], cwd=folder, capture_output=True, text=True, check=False)
    if process.returncode:
        sys.exit(f"{' '.join(map(str, words))} ended with {process.returncode}:\n{process.stdout}{process.stderr}")
    return process.stdout


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
