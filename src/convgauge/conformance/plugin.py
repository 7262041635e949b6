"""Pytest plugin: a view of the suite in which every task is an item of pytest.

The plugin does nothing in a project that does not ask for it with ``--implementation``.
"""

from __future__ import annotations

import contextlib
import dataclasses
import sys
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from convgauge.request import CheckRequest, Option, RequestError, option_fields, split_list

if TYPE_CHECKING:
    from argparse import Namespace

    from _pytest.terminal import TerminalReporter

    from convgauge.conformance.progress import ProgressReporter
    from convgauge.conformance.selection import Task
    from convgauge.conformance.suite import Result, Suite
    from convgauge.results import SpecRecord
    from convgauge.terms import Requirement, Status

_SUITE = pytest.StashKey["Suite"]()
_TASK = pytest.StashKey["Task"]()
_LETTERS = {
    "passed": ".", "failed": "F", "errored": "E", "crashed": "C", "timed_out": "T", "declined": "d", "skipped": "s",
    "xfailed": "x", "xpassed": "X", "vacuous": "M",
    "answered_invalid": "i", "refused": "r",
}  # fmt: skip

VERDICTS_ONLY = -2
"""Verbosity of pytest, that of -q twice, at which only the verdicts are printed."""


class Nonconformity(Exception):
    """Violation of a spec by an implementation; its text is the report."""


def raise_outcome(
    record: SpecRecord, require: Requirement, *, raises_recommended: bool = False, causes: str = ""
) -> None:
    """Raise a record's status as an outcome of pytest; return if the spec passed.

    Raises `Nonconformity` if the spec is not met as required; a fault of a recommended spec too if
    ``raises_recommended``. A fault that the requirement does not count is an expected failure of pytest, and a spec
    without a judged case is skipped. ``causes`` are the lines that head the text of a violation.
    """
    from convgauge.conformance.terminal import report_text
    from convgauge.conformance.verdict import fails
    from convgauge.terms import FAULTS, STRICTNESS_FAULTS

    __tracebackhide__ = True
    text = report_text(record, require)
    if fails(record, require) or (record.status in FAULTS and raises_recommended):
        raise Nonconformity("\n".join(filter(None, (causes, text))))
    if record.status in (*FAULTS, *STRICTNESS_FAULTS, "xfailed"):
        pytest.xfail(text)
    if record.status != "passed":
        pytest.skip(f"{record.status}: {text}")


def shown_status(record: SpecRecord, require: Requirement) -> Status:
    """Return the status that is shown: that of the cases which make the spec fail, or else the spec's own."""
    from convgauge.conformance.verdict import fails
    from convgauge.terms import FAULTS, STRICTNESS_FAULTS, UNANSWERED

    if record.status in (*FAULTS, *STRICTNESS_FAULTS) or not fails(record, require):
        return record.status
    return next(status for status in UNANSWERED if record.outcomes.get(status))


# --- options ---------------------------------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--implementation`` and one option for each field of `CheckRequest`."""
    group = parser.getgroup("convgauge", "conformance of 2-D convolutions (convgauge)")
    group.addoption("--implementation", action="append", default=[], metavar="TARGET", help="implementation to judge")
    for field in option_fields(CheckRequest, "pytest").values():
        option: Option = field.metadata["option"]
        flag = "--convgauge-" + (option.flag.removeprefix("--") or field.name.replace("_", "-"))
        metavar = {"metavar": option.metavar} if option.metavar else {}
        group.addoption(flag, dest=_dest(field), default=field.default, help=option.help, **metavar, **_reading(field))


def _dest(field: dataclasses.Field[Any]) -> str:
    return f"convgauge_{field.name}"


def _reading(field: dataclasses.Field[Any]) -> dict[str, Any]:
    """Return how pytest reads a field's value from the command line."""
    if isinstance(field.default, bool):
        return {"action": "store_false" if field.default else "store_true"}
    return {"type": split_list if isinstance(field.default, tuple) else type(field.default)}


def request_from(options: Namespace) -> CheckRequest:
    """Return the request that pytest's options make. Raises `RequestError`."""
    fields = option_fields(CheckRequest, "pytest")
    values = {name: getattr(options, _dest(field)) for name, field in fields.items()}
    return CheckRequest(tuple(options.implementation), **values, keyword=options.keyword)


def pytest_configure(config: pytest.Config) -> None:
    """Register the check if an implementation is named on pytest's command line."""
    config.addinivalue_line("markers", "convgauge: a spec of the convolution conformance suite")
    if config.getoption("--implementation"):
        with _usage_errors():
            request = request_from(config.option)
        config.pluginmanager.register(Plugin(request), "convgauge-check")


@contextlib.contextmanager
def _usage_errors() -> Iterator[None]:
    """Report a request that cannot be used as a usage error of pytest, whose exit status is 4."""
    try:
        yield
    except RequestError as error:
        raise pytest.UsageError(str(error)) from None


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Print the causes of the failures of specs that are tests of a project (`convgauge.testing`)."""
    known_causes = sys.modules.get("convgauge.conformance.known_causes")
    if known_causes is not None:
        known_causes.show_summaries(terminalreporter)


# --- items -----------------------------------------------------------------------------------------------------------


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make an item for every implementation, dtype and device on which a spec is due."""
    spec = getattr(metafunc.function, "spec", None)
    if spec is None or "judge" not in metafunc.fixturenames:
        return
    suite = metafunc.config.stash.get(_SUITE, None)
    tasks = [] if suite is None else suite.selection.tasks(spec, metafunc.function, suite.targets)
    metafunc.parametrize("judge", tasks, ids=str, indirect=True)


@pytest.fixture
def judge(request: pytest.FixtureRequest) -> None:
    """Mark a test function as a spec; the suite calls it with a judge."""
    if not hasattr(request, "param"):
        pytest.skip("no implementation was named: pytest conformance --implementation NAME")
    request.node.stash[_TASK] = request.param


def _task(item: pytest.Item) -> Task | None:
    """Return the task of an item, or None if the item is not a spec."""
    from convgauge.conformance.selection import Task

    callspec = getattr(item, "callspec", None)
    task = callspec.params.get("judge") if callspec is not None else None
    return task if isinstance(task, Task) else None


def _is_of_spec(report: pytest.TestReport) -> bool:
    """Return True if a report is that of a spec which came to a verdict."""
    return "convgauge" in dict(getattr(report, "user_properties", ()))


class Plugin:
    """Hooks of one check: pytest's items are the tasks that the request makes due.

    ``pytest.main(arguments, plugins=[Plugin(request)])`` checks a request without a command line.
    """

    suite: Suite
    _progress: ProgressReporter | None = None
    _failed: list[Any]

    def __init__(self, request: CheckRequest) -> None:
        self.request = request

    def pytest_configure(self, config: pytest.Config) -> None:
        """Load the implementations. Raises `pytest.UsageError`."""
        import threadpoolctl

        from convgauge.conformance.suite import Suite

        # one core is for the oracle and one for the implementation; further threads of this process would disturb both
        self._threads = threadpoolctl.threadpool_limits(1)
        with _usage_errors():
            self.suite = config.stash[_SUITE] = Suite(self.request)
            self.suite.load()

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Make -k match a spec's id."""
        spec = getattr(getattr(item, "function", None), "spec", None)
        if spec is not None:
            item.extra_keyword_matches.add(spec.id)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Keep the items of tasks that are due and not done, in the suite's order, after items that are not specs."""
        others = [item for item in items if not hasattr(getattr(item, "function", None), "spec")]
        by_task = {task: item for item in items if (task := _task(item)) is not None}
        self._require_known_specs(items)
        tasks = self.suite.remaining(self.suite.selection.arrange(by_task, self.suite.targets))
        selected = [*others, *(by_task[task] for task in tasks)]
        config.hook.pytest_deselected(items=list(set(items) - set(selected)))
        items[:] = selected

    def _require_known_specs(self, items: list[pytest.Item]) -> None:
        """Raise `pytest.UsageError` if the request names a spec that does not exist."""
        from convgauge.conformance.collection import require_known_specs

        collected = [spec.id for item in items if (spec := getattr(getattr(item, "function", None), "spec", None))]
        with _usage_errors():
            require_known_specs(self.request.specs, collected)

    # --- run ---

    def pytest_runtestloop(self, session: pytest.Session) -> None:
        """Begin to judge the tasks of all items."""
        if session.config.option.collectonly:
            return
        tasks = {item.nodeid: task for item in session.items if (task := _task(item)) is not None}
        self.suite.start(tasks.values())
        if session.config.option.verbose > VERDICTS_ONLY:
            self._progress = self._reporter(session, tasks)

    def _reporter(self, session: pytest.Session, tasks: dict[str, Task]) -> ProgressReporter:
        from convgauge.conformance import shards
        from convgauge.conformance.progress import ProgressReporter

        terminal: Any = session.config.pluginmanager.get_plugin("terminalreporter")

        def write_line(line: str) -> None:
            terminal.ensure_newline()
            terminal.write_line(line)

        costs = shards.estimates([task.key[:2] for task in tasks.values()], self.request.tier)
        return ProgressReporter(dict(zip(tasks, costs, strict=True)), write_line)

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool | None:
        """Show the result of a task as pytest's outcome: a fault becomes the failure of its test."""
        task = pyfuncitem.stash.get(_TASK, None)
        if task is None:
            return None
        record = self._result(task).record
        pyfuncitem.user_properties.append(("convgauge", shown_status(record, self.request.require)))
        raise_outcome(record, self.request.require, raises_recommended=True)
        return True

    def _result(self, task: Task) -> Result:
        """Return the result of a task; an implementation that cannot be loaded fails one test and skips the others."""
        from convgauge.conformance.suite import UnavailableError, load_error_text
        from convgauge.registry import LoadError

        try:
            with self._exit_if_unwritable():
                return self.suite.result(task)
        except LoadError as error:
            raise Nonconformity(load_error_text(error)) from None
        except UnavailableError as error:
            pytest.skip(str(error))

    @contextlib.contextmanager
    def _exit_if_unwritable(self) -> Iterator[None]:
        from convgauge.results import UnwritableFileError

        try:
            yield
        except UnwritableFileError:
            pytest.exit(self.suite.recorder.write_error, returncode=pytest.ExitCode.INTERNAL_ERROR)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Show a nonconformity by its text alone, and keep every other failure as an internal error."""
        report = yield
        if call.excinfo is not None and isinstance(call.excinfo.value, Nonconformity):
            report.longrepr = str(call.excinfo.value)
            if item.function.spec.level != "required":  # type: ignore[attr-defined]
                item.session.testsfailed -= 1  # does not count, as in the exit status: -x continues
        elif report.failed:
            self.suite.internal_errors.append(item.nodeid)
        return report

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Count an item that is done."""
        if self._progress is not None:
            self._progress.finish(nodeid)

    def pytest_report_teststatus(self, report: pytest.TestReport, config: pytest.Config) -> tuple[str, str, str] | None:
        """Keep the suite's statuses apart in the progress line and in the counts."""
        status = dict(report.user_properties).get("convgauge")
        if report.when != "call" or not isinstance(status, str):
            return None
        is_shown = config.option.verbose > VERDICTS_ONLY
        return status, _LETTERS[status] if is_shown else "", status.upper() if is_shown else ""

    # --- begin and end ---

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Show paths of chapters relative to the specification, wherever that is installed."""
        terminal: Any = session.config.pluginmanager.get_plugin("terminalreporter")
        if terminal is not None:
            terminal.startpath = session.config.rootpath

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        """Complete the run, and set the exit status."""
        yield
        with self._exit_if_unwritable():
            session.exitstatus = self.suite.finish(int(session.exitstatus))

    @pytest.hookimpl(specname="pytest_terminal_summary", wrapper=True, tryfirst=True)
    def pytest_failures_without_specs(self, terminalreporter: TerminalReporter) -> Generator[None, None, None]:
        """Keep the reports of specs out of pytest's own section of failures: the summary prints them with -v."""
        self._failed = terminalreporter.stats.get("failed", [])
        terminalreporter.stats["failed"] = [report for report in self._failed if not _is_of_spec(report)]
        yield

    def pytest_terminal_summary(self, terminalreporter: TerminalReporter) -> None:
        """Print the verdicts and their causes."""
        from convgauge.conformance.terminal import show_summary, verbosity_of

        terminalreporter.stats["failed"] = self._failed
        show_summary(self.suite, terminalreporter, verbosity_of(terminalreporter.config.option.verbose))

    def pytest_unconfigure(self) -> None:
        """End the implementations' processes."""
        if hasattr(self, "suite"):
            self.suite.close()
        self._threads.restore_original_limits()
