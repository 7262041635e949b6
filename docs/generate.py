"""What of the pages is a function of declarations: the specification, the implementations and what they cost."""

import ast
from itertools import groupby
from pathlib import Path

import pictures  # beside this file

from convgauge import registry
from convgauge.conformance.selftest import collected


def write(folder: Path) -> None:
    """Write all of it; a file that stays as it is is not touched, so that it is not built again."""
    (folder / "kinds").mkdir(parents=True, exist_ok=True)
    made = {"specification.md": specification(), "implementations.md": implementations(), "costs.md": costs()}
    for name, text in {**made, **{f"kinds/{kind}.md": text for kind, text in kinds().items()}}.items():
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


def by_algorithm() -> list[registry.Origin]:
    """Every implementation that is shipped."""
    return sorted(registry.builtins().values(), key=lambda one: (one.declaration.algorithm, one.name))


def kinds() -> dict[str, str]:
    """By algorithm, its picture where there is one, and who implements it."""
    drawn = pictures.write()
    names = {kind: list(some) for kind, some in groupby(by_algorithm(), key=lambda one: one.declaration.algorithm)}
    found = {}
    for kind in {**drawn, **names}:
        links = ", ".join(f"[{one.name}](_generated/implementations.md#{one.name})" for one in names.get(kind, []))
        found[kind] = drawn.get(kind, "") + f"\n*Implemented by {links or 'none that is shipped'}.*\n"
    return found


def costs() -> str:
    """A table of what each implementation says that it costs."""
    lines = ["| algorithm | implementation | cost | workspace |", "|---|---|---|---|"]
    for origin in by_algorithm():
        said = origin.declaration
        name = f"[{said.name}](_generated/implementations.md#{said.name})"
        cells = (said.algorithm, name, *map(plain, cost(docstring(origin))))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def cost(text: str) -> tuple[str, str]:
    """What a docstring says after "Cost:" and after "Workspace:"; "Cost and workspace:" is both."""
    said = " ".join(text.split()).replace("|", "/")
    both = said.partition("Cost and workspace: ")[2]
    if both:
        return both, "the same"
    products, _, workspace = said.partition("Cost: ")[2].partition(" Workspace: ")
    return products, workspace


def implementations() -> str:
    """Every implementation that is shipped, by algorithm, with what its docstring says, its cost included."""
    origins = by_algorithm()
    lines = [
        "# The implementations",
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
