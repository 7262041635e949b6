"""Seconds, memory and disk space that the report of a large run takes, and how soon its pages answer.

    python benchmarks/studies/report_cost.py [--implementations 40] [--specs 150] [--cases 300000] [--keep FOLDER]

The run is drawn at random (tests/support/synthetic_runs.py). The answer of a page is measured in Chromium, where that
and selenium are installed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))
from convgauge.report import build
from support import synthetic_runs
from support.browser import Unavailable, chromium

_TIMED = """
const [query, done] = arguments, started = performance.now(), took = window.convgauge.timeQuery(query);
const look = () => document.querySelector("#matrix[aria-busy]") ? requestAnimationFrame(look)
  : done([took, Math.max(took, performance.now() - started)]);
look();
"""
QUERIES = ("status:failed chapter:padding", "is:different", "grade:A", "")


def measure(run: Path, output: Path) -> None:
    """Build the report of ``run`` and print what it took."""
    print(f"run file      {run.stat().st_size / 1e6:.1f} MB")
    started, used = time.perf_counter(), time.process_time()
    index = build([run], output)
    print(f"built in      {time.perf_counter() - started:.1f} s, {time.process_time() - used:.1f} s of processor time")
    print(f"peak memory   {_peak()}")
    sizes = _sizes(output)
    for page in ("index.html", "specs.html", "speed.html"):
        print(f"{page:<14}{sizes[output / page] / 1e3:.0f} kB")
    try:
        _browse(index)
    except Unavailable as missing:
        print(f"not looked at in a browser: {missing}")


def size(run: Path, output: Path) -> None:
    """Build the report of ``run`` and print what its folder holds."""
    build([run], output)
    parts: dict[str, int] = {}
    for path, length in _sizes(output).items():
        part = path.relative_to(output).parts[0]
        parts[part] = parts.get(part, 0) + length
    for part, length in sorted(parts.items(), key=lambda item: -item[1])[:8]:
        print(f"  {part:<16}{length / 1e3:.0f} kB")


def _sizes(folder: Path) -> dict[Path, int]:
    """The files of a folder with their sizes in bytes; the sum is printed."""
    sizes = {path: path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    print(f"folder        {sum(sizes.values()) / 1e6:.2f} MB in {len(sizes)} files")
    return sizes


def _peak() -> str:
    """The most memory this process has held, on systems that say."""
    try:
        import resource
    except ImportError:
        return "unknown on this system"
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB"


def _browse(index: Path) -> None:
    """First view and filters in Chromium, in milliseconds."""
    with chromium() as driver:
        for attempt in ("first view", "second view"):
            driver.get(index.as_uri())
            loaded = driver.execute_script("return performance.getEntriesByType('navigation')[0].loadEventEnd")
            ready = driver.execute_script("return Number(document.documentElement.dataset.ready)")
            print(f"{attempt:<14}interactive after {ready:.0f} ms, loaded after {loaded:.0f} ms")
        for page in (index, index.with_name("specs.html")):
            driver.get(page.as_uri())
            for query in QUERIES:
                took, whole = driver.execute_async_script(_TIMED, query)
                later = f", {whole:.0f} ms to the last row" if whole > took + 1 else ""
                print(f"filter        {took:.0f} ms for {query!r} on {page.name}{later}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--implementations", type=int, default=40)
    parser.add_argument("--specs", type=int, default=150)
    parser.add_argument("--cases", type=int, default=300_000)
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave the run and the report in this folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        print(f"{options.implementations} implementations, {options.specs} specs, {options.cases} cases")
        run = folder / "synthetic.jsonl"
        measure(synthetic_runs.write(run, options.implementations, options.specs, options.cases), folder / "site")
        print("\nas the default report: 22 implementations at the quick tier, 250 specs, 23 layers")
        quick = synthetic_runs.write(folder / "default.jsonl", 22, 250, 22 * 5200, quick=True)
        size(quick, folder / "default")


if __name__ == "__main__":
    main()
