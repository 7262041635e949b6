"""The report in Chromium: filtering, sorting, comparing, themes, and no request to the network."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from convgauge import report
from convgauge.report.server import server
from support import synthetic_runs
from support.browser import BrowserMissingError, chromium

AXE = Path(__file__).with_name("axe.min.js")
PAGES = ("index.html", "specs.html", "speed.html", "gallery.html", "suite.html", "compare.html")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("browser")
    synthetic_runs.write(folder / "whole.jsonl", 6, 24, 1200, label="py311")
    synthetic_runs.write(folder / "cut.jsonl", 6, 24, 1200, 3, whole=False, hostile=True, label="py312", timings=False)
    synthetic_runs.write_matrix(folder / "selftest.json")
    report.build([folder / name for name in ("whole.jsonl", "cut.jsonl", "selftest.json")], folder / "site")
    return folder


@pytest.fixture(scope="module")
def site(folder: Path) -> Path:
    return folder / "site"


@pytest.fixture(scope="module")
def running() -> Iterator[Any]:
    with contextlib.ExitStack() as stack:
        try:
            driver = stack.enter_context(chromium())
        except BrowserMissingError as missing:
            pytest.skip(str(missing))
        yield driver


@pytest.fixture
def browser(running: Any) -> Iterator[Any]:
    """The browser with its logs emptied; afterwards it must have logged no error and asked for nothing outside."""
    running.get("about:blank")
    running.get_log("browser")
    running.get_log("performance")
    yield running
    assert [entry for entry in running.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")] == []
    assert [
        address
        for address in requests(running)
        if not address.startswith(("file:", "data:", "about:", "http://127.0.0.1:"))
    ] == []


def requests(driver: Any) -> list[str]:
    messages = (json.loads(entry["message"])["message"] for entry in driver.get_log("performance"))
    return [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]


def shown(driver: Any, selector: str) -> list[str]:
    """The text of what is to be seen of ``selector``."""
    script = (
        "return [...document.querySelectorAll(arguments[0])]"
        ".filter(e => e.checkVisibility()).map(e => e.textContent.trim())"
    )
    return list(driver.execute_script(script, selector))


def names(driver: Any) -> list[str]:
    return shown(driver, "#matrix tbody th a")


def implementations(site: Path) -> list[Path]:
    return sorted((site / "implementations").iterdir())


def every_kind(site: Path) -> list[Path]:
    """All pages but those of most chapters, which differ in nothing that matters here."""
    return [*sorted(site.glob("*.html")), *implementations(site), *sorted((site / "specs").iterdir())[:2]]


def test_every_page_loads_quietly(browser: Any, site: Path) -> None:
    for path in every_kind(site):
        browser.get(path.as_uri())
        assert browser.find_element("css selector", "h1").text


def test_the_pages_work_over_http_too(browser: Any, site: Path) -> None:
    with server(site) as http_server:
        threading.Thread(target=http_server.serve_forever, daemon=True).start()
        browser.get(f"http://127.0.0.1:{http_server.server_port}/index.html#q=grade%3AF")
        assert names(browser)
        assert "rgb" in browser.find_element("css selector", ".v").value_of_css_property("color")
        browser.get("about:blank")
        http_server.shutdown()


def test_a_query_filters_and_is_in_the_address(browser: Any, site: Path) -> None:
    browser.get((site / "index.html").as_uri())
    everyone = names(browser)
    field = browser.find_element("id", "query")
    field.send_keys("verdict:wrong")
    shown_names = names(browser)
    assert 0 < len(shown_names) < len(everyone)
    assert "q=verdict%3Awrong" in browser.current_url
    address = browser.current_url
    browser.get("about:blank")
    browser.get(address)
    assert names(browser) == shown_names
    assert browser.find_element("id", "query").get_attribute("value") == "verdict:wrong"


@pytest.mark.parametrize(
    ("query", "same_as"),
    [
        ("framework:torch", ""),
        ("grade:f environment:py311", "verdict:wrong environment:py311"),
        ("-verdict:wrong", "verdict:conformant,complete,partial,incomplete"),
        ("fft environment:py311", "name:fft_02 environment:py311"),
    ],
)  # fmt: skip
def test_queries_that_mean_the_same_show_the_same(browser: Any, site: Path, query: str, same_as: str) -> None:
    browser.get((site / "index.html").as_uri())
    answers = []
    for text in (query, same_as):
        browser.execute_script("window.convgauge.timeQuery(arguments[0])", text)
        answers.append(names(browser))
    assert answers[0] == answers[1] != []


def test_a_query_selects_results_as_the_records_have_them(browser: Any, folder: Path) -> None:
    from convgauge import results
    from convgauge.results import SpecRecord

    every = [r for name in ("whole", "cut") for r in results.read(folder / f"{name}.jsonl").records_of(SpecRecord)]
    browser.get((folder / "site" / "specs.html").as_uri())
    queries = {
        "status:failed": [r for r in every if r.status == "failed"],
        "status:failed,crashed dtype:float16": [
            r for r in every if r.status in ("failed", "crashed") and r.dtype == "float16"
        ],
        "chapter:padding -status:passed": [r for r in every if r.chapter == "padding" and r.status != "passed"],
        "level:recommended spec:rule_008": [r for r in every if r.level == "recommended" and "rule_008" in r.spec],
    }
    for query, expected in queries.items():
        browser.execute_script("window.convgauge.timeQuery(arguments[0])", query)
        assert browser.find_element("id", "found").text.startswith(f"{len(expected):,} result")
        assert set(names(browser)) == {record.spec for record in expected}


def test_is_different_and_only_find_what_their_names_say(browser: Any, folder: Path) -> None:
    from convgauge import results
    from convgauge.results import SpecRecord
    from convgauge.terms import FAULTS

    report.build([folder / "whole.jsonl"], folder / "single")
    records = results.read(folder / "whole.jsonl").records_of(SpecRecord)
    at_fault: dict[str, set[str]] = {}
    for record in records:
        if record.status in FAULTS:
            at_fault.setdefault(record.spec, set()).add(record.implementation)
    alone = {spec for spec, who in at_fault.items() if who == {"library_04"}}
    browser.get((folder / "single" / "specs.html").as_uri() + "#q=only:library_04")
    assert set(names(browser)) == alone != set()
    statuses: dict[str, dict[str, set[str]]] = {}
    for record in records:
        statuses.setdefault(record.spec, {}).setdefault(record.implementation, set()).add(record.status)
    different = {spec for spec, by in statuses.items() if len({tuple(sorted(s)) for s in by.values()}) > 1}
    browser.execute_script("window.convgauge.timeQuery('is:different')")
    assert set(names(browser)) == different


def test_more_rows_than_a_screen_holds_are_all_shown_in_the_end(browser: Any, folder: Path) -> None:
    run = synthetic_runs.write(folder / "many.jsonl", 3, 150, 1, timings=False)
    index = report.build([run], folder / "many")
    browser.get(index.with_name("specs.html").as_uri())
    wait_until(lambda: len(names(browser)) == 150)
    everyone = names(browser)
    browser.execute_script("window.convgauge.timeQuery('name:direct_00'); window.convgauge.timeQuery('spec:rule_00')")
    wait_until(lambda: not browser.find_elements("css selector", "#matrix[aria-busy]"))
    assert names(browser) == [name for name in everyone if "rule_00" in name], "an earlier query shows no more rows"
    took = browser.execute_script("return window.convgauge.timeQuery('')")
    assert took < 1000, "a query is answered at once"
    wait_until(lambda: names(browser) == everyone)


def test_an_unknown_term_is_explained_and_hides_nothing(browser: Any, site: Path) -> None:
    browser.get((site / "index.html").as_uri())
    before = names(browser)
    browser.find_element("id", "query").send_keys("colour:red")
    assert browser.find_element("id", "found").text == "there is no colour: term"
    assert names(browser) == before


def test_sorting_by_keyboard_is_announced_and_kept_in_the_address(browser: Any, site: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    browser.get((site / "index.html").as_uri())
    before = names(browser)
    head = next(th for th in browser.find_elements("css selector", "#matrix thead th") if th.text.startswith("Cases"))
    button = head.find_element("css selector", "button")
    button.send_keys(Keys.ENTER)
    assert head.get_attribute("aria-sort") == "ascending"
    script = (
        "return [...document.querySelectorAll('#matrix tbody tr')].map(r => Number(r.cells[arguments[0]].dataset.sort))"
    )
    column = browser.execute_script("return arguments[0].cellIndex", head)
    counts = browser.execute_script(script, column)
    assert counts == sorted(counts)
    button.send_keys(Keys.SPACE)
    assert head.get_attribute("aria-sort") == "descending"
    assert browser.execute_script(script, column) == sorted(counts, reverse=True)
    assert f"sort=-{column}" in browser.current_url
    turned = names(browser)
    browser.refresh()
    assert names(browser) == turned
    head = browser.find_elements("css selector", "#matrix thead th")[column]
    head.find_element("css selector", "button").send_keys(Keys.ENTER)
    assert names(browser) == before


def test_a_layer_table_is_sorted_by_ratio_with_what_is_not_ranked_last(browser: Any, site: Path) -> None:
    browser.get((site / "speed.html").as_uri())
    table = browser.find_element("css selector", "table.layers")
    button = table.find_elements("css selector", "thead button")[6]  # the second implementation
    button.send_keys("\n")
    cells = browser.execute_script("return [...arguments[0].tBodies[0].rows].map(r => r.cells[6].textContent)", table)
    ranked = [float(text.partition("×")[0].replace(",", "")) for text in cells if "×" in text]
    assert ranked == sorted(ranked) != []
    assert all("×" in text for text in cells[: len(ranked)])
    shape = "return getComputedStyle(arguments[0], '::before').content"
    slower = table.find_element("css selector", ".t.slower")
    assert browser.execute_script(shape, slower) == '"▲ " / "slower "', "a shape to see and a word to hear"


def test_every_spec_of_an_implementation_is_listed_when_asked_for(browser: Any, folder: Path) -> None:
    from convgauge import results
    from convgauge.results import SpecRecord
    from convgauge.terms import GRAVITY

    records = [
        r for r in results.read(folder / "whole.jsonl").records_of(SpecRecord) if r.implementation == "library_04"
    ]
    browser.get((folder / "site" / "implementations" / "library_04--py311.html").as_uri())
    assert shown(browser, "#each table") == []
    browser.find_element("css selector", "#each summary").click()
    wait_until(lambda: shown(browser, "#each table"))
    assert set(shown(browser, "#each tbody a")) == {record.spec for record in records}
    statuses = browser.execute_script(
        "return [...document.querySelectorAll('#each tbody tr')].map(r => [...r.querySelectorAll('.s')]"
        ".map(s => s.className.slice(2)))"
    )
    gravest = [min(map(GRAVITY.index, row)) for row in statuses]
    assert gravest == sorted(gravest), "those that fail come first"
    row = browser.find_element("css selector", "#each tbody tr").text
    record = next(r for r in records if r.spec in row)
    assert record.sentence in row
    assert f"{record.level} · {record.source}" in row
    assert browser.find_elements("css selector", "#each tbody svg.hist path.rule")


def test_the_first_key_reaches_the_content_and_the_next_the_pages(browser: Any, site: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    browser.get((site / "index.html").as_uri())
    browser.find_element("css selector", "body").send_keys(Keys.TAB)
    assert browser.switch_to.active_element.text == "Skip to the content"
    for _ in range(40):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        if browser.switch_to.active_element.get_attribute("id") == "query":
            return
    pytest.fail("the filter is not reached by Tab")


def test_hostile_names_are_inert(browser: Any, site: Path) -> None:
    for name in (*PAGES, *(f"implementations/{path.name}" for path in implementations(site))):
        browser.get((site / name).as_uri())
        assert browser.execute_script("return document.querySelectorAll('img[onerror]').length") == 0
    for query in (
        "#q=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E",
        "#sort=99999",
        "#q=%22",
        "#sort=__proto__&q=constructor:x",
        "#",
    ):
        browser.get("about:blank")
        browser.get((site / "index.html").as_uri() + query)
        assert browser.execute_script("return document.images.length") == 0


def test_the_theme_is_the_system_s_until_chosen_and_then_kept(browser: Any, site: Path) -> None:
    def background() -> str:
        return str(browser.execute_script("return getComputedStyle(document.body).backgroundColor"))

    browser.get((site / "index.html").as_uri())
    button = browser.find_element("id", "theme")
    light = background()
    button.click()
    assert (button.text, background()) == ("Theme: light", light)
    button.click()
    assert button.text == "Theme: dark"
    dark = background()
    assert dark != light
    browser.get((site / "speed.html").as_uri())
    assert background() == dark
    browser.find_element("id", "theme").click()
    assert background() == light


def test_nothing_is_wider_than_a_phone(browser: Any, site: Path) -> None:
    size = {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        for path in every_kind(site):
            browser.get(path.as_uri())
            assert browser.execute_script("return document.documentElement.scrollWidth") <= 360, path
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_the_tables_are_there_without_scripts(browser: Any, site: Path) -> None:
    browser.get((site / "index.html").as_uri())
    everyone = names(browser)
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        for path in every_kind(site):
            browser.get(path.as_uri())
            readable = browser.find_elements("css selector", "#main table, #main section, #main .notice")
            assert readable, f"{path.name} has nothing to read without scripts"
        browser.get((site / "index.html").as_uri())
        assert [link.text for link in browser.find_elements("css selector", "#matrix tbody th a")] == everyone
        assert not browser.find_element("id", "query").is_displayed()
        assert not browser.find_element("id", "theme").is_displayed()
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_a_reproduce_line_is_copied(browser: Any, site: Path) -> None:
    for path in implementations(site):
        browser.get(path.as_uri())
        commands = browser.find_elements("css selector", ".reproduce")
        if commands:
            button = commands[0].find_element("css selector", "button")
            button.click()
            browser.implicitly_wait(0)
            wait_until(lambda: button.text in ("copied", "selected"))  # noqa: B023 - called in this turn
            return
    pytest.fail("no implementation has a failure to reproduce")


def wait_until(holds: Any, seconds: float = 60.0) -> None:
    import time

    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_two_dropped_runs_are_compared_as_on_the_command_line(browser: Any, folder: Path) -> None:
    from convgauge import results

    old, new = folder / "whole.jsonl", folder / "other.jsonl"
    synthetic_runs.write(new, 6, 24, 1200, seed=2)
    text, _ = report.compare(results.read(old), results.read(new))
    expected = [line for line in text.splitlines() if line.endswith(")") and not line.startswith(" ")]
    browser.get((folder / "site" / "compare.html").as_uri())
    packed = next((folder / "site" / "runs").glob("01-*"))
    browser.find_element("id", "old").send_keys(str(packed))
    browser.find_element("id", "new").send_keys(str(new))
    wait_until(lambda: shown(browser, "#changes h2"))
    assert shown(browser, "#changes h2") == expected
    changes = [line.strip().rpartition(" → ") for line in text.splitlines() if line.startswith("  ")]
    rows = ["".join(before.rpartition(": ")[::2]) + now for before, _, now in changes]
    assert sorted(shown(browser, "#changes tbody tr")) == sorted(rows) != []


def test_of_two_files_dropped_at_once_the_earlier_started_is_the_old_one(browser: Any, folder: Path) -> None:
    old, new = ((folder / "whole.jsonl").read_text("utf-8"), (folder / "cut.jsonl").read_text("utf-8"))
    new = new.replace("2026-01-02T", "2026-01-03T", 1)
    browser.get((folder / "site" / "compare.html").as_uri())
    browser.execute_script(
        """
        const files = new DataTransfer();
        arguments[0].forEach(([name, text]) => files.items.add(new File([text], name)));
        const event = new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: files });
        document.querySelector("#drop").dispatchEvent(event);
        """,
        [["later.jsonl", new], ["sooner.jsonl", old]],
    )
    wait_until(lambda: shown(browser, "#changes h2"))
    assert browser.find_element("id", "old-name").text.startswith("sooner.jsonl")
    assert browser.find_element("id", "new-name").text == "later.jsonl, 2026-01-03T03:04:05+00:00, incomplete"
    assert shown(browser, "#changes .notice")[0].startswith("later.jsonl is incomplete")


def test_a_file_that_is_no_run_is_named(browser: Any, folder: Path) -> None:
    bad = folder / "bad.jsonl"
    bad.write_text('{"type": "spec"}\n')
    browser.get((folder / "site" / "compare.html").as_uri())
    browser.find_element("id", "old").send_keys(str(bad))
    wait_until(lambda: shown(browser, "#changes p"))
    assert shown(browser, "#changes p") == ["bad.jsonl is not a run: it does not begin with a header"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Any, site: Path, theme: str) -> None:
    worst = max(implementations(site), key=lambda path: path.stat().st_size)
    spec = next((site / "specs").iterdir())
    pages = [*(site / name for name in PAGES), worst, spec]
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": theme}]}
    )
    try:
        for path in pages:
            browser.get(path.as_uri())
            browser.execute_script("document.querySelectorAll('details').forEach(e => { e.open = true; })")
            browser.execute_script(AXE.read_text("utf-8"))
            violations = browser.execute_async_script(
                "axe.run({ preload: false }).then(r => arguments[arguments.length - 1](r.violations))"
            )
            serious = [
                (v["id"], v["nodes"][0]["target"], v["nodes"][0]["failureSummary"], len(v["nodes"]))
                for v in violations
                if v["impact"] in ("serious", "critical")
            ]
            assert serious == [], path.name
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
