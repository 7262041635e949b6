"""The folder of pages: rendered beside its place, then moved there whole."""

from __future__ import annotations

import base64
import binascii
import gzip
import hashlib
import json
import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment as Templates
from jinja2 import FileSystemLoader, StrictUndefined
from markupsafe import Markup

from convgauge import __version__, results
from convgauge.bundled import bundled
from convgauge.report import draw, export, picture, regions, speed, words
from convgauge.report.history import timeline
from convgauge.report.model import Entry, Report, Spec, gather
from convgauge.results import FAULTS, ImageRecord, SpecRecord

MARKER = "convgauge-report.json"
"""The file by which a folder is known to be a report, and so may be replaced by the next one."""
_IMAGE = b'{"type":"image"'
DRAWN = 25
"""Counterexamples drawn on one page; the rest are told in words, and are in the run."""


def build(paths: Sequence[Path], output: Path) -> Path:
    """Write the report of run files into the folder ``output`` and return its first page.

    It appears whole or not at all; an earlier report is replaced, any other folder with something in it is not
    touched. Raises `results.Damaged` where a run doesn't read, `ValueError` where there is none, `OSError`.
    """
    if not paths:
        raise ValueError("a report needs at least one run file")
    report = gather([results.read(path) for path in paths])
    check_replaceable(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{output.name}-", dir=output.parent))
    try:
        made.chmod(0o755)
        Site(report, made).write()
        _swap(made, output)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return output / "index.html"


def check_replaceable(output: Path) -> None:
    """Raises `FileExistsError` where ``output`` holds something that is not a report of ours."""
    if output.is_symlink() or (output.exists() and not output.is_dir()):
        raise FileExistsError(f"{output} is not a folder: the report needs one of its own")
    if output.is_dir() and any(output.iterdir()) and not (output / MARKER).is_file():
        raise FileExistsError(f"{output} holds something other than a report: name an empty or a new folder")


def _swap(made: Path, output: Path) -> None:
    if not output.exists():
        made.rename(output)
        return
    old = made.with_name(f"{made.name}-old")
    output.rename(old)
    try:
        made.rename(output)
    except OSError:
        old.rename(output)
        raise
    shutil.rmtree(old, ignore_errors=True)


@dataclass
class Failure:
    """One failing spec of one implementation: its records, the case to show, and specs that fail in the same words."""

    spec: Spec
    records: list[SpecRecord]
    shown: SpecRecord
    grids: list[picture.Grid]
    alike: list[Spec]


@dataclass
class Row:
    """One spec of one implementation: its records over dtypes and devices."""

    spec: Spec
    records: list[SpecRecord]

    @property
    def worst(self) -> str:
        return min((record.status for record in self.records), key=words.gravity)

    @property
    def cases(self) -> int:
        return sum(record.cases for record in self.records)

    @property
    def margin(self) -> float | None:
        return draw.worst_margin(self.records)

    @property
    def margins(self) -> list[float]:
        return [margin for record in self.records for margin in record.margins]

    @property
    def chips(self) -> list[tuple[str, list[str]]]:
        """Statuses, gravest first, each with the dtypes that it holds for."""
        found: dict[str, list[str]] = defaultdict(list)
        for record in sorted(self.records, key=lambda record: words.gravity(record.status)):
            where = f"{record.dtype}@{record.device}" if record.device not in ("", "cpu") else record.dtype
            found[record.status].append(where)
        return list(found.items())


class Site:
    """Renders one report into one folder."""

    def __init__(self, report: Report, folder: Path) -> None:
        self.report = report
        self.folder = folder
        self.races = speed.races(report)
        self.rows = [self._rows(place) for place in range(len(report.entries))]
        self.history = timeline(report)
        self.templates = templates()
        self.templates.globals.update(
            report=report,
            races=self.races,
            suite=__version__,
            means=self._means(),
            has_history=bool(self.history),
            has_gallery=any(entry.images for entry in report.entries),
            environments=len(report.environments) > 1,
        )

    def write(self) -> None:
        """All pages and files."""
        self._assets()
        downloads = self._downloads()
        self._page("index.html", "index.html", data=self._data(), downloads=downloads, beside=self._beside())
        self._page("specs.html", "specs.html", data=self._data())
        self._page("speed.html", "speed.html", **self._speed())
        self._page("compare.html", "compare.html")
        if self.history:
            self._page("history.html", "history.html", history=self.history)
        if self.templates.globals["has_gallery"]:
            self._page("gallery.html", "gallery.html", **self._gallery())
        for place, entry in enumerate(self.report.entries):
            self._page("implementation.html", f"implementations/{entry.slug}.html", **self._implementation(place))
        for spec in self.report.specs:
            self._page("spec.html", f"specs/{spec.slug}.html", spec=spec)
        self._put(MARKER, json.dumps({"generator": "convgauge", "version": __version__}))

    # --- writing ---

    def _page(self, template: str, path: str, **values: Any) -> None:
        root = "../" * path.count("/")
        page = self.templates.get_template(template).render(root=root, path=path, **values)
        self._put(path, page)

    def _put(self, path: str, text: str | bytes) -> None:
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "replace"))

    def _assets(self) -> None:
        for file in sorted(bundled("reports", "assets").iterdir()):
            if file.is_file():
                self._put(f"assets/{file.name}", file.read_bytes())

    def _downloads(self) -> list[tuple[str, str, int]]:
        """Write the raw runs and the tables; tells each one's path, description and size."""
        listed = []
        for place, run in enumerate(self.report.runs, start=1):
            name = f"runs/{place:02d}-{words.slug(Path(run.path).stem)}.jsonl.gz"
            content = Path(run.path).read_bytes()
            kept = b"".join(line for line in content.splitlines(keepends=True) if not line.startswith(_IMAGE))
            said = "as it was read" if kept == content else "as it was read, without its pictures"
            listed.append((name, f"run {place}, {said}"))
            self._put(name, gzip.compress(kept, 9, mtime=0))
        tables = {
            "verdicts.csv": ("a row an implementation", export.verdicts_csv(self.report)),
            "results.csv.gz": ("a row a result", export.results_csv(self.report)),
            "timings.csv": ("a row a timing", export.timings_csv(self.report)),
            "summary.md": ("Markdown summary", export.markdown(self.report.runs)),
        }
        for name, (said, text) in tables.items():
            listed.append((f"data/{name}", said))
            packed = gzip.compress(text.encode("utf-8", "replace"), 6, mtime=0)
            self._put(f"data/{name}", packed if name.endswith(".gz") else text)
        for entry in self.report.present:
            self._put(f"badges/{entry.slug}.json", json.dumps(export.badge_of(entry), ensure_ascii=False))
        return [(name, said, os.path.getsize(self.folder / name)) for name, said in listed]

    # --- what the pages show ---

    def _rows(self, place: int) -> list[Row]:
        return [Row(spec, spec.records[place]) for spec in self.report.specs if place in spec.records]

    def _means(self) -> dict[tuple[str, str], tuple[speed.Race, speed.Standing]]:
        """The overview's speed: from the race with the most layers that the entry ran in."""
        return {(race.environment, s.name): (race, s) for race in reversed(self.races) for s in race.standings}

    def _beside(self) -> dict[str, dict[str, Entry]]:
        """By implementation, its entry in each environment."""
        found: dict[str, dict[str, Entry]] = defaultdict(dict)
        for entry in self.report.entries:
            found[entry.name][entry.environment] = entry
        return dict(sorted(found.items()))

    def _data(self) -> dict[str, Any]:
        """The compact table that the pages' script searches: a letter a result, a string a spec, a table a dtype."""
        tables: dict[str, list[list[str]]] = {}
        blank = [["."] * len(self.report.entries) for _ in self.report.specs]
        for row, spec in enumerate(self.report.specs):
            for place, records in spec.records.items():
                for record in records:
                    key = f"{record.dtype}@{record.device}"
                    if key not in tables:
                        tables[key] = [list(letters) for letters in blank]
                    tables[key][row][place] = words.LETTERS.get(record.status, ".")
        return {
            "letters": {letter: status for status, letter in words.LETTERS.items()},
            "faults": FAULTS,
            "entries": [
                {
                    "name": e.name,
                    "environment": e.environment,
                    "framework": e.about.framework,
                    "grade": e.grade,
                    "algorithm": e.about.algorithm,
                    "verdict": e.verdict,
                }
                for e in self.report.entries
            ],
            "specs": [
                {"id": s.id, "chapter": s.chapter, "level": s.level, "profile": s.profile} for s in self.report.specs
            ],
            "results": {key: ["".join(letters) for letters in table] for key, table in tables.items()},
        }

    def _implementation(self, place: int) -> dict[str, Any]:
        entry, rows = self.report.entries[place], self.rows[place]
        broken = sorted((row for row in rows if row.worst in FAULTS), key=_urgency)
        failing = [problem for row in rows for r in row.records if r.status in FAULTS for problem in r.failing]
        return {
            "entry": entry,
            "rows": rows,
            "broken": len(broken),
            "failures": _failures(broken),
            "expected": [row for row in rows if any(r.status == "xfailed" for r in row.records)],
            "declines": _reasons(entry, "declined"),
            "skips": _reasons(entry, "skipped"),
            "region": regions.region(failing),
            "margins": [margin for row in rows for margin in row.margins],
            "raced": self._raced(entry),
        }

    def _raced(self, entry: Entry) -> list[tuple[speed.Race, speed.Standing]]:
        mine = (race for race in self.races if race.environment == entry.environment)
        return [(race, standing) for race in mine for standing in race.standings if standing.name == entry.name]

    def _speed(self) -> dict[str, Any]:
        margins: dict[str, dict[str, float]] = defaultdict(dict)
        for entry in self.report.entries:
            worst = draw.worst_margin(entry.specs)
            if worst is not None:
                margins[entry.environment][entry.name] = worst
        frontiers = [draw.frontier(race, margins[race.environment]) for race in self.races]
        return {"frontiers": frontiers, "absent": self.report.absent, "slugs": self._slugs()}

    def _slugs(self) -> dict[tuple[str, str], str]:
        return {(entry.environment, entry.name): entry.slug for entry in self.report.entries}

    def _gallery(self) -> dict[str, Any]:
        """The pictures, filter by filter: the oracle's, then each implementation's with its difference."""
        exact = {i.title: i for run in self.report.runs for i in run.of(ImageRecord) if i.implementation == "oracle"}
        shown: dict[str, list[tuple[Entry, ImageRecord, str, str]]] = {}
        for entry in self.report.entries:
            for image in entry.images:
                pair = (self._picture(image.png), self._picture(image.difference))
                shown.setdefault(image.title, []).append((entry, image, *pair))
        return {"shown": shown, "exact": {title: self._picture(image.png) for title, image in exact.items()}}

    def _picture(self, encoded: str) -> str:
        """The path of a picture written once however often it is shown; "" for what is no PNG."""
        try:
            content = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            return ""
        if not content.startswith(b"\x89PNG\r\n\x1a\n"):
            return ""
        name = f"images/{hashlib.sha256(content).hexdigest()[:16]}.png"
        if not (self.folder / name).exists():
            self._put(name, content)
        return name


def _urgency(row: Row) -> tuple[bool, int, str]:
    """Required specs first, then by gravity."""
    return (row.spec.level != "required", words.gravity(row.worst), row.spec.id)


def _failures(broken: Sequence[Row]) -> list[Failure]:
    """A failure a row; a row whose fault is told in the words of an earlier one's is listed with that."""
    found: dict[tuple[str, str], Failure] = {}
    for row in broken:
        records = [record for record in row.records if record.status in FAULTS]
        shown = min(records, key=_size)
        key = (shown.status, shown.reason or row.spec.id)
        if key in found:
            found[key].alike.append(row.spec)
        else:
            case = shown.counterexample if len(found) < DRAWN else None
            found[key] = Failure(row.spec, records, shown, picture.grids(case) if case else [], [])
    return list(found.values())


def _size(record: SpecRecord) -> tuple[int, int, int]:
    case = record.counterexample
    if case is None:
        return (2, 0, 0)
    return (int(case.picture is None), case.outputs, words.gravity(record.status))


def _reasons(entry: Entry, status: str) -> list[tuple[str, list[str]]]:
    """Reasons for a status, each with the specs and dtypes it was given for."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for record in entry.specs:
        if record.status == status:
            found[record.reason or "no reason given"][f"{record.spec} {record.dtype}".strip()] = None
    return [(reason, list(where)) for reason, where in found.items()]


# --- templates -------------------------------------------------------------------------------------------------------


def templates() -> Templates:
    """Jinja2 with escaping on, undefined names an error, and every text freed of control characters."""
    found = Templates(
        loader=FileSystemLoader(bundled("reports", "templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    for helper in (words.ratio, words.seconds, words.big, words.number, words.percent, words.plural, words.label):
        found.filters[helper.__name__] = helper
    found.filters.update(
        gravity=words.gravity,
        faulty=_faulty,
        symbol=words.symbol,
        one_line=words.line,
        island=island,
        status_order=_status_order,
    )
    found.globals.update(draw=draw, speed=speed, words=words, faults=FAULTS, meanings=words.MEANINGS, lines=_lines)
    return found


def _finalize(value: Any) -> Any:
    return results.visible(value) if type(value) is str else value


def island(value: Any) -> Markup:
    """JSON for a script element: nothing in it can end the element or begin a comment."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _status_order(counts: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: words.gravity(item[0]))


def _faulty(counts: dict[str, int]) -> int:
    return sum(counts.get(status, 0) for status in FAULTS)


def _lines(texts: Sequence[str], most: int) -> Iterator[str]:
    """The first ``most`` texts, then how many more there are."""
    yield from texts[:most]
    if len(texts) > most:
        yield f"and {len(texts) - most:,} more"
