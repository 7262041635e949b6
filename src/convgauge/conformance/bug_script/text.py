"""Text of a script: its head, the import of the kernel, the operands, the call and the assertion."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap

import numpy as np

from convgauge.conformance.bug_script.assertions import Body, bodies
from convgauge.conformance.bug_script.calls import KERNEL, operand_lines, plain_call
from convgauge.conformance.bug_script.failure import Failure, NoScriptError
from convgauge.conformance.bug_script.values import helper_lines
from convgauge.registry import Origin
from convgauge.worker.call import Call

MAX_LINES = 40
"""Lines of a script."""

MAX_SEEDS = 4
"""Seeds of operands that are tried."""

_LINE_CHARS = 110

_64_BITS = ("float64", "complex128", "int64")


def scripts(failure: Failure) -> Iterator[str]:
    """Yield the scripts that may show a failure, the clearest one first. None of them has been run.

    Raises
    ------
    NoScriptError
        If no script can show it.
    """
    if failure.observation.adaptations:
        sentences = "; ".join(failure.observation.adaptations)
        raise NoScriptError(f"its calls are adapted, which a script does not repeat: convgauge {sentences}")
    reasons: list[str] = []
    is_found = False
    for seed in (None, *range(MAX_SEEDS)):
        random = None if seed is None else np.random.default_rng(seed)
        try:
            for text in _written(failure, random, seed):
                is_found = True
                yield text
        except NoScriptError as error:
            reasons.append(str(error))
    if not is_found:
        raise NoScriptError(reasons[-1] if reasons else f"it takes more than {MAX_LINES} lines")


def _written(failure: Failure, random: np.random.Generator | None, seed: int | None) -> Iterator[str]:
    """Yield the scripts with the operands of the case, or with those that are drawn."""
    before = [line for call, count in failure.before for line in _earlier_lines(failure, call, count, random)]
    call, operands = operand_lines(failure.call, failure.framework, random)
    is_drawn = any("rng." in line for line in [*before, *operands])
    if random is not None and not is_drawn:
        return  # it is the script without a generator
    drawing = [f"rng = np.random.default_rng({seed})"] if is_drawn else []
    for body in bodies(failure, call):
        lines = _fitted(_lines(failure, body, [*drawing, *before, *operands]))
        if len(lines) > MAX_LINES:
            raise NoScriptError(f"its script takes {len(lines)} lines, and {MAX_LINES} are the limit")
        yield "\n".join(lines) + "\n"


def _fitted(lines: list[str]) -> list[str]:
    """Return the lines, without as many empty ones as are too many."""
    excess = len(lines) - MAX_LINES
    fitted = []
    for line in lines:
        if line or excess <= 0:
            fitted.append(line)
        else:
            excess -= 1
    return fitted


def _earlier_lines(failure: Failure, call: Call, count: int, random: np.random.Generator | None) -> Iterator[str]:
    """Yield the lines of a call that is made before: its output is not used."""
    if call.mode or call.prepared or call.threads > 1:
        raise NoScriptError(f"it fails after a call of the mode {call.mode or 'prepared'}, which convgauge makes")
    changed, lines = operand_lines(call, failure.framework, random)
    yield from lines
    repeats = f"for _ in range({count}): " if count > 1 else ""
    yield f"{repeats}{plain_call(changed)}"


def _lines(failure: Failure, body: Body, operands: list[str]) -> list[str]:
    """Return the lines of a script."""
    text = "\n".join([*operands, *body.lines])
    needs_reader = body.uses_reader or "to_numpy(" in text
    imports = ["import importlib.util", "import sys", *body.imports] if failure.origin.kind == "file" else body.imports
    lines = [
        *_head(failure),
        *sorted(set(imports)),
        *_framework_imports(failure, text),
        "",
        *kernel_lines(failure.origin, failure.target),
        "",
        *([*helper_lines(failure.framework, failure.problem.dtype), ""] if needs_reader else []),
        *operands,
        *body.lines,
    ]
    return [part for line in lines for part in line.split("\n")]


def _head(failure: Failure) -> list[str]:
    """Return the lines of the docstring."""
    what = f"{failure.target}: {failure.fault.message}".replace("\\", "\\\\").replace('"""', "'''")
    first, *further = wrap(what, _LINE_CHARS)[:2]
    folder = f", run in {Path.cwd()}" if not Path(failure.origin.location).is_absolute() else ""
    lines = [f'"""{first}', *further, "", *([failure.sentence] if failure.sentence else [])]
    return [*lines, f"Written by: {failure.command}{folder}" if failure.command else "Written by convgauge.", '"""']


def _framework_imports(failure: Failure, text: str) -> list[str]:
    lines = ["import numpy as np"]
    if failure.framework == "torch":
        lines.append("import torch")
    if failure.framework == "jax":
        lines = ["import jax", "import jax.numpy as jnp", *lines]
        if failure.problem.dtype in _64_BITS or any(f"jnp.{name}" in text for name in _64_BITS):
            lines += ["", 'jax.config.update("jax_enable_x64", True)']
    return lines


def kernel_lines(origin: Origin, target: str) -> list[str]:
    """Return the lines that import the kernel: a file by its path as the command line spells it, or a module."""
    if origin.kind == "module":
        module, _, attribute = origin.attribute.rpartition(".")
        if not module:
            return [f"from {origin.location} import {attribute} as {KERNEL}"]
        return [f"import {origin.location} as module", f"{KERNEL} = module.{origin.attribute}"]
    path = _spelled_path(origin, target)
    return [
        f"sys.path.append({quoted(str(path.parent))})",
        f"spec = importlib.util.spec_from_file_location({quoted(path.stem)}, {quoted(str(path))})",
        "module = importlib.util.module_from_spec(spec)",
        "sys.modules[spec.name] = module",
        "spec.loader.exec_module(module)",
        f"{KERNEL} = module.{origin.attribute}",
    ]


def quoted(text: str) -> str:
    """Return the literal of a text, in double quotes."""
    return json.dumps(text, ensure_ascii=False)


def _spelled_path(origin: Origin, target: str) -> Path:
    """Return the path of the file as the target spells it, if it does."""
    spelled = target.rpartition("=")[2].rpartition(":")[0]
    return Path(spelled) if spelled.endswith(".py") else Path(origin.location)
