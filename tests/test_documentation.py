"""Every command and every file shown in README and docs: run where it is short, and checked to parse where it is not.

A page's blocks are worked through in order, in a folder of its own. A Python or TOML block that begins with the comment
``# name.ext`` is that file; ``# name.ext, new end`` is its new end, from the line that begins as the block's first
does. Other Python blocks are run, those of a page one after the other. What a ``console`` block shows under a command
must be among what the command prints. A comment before a block says otherwise of it, parts of it apart by semicolons:
``<!-- not run -->``, ``<!-- exits 1 -->``, ``<!-- needs torch -->``, ``<!-- shortened: --budget 2 -->`` with options
that the command is also given where it has them.
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

import pytest

from convgauge import cli, registry

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(ROOT.glob("docs/*.md")),
    *sorted(ROOT.glob("docs/howto/*.md")),
]
_BLOCK = re.compile(r"(?:<!-- (?P<note>.+?) -->\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block of a page, and what the comment before it says."""

    language: str
    text: str
    notes: tuple[str, ...]

    def note(self, of: str) -> str:
        """What the comment says of something: "1" of "exits"."""
        return next((one.removeprefix(of).strip() for one in self.notes if one.startswith(of)), "")

    @property
    def run(self) -> bool:
        """Whether it is run; what it needs may be missing here."""
        needed = self.note("needs")
        return "not run" not in self.notes and not (needed and importlib.util.find_spec(needed) is None)

    def commands(self) -> Iterator[tuple[list[str], list[str]]]:
        """The words of each command, and the lines shown below it."""
        for part in re.split(r"^\$ ", self.text, flags=re.MULTILINE)[1:]:
            line, _, shown = part.partition("\n")
            yield shlex.split(line, comments=True), [one.strip() for one in shown.splitlines() if one.strip()]


def blocks(page: Path) -> list[Block]:
    found = _BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [Block(one["language"], one["text"], tuple((one["note"] or "").split("; "))) for one in found]


def pages() -> list[Path]:
    return [page for page in PAGES if blocks(page)]


@pytest.mark.once
@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_shows(page: Path, tmp_path: Path) -> None:
    so_far: list[str] = []
    for block in blocks(page):
        if block.language in ("python", "toml"):
            named = _keep(block, tmp_path)
            if block.language == "python" and not named and block.run:
                so_far.append(block.text)
                _execute("\n".join(so_far), tmp_path)
        elif block.language == "console":
            for words, shown in block.commands():
                _follow(words, shown, block, tmp_path)


def _execute(text: str, folder: Path) -> None:
    told = subprocess.run([sys.executable, "-c", text], cwd=folder, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr


def _keep(block: Block, folder: Path) -> bool:
    """Parse a block, and write the file that it is, if it is one."""
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
    """``old`` with a new end, from the line that assigns what the first line of ``end`` does."""
    return old[: old.index(end.partition("=")[0])] + end


def _follow(words: list[str], shown: list[str], block: Block, folder: Path) -> None:
    """Do what a line says, if it is ours and short; else see that it means something."""
    if "tox" in words:
        _tox_knows(words)
    elif words[0] == "convgauge" and (not block.run or any("…" in word for word in words)):
        cli._parser().parse_args([word for word in words[1:] if "…" not in word] or ["--help"])
    elif words[0] in ("convgauge", "pytest") and block.run:
        _run([*words, *_shortening(words, block)], shown, block, folder)


def _shortening(words: list[str], block: Block) -> list[str]:
    """The options, of those that a block is shortened by, that its command has: one and its value at a time."""
    options = block.note("shortened:").split()
    known = cli._parser().commands()[words[1]].every_option() if words[0] == "convgauge" else set()
    pairs = zip(options[::2], options[1::2], strict=True)
    return [word for pair in pairs if pair[0] in known for word in pair]


def _run(words: list[str], shown: list[str], block: Block, folder: Path) -> None:
    command = [sys.executable, "-m", *words]
    told = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    said = told.stdout + told.stderr
    assert told.returncode == int(block.note("exits") or 0), said
    for line in shown:
        assert line in said


def _tox_knows(words: list[str]) -> None:
    tox = configparser.ConfigParser()
    tox.read(ROOT / "tox.ini")
    for place, word in enumerate(words):
        if word == "-e":
            assert all(f"testenv:{name}" in tox for name in words[place + 1].split(","))


def test_every_page_with_commands_is_looked_at() -> None:
    commands = [
        words
        for page in PAGES
        for block in blocks(page)
        if block.language == "console"
        for words, _ in block.commands()
    ]
    assert len(commands) > 20


def test_a_page_that_lies_is_found(tmp_path: Path) -> None:
    lying = "```console\n$ convgauge list\nno_such_implementation\n```\n"
    (tmp_path / "page.md").write_text(lying)
    (block,) = blocks(tmp_path / "page.md")
    ((words, shown),) = block.commands()
    with pytest.raises(AssertionError):
        _follow(words, shown, block, tmp_path)
    not_run = Block("console", "", ("not run",))
    with pytest.raises(SystemExit):
        _follow(["convgauge", "check", "numpy_windows", "--teir"], [], not_run, tmp_path)
    with pytest.raises(AssertionError, match="no_such_module"):
        _execute("import no_such_module", tmp_path)


def test_every_algorithm_has_a_picture_and_a_section() -> None:
    drawn = runpy.run_path(str(ROOT / "docs" / "pictures.py"))
    shown = re.findall(r"^## (.+)\n\n```\{include\} _generated/kinds/\1\.md$", _algorithms(), re.MULTILINE)
    shipped = {origin.declaration.algorithm for origin in registry.builtins().values() if origin.declaration}
    assert shipped <= set(shown)
    assert set(shown) == set(drawn["PICTURES"])
    for picture in drawn["write"]().values():
        svg = ElementTree.fromstring(picture)
        assert svg.get("stroke") == "currentColor", "it would not be seen in the dark"
        assert svg.get("aria-label")
        assert "\n\n" not in picture, "Markdown would end it there"


def _algorithms() -> str:
    return (ROOT / "docs" / "algorithms.md").read_text(encoding="utf-8")


def test_every_implementation_says_what_it_costs() -> None:
    for origin in registry.builtins().values():
        source = Path(origin.place).read_text(encoding="utf-8")
        (function,) = [node for node in ast.parse(source).body if getattr(node, "name", "") == origin.attribute]
        said = ast.get_docstring(function) or ""  # type: ignore[arg-type]  # only a function has that name
        assert "Cost and workspace: " in said or ("Cost: " in said and "Workspace: " in said), origin.name
