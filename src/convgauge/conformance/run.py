"""A check under pytest: the bundled specification, with the request as an object."""

from __future__ import annotations

import pytest

from convgauge.bundled import bundled
from convgauge.conformance.plugin import Plugin
from convgauge.request import CheckRequest, Verbosity

UNUSED = ("cacheprovider", "benchmark", "hypothesispytest", "logging", "doctest", "unraisableexception")
"""Plugins of pytest that a check does not use. Together they take half a second, mostly to import Hypothesis."""

_OPTIONS = {Verbosity.VERDICTS: ("-q", "-q"), Verbosity.FAULTS: ("-q",), Verbosity.EVERY_SPEC: ("-v",)}


def check(request: CheckRequest, verbosity: Verbosity = Verbosity.FAULTS) -> int:
    """Run the bundled specification as ``request`` asks, and return the exit status.

    A request that cannot be used is reported in one sentence on standard error; the status is then 4. The configuration
    of the project in the working directory is not read.
    """
    chapters = bundled("conformance")
    options = ["-c", str(chapters / "pytest.ini"), f"--rootdir={chapters}", "--no-header", "-rN", "--assert=plain"]
    for name in UNUSED:
        options += ["-p", f"no:{name}"]
    options += ["-k", request.keyword] if request.keyword else []
    options += ["-x"] if request.exit_first else []
    return int(pytest.main([*options, *_OPTIONS[verbosity], str(chapters)], plugins=[Plugin(request)]))
