"""Building a report: run files and files of the self-test are read, their pages written, unreadable files listed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from convgauge import results
from convgauge.report import junit_xml
from convgauge.report.folder import replacing
from convgauge.report.model import gather
from convgauge.report.pages import Site
from convgauge.results import Run
from convgauge.selftest import kill_matrix
from convgauge.selftest.diagnoses import table as diagnosis_table
from convgauge.selftest.diagnoses.table import DiagnosisTable
from convgauge.selftest.kill_matrix import Matrix

Content = Run | Matrix | DiagnosisTable
"""Content of an input file."""


@dataclass(frozen=True)
class InputIssue:
    """Defect of an input file; if ``is_lost``, the file could not be read and the report has nothing of it."""

    path: str
    text: str
    is_lost: bool = False

    @property
    def public_text(self) -> str:
        """Text for a page, without the names of folders."""
        return self.text.replace(self.path, Path(self.path).name)


def build(
    paths: Sequence[Path],
    output: Path,
    on_issue: Callable[[InputIssue], None] = lambda _: None,
    junit: Path | None = None,
) -> Path:
    """Write the report of runs into a folder and return its first page.

    The report appears as a whole or not at all. A report that is already there is replaced.

    Parameters
    ----------
    paths
        Run files, files of kill matrices and of diagnoses, or folders of them.
    output
        The folder, which must be new, empty or a report.
    on_issue
        Called with each input file that cannot be read, and with each incomplete run. The first page lists both.
    junit
        File for the results as JUnit XML.

    Raises
    ------
    convgauge.results.DamagedFileError
        If no file is a readable run.
    OSError
        If a file cannot be opened or written, or ``output`` contains something other than a report.
    """
    files = list(_files(paths))
    contents, issues = _read(files)
    runs = [content for content in contents if isinstance(content, Run)]
    matrices = [content for content in contents if isinstance(content, Matrix)]
    tables = [content for content in contents if isinstance(content, DiagnosisTable)]
    if not runs:
        none = f"no run among {len(files)} files: a report needs at least one"
        raise results.DamagedFileError(issues[0].text if issues else none)
    report = gather(runs, [issue.public_text for issue in issues])
    with replacing(output) as folder:
        Site(report, folder, matrices, tables).write()
    if junit is not None:
        junit.write_text(junit_xml.junit(runs), encoding="utf-8", errors="replace")
    issues += [InputIssue(run.path, f"{run.path} is incomplete: it was cut off") for run in runs if not run.footer]
    issues += [InputIssue("", note) for note in report.notes]
    for issue in issues:
        on_issue(issue)
    return output / "index.html"


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield the files, and those in and below a folder in the order of their names.

    Raises `DamagedFileError` for a folder without any.
    """
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        files = sorted(file for file in path.rglob("*") if file.is_file() and _is_input(file))
        if not files:
            raise results.DamagedFileError(f"there is no run (*.jsonl) in {path}")
        yield from files


def _read_file(path: Path) -> Content:
    """Return the content of a file. Raises `DamagedFileError`."""
    if diagnosis_table.is_table(path):
        return diagnosis_table.read(path)
    return kill_matrix.read(path) if kill_matrix.is_matrix(path) else results.read(path)


def _is_input(file: Path) -> bool:
    if file.suffix == ".json":
        return kill_matrix.is_matrix(file) or diagnosis_table.is_table(file)
    return file.name.endswith((".jsonl", ".jsonl.gz"))


def _read(files: Iterable[Path]) -> tuple[list[Content], list[InputIssue]]:
    contents: list[Content] = []
    issues = []
    for path in files:
        try:
            contents.append(_read_file(path))
        except results.DamagedFileError as error:
            issues.append(InputIssue(str(path), str(error), is_lost=True))
    return contents, issues
