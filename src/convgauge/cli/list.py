"""``convgauge list``: print what there is, without running any implementation."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from convgauge.cli.group import Command
from convgauge.cli.options import json_option

if TYPE_CHECKING:
    from rich.console import Console


@click.command("list", cls=Command, examples=("convgauge list", "convgauge list --specs", "convgauge list --json"))
@click.option("--specs", is_flag=True, help="print every spec with its sentence")
@json_option
def command(specs: bool, as_json: bool) -> int:
    """List implementations, specs, layer sets and frameworks."""
    if as_json:
        from convgauge.cli.json_output import encode

        print(encode(content()))
    else:
        show(specs=specs)
    return 0


def show(*, specs: bool = False) -> None:
    """Print the implementations, and then the rest."""
    from rich.console import Console

    from convgauge import registry
    from convgauge.bundled import bundled
    from convgauge.layers import sets
    from convgauge.terms import PROFILES, TIERS

    console = Console(highlight=False)
    _print_implementations(console)
    console.print()
    declared = list(declared_specs())
    if specs:
        for spec in declared:
            console.print(f"[bold]{spec['id']}[/bold]  {spec['sentence']}")
    chapters = len(list(bundled("conformance").glob("test_*.py")))
    console.print(f"specs: {len(declared)} in {chapters} chapters (--specs shows them)")
    console.print(f"profiles: {', '.join(PROFILES)}; tiers: {', '.join(TIERS)}")
    console.print(f"layer sets: {', '.join(sets.names())}")
    names = registry.framework_names()
    installed = [name for name in names if registry.is_installed(name)]
    missing = [name for name in names if name not in installed]
    console.print(f"frameworks: {', '.join(installed)}; not installed: {', '.join(missing) or 'none'}")


def _print_implementations(console: Console) -> None:
    from rich.markup import escape
    from rich.padding import Padding

    from convgauge import registry

    for name, origin in registry.known().items():
        declaration = origin.declaration or registry.Declaration(name)
        grade = f"grade {declaration.grade}" if declaration.grade else ""
        declines = f"declines {' '.join(declaration.declines)}" if declaration.declines else ""
        supports = f"supports {declaration.supports}" if declaration.supports else ""
        direction = "" if declaration.direction == "forward" else f"computes {declaration.direction}"
        properties = filter(None, (declaration.framework, declaration.algorithm, direction, grade, declines, supports))
        console.print(f"[bold]{escape(name)}[/bold]  {escape(', '.join(properties))}")
        summary = f"absent: {origin.absent}" if origin.absent else declaration.summary
        console.print(Padding(escape(summary), (0, 0, 0, 4)))


def content() -> dict[str, Any]:
    """Return the same as data, each spec with everything that it declares."""
    from dataclasses import asdict

    from convgauge import __version__, registry
    from convgauge.layers import sets
    from convgauge.terms import PROFILES, TIERS

    implementations = [
        {**asdict(origin.declaration or registry.Declaration(name)), "absent": origin.absent}
        for name, origin in registry.known().items()
    ]
    return {
        "suite": __version__,
        "implementations": implementations,
        "specs": list(declared_specs()),
        "profiles": PROFILES,
        "tiers": TIERS,
        "layers": sets.names(),
        "frameworks": {name: registry.is_installed(name) for name in registry.framework_names()},
    }


def declared_specs() -> Iterator[dict[str, str]]:
    """Yield every spec's id, chapter, level, profile and sentence, read from the text of the chapters."""
    from convgauge.bundled import bundled

    for path in sorted(bundled("conformance").glob("test_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            for call in _spec_decorators(node):
                texts = {word.arg: ast.literal_eval(word.value) for word in call.keywords if _is_text(word)}
                yield {
                    "id": ast.literal_eval(call.args[0]),
                    "chapter": path.stem.removeprefix("test_"),
                    "level": texts.get("level", "required"),
                    "profile": texts.get("profile", "kernel"),
                    "sentence": " ".join((ast.get_docstring(node) or "").split()),  # type: ignore[arg-type]  # a function
                }


def _spec_decorators(node: ast.stmt) -> Iterator[ast.Call]:
    for decorator in node.decorator_list if isinstance(node, ast.FunctionDef) else []:
        if isinstance(decorator, ast.Call) and getattr(decorator.func, "id", "") == "spec":
            yield decorator


def _is_text(word: ast.keyword) -> bool:
    return isinstance(word.value, ast.Constant) and isinstance(word.value.value, str)
