"""Seconds, memory and disk space that the report of a large run takes, and how soon its pages answer.

    python benchmarks/studies/report_cost.py [--implementations 40] [--specs 150] [--cases 300000] [--keep FOLDER]

The run is drawn at random (tests/support/synthetic_runs.py). The answer of a page is measured in Chromium, where that
and selenium are installed.

Figure, two shared cores under load: 40 implementations and 300,000 cases take 5.2 s of processor time, 197 MiB of
memory and 5.71 MB of disk; their first page answers after 0.8 s, a filter on it after at most 0.1 s. The default
report takes 1.88 MB. Quoted as "below 2 MB" in CHANGELOG.md, under `convgauge report`.
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
from support.browser import BrowserMissingError, chromium

_TIMED = """
const [query, done] = arguments, started = performance.now(), took = window.convgauge.timeQuery(query);
const look = () => document.querySelector("#matrix[aria-busy]") ? requestAnimationFrame(look)
  : done([took, Math.max(took, performance.now() - started)]);
look();
"""
QUERIES = ("status:failed chapter:padding", "is:different", "grade:A", "")


def measure(run: Path, output: Path) -> None:
    """Build the report of ``run`` and print its time, memory and size."""
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
    except BrowserMissingError as missing:
        print(f"no figures of a browser: {missing}")


def size(run: Path, output: Path) -> None:
    """Build the report of ``run`` and print the largest parts of its folder."""
    build([run], output)
    parts: dict[str, int] = {}
    for path, length in _sizes(output).items():
        part = path.relative_to(output).parts[0]
        parts[part] = parts.get(part, 0) + length
    for part, length in sorted(parts.items(), key=lambda item: -item[1])[:8]:
        print(f"  {part:<16}{length / 1e3:.0f} kB")


def _sizes(folder: Path) -> dict[Path, int]:
    """Print the size of a folder; return its files with their sizes in bytes."""
    sizes = {path: path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    print(f"folder        {sum(sizes.values()) / 1e6:.2f} MB in {len(sizes)} files")
    return sizes


def _peak() -> str:
    """Return the peak memory of this process as text."""
    try:
        import resource
    except ImportError:
        return "unknown on this system"
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB"


def _browse(index: Path) -> None:
    """Print the times of the first view and of filters in Chromium, in milliseconds."""
    with chromium() as driver:
        for attempt in ("first view", "second view"):
            driver.get(index.as_uri())
            loaded = driver.execute_script("return performance.getEntriesByType('navigation')[0].loadEventEnd")
            ready = driver.execute_script("return Number(document.documentElement.dataset.ready)")
            print(f"{attempt:<14}interactive after {ready:.0f} ms, loaded after {loaded:.0f} ms")
        for page in (index, index.with_name("specs.html")):
            driver.get(page.as_uri())
            for query in QUERIES:
                first, last = driver.execute_async_script(_TIMED, query)
                later = f", {last:.0f} ms to the last row" if last > first + 1 else ""
                print(f"filter        {first:.0f} ms for {query!r} on {page.name}{later}")


def main() -> None:
    """Run the study as a command."""
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
