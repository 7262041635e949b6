"""``convgauge list``: what there is, found without running any implementation."""

from __future__ import annotations

import ast
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding

from convgauge import __version__, registry
from convgauge.bundled import bundled
from convgauge.terms import PROFILES, TIERS


def show(*, specs: bool = False) -> int:
    """Print the implementations, then the rest; the exit status."""
    console = Console()
    for name, origin in registry.known().items():
        said = origin.declaration or registry.Declaration(name)
        facts = [said.framework, said.algorithm, f"grade {said.grade}" if said.grade else ""]
        facts += [f"declines {' '.join(said.declines)}"] if said.declines else []
        about = f"absent: {origin.absent}" if origin.absent else said.summary
        console.print(f"[bold]{escape(name)}[/bold]  {escape(', '.join(filter(None, facts)))}", highlight=False)
        console.print(Padding(escape(about), (0, 0, 0, 4)), highlight=False)
    console.print()
    found = declared_specs()
    if specs:
        for one in found:
            console.print(f"[bold]{one['id']}[/bold]  {one['sentence']}", highlight=False)
    console.print(
        f"specs: {len(found)} in {len(list(bundled('conformance').glob('test_*.py')))} chapters (--specs shows them)"
    )
    console.print(f"profiles: {', '.join(PROFILES)}; tiers: {', '.join(TIERS)}")
    console.print(f"layer sets: {', '.join(layer_sets()) or 'none'}")
    names = registry.framework_names()
    installed = [name for name in names if registry.is_installed(name)]
    absent = [name for name in names if name not in installed]
    console.print(f"frameworks: {', '.join(installed)}; not installed: {', '.join(absent) or 'none'}")
    return 0


def table() -> dict[str, Any]:
    """The same as data, every spec with all that it declares."""
    implementations = []
    for name, origin in registry.known().items():
        said = asdict(origin.declaration or registry.Declaration(name))
        implementations.append({**said, "absent": origin.absent})
    return {
        "suite": __version__,
        "implementations": implementations,
        "specs": declared_specs(),
        "profiles": PROFILES,
        "tiers": TIERS,
        "layers": layer_sets(),
        "frameworks": {name: registry.is_installed(name) for name in registry.framework_names()},
    }


def declared_specs() -> list[dict[str, str]]:
    """Every spec's id, chapter, level, profile and sentence, read from the chapters' text."""
    found = []
    for path in sorted(bundled("conformance").glob("test_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if not isinstance(node, ast.FunctionDef):
                continue
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call) and getattr(decorator.func, "id", "") == "spec":
                    said = {word.arg: ast.literal_eval(word.value) for word in decorator.keywords if _is_text(word)}
                    found.append(
                        {
                            "id": ast.literal_eval(decorator.args[0]),
                            "chapter": path.stem.removeprefix("test_"),
                            "level": said.get("level", "required"),
                            "profile": said.get("profile", "kernel"),
                            "sentence": " ".join((ast.get_docstring(node) or "").split()),
                        }
                    )
    return found


def _is_text(word: ast.keyword) -> bool:
    return isinstance(word.value, ast.Constant) and isinstance(word.value.value, str)


def layer_sets() -> list[str]:
    """Names of the layer sets that are shipped."""
    try:
        return sorted(
            path.stem for path in bundled("benchmarks", "layers").iterdir() if path.suffix in (".json", ".toml")
        )
    except FileNotFoundError:
        return []
