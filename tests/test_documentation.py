"""Tests of every command and every file in README and docs: short ones are run, long ones are parsed.

The blocks of a page are processed in order, in a separate folder. A Python or TOML block that begins with the comment
``# name.ext`` is that file. ``# name.ext, new end`` replaces the end of that file, starting with the line that begins
like the first line of the block. Other Python blocks of a page are run one after the other. A ``console`` block shows
output below a command; the command must print each of these lines. A comment before a block changes this, with parts
separated by semicolons: ``<!-- not run -->``, ``<!-- exits 1 -->``, ``<!-- needs torch -->``,
``<!-- shortened: --budget 2 -->`` with options that are added to each command that has them.
"""

from __future__ import annotations

import ast
import configparser
import importlib.util
import re
import runpy
import shlex
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import click
import pytest

from convgauge import registry
from support.command_line import options_of, parse
from support.paths import ROOT

PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(ROOT.glob("docs/*.md")),
    *sorted(ROOT.glob("docs/howto/*.md")),
]
_BLOCK = re.compile(r"(?:<!-- (?P<note>.+?) -->\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """Fenced block of a page, with the notes of the comment before it."""

    language: str
    text: str
    notes: tuple[str, ...]

    def note(self, of: str) -> str:
        """Return the value of a note: "1" for "exits" in "exits 1"."""
        return next((note.removeprefix(of).strip() for note in self.notes if note.startswith(of)), "")

    @property
    def run(self) -> bool:
        """True if the block is run: it is not excluded, and the module that it needs is installed."""
        needed = self.note("needs")
        return "not run" not in self.notes and not (needed and importlib.util.find_spec(needed) is None)

    def commands(self) -> Iterator[tuple[list[str], list[str]]]:
        """Yield the words of each command and the lines shown below it."""
        for part in re.split(r"^\$ ", self.text, flags=re.MULTILINE)[1:]:
            line, _, shown = part.partition("\n")
            yield shlex.split(line, comments=True), [text.strip() for text in shown.splitlines() if text.strip()]


def blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of a page."""
    matches = _BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [Block(match["language"], match["text"], tuple((match["note"] or "").split("; "))) for match in matches]


def pages() -> list[Path]:
    """Return the pages that have blocks."""
    return [page for page in PAGES if blocks(page)]


@pytest.mark.once
@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_blocks_of_a_page_run_as_shown(page: Path, tmp_path: Path) -> None:
    statements: list[str] = []
    for block in blocks(page):
        if block.language in ("python", "toml"):
            is_file = _write(block, tmp_path)
            if block.language == "python" and not is_file and block.run:
                statements.append(block.text)
                _execute("\n".join(statements), tmp_path)
        elif block.language == "console":
            for words, shown in block.commands():
                _follow(words, shown, block, tmp_path)


def _execute(text: str, folder: Path) -> None:
    process = subprocess.run([sys.executable, "-c", text], cwd=folder, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr


def _write(block: Block, folder: Path) -> bool:
    """Parse a block, write it if it is a file, and return True if it is."""
    first, _, rest = block.text.partition("\n")
    name = re.fullmatch(r"# ([\w-]+\.\w+)(, new end)?", first)
    text = block.text
    if name and name[2]:
        text = _changed((folder / name[1]).read_text(), rest)
    tomllib.loads(text) if block.language == "toml" else ast.parse(textwrap.dedent(text))
    if name:
        (folder / name[1]).write_text(text)
    return name is not None


def _changed(old: str, end: str) -> str:
    """Return ``old`` with ``end`` in place of the lines that start with the same assignment as ``end``."""
    return old[: old.index(end.partition("=")[0])] + end


def _follow(words: list[str], shown: list[str], block: Block, folder: Path) -> None:
    """Run a command of ours if it is short, and parse it otherwise."""
    if "tox" in words:
        _tox_knows(words)
    elif words[0] == "convgauge" and (not block.run or any("…" in word for word in words)):
        parse([word.replace("…", "") for word in words[1:]])
    elif words[0] in ("convgauge", "pytest") and block.run:
        _run([*words, *_shortening(words, block)], shown, block, folder)


def _shortening(words: list[str], block: Block) -> list[str]:
    """Return those of a block's shortening options that its command has, each with its value."""
    options = block.note("shortened:").split()
    known = options_of(words[1]) if words[0] == "convgauge" else set()
    pairs = zip(options[::2], options[1::2], strict=True)
    return [word for pair in pairs if pair[0] in known for word in pair]


def _run(words: list[str], shown: list[str], block: Block, folder: Path) -> None:
    command = [sys.executable, "-m", *words]
    process = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    output = process.stdout + process.stderr
    assert process.returncode == int(block.note("exits") or 0), output
    for line in shown:
        assert line in output


def _tox_knows(words: list[str]) -> None:
    tox = configparser.ConfigParser()
    tox.read(ROOT / "tox.ini")
    for index, word in enumerate(words):
        if word == "-e":
            assert all(f"testenv:{name}" in tox for name in words[index + 1].split(","))


def test_pages_contain_more_than_20_commands() -> None:
    commands = [
        words
        for page in PAGES
        for block in blocks(page)
        if block.language == "console"
        for words, _ in block.commands()
    ]
    assert len(commands) > 20


def test_wrong_output_on_a_page_fails(tmp_path: Path) -> None:
    page = "```console\n$ convgauge list\nno_such_implementation\n```\n"
    (tmp_path / "page.md").write_text(page)
    (block,) = blocks(tmp_path / "page.md")
    ((words, shown),) = block.commands()
    with pytest.raises(AssertionError):
        _follow(words, shown, block, tmp_path)
    not_run = Block("console", "", ("not run",))
    with pytest.raises(click.NoSuchOption):
        _follow(["convgauge", "check", "numpy_windows", "--teir"], [], not_run, tmp_path)
    with pytest.raises(AssertionError, match="no_such_module"):
        _execute("import no_such_module", tmp_path)


def test_every_algorithm_has_a_picture_and_a_section() -> None:
    module = runpy.run_path(str(ROOT / "docs" / "pictures.py"))
    shown = re.findall(r"^## (.+)\n\n```\{include\} _generated/kinds/\1\.md$", _algorithms(), re.MULTILINE)
    shipped = {origin.declaration.algorithm for origin in registry.builtins().values() if origin.declaration}
    assert shipped <= set(shown)
    assert set(shown) == set(module["PICTURES"])
    for picture in module["write"]().values():
        svg = ElementTree.fromstring(picture)
        assert svg.get("stroke") == "currentColor", "invisible on a dark background"
        assert svg.get("aria-label")
        assert "\n\n" not in picture, "an empty line ends the block in Markdown"


def _algorithms() -> str:
    return (ROOT / "docs" / "algorithms.md").read_text(encoding="utf-8")


def test_every_implementation_states_its_cost() -> None:
    for origin in registry.builtins().values():
        source = Path(origin.location).read_text(encoding="utf-8")
        (function,) = [node for node in ast.parse(source).body if getattr(node, "name", "") == origin.attribute]
        docstring = ast.get_docstring(function) or ""  # type: ignore[arg-type]  # only a function has that name
        has_both = "Cost: " in docstring and "Workspace: " in docstring
        assert has_both or "Cost and workspace: " in docstring, origin.name
