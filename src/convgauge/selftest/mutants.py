"""Mutants, which the specification must kill, and correct builds, which it must not fail.

Both are files that the engine runs and does not import, as implementations are: their declarations are read from the
files' text, and each function is loaded in a child process of its own.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from convgauge import registry
from convgauge.bundled import bundled
from convgauge.registry import Origin
from convgauge.terms import Profile, Tier

MECHANISMS: dict[str, str] = {
    # the kernel and its pairing with the input
    "flipped_kernel": "The kernel is flipped along one or both axes.",
    "swapped_axes": "Two axes of an operand, an argument or the output are swapped.",
    "axis_shared": "The argument of one axis is used for both.",
    "shifted_output": "Outputs are shifted by some positions.",
    "tail_dropped": "The last block of rows, columns, channels, products or images is dropped or repeated.",
    "tile_border": "Outputs at the border of a tile or of a row miss their neighbours.",
    "index_overflow": "A size or an index is too large for its integer type.",
    "combination": "A combination of parameters or layouts takes a path of its own, which is wrong.",
    "structure_assumed": "A shortcut for operands of special values or structure is taken wrongly.",
    # arguments
    "argument_ignored": "An argument is ignored or capped.",
    "argument_misread": "An argument is read by another rule, in another place or with another default.",
    "same_padding_side": "The padding is put on the wrong side, as for 'same' and even kernels.",
    "padding_value": "The padding has other values than zero.",
    "groups_ignored": "Groups share channels or filters, or channels are not added up.",
    "groups_permuted": "Channels or outputs of groups are in another order.",
    "bias_dropped": "The bias is not added.",
    "bias_axis": "The bias is added along the wrong axis or to the wrong channels.",
    # precision and values
    "wrong_scale": "An operand or an output is multiplied by a constant.",
    "sign_lost": "A sign, a conjugation or an imaginary part is lost or added.",
    "narrow_accumulator": "Sums are kept, rounded or saturated in too narrow a type.",
    "narrowed_operands": "Operands are rounded to a narrower type.",
    "subnormals_flushed": "Subnormal numbers are flushed to zero.",
    "nan_clamped": "NaN or infinity is replaced by a finite number.",
    "nan_spread": "NaN or infinity reaches outputs that it must not reach.",
    "false_declaration": "The declaration differs from what is computed.",
    # the output
    "wrong_dtype": "The output has another dtype or byte order.",
    "wrong_shape": "The output has another shape.",
    "wrong_type": "The output is not an array of the framework.",
    "stale_memory": "The output is memory that was never written.",
    "output_aliased": "The output shares memory with an operand, an earlier output or itself.",
    # calls
    "refuses_valid": "A valid call raises.",
    "accepts_invalid": "An invalid call is answered.",
    "layout_assumed": "Strides, offsets, alignment or byte order are ignored.",
    "mutates_operands": "An operand or an argument of the caller is changed.",
    "previous_answer": "An answer, a weight or a plan of an earlier call is used.",
    "nondeterministic": "Equal calls give different answers.",
    "thread_race": "Threads use each other's data, or write after the call has returned.",
    "global_state": "State of the process is changed and not restored.",
    "crash": "The process ends or its memory is exhausted.",
    "hang": "The call does not return.",
    # gradients
    "gradient_graph": "The output is in no graph, or in one that was not requested.",
    "gradient_value": "A gradient is wrong.",
    # cheats
    "cheat_comparison": "The output or the library is changed so that a comparison succeeds.",
    "cheat_harness": "The harness's clocks, checks or messages are disturbed.",
}
"""What a mutant computes instead of a convolution, by slug."""

_DECORATORS = {"mutant": True, "correct": False}
"""Decorators that declare a function, and the value of `Mutant.faulty`."""


@dataclass(frozen=True)
class Mutant:
    """Declaration of a mutant, or of a correct build if ``faulty`` is False.

    Each required spec in ``killed_by`` kills a mutant at ``tier`` in ``profile``; the recommended specs in
    ``advised_by`` report a shortcoming. ``smoke`` states whether it passes the usual smoke test. ``timeout`` is the
    limit of a call in seconds.
    """

    name: str
    path: Path
    sentence: str
    faulty: bool
    mechanism: str = ""
    framework: str = "numpy"
    profile: Profile = "functional"
    killed_by: tuple[str, ...] = ()
    advised_by: tuple[str, ...] = ()
    smoke: bool = True
    tier: Tier = "quick"
    timeout: float = 20.0

    @property
    def origin(self) -> Origin:
        """Origin of the function, as of any function that the command line names."""
        return registry.resolve(f"{self.path}:{self.name}", self.framework)[0]

    @property
    def sources(self) -> list[Path]:
        """Files that the function depends on: its own, and those that its folder and the one above share."""
        return [self.path, *sorted(self.path.parent.glob("_*.py")), *sorted(folder().glob("_*.py"))]

    def names(self, spec: str) -> bool:
        """Return True if ``killed_by`` names a spec, by its id or by its chapter."""
        return any(spec == name or spec.startswith(f"{name}.") for name in self.killed_by)


def folder() -> Path:
    """Return the folder of the mutants, in the installed package or in a checkout."""
    return bundled("mutants")


def mutants(root: Path | None = None) -> list[Mutant]:
    """Return all mutants, then all correct builds, in the order of files and lines.

    Raises `ValueError` for a name that is used twice and for an unknown mechanism.
    """
    root = root or folder()
    declared: dict[str, Mutant] = {}
    for path in [*sorted(root.glob("[a-z]*.py")), *sorted((root / "correct").glob("[a-z]*.py"))]:
        for mutant in _scan(path):
            if mutant.name in declared:
                raise ValueError(f"{path} and {declared[mutant.name].path} both declare {mutant.name}")
            if mutant.faulty and mutant.mechanism not in MECHANISMS:
                raise ValueError(f"{path}: {mutant.name} has the unknown mechanism {mutant.mechanism!r}")
            declared[mutant.name] = mutant
    return list(declared.values())


def _scan(path: Path) -> Iterator[Mutant]:
    """Yield the declarations ``@mutant(…)`` and ``@correct(…)`` of a file."""
    for node in ast.parse(path.read_text(encoding="utf-8"), filename=str(path)).body:
        for decorator in getattr(node, "decorator_list", []):
            name = getattr(decorator.func, "id", "") if isinstance(decorator, ast.Call) else ""
            if name in _DECORATORS:
                yield _declared(node.name, path, decorator, _DECORATORS[name])  # type: ignore[attr-defined]  # a function


def _declared(name: str, path: Path, decorator: ast.Call, faulty: bool) -> Mutant:
    """Return the declaration of a decorator, whose arguments are literals."""
    keywords = {keyword.arg: ast.literal_eval(keyword.value) for keyword in decorator.keywords if keyword.arg}
    return Mutant(name, path, ast.literal_eval(decorator.args[0]), faulty, **keywords)
