"""Tests of the declaration of specs."""

from __future__ import annotations

import pytest

from convgauge.conformance import Judge, spec


def stated(judge: Judge) -> None:
    """Something   is so."""


def test_a_spec_has_its_sentence_chapter_and_dtypes() -> None:
    declared = spec("some.thing", source="a paper", dtypes=("float64", "float16"), quick=("float32",))(stated).spec  # type: ignore[attr-defined]
    assert (declared.sentence, declared.chapter, declared.level) == ("Something is so.", "spec", "required")
    assert declared.at("standard") == ("float64", "float16")
    assert declared.at("quick") == ("float64",), "the first of its dtypes, if it has none of the quick ones"


@pytest.mark.parametrize(
    ("id", "fields", "message"),
    [
        ("Thing", {}, "is not words joined by dots"),
        ("some.thing", {"level": "optional"}, "level 'optional'"),
        ("some.thing", {"profile": "all"}, "profile 'all'"),
        ("some.thing", {"dtypes": ("float8",)}, "float8"),
        ("some.thing", {"keeps": ("colour",)}, "colour"),
    ],
)
def test_an_unknown_word_is_an_error(id: str, fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        spec(id, source="a paper", **fields)(stated)  # type: ignore[arg-type]


def test_a_spec_without_a_sentence_is_an_error() -> None:
    def test_nothing(judge: Judge) -> None:
        pass

    with pytest.raises(ValueError, match="no docstring"):
        spec("some.thing", source="a paper")(test_nothing)
