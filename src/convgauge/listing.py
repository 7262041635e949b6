"""``convgauge list``: what there is, found without running any implementation."""

from __future__ import annotations

import ast

from rich import box
from rich.console import Console
from rich.table import Table

from convgauge import frameworks, registry
from convgauge.bundled import bundled
from convgauge.conformance.spec import PROFILES, TIERS


def show(*, specs: bool = False) -> int:
    """Print the implementations, then the rest; the exit status."""
    console = Console()
    table = Table("implementation", "framework", "algorithm", "grade", "declines", "what it is", box=box.SIMPLE)
    for name, origin in registry.known().items():
        said = origin.declaration or registry.Declaration(name)
        about = f"absent: {origin.absent}" if origin.absent else said.summary
        table.add_row(name, said.framework, said.algorithm, said.grade, ", ".join(said.declines), about)
    console.print(table)
    found = declared_specs()
    if specs:
        for id, sentence in found:
            console.print(f"[bold]{id}[/bold]  {sentence}", highlight=False)
    console.print(
        f"specs: {len(found)} in {len(list(bundled('conformance').glob('test_*.py')))} chapters (--specs shows them)"
    )
    console.print(f"profiles: {', '.join(PROFILES)}; tiers: {', '.join(TIERS)}")
    console.print(f"layer sets: {', '.join(layer_sets()) or 'none'}")
    there = [name for name in frameworks.NAMES if frameworks.installed(name)]
    console.print(
        f"frameworks: {', '.join(there)}; not installed: {', '.join(set(frameworks.NAMES) - set(there)) or 'none'}"
    )
    return 0


def declared_specs() -> list[tuple[str, str]]:
    """(id, sentence) of every spec, read from the chapters' text."""
    found = []
    for path in sorted(bundled("conformance").glob("test_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if not isinstance(node, ast.FunctionDef):
                continue
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call) and getattr(decorator.func, "id", "") == "spec":
                    id = ast.literal_eval(decorator.args[0])
                    found.append((id, " ".join((ast.get_docstring(node) or "").split())))
    return found


def layer_sets() -> list[str]:
    """Names of the layer sets that are shipped."""
    try:
        return sorted(
            path.stem for path in bundled("benchmarks", "layers").iterdir() if path.suffix in (".json", ".toml")
        )
    except FileNotFoundError:
        return []
