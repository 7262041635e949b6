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
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment as Templates
from jinja2 import FileSystemLoader, StrictUndefined
from markupsafe import Markup

from convgauge import __version__, results
from convgauge.bundled import bundled
from convgauge.report import coverage, export, faults, formatting, kill_matrix_page, regions, speed
from convgauge.report.charts import locality, margins, svg, sweeps
from convgauge.report.charts import speed as draw
from convgauge.report.faults import Row
from convgauge.report.history import timeline
from convgauge.report.model import Entry, Report, Spec, gather
from convgauge.results import ImageRecord, Run, SpecRecord
from convgauge.selftest import kill_matrix
from convgauge.selftest.kill_matrix import Matrix
from convgauge.terms import FAULTS, GRAVITY, Status
from convgauge.text import escape_controls

_NAMED = ("chapter", "level", "profile")
MARKER = "convgauge-report.json"
"""The file by which a folder is known to be a report, and so may be replaced by the next one."""


def build(
    paths: Sequence[Path],
    output: Path,
    told: Callable[[Trouble], None] = lambda _: None,
    junit: Path | None = None,
) -> Path:
    """Write the report of run files, or of folders of them, into the folder ``output`` and return its first page.

    A file that `convgauge selftest` wrote may stand among them: it tells what the specs have been seen to catch.
    A file that doesn't read is left out, and named on the first page and to ``told``, as is a run that was cut off.
    ``junit`` names a file for the results as JUnit XML. The report appears whole or not at all; an earlier one is
    replaced, any other folder with something in it is not touched. Raises `results.DamagedFileError` where no
    file is a run that reads, and `OSError`.
    """
    files = list(_files(paths))
    read, troubles = _read(files)
    runs = [one for one in read if isinstance(one, Run)]
    if not runs:
        none = f"no run among {len(files)} files: a report needs at least one"
        raise results.DamagedFileError(troubles[0].text if troubles else none)
    report = gather(runs, [one.shown for one in troubles])
    proofs = [one for one in read if isinstance(one, Matrix)]
    check_replaceable(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{output.name}-", dir=output.parent))
    try:
        made.chmod(0o755)
        Site(report, made, proofs).write()
        _swap(made, output)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    if junit is not None:
        junit.write_text(export.junit(runs), encoding="utf-8", errors="replace")
    cut = [Trouble(run.path, f"{run.path} is incomplete: it was cut off") for run in runs if run.footer is None]
    for trouble in (*troubles, *cut):
        told(trouble)
    return output / "index.html"


@dataclass(frozen=True)
class Trouble:
    """What is wrong with a file; one that is ``lost`` could not be read, and nothing of it is in the report."""

    path: str
    text: str
    lost: bool = False

    @property
    def shown(self) -> str:
        """The text for a page, which tells of no folders."""
        return self.text.replace(self.path, Path(self.path).name)


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    """The files themselves, and of folders the runs and kill matrices in them and below, in the order of their names.

    Raises `results.DamagedFileError` for a folder without any.
    """
    for path in paths:
        inside = (
            sorted(file for file in path.rglob("*") if file.is_file() and _in_folder(file)) if path.is_dir() else []
        )
        if path.is_dir() and not inside:
            raise results.DamagedFileError(f"there is no run (*.jsonl) in {path}")
        yield from inside or [path]


def _in_folder(file: Path) -> bool:
    return file.name.endswith((".jsonl", ".jsonl.gz")) or (file.suffix == ".json" and kill_matrix.is_matrix(file))


def _read(files: Iterable[Path]) -> tuple[list[Run | Matrix], list[Trouble]]:
    """What the files hold, and what is wrong with those that don't read."""
    found: list[Run | Matrix] = []
    unread = []
    for path in files:
        try:
            found.append(kill_matrix.read(path) if kill_matrix.is_matrix(path) else results.read(path))
        except results.DamagedFileError as error:
            unread.append(Trouble(str(path), str(error), lost=True))
    return found, unread


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


def _ordered(run: Run) -> bytes:
    """A run's lines spec by spec, as what is alike then packs well, without the pictures that the report has as files.

    Records of one spec keep their order, since of two that tell of the same the later one holds.
    """
    with results.open_run(Path(run.path)) as file:
        head, *lines = file.readlines()
    records = zip(lines, run.records, strict=False)  # a footer and a line that was cut off have no record
    kept = [(line, record) for line, record in records if not (isinstance(record, ImageRecord) and record.png)]
    kept.sort(key=lambda pair: pair[1].spec if isinstance(pair[1], SpecRecord) else "")
    foot = lines[len(run.records) :] if run.footer else []
    return b"".join([head, *(line for line, _ in kept), *foot])


class Site:
    """Renders one report into one folder."""

    def __init__(self, report: Report, folder: Path, proofs: Sequence[Matrix] = ()) -> None:
        self.report = report
        self.proofs = proofs
        self.folder = folder
        self.races = speed.races(report)
        self.rows = [self._rows(place) for place in range(len(report.entries))]
        self.history = timeline(report)
        told = (place for place, entry in enumerate(report.entries) if any(s.space for s in entry.specs))
        self.spaces = {place: coverage.space(report.entries[place].specs) for place in told}
        self.templates = templates()
        self.templates.globals.update(
            report=report,
            races=self.races,
            suite=__version__,
            means=self._means(),
            has_history=bool(self.history),
            has_gallery=any(entry.seen(kind) for entry in report.entries for kind in ("filter", "confusion")),
            has_proofs=bool(proofs),
            kills=self._kills(),
            coverage=coverage.coverages(self.spaces),
            environments=len(report.environments) > 1,
        )

    def write(self) -> None:
        """All pages and files."""
        self._assets()
        downloads = self._downloads()
        self._put("data/results.js", f"const DATA = {island(self._data())};\n")
        self._page("index.html", "index.html", downloads=downloads, beside=self._beside())
        self._page("specs.html", "specs.html")
        self._page("speed.html", "speed.html", **self._speed())
        self._page("compare.html", "compare.html")
        if self.history:
            self._page("history.html", "history.html", history=self.history)
        if self.templates.globals["has_gallery"]:
            self._page("gallery.html", "gallery.html", **self._gallery())
        for place, entry in enumerate(self.report.entries):
            self._page("implementation.html", f"implementations/{entry.slug}.html", **self._implementation(place))
        for chapter in self.report.chapters:
            specs = [spec for spec in self.report.specs if spec.chapter == chapter]
            self._page("chapter.html", specs[0].page.partition("#")[0], chapter=chapter, specs=specs)
        if self.proofs:
            self._page("suite.html", "suite.html", proofs=self.proofs, told={s.id: s for s in self.report.specs})
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
            name = f"runs/{place:02d}-{formatting.slug(Path(run.path).name.partition('.jsonl')[0])}.jsonl.gz"
            listed.append((name, f"run {place}, its results in the order of specs, without pictures"))
            self._put(name, gzip.compress(_ordered(run), 9, mtime=0))
        tables = {
            "verdicts.csv": ("a row an implementation", export.verdicts_csv(self.report)),
            "results.csv.gz": ("a row a result", export.results_csv(self.report)),
            "timings.csv.gz": ("a row a timing", export.timings_csv(self.report)),
            "summary.md": ("Markdown summary", export.markdown(self.report.runs)),
        }
        for place, matrix in enumerate(self.proofs, start=1):
            tables[f"selftest-{place}.json.gz"] = ("the suite's kill matrix", json.dumps(matrix.table()))
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

    def _kills(self) -> dict[str, kill_matrix_page.SpecKills]:
        """Return the kills in the first self-test, by spec."""
        return {kills.id: kills for matrix in self.proofs[:1] for kills in kill_matrix_page.specs(matrix)}

    def _data(self) -> dict[str, Any]:
        """What the pages' script searches: by spec and dtype a string with a letter an entry, "." where it has none.

        A string that repeats one letter is that letter; chapters, levels, profiles, dtypes and sources are places in
        lists. A spec's last three are its place in the report, its source and its sentence.
        """
        names = {what: list(dict.fromkeys(getattr(s, what) for s in self.report.specs)) for what in _NAMED}
        tables = list(dict.fromkeys(f"{r.dtype}@{r.device}" for e in self.report.entries for r in e.specs))
        sources = list(dict.fromkeys(spec.source for spec in self.report.specs))
        return {
            **names,
            "sources": sources,
            "symbols": formatting.SYMBOLS,
            "labels": formatting.LABELS,
            "gravity": GRAVITY,
            "tables": tables,
            "letters": {letter: status for status, letter in formatting.LETTERS.items()},
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
                [
                    s.id,
                    *(names[what].index(getattr(s, what)) for what in _NAMED),
                    self._letters(s, tables),
                    s.page,
                    sources.index(s.source),
                    s.sentence,
                ]
                for s in self.report.specs
            ],
        }

    def _letters(self, spec: Spec, tables: list[str]) -> dict[int, str]:
        found: dict[int, list[str]] = {}
        for place, records in spec.records.items():
            for record in records:
                table = tables.index(f"{record.dtype}@{record.device}")
                letters = found.setdefault(table, ["."] * len(self.report.entries))
                letters[place] = formatting.LETTERS.get(record.status, ".")
        return {table: letters[0] if len(set(letters)) == 1 else "".join(letters) for table, letters in found.items()}

    def _implementation(self, place: int) -> dict[str, Any]:
        entry, rows = self.report.entries[place], self.rows[place]
        measured = sorted((row for row in rows if row.margin is not None), key=lambda row: -(row.margin or 0.0))
        plot, dtypes = margins.by_length(entry.specs)
        return {
            "entry": entry,
            "chapters": faults.chapters(rows),
            "broken": sum(row.worst in FAULTS for row in rows),
            "failures": faults.failures(rows),
            "expected": [row for row in rows if any(r.status == "xfailed" for r in row.records)],
            "declines": faults.reasons(entry, "declined"),
            "skips": faults.reasons(entry, "skipped"),
            "failing": regions.failing([r for r in entry.specs if r.status not in ("xfailed", "xpassed")]),
            "space": coverage.picture(self.spaces[place]) if place in self.spaces else "",
            "measured": [margin for record in entry.specs for margin in record.margins],
            "largest": measured[:10],
            "plot": plot,
            "dtypes": dtypes,
            "raced": self._raced(entry),
            "own": self._own(place),
        }

    def _own(self, place: int) -> list[list[Any]]:
        """For the script, in the order of the specs: cases, largest margin and margins' bars; [] where it has none."""
        found: list[list[Any]] = []
        for spec in self.report.specs:
            records = spec.records.get(place, [])
            worst = margins.worst(records)
            row: list[Any] = [sum(record.cases for record in records)] if records else []
            if worst is not None:
                row += [formatting.number(worst), margins.letters([m for r in records for m in r.margins])]
            found.append(row)
        return found

    def _raced(self, entry: Entry) -> list[tuple[speed.Race, speed.Standing]]:
        mine = (race for race in self.races if race.environment == entry.environment)
        return [(race, standing) for race in mine for standing in race.standings if standing.name == entry.name]

    def _speed(self) -> dict[str, Any]:
        frontiers = [draw.frontier(race, self._errors(race)) for race in self.races]
        return {
            "frontiers": frontiers,
            "sweeps": sweeps.found(self.report),
            "absent": self.report.absent,
            "slugs": self._slugs(),
        }

    def _errors(self, race: speed.Race) -> dict[str, float]:
        """By implementation, the largest margin that a required spec found in the dtypes that were raced."""
        raced = {layer.problem.rpartition("_")[2] for layer in race.layers}
        found = {}
        for entry in self.report.entries:
            if entry.environment == race.environment:
                worst = margins.worst(s for s in entry.specs if s.level == "required" and s.dtype in raced)
                if worst is not None:
                    found[entry.name] = worst
        return found

    def _slugs(self) -> dict[tuple[str, str], str]:
        return {(entry.environment, entry.name): entry.slug for entry in self.report.entries}

    def _gallery(self) -> dict[str, Any]:
        """The pictures, filter by filter: the oracle's, then each implementation's with its difference."""
        exact = {
            i.title: i for run in self.report.runs for i in run.records_of(ImageRecord) if i.implementation == "oracle"
        }
        shown: dict[str, list[tuple[Entry, ImageRecord, str, str]]] = {}
        for entry in self.report.entries:
            for image in entry.seen("filter"):
                pair = (self._picture(image.png), self._picture(image.difference))
                shown.setdefault(image.title, []).append((entry, image, *pair))
        pictures = {title: self._picture(image.png) for title, image in exact.items()}
        return {"shown": shown, "exact": pictures, "confusions": self._confusions()}

    def _confusions(self) -> dict[str, list[tuple[list[list[int]], list[tuple[Entry, ImageRecord]]]]]:
        """By title, the confusion matrices that differ, each with those who made it."""
        found: dict[str, dict[str, list[tuple[Entry, ImageRecord]]]] = {}
        for entry in self.report.entries:
            for image in entry.seen("confusion"):
                found.setdefault(image.title, {}).setdefault(str(image.table), []).append((entry, image))
        return {title: [(who[0][1].table, who) for who in same.values()] for title, same in found.items()}

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
    for helper in (
        formatting.ratio,
        formatting.seconds,
        formatting.big,
        formatting.number,
        formatting.percent,
        formatting.plural,
        formatting.label,
    ):
        found.filters[helper.__name__] = helper
    found.filters.update(
        faulty=_faulty,
        symbol=formatting.symbol,
        one_line=formatting.line,
        island=island,
        status_order=_status_order,
    )
    found.globals.update(
        draw=draw,
        growth=sweeps,
        speed=speed,
        svg=svg,
        margins=margins,
        locality=locality,
        proof=kill_matrix_page,
        differing=faults.differing,
        faults=FAULTS,
        meanings=formatting.MEANINGS,
        lines=_lines,
    )
    return found


def _finalize(value: Any) -> Any:
    return escape_controls(value) if type(value) is str else value


def island(value: Any) -> Markup:
    """JSON for a script element: nothing in it can end the element or begin a comment."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _status_order(counts: dict[Status, int]) -> list[tuple[Status, int]]:
    return sorted(counts.items(), key=lambda item: GRAVITY.index(item[0]))


def _faulty(counts: dict[str, int]) -> int:
    return sum(counts.get(status, 0) for status in FAULTS)


def _lines(texts: Sequence[str], most: int) -> Iterator[str]:
    """The first ``most`` texts, then how many more there are."""
    yield from texts[:most]
    if len(texts) > most:
        yield f"and {len(texts) - most:,} more"
