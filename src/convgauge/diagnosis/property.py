"""Property: what a fault states by itself, without a hypothesis about the values of the output."""

from __future__ import annotations

from dataclasses import dataclass

from convgauge.diagnosis.kinds import MechanismKind
from convgauge.text import listed


@dataclass(frozen=True)
class Property:
    """Statement of a fault by itself.

    Attributes
    ----------
    slug : str
        Identity: faults of equal slugs have one cause.
    kind : MechanismKind
        Kind, of the list that mechanisms use.
    text : str
        Sentence, in which "{}" stands for the items.
    items : tuple of str
        What the sentence lists; those of several samples are joined.
    is_consequence_possible : bool
        The fault may follow from another one that a mechanism of values names: an exception, a shape, a gradient.
    rivals : tuple of Property
        Other properties that the fault may have instead, the more general ones last.
    explained_by : str
        Slug of a property of the same implementation from which this one follows.
    """

    slug: str
    kind: MechanismKind
    text: str
    items: tuple[str, ...] = ()
    is_consequence_possible: bool = False
    rivals: tuple[Property, ...] = ()
    explained_by: str = ""

    @property
    def sentence(self) -> str:
        """Sentence of a cause, with the items in it."""
        return self.text.replace("{}", listed(self.items)) if self.items else self.text
