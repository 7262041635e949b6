"""Pages that are generated from declarations: the specification, the implementations, their costs, the packages."""

import ast
import tomllib
from itertools import groupby
from pathlib import Path

import pictures  # beside this file

from convgauge import registry
from convgauge.conformance.collection import collect_specs
from convgauge.conformance.spec import Spec
from convgauge.diagnosis.kinds import MechanismKind
from convgauge.selftest.mutants import Mutant, by_spec, mutants


def write(folder: Path) -> None:
    """Write all generated pages. A file whose text is unchanged keeps its time stamp, so that it is not built again."""
    (folder / "kinds").mkdir(parents=True, exist_ok=True)
    pages = {"specification.md": specification(), "implementations.md": implementations(), "costs.md": costs()}
    pages["packages.md"] = packages()
    pages |= {f"kinds/{kind}.md": text for kind, text in kinds().items()}
    for name, text in pages.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def specification() -> str:
    """Return the page of all specs by chapter: id, sentence, level, profile, dtypes, source and mutants."""
    specs = [spec for spec, _ in collect_specs()]
    required = sum(spec.level == "required" for spec in specs)
    naming = by_spec(mutants(), specs)
    lines = [
        "# The specification",
        "",
        f"{len(specs)} specs, {required} of them required. A spec belongs to its profile and to every larger one:",
        "*kernel* ⊂ *functional* ⊂ *training* ⊂ *torch*. Below each spec are mutants, faulty implementations that it",
        "rejects, each with its [mechanism](#mechanisms); or the reason why there is none. This page is generated",
        "from the declarations of specs and mutants.",
    ]
    for chapter, members in groupby(specs, key=lambda spec: spec.chapter):
        lines += ["", f"## {chapter.replace('_', ' ').capitalize()}", ""]
        for spec in members:
            level = f"measured; required if `reproducible={spec.axis}` is declared" if spec.axis else spec.level
            facts = [level, f"profile *{spec.profile}*", ", ".join(spec.dtypes)]
            facts += [f"{', '.join(spec.frameworks)} only"] if spec.frameworks else []
            lines += [f"`{spec.id}`", f": {plain(spec.sentence)}", ""]
            lines += [f"  {'; '.join(facts)}. Source: {plain(spec.source)}.", ""]
            lines += [f"  {_proof(spec, naming[spec.id])}", ""]
    lines += ["", "## Mechanisms", "", "Mechanisms are the kinds of faults that mutants have.", ""]
    for mechanism in MechanismKind:
        lines += [_words(mechanism), f": {mechanism.sentence}", ""]
    return "\n".join(lines).rstrip() + "\n"


def _proof(spec: Spec, naming: list[Mutant]) -> str:
    """Return the sentence on the mutants and correct builds that name a spec."""
    faulty = [f"`{mutant.name}` ({_words(mutant.mechanism)})" for mutant in naming if mutant.mechanism]
    correct = [f"`{mutant.name}`" for mutant in naming if not mutant.faulty]
    proofs = [f"Mutants: {', '.join(faulty)}."] if faulty else []
    proofs += [f"Correct builds that it reports: {', '.join(correct)}."] if correct else []
    return " ".join(proofs) or f"No mutant: {plain(spec.no_mutant_because)}."


def _words(mechanism: MechanismKind) -> str:
    return mechanism.replace("_", " ")


def by_algorithm() -> list[registry.Origin]:
    """Return the built-in implementations, sorted by algorithm and name."""
    return sorted(registry.builtins().values(), key=lambda origin: (declaration(origin).algorithm, origin.name))


def declaration(origin: registry.Origin) -> registry.Declaration:
    """Return the declaration of a built-in implementation."""
    assert origin.declaration is not None
    return origin.declaration


def grouped() -> dict[str, list[registry.Origin]]:
    """Return the built-in implementations of each algorithm."""
    groups = groupby(by_algorithm(), key=lambda origin: declaration(origin).algorithm)
    return {kind: list(origins) for kind, origins in groups}


def kinds() -> dict[str, str]:
    """Return for each algorithm its picture, if there is one, and links to its implementations."""
    drawings, origins = pictures.write(), grouped()
    return {
        kind: drawings.get(kind, "") + f"\n*Implemented by {_links(origins.get(kind, []))}.*\n"
        for kind in {**drawings, **origins}
    }


def _links(origins: list[registry.Origin]) -> str:
    links = (f"[{origin.name}](_generated/implementations.md#{origin.name})" for origin in origins)
    return ", ".join(links) or "no built-in implementation"


def costs() -> str:
    """Return a table of the cost and the workspace that each implementation states in its docstring."""
    lines = ["| algorithm | implementation | cost | workspace |", "|---|---|---|---|"]
    for origin in by_algorithm():
        cells = (declaration(origin).algorithm, _links([origin]), *map(plain, cost(docstring(origin))))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def cost(text: str) -> tuple[str, str]:
    """Return the texts after "Cost:" and "Workspace:" of a docstring; "Cost and workspace:" gives both."""
    line = " ".join(text.split()).replace("|", "/")
    both = line.partition("Cost and workspace: ")[2]
    if both:
        return both, "the same"
    products, _, workspace = line.partition("Cost: ")[2].partition(" Workspace: ")
    return products, workspace


def implementations() -> str:
    """Return the page of all built-in implementations by algorithm, with their docstrings."""
    lines = [
        "# The implementations",
        "",
        "The built-in implementations by algorithm, from their docstrings. The symbols are: N images of C channels; O",
        "output channels of OH×OW pixels; a kernel of KH×KW; G groups; K = C/G KH KW products per output.",
    ]
    for algorithm, origins in grouped().items():
        lines += ["", f"## {algorithm}"]
        for origin in origins:
            lines += ["", *_entry(origin)]
    return "\n".join(lines) + "\n"


def _entry(origin: registry.Origin) -> list[str]:
    declared = declaration(origin)
    facts = [f"{declared.framework}; declares grade {declared.grade}"]
    facts += [f"in {', '.join(declared.dtypes)}"] if declared.dtypes else []
    lines = [
        f"### {declared.name}",
        "",
        plain(docstring(origin)),
        "",
        f"*{', '.join(facts)}.* Source: {plain(declared.source)}.",
    ]
    if declared.declines:
        lines += ["", "It declines:", ""]
        lines += [f"- {kind}: {plain(reason)}" for kind, reason in declared.declines.items()]
    return lines


def docstring(origin: registry.Origin) -> str:
    """Return the docstring of an implementation, read from the text of its file."""
    for node in ast.parse(Path(origin.location).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name == origin.attribute:
            return ast.get_docstring(node) or ""
    raise LookupError(f"{origin} is not in its file")


def plain(text: str) -> str:
    """Return text with Markdown's mark-up characters escaped, except in code spans."""
    parts = text.split("`")
    for index in range(0, len(parts), 2):
        for mark in "*_<[$":
            parts[index] = parts[index].replace(mark, f"\\{mark}")
    return "`".join(parts)


def packages() -> str:
    """Return the packages in the order of the import contract, each with its docstring and a list of its modules."""
    root = Path(__file__).resolve().parents[1]
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = settings["tool"]["importlinter"]["contracts"]
    lines = []
    for name in contract["layers"]:
        path = root / "src" / "convgauge" / name
        if path.is_dir():
            lines += [f"### {name}/", "", _module_docstring(path / "__init__.py"), "", *_modules(path), ""]
        else:
            lines += [f"### {name}.py", "", _module_docstring(path.with_suffix(".py")), ""]
    return "\n".join(lines)


def _modules(package: Path) -> list[str]:
    paths = sorted(path for path in package.rglob("*.py") if path != package / "__init__.py")
    return [
        f"- `{path.relative_to(package).as_posix()}`: {_module_docstring(path).partition(chr(10))[0]}" for path in paths
    ]


def _module_docstring(path: Path) -> str:
    """Return the docstring of a module up to the first code block, escaped for Markdown."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    prose = text.split("::\n")[0].split("\n\n    ")[0]
    return plain(prose.replace("``", "`")).strip()
