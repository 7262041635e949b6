"""Text of a judgement for a terminal: the verdict, the facts beside it, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from convgauge.conformance.case_words import USUAL_DTYPE
from convgauge.conformance.cause_text import cause_lines, headline, numbered_lines, remark_sentence, wrapped
from convgauge.conformance.causes import failing_specs, named
from convgauge.conformance.limits import proposal
from convgauge.conformance.verdict import is_wrong
from convgauge.domain import domain_of
from convgauge.request import Verbosity
from convgauge.results import CauseRecord, ImplementationRecord, Judgement, SpecRecord
from convgauge.terms import Requirement, reaches
from convgauge.text import counted, coverage_text, escape_controls

MAX_LIMITS = 3
"""Limits of an implementation that are printed; the report shows all."""

MIN_WORDS = 3  # of the command that reproduces a case; the third is the target

MAX_SPECS = 4
"""Specs that a line names."""


COMMANDS = ("declare", "form", "next")
"""Labels of lines that have a command, which is never broken."""

INDENT = " " * 12


@dataclass(frozen=True)
class JudgedImplementation:
    """Result of a run for one implementation.

    Attributes
    ----------
    name : str
        Name of the implementation.
    judgement : Judgement
        Its judgement.
    records : sequence of SpecRecord
        Its records; without them, no spec is named.
    implementation : ImplementationRecord or None
        What was found out about it.
    causes : sequence of CauseRecord
        Causes of its failures.
    has_findings : bool
        False if the diagnosis itself failed, so that the absence of causes states nothing.
    """

    name: str
    judgement: Judgement
    records: Sequence[SpecRecord] = ()
    implementation: ImplementationRecord | None = None
    causes: Sequence[CauseRecord] = ()
    has_findings: bool = True

    @property
    def is_diagnosed(self) -> bool:
        """True if something failed, and the causes say why or none was found."""
        is_wrong = self.judgement.verdict == "wrong" and bool(failing_specs(self.records))
        return (is_wrong and self.has_findings) or bool(named(self.causes))


def result_lines(
    judged: JudgedImplementation, require: Requirement = "correct", verbosity: Verbosity = Verbosity.FAULTS
) -> list[str]:
    """Return all lines of one implementation: the verdict, the causes of its failures, and the facts beside them."""
    judgement, records, causes = judged.judgement, judged.records, judged.causes
    first = verdict_line(judged.name, judgement, require)
    if verbosity is Verbosity.VERDICTS:
        lines = _headlines(judged, require) if judged.is_diagnosed else [first]
        return lines + [escape_controls(line) for cause in named(causes)[:1] for line in numbered_lines(1, cause)]
    details = detail_lines(judgement, records, judged.implementation, causes)
    if not judged.is_diagnosed:
        return [first, *details]
    below = cause_lines(judgement, records, causes, shows_all=verbosity is Verbosity.EVERY_SPEC)
    facts = [f"  {'verdict':<9} {_facts(judgement)}"] if judgement.verdict == "wrong" else []
    return [*_headlines(judged, require), *below, *facts, *details]


def _headlines(judged: JudgedImplementation, require: Requirement) -> list[str]:
    """Return the verdict with the sentence on all failures, which a remark precedes."""
    judgement, remark = judged.judgement, remark_sentence(judged.judgement)
    if judgement.verdict != "wrong":
        met = headline(judged.records, judged.causes, "unmet spec")
        return [verdict_line(judged.name, judgement, require), *([remark] if remark else []), met]
    sentence = headline(judged.records, judged.causes)
    verdict = f"{judged.name}: {_verdict(judgement, require)}."
    further = [sentence] if remark and named(judged.causes) else []
    lines = [*wrapped(f"{verdict} {remark or sentence}", "  "), *further]
    return [escape_controls(line) for line in lines]


def verdict_line(name: str, judgement: Judgement, require: Requirement = "correct") -> str:
    """Return the line of one implementation: the verdict and the facts beside it."""
    return f"{escape_controls(name)}: {_verdict(judgement, require)}, {_facts(judgement)}"


def _verdict(judgement: Judgement, require: Requirement) -> str:
    is_reached = require == "correct" or reaches(judgement.verdict, require)
    return judgement.verdict + ("" if is_reached else f" ({require} is required)")


def _facts(judgement: Judgement) -> str:
    """Return coverage, strictness and grade."""
    parts = [
        "" if judgement.coverage is None else f"coverage {coverage_text(judgement.coverage)}",
        strictness_text(judgement.is_strict),
        f"accuracy grade {judgement.grade}" if judgement.grade else "no accuracy grade",
    ]
    return ", ".join(filter(None, parts))


def strictness_text(is_strict: bool | None) -> str:
    """Return the strictness in words."""
    return "strictness not tested" if is_strict is None else "strict" if is_strict else "not strict"


def detail_lines(
    judgement: Judgement,
    records: Sequence[SpecRecord] = (),
    implementation: ImplementationRecord | None = None,
    causes: Sequence[CauseRecord] = (),
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
    causes
        Causes of its failures, each with the command that runs a case again.
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
        "form": "" if named(causes) else _form_advice(judgement, records, implementation),
        "next": next_step(judgement, records, implementation, causes),
    }
    texts = {label: f"  {escape_controls(f'{label:<9} {text}')}" for label, text in lines.items() if text}
    return [line for label, text in texts.items() for line in ([text] if label in COMMANDS else wrapped(text, INDENT))]


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


def next_step(
    judgement: Judgement,
    records: Sequence[SpecRecord],
    implementation: ImplementationRecord | None,
    causes: Sequence[CauseRecord] = (),
) -> str:
    """Return what leads from a verdict to the next rung; "" if nothing is known, or if the causes' lines have it."""
    match judgement.verdict:
        case "wrong":
            faults = [record for record in records if record.level == "required" and is_wrong(record)]
            is_refused = implementation is not None and bool(implementation.supports)
            is_refused = is_refused and all(record.status == "errored" for record in faults)
            advice = _narrowing(implementation) if is_refused else ""
            reproduction = "" if any(cause.reproduce for cause in causes) else _reproduction(faults)
            return "; or ".join(filter(None, (reproduction, advice)))
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
