"""The pytest plugin: runs the specification on implementations and writes the run.

It does nothing in a project that does not ask for it with ``--implementation``.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from convgauge.request import CheckRequest, Option, RequestError, option_fields, split_list

if TYPE_CHECKING:
    from convgauge.conformance.session import Session

_KEY = pytest.StashKey["Session"]()
_LETTERS = {
    "passed": ".", "failed": "F", "errored": "E", "crashed": "C", "timed_out": "T", "declined": "d", "skipped": "s",
    "xfailed": "x", "xpassed": "X", "vacuous": "M",
}  # fmt: skip


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--implementation`` and one option for each field of `CheckRequest`."""
    group = parser.getgroup("convgauge", "conformance of 2-D convolutions (convgauge)")
    group.addoption("--implementation", action="append", default=[], metavar="TARGET", help="implementation to judge")
    for each in option_fields(CheckRequest, "pytest").values():
        option: Option = each.metadata["option"]
        flag = "--convgauge-" + (option.flag.removeprefix("--") or each.name.replace("_", "-"))
        metavar = {"metavar": option.metavar} if option.metavar else {}
        group.addoption(flag, dest=_dest(each), default=each.default, help=option.help, **metavar, **_reading(each))


def _dest(each: dataclasses.Field[Any]) -> str:
    return f"convgauge_{each.name}"


def _reading(each: dataclasses.Field[Any]) -> dict[str, Any]:
    """Return how pytest reads a field's value from the command line."""
    if isinstance(each.default, bool):
        return {"action": "store_false" if each.default else "store_true"}
    return {"type": split_list if isinstance(each.default, tuple) else type(each.default)}


def request_from(options: Any) -> CheckRequest:
    """Return the request that pytest's options make. Raises `RequestError`."""
    fields = option_fields(CheckRequest, "pytest")
    values = {name: getattr(options, _dest(each)) for name, each in fields.items()}
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
    """Report a request that cannot be used as pytest's own usage error, whose exit status is 4."""
    try:
        yield
    except RequestError as error:
        raise pytest.UsageError(str(error)) from None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One item for every implementation, dtype and device that a spec is run on."""
    spec = getattr(metafunc.function, "spec", None)
    if spec is None or "judge" not in metafunc.fixturenames:
        return
    session = metafunc.config.stash.get(_KEY, None)
    if session is None:
        metafunc.parametrize("judge", [], indirect=True)
        return
    due = session.due(spec)
    metafunc.parametrize("judge", due, ids=["-".join(map(str, one)) for one in due], indirect=True)


@pytest.fixture
def judge(request: pytest.FixtureRequest) -> Any:
    """The judge of one spec on one implementation, dtype and device; None where another thread judges."""
    session = request.config.stash.get(_KEY, None)
    if session is None or not hasattr(request, "param"):
        pytest.skip("no implementation was named: pytest conformance --implementation NAME")
    request.node.stash[_DUE] = request.param
    if session.crew is not None:
        return None
    with _explained():
        return session.judge(request.function.spec, *request.param)


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """Have an implementation that cannot be loaded fail one test, and the others skipped."""
    from convgauge.conformance.session import Unavailable
    from convgauge.registry import LoadError
    from convgauge.text import escape_controls

    try:
        yield
    except LoadError as error:
        raise Nonconformity(escape_controls(f"{error}\n{error.trace}".rstrip())) from None
    except Unavailable as error:
        pytest.skip(str(error))


_DUE = pytest.StashKey[Any]()


class Nonconformity(Exception):
    """A spec that an implementation does not meet; its text is the report."""


def _key(item: Any) -> tuple[str, str, str, str] | None:
    """(spec, implementation, dtype, device) of an item; None for one that is no spec's."""
    spec = getattr(item.function, "spec", None)
    return None if spec is None else (spec.id, *item.callspec.params["judge"])


class Plugin:
    """Hooks of one check: pytest's items are the specs that the request makes due.

    ``pytest.main(arguments, plugins=[Plugin(request)])`` checks a request without its way through words.
    """

    session: Session

    def __init__(self, request: CheckRequest) -> None:
        self.request = request

    def pytest_configure(self, config: pytest.Config) -> None:
        """Load the implementations. Raises `pytest.UsageError`."""
        import threadpoolctl

        from convgauge.conformance.session import Session

        # one core for the oracle and one for the implementation: threads of this process would only be in its way
        self._threads = threadpoolctl.threadpool_limits(1)
        with _usage_errors():
            self.session = config.stash[_KEY] = Session.from_request(self.request)
        if config.option.verbose > -2:  # not where the verdicts alone are wanted
            from convgauge.conformance.progress_reporter import TimeLeft

            config.pluginmanager.register(TimeLeft(self.request.tier), "convgauge-time-left")

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Have -k know a spec's id."""
        found = getattr(getattr(item, "function", None), "spec", None)
        if found is not None:
            item.extra_keyword_matches.add(found.id)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Drop what is not due; go implementation by implementation, so that one child process is alive at a time."""
        order = {name: place for place, name in enumerate(self.session.names)}

        def place(item: pytest.Item) -> int | None:
            if not hasattr(getattr(item, "function", None), "spec"):
                return -1
            due = getattr(item, "callspec", None) and item.callspec.params.get("judge")  # type: ignore[attr-defined]
            return order[due[0]] if isinstance(due, tuple) else None

        due = sorted((item for item in items if place(item) is not None), key=lambda item: place(item) or 0)
        kept = due[self._part(due)]
        if self.session.done:
            kept = [item for item in kept if _key(item) not in self.session.done]
        config.hook.pytest_deselected(items=list(set(items) - set(kept)))
        items[:] = kept

    def _part(self, due: list[pytest.Item]) -> slice:
        """The items of this shard; parts cost alike, as far as is known beforehand."""
        from convgauge.conformance import shards

        shard = self.session.shard
        if not shard.of:
            return slice(None)
        keys = [key and key[:2] for key in map(_key, due)]
        return shards.cut(shards.estimates(keys, self.session.setting.tier), shard.first, shard.of)

    def pytest_runtestloop(self, session: pytest.Session) -> None:
        """Begin to judge the specs that are due, where several are judged at once."""
        if self.session.jobs > 1 and not session.config.option.collectonly:
            self.session.begin(
                (_key(item), item.function.spec, item.callspec.params["judge"], item.function)  # type: ignore[attr-defined]  # items of functions
                for item in session.items
                if _key(item) is not None
            )

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool | None:
        """Run a spec, settle its status and write its record; a fault becomes the test's failure."""
        from convgauge.conformance.crew import perform

        if _DUE not in pyfuncitem.stash:
            return None
        if self.session.crew is None:
            judge: Any = pyfuncitem.funcargs["judge"]
            done = perform(judge, pyfuncitem.obj)
        else:
            with _explained():
                done = self.session.crew.result(_key(pyfuncitem))
        status, text = self.session.settle(done.judge, done.seconds, done.skipped)
        pyfuncitem.user_properties.append(("convgauge", status))
        if status in ("failed", "errored", "crashed", "timed_out", "vacuous", "xpassed"):
            raise Nonconformity(text)
        if status == "xfailed":
            pytest.xfail(text)
        if status != "passed":
            pytest.skip(f"{status}: {text}")
        return True

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        report = yield
        if call.excinfo is not None and isinstance(call.excinfo.value, Nonconformity):
            report.longrepr = str(call.excinfo.value)
            if item.function.spec.level != "required":  # type: ignore[attr-defined]
                item.session.testsfailed -= 1  # does not count, as in the exit status: -x goes on
        elif report.failed:
            self.session.broken.append(item.nodeid)
        return report

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """The suite's own statuses, kept apart in the progress line and in the counts."""
        status = dict(report.user_properties).get("convgauge")
        if report.when != "call" or not isinstance(status, str):
            return None
        return status, _LETTERS[status], status.upper()

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Have chapters named as they lie in the specification, wherever that is installed."""
        terminal: Any = session.config.pluginmanager.get_plugin("terminalreporter")
        if terminal is not None:
            terminal.startpath = session.config.rootpath

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> Any:
        result = yield
        session.exitstatus = self.session.finish(int(session.exitstatus))
        return result

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        from convgauge.conformance.terminal import show

        show(self.session, terminalreporter)

    def pytest_unconfigure(self) -> None:
        """End the implementations' processes."""
        if hasattr(self, "session"):
            self.session.close()
        self._threads.restore_original_limits()
