"""Settings of all tests: every run draws the same examples, and no deadline fails on a busy machine."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("convgauge", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("convgauge")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell lets its background jobs ignore Ctrl-C, and children inherit that; some tests interrupt a child.
    signal.signal(signal.SIGINT, signal.default_int_handler)

TESTS = Path(__file__).parent
EVERY_INTERPRETER = {
    "domain", "reference", "registry", "results", "worker",
    "test_bad_input", "test_connection", "test_failures", "test_help", "test_list", "test_new_process", "test_options",
    "test_call_arguments", "test_checks", "test_collection", "test_dtypes", "test_environment", "test_execution",
    "test_expectations", "test_imports", "test_plugin", "test_problem", "test_recorder", "test_request",
    "test_selection", "test_spec", "test_suite", "test_terms", "test_text",
}  # fmt: skip
"""Folders and modules of tests that may differ with the interpreter; all others have the mark `portable`."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests outside of `EVERY_INTERPRETER`."""
    for item in items:
        if item.path.is_relative_to(TESTS):
            names = {item.path.stem, *item.path.relative_to(TESTS).parts}
            if not names & EVERY_INTERPRETER:
                item.add_marker(pytest.mark.portable)
