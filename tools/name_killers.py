"""Names of specs in the declarations of mutants: ``python tools/name_killers.py MATRIX… [--write]``.

A matrix is the output of ``convgauge selftest``. The script proposes for each mutant the most specific of the specs
that it failed, and enough of them that each spec that fails on a mutant is named by a mutant: required specs in
``killed_by``, recommended ones in ``advised_by``. Names that are already declared are kept. Without ``--write`` the
script prints what it would add, and the specs that no mutant names.

The declarations are maintained by hand. The script is meant for a new family of mutants or a new chapter of specs.
"""

from __future__ import annotations

import argparse
import ast
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from convgauge.conformance.collection import collect_specs
from convgauge.selftest import kill_matrix
from convgauge.selftest.kill_matrix import Matrix
from convgauge.selftest.mutants import Mutant, mutants

MAX_NAMES = 6
"""Largest number of specs that the script gives to a mutant; a mutant may declare more by hand."""


def killers(matrices: Sequence[Matrix]) -> dict[str, set[str]]:
    """Return the ids of the specs that each mutant failed in any of the matrices."""
    merged: dict[str, set[str]] = defaultdict(set)
    for matrix in matrices:
        for finding in matrix.findings:
            if finding.killed_by and not finding.faulty:
                continue  # a defect of the suite
            merged[finding.name] |= {*finding.killed_by, *finding.advised_by}
    return merged


def proposals(declared: Sequence[Mutant], killed_by: Mapping[str, set[str]]) -> dict[str, list[str]]:
    """Return the specs that each mutant should name, in the order of declarations.

    A mutant without a name is given its most specific killer, the spec that kills the fewest mutants. A spec without a
    mutant is then given to the mutant of its own family, if it kills one, that has the fewest names and killers.
    """
    kills: dict[str, set[str]] = defaultdict(set)
    for mutant, specs in killed_by.items():
        for spec in specs:
            kills[spec].add(mutant)
    names = {mutant.name: [*mutant.killed_by, *mutant.advised_by] for mutant in declared}
    families = {mutant.name: mutant.path.stem for mutant in declared}
    for mutant, specs in killed_by.items():
        if not names[mutant] and specs:
            names[mutant].append(min(specs, key=lambda spec: (len(kills[spec]), spec)))
    for spec in sorted(kills, key=lambda spec: (len(kills[spec]), spec)):
        if any(spec in named for named in names.values()):
            continue
        candidates = [mutant for mutant in kills[spec] if len(names[mutant]) < MAX_NAMES]
        if candidates:
            chapter = spec.partition(".")[0]
            best = min(
                candidates, key=lambda name: (families[name] != chapter, len(names[name]), len(killed_by[name]), name)
            )
            names[best].append(spec)
    return {mutant: sorted(named) for mutant, named in names.items()}


def write(declared: Sequence[Mutant], names: Mapping[str, Sequence[str]]) -> None:
    """Write the names into the declarations, and format the files."""
    levels = {spec.id: spec.level for spec, _ in collect_specs()}
    by_path: dict[Path, list[Mutant]] = defaultdict(list)
    for mutant in declared:
        if set(names[mutant.name]) != {*mutant.killed_by, *mutant.advised_by}:
            by_path[mutant.path].append(mutant)
    for path, members in by_path.items():
        text = path.read_text(encoding="utf-8")
        for mutant in members:
            for field, level in (("killed_by", "required"), ("advised_by", "recommended")):
                specs = [spec for spec in names[mutant.name] if levels[spec] == level]
                if set(specs) != set(getattr(mutant, field)):
                    text = rewritten(text, mutant.name, field, specs)
        path.write_text(text, encoding="utf-8")
    if by_path:
        subprocess.run(["ruff", "format", "--quiet", *by_path], check=True)


def rewritten(text: str, function: str, field: str, specs: Sequence[str]) -> str:
    """Return the text of a file in which a field of a mutant's declaration names other specs."""
    (node,) = (node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef) and node.name == function)
    (call,) = (
        decorator
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call) and getattr(decorator.func, "id", "") in ("mutant", "correct")
    )
    names = ", ".join(f'"{spec}"' for spec in specs) + "," * (len(specs) == 1)
    for keyword in call.keywords:
        if keyword.arg == field:
            return _replaced(text, keyword.value, f"({names})")
    last = call.keywords[-1].value if call.keywords else call.args[-1]
    return _replaced(text, last, f"{ast.get_source_segment(text, last)}, {field}=({names})")


def _replaced(text: str, node: ast.expr, expression: str) -> str:
    """Return the text with another expression in place of a node."""
    lines = text.splitlines(keepends=True)
    start = sum(map(len, lines[: node.lineno - 1])) + node.col_offset
    end = sum(map(len, lines[: (node.end_lineno or 0) - 1])) + (node.end_col_offset or 0)
    return text[:start] + expression + text[end:]


def main(arguments: Sequence[str]) -> int:
    """Print or write the proposals; return 1 if a spec is named by no mutant and gives no reason."""
    parser = argparse.ArgumentParser(description="Name the specs that kill mutants in their declarations.")
    parser.add_argument("matrices", nargs="+", type=Path, metavar="MATRIX")
    parser.add_argument("--write", action="store_true", help="write the names into the files of the mutants")
    options = parser.parse_args(arguments)
    declared = mutants()
    names = proposals(declared, killers([kill_matrix.read(path) for path in options.matrices]))
    for mutant in declared:
        added = sorted(set(names[mutant.name]) - {*mutant.killed_by, *mutant.advised_by})
        if added:
            print(f"{mutant.name}: {', '.join(added)}")
    named = {spec for specs in names.values() for spec in specs}
    missing = [spec.id for spec, _ in collect_specs() if spec.id not in named and not spec.no_mutant_because]
    print(f"{len(missing)} specs are named by no mutant: {', '.join(missing) or 'none'}")
    if options.write:
        write(declared, names)
    return min(len(missing), 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
