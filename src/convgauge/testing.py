"""The specification in a project's own tests, and without pytest.

    from convgauge.testing import parametrize_with_specs
    from my_package import my_conv2d

    @parametrize_with_specs(my_conv2d, framework="numpy")
    def test_conformance(spec):
        spec()

Every spec is a test of its own, named by its id; an implementation that a crash or a hang takes down costs that test
alone. `check_implementation` returns the same as records.
"""

from __future__ import annotations

import atexit
import inspect
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from convgauge.conformance.judge import NotApplicable, Setting
from convgauge.conformance.plugin import Nonconformity
from convgauge.conformance.session import Expectation, Session, Target, sketched
from convgauge.conformance.spec import Spec
from convgauge.process.isolation import CHILD, Limits
from convgauge.registry import Implementation, Origin, framework_names, is_installed
from convgauge.results import SpecRecord
from convgauge.selftest.run import collected
from convgauge.terms import FAULTS, PROFILES, TIERS, Profile, Tier

__all__ = ["SpecCase", "check_implementation", "parametrize_with_specs"]


@dataclass(frozen=True)
class SpecCase:
    """One spec on one implementation in one dtype; calling it judges, and raises where a fault is found.

    Raises `Nonconformity`, whose text is the report. What is expected to fail, or only recommended, is an expected
    failure of pytest's; what was declined or does not apply is skipped with the reason.
    """

    spec: Spec
    dtype: str
    test: Callable[[Any], None]
    suite: _Suite

    def __call__(self) -> None:
        __tracebackhide__ = True
        status, text = self.suite.settle(self)
        if status in FAULTS and self.spec.level == "required":
            raise Nonconformity(text)
        if status in FAULTS or status == "xfailed":
            pytest.xfail(text)
        if status != "passed":
            pytest.skip(f"{status}: {text}")

    def __str__(self) -> str:
        return f"{self.spec.id}-{self.dtype}"


class _Suite:
    """The specs of one implementation and the session that judges them, started when the first is called."""

    def __init__(self, target: Target, setting: Setting, expect: Mapping[str, str], timeout: float) -> None:
        assert target.said is not None
        self.target = target
        self.session = Session(
            [target],
            setting,
            Limits(timeout),
            isolated=True,
            python="",
            expected={id: Expectation(reason) for id, reason in expect.items()},
        )
        atexit.register(self.session.close)

    def cases(self) -> list[SpecCase]:
        """Every spec that is due, once for each of its dtypes."""
        return [
            SpecCase(spec, dtype, test, self)
            for spec, test in collected()
            for _, dtype, _ in self.session.due(spec)
        ]  # fmt: skip

    def settle(self, case: SpecCase) -> tuple[str, str]:
        """Judge one spec; its status, and the text to show for it."""
        judge = self.session.judge(case.spec, self.target.origin.name, case.dtype, "cpu")
        try:
            case.test(judge)
        except NotApplicable as skip:
            return self.session.settle(judge, 0.0, str(skip))
        return self.session.settle(judge, 0.0)


def parametrize_with_specs(
    function: Callable[..., Any],
    *,
    framework: str = "",
    profile: Profile = "functional",
    tier: Tier = "quick",
    expect: Mapping[str, str] | None = None,
    seed: int = 0,
    timeout: float = 20.0,
) -> pytest.MarkDecorator:
    """A decorator that parametrizes ``spec`` over every spec of ``profile`` for the convolution ``function``.

    ``function`` stands at the top of a file or module, or is an `implementation`. ``framework`` says what arrays a
    plain function wants (torch by default, where it is installed). ``expect`` maps ids of specs that are expected to
    fail to the reason. ``timeout`` is in seconds for one call. Raises `ValueError` for an unknown framework, profile,
    tier or spec.
    """
    if os.environ.get(CHILD):  # the child imports the test module for the function alone
        return pytest.mark.parametrize("spec", [])
    suite = _suite(function, framework, Setting(profile, tier, seed), expect or {}, timeout)
    return pytest.mark.parametrize("spec", suite.cases(), ids=str)


def check_implementation(
    function: Callable[..., Any],
    *,
    framework: str = "",
    profile: Profile = "functional",
    tier: Tier = "quick",
    expect: Mapping[str, str] | None = None,
    seed: int = 0,
    timeout: float = 20.0,
) -> list[SpecRecord]:
    """Judge a convolution as `parametrize_with_specs` does, and return one record for each spec and dtype."""
    suite = _suite(function, framework, Setting(profile, tier, seed), expect or {}, timeout)
    for case in suite.cases():
        suite.settle(case)
    suite.session.close()
    return suite.session.records


def _suite(
    function: Callable[..., Any], framework: str, setting: Setting, expect: Mapping[str, str], timeout: float
) -> _Suite:
    if setting.profile not in PROFILES or setting.tier not in TIERS:
        raise ValueError(f"profile {setting.profile!r} or tier {setting.tier!r} is not known")
    unknown = set(expect) - {spec.id for spec, _ in collected()}
    if unknown:
        raise ValueError(f"no spec is called {', '.join(sorted(unknown))}")
    origin = _origin(function, framework)
    return _Suite(Target(origin, sketched(origin)), setting, expect, timeout)


def _origin(function: Any, framework: str) -> Origin:
    """Where the child finds ``function`` again. Raises `ValueError` for one that is not at the top of a file."""
    declared = function.declaration if isinstance(function, Implementation) else None
    inner = function.function if isinstance(function, Implementation) else function
    name = getattr(inner, "__qualname__", "")
    try:
        path = inspect.getsourcefile(inner)
    except TypeError:
        path = None
    if not path or not name.isidentifier():
        raise ValueError(f"{function!r} is not a function at the top of a file, where another process can find it")
    framework = framework or (declared.framework if declared else "")
    framework = framework or ("torch" if is_installed("torch") else "numpy")
    if framework not in framework_names():
        raise ValueError(f"framework {framework!r} is not one of {', '.join(framework_names())}")
    return Origin("file", path, name, declared.name if declared else name, framework, declared)
