"""Causes: what explains failing samples, found by `convgauge.diagnosis.explain`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from convgauge.diagnosis.sample import Sample


def topic_of(sentence: str) -> str:
    """Return what a sentence is about: "padding" of "padding: rows and columns are swapped"."""
    return sentence.partition(":")[0]


@dataclass(frozen=True)
class Cause:
    """One explanation of failing samples.

    Attributes
    ----------
    mechanism : str
        Slug of the mechanism; "" if none fits.
    kind : str
        Kind of the mechanism (`MechanismKind`); "" if none fits.
    sentence : str
        What the kernel does: "padding: rows and columns are swapped". If no mechanism fits, the kind of deviation.
    region : str
        Where it does so, in words: "wherever padding differs by axis"; "" if nowhere else.
    expression : str
        The region in the language of `convgauge.domain`; "" if it is everywhere or has no such expression.
    samples : sequence of Sample
        Failing samples that it explains.
    """

    mechanism: str
    kind: str
    sentence: str
    region: str
    expression: str
    samples: Sequence[Sample] = field(repr=False)

    @property
    def topic(self) -> str:
        """Subject of the sentence: "padding"."""
        return topic_of(self.sentence)


@dataclass(frozen=True)
class Diagnosis:
    """Causes of an implementation's failures.

    Attributes
    ----------
    causes : list of Cause
        Causes, the one that explains the most specs first.
    unexplained : list of Sample
        Failing samples that no cause explains.
    cleared : dict
        Number of passing samples by topic ("stride", "bias", ...) that is not the cause of any failure.
    remark : str
        Sentence about the whole: the kernel fails at random, in every case, or raises always; else "".
    """

    causes: list[Cause]
    unexplained: list[Sample]
    cleared: dict[str, int]
    remark: str = ""
