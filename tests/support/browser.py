"""Headless Chromium without network access, for measuring and testing the report."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SCRIPT_TIMEOUT_S = 300
"""Seconds that a script may take: an audit of a long page on a busy machine takes more than the default of 30."""


class BrowserMissingError(RuntimeError):
    """Selenium, Chromium or its driver is not installed; the message says which."""


@contextmanager
def chromium(width: int = 1280, height: int = 900, dark: bool = False) -> Iterator[Any]:
    """Yield a selenium driver with a new profile, whose log has console errors and requests.

    Raises `BrowserMissingError`.
    """
    try:
        from selenium import webdriver
    except ImportError:
        raise BrowserMissingError("selenium is not installed (python -m pip install selenium)") from None
    browser, driver = shutil.which("chromium") or shutil.which("chromium-browser"), shutil.which("chromedriver")
    if browser is None or driver is None:
        raise BrowserMissingError(f"{'chromium' if browser is None else 'chromedriver'} is not installed")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = webdriver.ChromeOptions()
        options.binary_location = browser
        for word in (
            "headless=new",
            "disable-gpu",
            "disable-background-networking",
            "no-first-run",
            "disable-dev-shm-usage",
            "hide-scrollbars",
        ):
            options.add_argument(f"--{word}")
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            options.add_argument("--no-sandbox")  # Chromium refuses root a sandbox; the pages are our own
        options.add_argument(f"--user-data-dir={profile}")
        options.add_argument(f"--window-size={width},{height}")
        if dark:
            options.add_argument("--blink-settings=preferredColorScheme=0")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        running = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
        running.set_script_timeout(SCRIPT_TIMEOUT_S)
        try:
            yield running
        finally:
            running.quit()
