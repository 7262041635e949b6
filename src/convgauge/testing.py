"""The specification in a project's own tests, and without pytest.

    from convgauge.testing import parametrize_with_specs
    from my_package import my_conv2d

    @parametrize_with_specs(my_conv2d, framework="numpy")
    def test_conformance(spec):
        spec()

Every spec is a test of its own, named by its id. A crash or a hang of the implementation fails that test alone.
`check_implementation` returns the same results as records.
"""

from __future__ import annotations

import atexit
import inspect
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from convgauge.conformance.collection import require_known_specs
from convgauge.conformance.expectations import Expectation
from convgauge.conformance.known_causes import KnownCauses
from convgauge.conformance.plugin import raise_outcome
from convgauge.conformance.selection import Task
from convgauge.conformance.spec import Spec
from convgauge.conformance.suite import Suite
from convgauge.conformance.targets import Target, description_from_declaration
from convgauge.process.child import IN_CHILD
from convgauge.registry import Implementation, Origin, framework_names, is_installed
from convgauge.request import CheckRequest
from convgauge.results import CauseRecord, Judgement, SpecRecord
from convgauge.terms import Profile, Requirement, Tier

__all__ = ["JudgedRecords", "SpecCase", "check_implementation", "parametrize_with_specs"]


@dataclass(frozen=True)
class SpecCase:
    """One spec on one implementation in one dtype; a call judges it.

    Raises `Nonconformity`, whose text is the report, if a required spec is not met. The causes of the failure that are
    known at that moment head the text; the session ends with all causes. Whether refused cases and answered
    invalid calls fail depends on the required verdict. A fault that does not count is an expected failure of pytest:
    an answered invalid call, an expected one, or that of a recommended spec. A spec that was refused, declined or does
    not apply is skipped with the reason.
    """

    task: Task
    suite: Suite
    known: KnownCauses

    @property
    def spec(self) -> Spec:
        """The spec."""
        return self.task.spec

    @property
    def dtype(self) -> str:
        """Name of the dtype."""
        return self.task.dtype

    def __call__(self) -> None:
        """Judge the spec, and raise its outcome as pytest's."""
        __tracebackhide__ = True
        record = self.suite.result(self.task).record
        raise_outcome(record, self.suite.request.require, causes=self.known.text(record))

    def __str__(self) -> str:
        return f"{self.spec.id}-{self.dtype}"


class JudgedRecords(list[SpecRecord]):
    """Records of one implementation, one for each spec and dtype.

    Parameters
    ----------
    records
        The records.
    causes
        Causes of the failures, the one that explains the most specs first.
    judgement
        Verdict and the facts beside it.
    """

    def __init__(self, records: Iterable[SpecRecord], causes: Sequence[CauseRecord], judgement: Judgement) -> None:
        super().__init__(records)
        self.causes, self.judgement = list(causes), judgement


def parametrize_with_specs(
    function: Callable[..., Any],
    *,
    framework: str = "",
    supports: str = "",
    reproducible: Sequence[str] = (),
    profile: Profile = "functional",
    tier: Tier = "quick",
    require: Requirement = "correct",
    expect: Mapping[str, str] | None = None,
    refusals: Sequence[str] = (),
    seed: int = 0,
    timeout: float = 20.0,
) -> pytest.MarkDecorator:
    """Return a decorator that parametrizes ``spec`` over every spec of a profile.

    Parameters
    ----------
    function
        The convolution: an `implementation`, or a function at the top of a file or module.
    framework
        Arrays that a plain function takes: "numpy", "torch" or "jax"; torch by default if it is installed.
    supports
        Condition of the calls that the convolution supports, such as "groups == 1"; other calls are declined. Empty
        for all calls. See `convgauge.domain` for its fields.
    reproducible
        Axes along which equal bits are required, such as "batch"; see `convgauge.registry.AXES`.
    profile
        Profile whose specs are judged.
    tier
        Tier of cases.
    require
        Verdict that decides which tests fail: "correct", "complete" or "conformant".
    expect
        Reason for each spec that is expected to fail, by spec id.
    refusals
        Names of exception classes that refuse a problem, beside those that the function raises itself.
    seed
        Seed of all operands.
    timeout
        Seconds for one call.

    Raises
    ------
    ValueError
        If the framework, profile, tier, requirement or a spec is unknown, if ``supports`` is not a condition, if
        an axis is unknown, or if another process cannot import the function.
    """
    if os.environ.get(IN_CHILD):  # the child imports the test module for the function alone
        return pytest.mark.parametrize("spec", [])
    request = CheckRequest(
        supports=supports,
        reproducible=tuple(reproducible),
        profile=profile,
        tier=tier,
        require=require,
        refusals=tuple(refusals),
        seed=seed,
        timeout_s=timeout,
        jobs=1,
    )
    suite = _suite(function, framework, request, expect or {})
    atexit.register(suite.close)
    known = KnownCauses(suite)
    return pytest.mark.parametrize("spec", [SpecCase(task, suite, known) for task in suite.tasks()], ids=str)


def check_implementation(
    function: Callable[..., Any],
    *,
    framework: str = "",
    supports: str = "",
    reproducible: Sequence[str] = (),
    profile: Profile = "functional",
    tier: Tier = "quick",
    expect: Mapping[str, str] | None = None,
    refusals: Sequence[str] = (),
    seed: int = 0,
    timeout: float = 20.0,
) -> JudgedRecords:
    """Judge a convolution, and return one record for each spec and dtype, with the causes of its failures.

    Parameters and exceptions are those of `parametrize_with_specs`.
    """
    request = CheckRequest(
        supports=supports,
        reproducible=tuple(reproducible),
        profile=profile,
        tier=tier,
        refusals=tuple(refusals),
        seed=seed,
        timeout_s=timeout,
        jobs=1,
    )
    with _suite(function, framework, request, expect or {}) as suite:
        records = [result.record for result in suite]
        (name,) = suite.targets
        findings = suite.diagnose(name)
        return JudgedRecords(records, [] if findings is None else findings.causes, suite.judgement(name))


def _suite(function: Callable[..., Any], framework: str, request: CheckRequest, expect: Mapping[str, str]) -> Suite:
    """Return the suite of one function; its subject starts when the first spec is judged."""
    require_known_specs(expect)
    origin = _origin(function, framework)
    expected = {name: Expectation(reason) for name, reason in expect.items()}
    return Suite(
        request,
        [
            Target(
                origin,
                description_from_declaration(origin),
                supports=request.supports,
                required_axes=request.reproducible,
            )
        ],
        expected=expected,
    )


def _origin(function: Callable[..., Any], framework: str) -> Origin:
    """Return how a child finds ``function`` again. Raises `ValueError` if it is not at the top of a file."""
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
