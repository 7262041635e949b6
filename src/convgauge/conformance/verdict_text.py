"""Text of a judgement for a terminal: the verdict, the facts beside it, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence

from convgauge.conformance.limits import proposal
from convgauge.conformance.verdict import is_wrong
from convgauge.domain import domain_of
from convgauge.results import ImplementationRecord, Judgement, SpecRecord
from convgauge.terms import Requirement, reaches
from convgauge.text import counted, coverage_text, escape_controls

MAX_LIMITS = 3
"""Limits of an implementation that are printed; the report shows all."""

MIN_WORDS = 3  # of the command that reproduces a case; the third is the target

USUAL_DTYPE = "float32"
"""Dtype in which every spec is judged that has no dtype of its own."""

MAX_SPECS = 4
"""Specs that a line names."""


def verdict_line(name: str, judgement: Judgement, require: Requirement = "correct") -> str:
    """Return the line of one implementation: the verdict and the facts beside it."""
    is_reached = require == "correct" or reaches(judgement.verdict, require)
    parts = [
        judgement.verdict + ("" if is_reached else f" ({require} is required)"),
        "" if judgement.coverage is None else f"coverage {coverage_text(judgement.coverage)}",
        strictness_text(judgement.is_strict),
        f"accuracy grade {judgement.grade}" if judgement.grade else "no accuracy grade",
    ]
    return f"{escape_controls(name)}: {', '.join(filter(None, parts))}"


def strictness_text(is_strict: bool | None) -> str:
    """Return the strictness in words."""
    return "strictness not tested" if is_strict is None else "strict" if is_strict else "not strict"


def detail_lines(
    judgement: Judgement, records: Sequence[SpecRecord] = (), implementation: ImplementationRecord | None = None
) -> list[str]:
    """Return the lines below that of the verdict: limits, strictness, counts, and what to do next.

    Parameters
    ----------
    judgement
        Judgement of the implementation.
    records
        Its records; without them, no spec is named.
    implementation
        What was found out about it.
    """
    counts = ", ".join(f"{count:,} {status.replace('_', ' ')}" for status, count in judgement.specs.items())
    lines = {
        "unjudged": judgement.reason if judgement.verdict == "unjudged" else "",
        "limits": shortened(judgement.limits, MAX_LIMITS, "; "),
        "adapted": "; ".join(implementation.adaptations) if implementation is not None else "",
        "strict": _answered(judgement, records),
        "judged": f"{_cases(judgement)}; specs: {counts or 'none'}",
        "dtypes": _dtypes_of_faults(records) if judgement.verdict == "wrong" else "",
        "declare": _declaration(implementation) if judgement.specs.get("errored") else "",
        "form": _form_advice(judgement, records, implementation),
        "next": next_step(judgement, records, implementation),
    }
    return [f"  {escape_controls(f'{label:<9} {text}')}" for label, text in lines.items() if text]


def _form_advice(
    judgement: Judgement, records: Sequence[SpecRecord], implementation: ImplementationRecord | None
) -> str:
    """Return the command that looks for another layout, if a function without declaration passes no spec."""
    is_declared = implementation is None or bool(implementation.algorithm)
    if judgement.verdict != "wrong" or is_declared or judgement.specs.get("passed"):
        return ""
    words = _reproduction([record for record in records if record.counterexample is not None]).split()
    if len(words) < MIN_WORDS:
        return ""
    return f"no spec passes; if the layouts are not conv2d's, an adapter helps: convgauge adapt {words[2]}"


def _dtypes_of_faults(records: Sequence[SpecRecord]) -> str:
    """Return the dtypes that have all faults, if the others pass; float32 among them says nothing about the dtype."""
    required = [record for record in records if record.level == "required" and record.dtype]
    faulty = {record.dtype for record in required if is_wrong(record)}
    sound = {record.dtype for record in required if record.status == "passed"} - faulty
    if not faulty or USUAL_DTYPE not in sound:
        return ""
    others = ",".join(sorted(sound, key=lambda dtype: dtype != USUAL_DTYPE))
    return f"every fault is in {', '.join(sorted(faulty))}: fix or refuse it; --dtype {others} judges the others"


def _declaration(implementation: ImplementationRecord | None) -> str:
    """Return how to declare the regions in which an implementation raises errors; "" if a domain is declared."""
    if implementation is None or implementation.supports:
        return ""
    return proposal(implementation.limits, implementation.domain)


def shortened(texts: Sequence[str], most: int, separator: str) -> str:
    """Return the first texts, and the number of the others."""
    further = [f"and {len(texts) - most} more"] if len(texts) > most else []
    return separator.join([*texts[:most], *further])


def _cases(judgement: Judgement) -> str:
    parts = [f"{counted(judgement.executed, 'case')} judged"]
    for count, status in ((judgement.refused, "refused"), (judgement.declined, "declined")):
        parts += [f"{count:,} {status}"] if count else []
    return ", ".join(parts)


def _answered(judgement: Judgement, records: Sequence[SpecRecord]) -> str:
    if not judgement.answered_invalid:
        return ""
    count = judgement.answered_invalid
    specs = shortened(_lenient_specs(records), MAX_SPECS, ", ")
    calls = "1 invalid call is answered" if count == 1 else f"{count:,} invalid calls are answered"
    return calls + (f": {specs}" if specs else "")


def _lenient_specs(records: Sequence[SpecRecord]) -> list[str]:
    lenient = (
        record.spec for record in records if record.level == "required" and record.outcomes.get("answered_invalid")
    )
    return list(dict.fromkeys(lenient))


def next_step(judgement: Judgement, records: Sequence[SpecRecord], implementation: ImplementationRecord | None) -> str:
    """Return what leads from a verdict to the next rung; "" if nothing is known."""
    match judgement.verdict:
        case "wrong":
            faults = [record for record in records if record.level == "required" and is_wrong(record)]
            is_refused = implementation is not None and bool(implementation.supports)
            is_refused = is_refused and all(record.status == "errored" for record in faults)
            advice = _narrowing(implementation) if is_refused else ""
            return "; or ".join(filter(None, (_reproduction(faults), advice)))
        case "partial" if advice := _narrowing(implementation):
            return f"answer what is refused, or {advice}"
        case "complete":
            return _reproduction([record for record in records if record.outcomes.get("answered_invalid")])
    return ""


def _narrowing(implementation: ImplementationRecord | None) -> str:
    """Return the advice to declare the domain that was found, within the one that is declared; "" if none was found."""
    if implementation is None or not implementation.domain:
        return ""
    declared = domain_of(implementation.supports)
    narrowed = declared & domain_of(implementation.domain)
    return "" if narrowed == declared else f'state what is supported: --supports "{narrowed}"'


def _reproduction(records: Sequence[SpecRecord]) -> str:
    """Return the command that runs the smallest counterexample again, a wrong output before a crash."""
    examples = [record.counterexample for record in records if record.counterexample is not None]
    smallest = min(examples, key=lambda example: (not example.outputs, example.outputs), default=None)
    return "" if smallest is None else smallest.reproduce
