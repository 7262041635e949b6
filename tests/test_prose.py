"""Word list for docstrings, comments, messages, pages and names: plain technical English, one term per idea.

Run it on files or folders, without pytest and with nothing but the standard library::

    python tests/test_prose.py PATH...

It prints ``path:line: 'phrase': what to write instead`` for each violation and exits with 1 if there is one.

Text: docstrings, comments and string constants with a space in Python files; Markdown outside code blocks and code
spans; text of HTML templates; comments in JavaScript, CSS, C, TOML, INI and YAML files. Names: functions, classes,
parameters and variables of Python files.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

LIST = Path(__file__).resolve()  # contains the phrases themselves
ROOT = LIST.parents[1]

COVERED = (
    ".github",
    ".pre-commit-config.yaml",
    "CHANGELOG.md",
    "CITATION.cff",
    "CONTRIBUTING.md",
    "README.md",
    "benchmarks",
    "changes",
    "conformance",
    "docs",
    "examples",
    "implementations",
    "mutants",
    "pyproject.toml",
    "reports/assets",
    "reports/templates",
    "src",
    "tests",
    "tools",
    "tox.ini",
)
"""Files and folders that the test holds to the list; paths are relative to the repository root."""

ALLOWED: dict[tuple[str, str], str] = {
    ("src/convgauge/process/crash_dump.py", "fatal"): "Python prints it",
}
"""Reason for each phrase that a file may use nevertheless, by (path, phrase in lower case)."""

FIRST_WORDS = re.compile(r"(What|Who|Whom|Whose|Whether|Where|How|Which|Have)\b")
"""Words with which the first line of a docstring does not begin."""

PEOPLE = "".join(rf"(?<!{noun}\W)" for noun in ("people", "person", "users", "user", "authors", "author", "readers"))

PHRASES: dict[str, str] = {
    # persons for programs
    PEOPLE + r"who": "that, which, or the noun (a program is 'it')",
    r"whom|whoever|nobody|somebody|anybody|everybody|someone|anyone|everyone": "the noun of the program",
    r"accus(e|es|ed|ing|ation)|blam(e|es|ed|ing)|guilty|innocent|culprits?": "fails, reports, attributes to",
    r"gullible|mistrust(s|ed|ful)?|honest(ly)?|dishonest|liars?|lying": "insensitive, vacuous, correct",
    r"hop(e|es|ed|ing|eless)|luck(y|ily)?|unlucky": "expect, chance",
    r"promis(e|es|ed|ing)": "declare (the declared grade)",
    r"told|telling|tells|tell of": "print, report, record, state",
    r"said": "declared, reported, described",
    r"knows": "contains, reads, supports",
    r"wins|won|winners?|losers?": "is faster, the fastest",
    r"obey(s|ed)?|fellows?|crews?|greet(s|ed|ing)?|fools?|fooled": "the technical verb or noun",
    # metaphors
    r"zoos?|exhibits?": "mutants and correct builds",
    r"impostors?|tamper(s|ed|ing)?": "wrong outputs, invalid calls",
    r"wisdom": "tuning cache",
    r"recall(s|ed|ing)?": "memo, memoize",
    r"tolls?|spare(s|d)?|sparing(ly)?|halt(s|ed)?|farms?|tied": "budget, return to the pool, cancel, scheduler, linked",
    r"settl(e|es|ed|ing)|unsettled|stir(s|red|ring)?": "record the result, perturb",
    r"sketched|troubles?|fatal|deadly": "from the declaration, input issue, crash",
    r"mend(s|ed|ing)?": "fix",
    r"spoil(s|ed)?|spoilt": "disturb",
    r"sakes?": "because of, for",
    # phrases that are not English, or that are longer than needed
    r"alike": "equal, the same, in the same way",
    r"anew|for the asking|at hand|be had|let go|but for": "again, on request, available, get, except",
    r"in all(?=\s*(?:[.,;:)]|and\b|but\b|because\b|since\b|$))": "in total",
    r"from (now|here|then|there) on|from (?:\S+ ){1,5}on(?=\s*[.,;:)])": "starting with, or later",
    r"(say|says|speak|speaks|know|knows) (nothing )?of": "describe, state",
    r"time and again|again and again|now and then": "repeatedly, sometimes",
    r"go on|goes on|went on|going on": "continue",
    r"beyond (all )?measure": "infinite, or larger than the bound",
    r"None (where|when)": "or None if",
    r"one's own|one's|oneself": "the noun: your own, the caller's",
    r"dear|dearer|dearest": "slow, expensive",
    r"comes? to mean": "changes its meaning",
    r"sees? to it|passed over|passes over|taken for|to no avail|makes? short work": "ensure, skipped, treated as",
    r"seconds an? (call|case|round|sample)|(one|entry|record|row|column)( \w+){0,2} an? "
    r"(line|round|output|core|group|layer|digit|strip|window|column|row|filter)": "per (one record per line)",
    # the project is described without its surroundings
    r"/work/": "no path of a machine",
}

NAMES = frozenset(("one", "found", "place", "said", "told", "own", "made", "some", "kept", "seen"))
"""Variable names for which the noun stands: index, path, device, records, ..."""

NAME_PARTS = re.compile(
    r"toll|greet|spare|crew|wisdom|recall(ed)?|zoo|exhibits?|impostors?|tampers?|gullible|mistrusted|blame|settle|stir|"
    r"unsettled|hope|hopeless|sketched|farm|accused|told|said|promise|undelayed|whom|nobody|anew|alike|rightly|"
    r"accurately|randomly|telling|trouble|fatal"
)
"""Words that no name contains."""

_FENCE = re.compile(r"^( *)(`{3,}|~{3,}).*?^\1\2`*$", re.MULTILINE | re.DOTALL)
_SPANS = re.compile(r"``.+?``|`[^`\n]+`|\]\([^)\n]*\)|\$\$.+?\$\$|https?://\S+|<!--.+?-->", re.DOTALL)
_PATTERNS = [
    (re.compile(rf"(?<![\w-])(?:{phrase})(?![\w-])".replace(" ", r"\s+"), re.IGNORECASE), advice)
    for phrase, advice in PHRASES.items()
]
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_MARKUP = re.compile(r"\{[{%].*?[%}]\}|<script.*?</script>|<[^<>]*>", re.DOTALL)
_C_COMMENT = re.compile(r"/\*(.*?)\*/|(?<![:\"'])//([^\n]*)", re.DOTALL)
_HASH_COMMENT = re.compile(r"(?:^|\s)#([^\n]*)", re.MULTILINE)
_COMMENTS = {
    **dict.fromkeys((".js", ".css", ".c"), _C_COMMENT),
    **dict.fromkeys((".toml", ".ini", ".yaml", ".yml", ".cff"), _HASH_COMMENT),
}


@dataclass(frozen=True)
class Text:
    """Piece of prose of a file, and the line on which it begins."""

    line: int
    content: str
    is_docstring: bool = False


@dataclass(frozen=True)
class Violation:
    """Phrase or name that the list does not allow."""

    path: str
    line: int
    phrase: str
    advice: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.phrase!r}: {self.advice}"


def violations(path: Path) -> list[Violation]:
    """Return what the list does not allow in one file, in the order of lines."""
    source = path.read_text(encoding="utf-8")
    name = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else str(path)
    problems = [problem for text in _texts(path, source) for problem in _in_text(name, text)]
    if path.suffix == ".py":
        problems += _in_names(name, source)
    return sorted(
        (problem for problem in problems if (problem.path, problem.phrase.lower()) not in ALLOWED),
        key=lambda problem: (problem.line, problem.phrase),
    )


def files(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield the files that can be read below files and folders."""
    for path in paths:
        candidates = sorted(path.rglob("*")) if path.is_dir() else [path]
        for candidate in candidates:
            hidden = {"__pycache__", "_generated", "_build"} & set(candidate.parts)
            is_vendored = candidate.name.endswith(".min.js")
            is_text = candidate.suffix in (".py", ".md", ".html", *_COMMENTS)
            if candidate.is_file() and is_text and not hidden and not is_vendored and candidate != LIST:
                yield candidate


def _texts(path: Path, source: str) -> Iterator[Text]:
    if path.suffix == ".py":
        yield from _docstrings_and_messages(source)
        yield from _python_comments(source)
    elif path.suffix == ".md":
        yield Text(1, _FENCE.sub(_blank, source))
    elif path.suffix == ".html":
        yield Text(1, _MARKUP.sub(_blank, source))
    else:
        for match in _COMMENTS[path.suffix].finditer(source):
            yield Text(1 + source.count("\n", 0, match.start(match.lastindex or 0)), match[match.lastindex or 0])


def _docstrings_and_messages(source: str) -> Iterator[Text]:
    tree = ast.parse(source)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    statements = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
            continue
        if id(node) in statements or " " in node.value:
            yield Text(node.lineno, node.value, is_docstring=id(node) in docstrings)


def _python_comments(source: str) -> Iterator[Text]:
    """Yield comments; those on consecutive lines are one text, so that a phrase may be wrapped."""
    block: list[tuple[int, str]] = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        if block and token.start[0] != block[-1][0] + 1:
            yield _joined(block)
            block = []
        block.append((token.start[0], token.string.lstrip("#")))
    if block:
        yield _joined(block)


def _joined(block: list[tuple[int, str]]) -> Text:
    return Text(block[0][0], "\n".join(comment for _, comment in block))


def _in_text(path: str, text: Text) -> Iterator[Violation]:
    first = FIRST_WORDS.match(text.content.lstrip()) if text.is_docstring else None
    if first:
        advice = "begin a docstring with an imperative verb or a noun phrase"
        yield Violation(path, text.line, first[0], advice)
    content = _SPANS.sub(_blank, text.content)
    for pattern, advice in _PATTERNS:
        for match in pattern.finditer(content):
            line = text.line + content.count("\n", 0, match.start())
            yield Violation(path, line, " ".join(match[0].split()), advice)


def _blank(match: re.Match[str]) -> str:
    """Replace code by a mark, and keep its line breaks."""
    return "\u00b7" + "\n" * match[0].count("\n")


def _in_names(path: str, source: str) -> Iterator[Violation]:
    for line, name in _bound(ast.parse(source)):
        parts = [word.lower() for word in _WORDS.findall(name)]
        if name in NAMES:
            yield Violation(path, line, name, "name a variable by its noun")
        elif any(map(NAME_PARTS.fullmatch, parts)):
            yield Violation(path, line, name, "use the field's term in a name")


def _bound(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id


def test_prose_and_names_are_plain() -> None:
    problems = [problem for path in files(ROOT / path for path in COVERED) for problem in violations(path)]
    assert not problems, "\n" + "\n".join(map(str, problems))
    assert all((ROOT / path).exists() for path in COVERED), "a covered path does not exist"


def test_phrases_that_the_list_bans_are_reported(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text('"""What it is."""\n# made\n# anew\nfound = f"nobody {1}"\ndef greet(zoo): ...\n')
    assert [(problem.line, problem.phrase) for problem in violations(module)] == [
        (1, "What"),
        (3, "anew"),
        (4, "found"),
        (4, "nobody"),
        (5, "greet"),
        (5, "zoo"),
    ]
    page = tmp_path / "page.md"
    page.write_text("20 in\nall, `nobody`.\n\n```console\n$ zoo\n```\nUsers who read it in all layouts. It\ngoes on.\n")
    assert [(problem.line, problem.phrase) for problem in violations(page)] == [(1, "in all"), (8, "goes on")]


def main(arguments: list[str]) -> int:
    """Print the violations in the given files and folders; return the exit status."""
    count = 0
    for path in files(Path(argument).resolve() for argument in arguments):
        for problem in violations(path):
            print(problem)
            count += 1
    return min(count, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
