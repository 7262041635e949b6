"""The pages of a report: the values that each template is rendered with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from convgauge import __version__
from convgauge.bundled import bundled
from convgauge.report import coverage, failing_cases, faults, gallery, reproducibility
from convgauge.report.charts import margins, race_charts, sweep_charts
from convgauge.report.downloads import write_downloads
from convgauge.report.faults import SpecRow
from convgauge.report.folder import Folder
from convgauge.report.history import timelines
from convgauge.report.model import ImplementationEntry, Report
from convgauge.report.search_index import results_of, search_index
from convgauge.report.shown_causes import diagnosis_of, short_text
from convgauge.report.speed import RaceTable, StandingRow, overall_standings, race_tables
from convgauge.report.templating import island, templates
from convgauge.selftest.diagnoses.table import DiagnosisTable
from convgauge.selftest.kill_matrix import Matrix
from convgauge.terms import FAULTS, STRICTNESS_FAULTS


class Site:
    """Writer of one report into an empty folder; the pages of specs print the kills of the first matrix."""

    def __init__(
        self, report: Report, folder: Folder, matrices: Sequence[Matrix] = (), tables: Sequence[DiagnosisTable] = ()
    ) -> None:
        self.report = report
        self.matrices, self.tables = matrices, tables
        self.folder = folder
        self.races = race_tables(report)
        self.history = timelines(report)
        self.spaces = {
            entry.index: coverage.feature_space(entry.specs)
            for entry in report.entries
            if any(record.space for record in entry.specs)
        }
        self.has_gallery = any(entry.images_of(kind) for entry in report.entries for kind in ("filter", "confusion"))
        self.templates = templates()
        self.templates.globals.update(
            report=report,
            races=self.races,
            suite=__version__,
            means=overall_standings(self.races),
            has_history=bool(self.history),
            short_text=short_text,
            has_gallery=self.has_gallery,
            has_matrices=bool(matrices or tables),
            kills=matrices[0].kills if matrices else {},
            unique_kills=matrices[0].unique_kills if matrices else {},
            coverage=coverage.pair_coverages(self.spaces),
            environments=len(report.environments) > 1,
        )

    def write(self) -> None:
        """Write all pages and files."""
        for file in sorted(bundled("reports", "assets").iterdir()):
            if file.is_file():
                self.folder.write(f"assets/{file.name}", file.read_bytes())
        downloads = write_downloads(self.report, self.folder, self.matrices)
        self.folder.write("data/results.js", f"const DATA = {island(search_index(self.report))};\n")
        self._page("index.html", downloads=downloads, by_name=self._by_name())
        self._page("specs.html")
        self._page("speed.html", **self._speed())
        self._page("compare.html")
        if self.history:
            self._page("history.html", history=self.history)
        if self.has_gallery:
            self._page("gallery.html", **gallery.contents(self.report, self.folder))
        for entry in self.report.entries:
            path = f"implementations/{entry.slug}.html"
            self._page("implementation.html", path, entry=entry, **self._implementation(entry))
        for chapter in self.report.chapters:
            specs = [spec for spec in self.report.specs if spec.chapter == chapter]
            axes = reproducibility.table(self.report.entries) if any(spec.level == "measured" for spec in specs) else []
            self._page(
                "chapter.html", specs[0].page.partition("#")[0], chapter=chapter, specs=specs, reproducible=axes
            )  # fmt: skip
        if self.matrices or self.tables:
            specs_by_id = {spec.id: spec for spec in self.report.specs}
            self._page("suite.html", matrices=self.matrices, tables=self.tables, specs_by_id=specs_by_id)

    def _page(self, template: str, path: str = "", **values: object) -> None:
        path = path or template
        root = "../" * path.count("/")
        self.folder.write(path, self.templates.get_template(template).render(root=root, path=path, **values))

    def _by_name(self) -> dict[str, dict[str, ImplementationEntry]]:
        """Return the entries by implementation and environment."""
        entries: dict[str, dict[str, ImplementationEntry]] = defaultdict(dict)
        for entry in self.report.entries:
            entries[entry.name][entry.environment] = entry
        return dict(sorted(entries.items()))

    def _implementation(self, entry: ImplementationEntry) -> dict[str, Any]:
        index = entry.index
        rows = [SpecRow(spec, spec.records[index]) for spec in self.report.specs if index in spec.records]
        measured = sorted((row for row in rows if row.margin is not None), key=lambda row: -(row.margin or 0.0))
        plot, dtypes = margins.by_length(entry.specs)
        unexpected = [record for record in entry.specs if record.status not in ("xfailed", "xpassed")]
        diagnosis = diagnosis_of(entry, self.report.specs)
        return {
            "chapters": faults.by_chapter(rows),
            "broken": sum(row.worst in FAULTS for row in rows),
            "failures": faults.failures(rows),
            "diagnosis": diagnosis,
            "lenient": faults.failures(rows, STRICTNESS_FAULTS),
            "refusals": faults.reasons(entry, "refused"),
            "expected": [row for row in rows if any(record.status == "xfailed" for record in row.records)],
            "declines": faults.reasons(entry, "declined"),
            "skips": faults.reasons(entry, "skipped"),
            "failing": None if entry.causes else failing_cases.locate_failures(unexpected),
            "space": coverage.picture(self.spaces[index]) if index in self.spaces else "",
            "measured": [margin for record in entry.specs for margin in record.margins],
            "largest": measured[:10],
            "plot": plot,
            "dtypes": dtypes,
            "raced": self._raced(entry),
            "card": reproducibility.card(entry),
            "results": results_of(self.report, index),
        }

    def _raced(self, entry: ImplementationEntry) -> list[tuple[RaceTable, StandingRow]]:
        races = (race for race in self.races if race.environment == entry.environment)
        return [
            (race, standing) for race in races for standing in race.standings if standing.implementation == entry.name
        ]

    def _speed(self) -> dict[str, Any]:
        return {
            "frontiers": [race_charts.frontier(race, self._errors(race)) for race in self.races],
            "sweeps": sweep_charts.sweeps(self.report),
            "absent": self.report.absent,
            "slugs": {(entry.environment, entry.name): entry.slug for entry in self.report.entries},
        }

    def _errors(self, race: RaceTable) -> dict[str, float]:
        """Return the largest margin of a required spec in the dtypes of the race, by implementation."""
        dtypes = {layer.problem.rpartition("_")[2] for layer in race.layers}
        errors = {}
        for entry in self.report.entries:
            if entry.environment == race.environment:
                records = (r for r in entry.specs if r.level == "required" and r.dtype in dtypes)
                errors[entry.name] = margins.largest(records)
        return {name: error for name, error in errors.items() if error is not None}
