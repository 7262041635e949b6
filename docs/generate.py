"""The pages that are functions of declarations: the specification, from the specs; the algorithms, from docstrings."""

import ast
from itertools import groupby
from pathlib import Path

from convgauge import registry
from convgauge.conformance.selftest import collected


def write(folder: Path) -> None:
    """Write both pages; a page that stays as it is is not touched, so that it is not built again."""
    folder.mkdir(exist_ok=True)
    for name, text in (("specification.md", specification()), ("algorithms.md", algorithms())):
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def specification() -> str:
    """Every spec, chapter by chapter: sentence, id, level, profile, dtypes and source."""
    specs = [spec for spec, _ in collected()]
    required = sum(spec.level == "required" for spec in specs)
    lines = [
        "# The specification",
        "",
        f"{len(specs)} specs, {required} of them required. A spec belongs to its profile and to every larger one:",
        "*kernel* ⊂ *functional* ⊂ *training* ⊂ *torch*. This page is made from the specs' own declarations.",
    ]
    for chapter, some in groupby(specs, key=lambda spec: spec.chapter):
        lines += ["", f"## {chapter.replace('_', ' ').capitalize()}", ""]
        for spec in some:
            facts = [spec.level, f"profile *{spec.profile}*", ", ".join(spec.dtypes)]
            facts += [f"{', '.join(spec.frameworks)} only"] if spec.frameworks else []
            lines += [f"`{spec.id}`", f": {plain(spec.sentence)}", ""]
            lines += [f"  {'; '.join(facts)}. Source: {plain(spec.source)}.", ""]
    return "\n".join(lines).rstrip() + "\n"


def algorithms() -> str:
    """Every implementation that is shipped, by algorithm, with what its docstring says, its cost included."""
    origins = sorted(registry.builtins().values(), key=lambda one: (one.declaration.algorithm, one.name))
    lines = [
        "# The algorithms",
        "",
        "What is shipped, by algorithm, in the words of each implementation. N images of C channels; O output channels",
        "of OH×OW; a kernel of KH×KW; G groups; K = C/G KH KW products for each output.",
    ]
    for algorithm, some in groupby(origins, key=lambda one: one.declaration.algorithm):
        lines += ["", f"## {algorithm}"]
        for origin in some:
            lines += ["", *_entry(origin)]
    return "\n".join(lines) + "\n"


def _entry(origin: registry.Origin) -> list[str]:
    said = origin.declaration
    facts = [f"{said.framework}; promises grade {said.grade}"]
    facts += [f"in {', '.join(said.dtypes)}"] if said.dtypes else []
    lines = [
        f"### {said.name}",
        "",
        plain(docstring(origin)),
        "",
        f"*{', '.join(facts)}.* Source: {plain(said.source)}.",
    ]
    if said.declines:
        lines += ["", "It declines:", ""]
        lines += [f"- {kind}: {plain(reason)}" for kind, reason in said.declines.items()]
    return lines


def docstring(origin: registry.Origin) -> str:
    """An implementation's whole docstring, read from its file's text."""
    for node in ast.parse(Path(origin.place).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name == origin.attribute:
            return ast.get_docstring(node) or ""
    raise LookupError(f"{origin} is not in its file")


def plain(text: str) -> str:
    """Text without what Markdown would take for mark-up, code spans apart."""
    parts = text.split("`")
    for place in range(0, len(parts), 2):
        for mark in "*_<[$":
            parts[place] = parts[place].replace(mark, f"\\{mark}")
    return "`".join(parts)
