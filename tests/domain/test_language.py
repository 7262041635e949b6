"""Domains: an expression is safe, fast and total, and a mistake in it is one sentence."""

from __future__ import annotations

import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from convgauge.domain import EVERYTHING, FIELDS, Domain, DomainError, fields_of, hints
from convgauge.problem import Problem

PROBLEM = Problem.parse("n2c64h56w28_o32k3x1_s2x1_p1x0_d1x2_g1_b_float32")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("True", True),
        ("groups == 1 and kernel_h == kernel_w", False),
        ("in_channels % 32 == 0 and dtype in ('float32', 'float64')", True),
        ("isinstance(padding, int)", False),
        ("isinstance(padding, (tuple, list)) and max(padding) <= 1", True),
        ("padding == (1, 0) or padding == 'same'", True),
        ("isinstance(padding, str) and len(padding) == 4", False),
        ("not bias or batch - 1 > 0", True),
        ("1 <= stride_h <= 2 and kernel in ((3, 1), (3, 3))", True),
        ("min(height, width) * 2 == max(height, width) and abs(-height) == 56", True),
        ("out_h == 28 and out_w == 28 and reduction == 192", True),
        ("height // 8 == 7 + 0 and depthwise == False", True),
        ("device == 'cpu' and layout == weight_layout == bias_layout and not prepared", True),
    ],
)
def test_a_condition_is_computed_as_python_does(text: str, expected: bool) -> None:
    assert Domain.parse(text).contains(fields_of(PROBLEM)) is expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty: write a condition such as groups == 1"),
        ("groups = 1", r"does not parse at column 8 \('= 1'\): write == to compare"),
        ("bias && groups == 1", r"does not parse at column 7 .*: write `and`"),
        ("groups == 1 and", "does not parse at its end"),
        ("gruops == 1", "`gruops` at column 1 is not a field: did you mean groups"),
        ("zzz == 1", "the fields are batch, in_channels"),
        ("bias and height % 2", r"`height % 2` at column 10 is not a condition: .* `height % 2 == 0`"),
        ("dtype", r"is not a condition: .* `dtype in \('float32',\)`"),
        ("print(1)", "calls an unknown function: the functions are isinstance"),
        ("len == 1", "is a function: length of"),
        ("int == 1", r"is a type: write isinstance\(padding, int\)"),
        ("isinstance(padding, float)", "`float` at column 21 is not one of the types"),
        ("len(kernel, 2) == 1", "has 2 arguments, not 1"),
        ("height / 2 == 1", "write // for the quotient"),
        ("bias & prepared", "write `and`"),
        ("stride[0] == 1", "such as stride_h"),
        ("1.5 < height", "is not an integer"),
        ("height % 0 == 0", "divides by 0"),
        ("dtype == 'float31'", "is false for every call"),
        ("padding <= 1", r"orders a tuple if padding is a tuple: .* put `isinstance\(padding, int\) and` before it"),
        ("isinstance(padding, (int, str)) and padding + 1 < 3", "computes with a str if padding is 'same'"),
        ("max(stride) == 1", r"takes no int if stride is an int: .* `isinstance\(stride, \(tuple, list\)\) and`"),
        ("groups == 7 and dtype < 3", "orders a str: compare texts and pairs with == or in"),
        ("'a' in height", "searches an int: write a tuple such as"),
    ],
)
def test_a_mistake_is_one_sentence_with_the_place_and_the_next_step(text: str, message: str) -> None:
    with pytest.raises(DomainError, match=message) as raised:
        Domain.parse(text)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "(lambda: True)()",
        "().__class__.__bases__",
        "[x for x in kernel] == []",
        "2 ** 999999999 > 1",
        "1 << 999999999 > 1",
        "'a' * 999999999 == 'a'",
        "kernel * 999999999 == kernel",
        "'%999999999d' % 1 == 'a'",
        "1" * 30 + " > height",
        "f'{height}' == '1'",
        "(height := 1) == 1",
        "'\\N{BULLET}' == dtype",
        "(" * 300 + "bias" + ")" * 300,
        "not " * 480 + "bias",
        "-" * 1900 + "1 < 2",
        "bias or " * 400 + "bias",
        "bias\x00",
    ],
)
def test_code_and_unbounded_work_are_refused(text: str) -> None:
    with pytest.raises(DomainError):
        Domain.parse(text)


def test_spelled_arguments_of_an_unknown_kind_are_outside() -> None:
    fields = fields_of(PROBLEM, {"stride": None, "padding": "1", "dilation": 1.5, "groups": "2"})
    for text in ("groups <= 2", "isinstance(stride, int)", "dilation in (1, (1, 1))", "height % groups == 0"):
        assert not Domain.parse(text).contains(fields), text
    assert not Domain.parse("groups * 2 != 4").contains(fields)


def test_a_division_by_0_is_outside() -> None:
    domain = Domain.parse("height % padding_w != 0")
    assert not domain.contains(fields_of(PROBLEM))
    assert domain.contains(fields_of(PROBLEM.replace(padding=(1, 3))))


def test_conjuncts_are_the_terms_that_and_joins() -> None:
    domain = Domain.parse("(groups == 1 and  (bias or batch > 1)) and isinstance(stride, int) and stride <= 2")
    assert [part.text for part in domain.conjuncts] == [
        "groups == 1",
        "bias or batch > 1",
        "isinstance(stride, int)",
        "stride <= 2",
    ]
    assert domain.names == {"groups", "bias", "batch", "stride"}
    assert Domain.parse("bias").conjuncts == (Domain.parse("bias"),)


def test_and_joins_each_conjunct_once() -> None:
    joined = Domain.parse("groups == 1 and bias") & Domain.parse("batch == 1 or bias") & Domain.parse("groups == 1")
    assert joined.text == "groups == 1 and bias and (batch == 1 or bias)"
    assert joined == Domain.parse(joined.text)
    assert EVERYTHING & joined == joined & EVERYTHING == joined
    assert (EVERYTHING & EVERYTHING).is_everything


def test_violated_conjuncts_are_named_without_those_that_they_guard() -> None:
    domain = Domain.parse("groups == 1 and isinstance(padding, int) and padding <= 2 and stride_h == 1")
    fields = fields_of(PROBLEM, {"padding": "same"})
    assert [str(part) for part in domain.violated(fields)] == ["isinstance(padding, int)", "stride_h == 1"]
    assert EVERYTHING.violated(fields) == ()


def test_a_domain_is_a_value() -> None:
    domain = Domain.parse("  groups\n ==   1 ")
    assert domain.text == str(domain) == "groups == 1"
    assert pickle.loads(pickle.dumps(domain)) == domain
    assert {domain: 1}[Domain.parse("groups == 1")] == 1


def test_an_expression_is_parsed_without_numpy() -> None:
    code = (
        "import sys; from convgauge.domain import Domain; Domain.parse('groups == 1'); sys.exit('numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_field_has_the_kind_that_it_declares() -> None:
    kinds = {"int": int, "bool": bool, "str": str, "tuple": tuple, "list": list}
    values = fields_of(PROBLEM)
    assert list(values) == list(FIELDS)
    for name, field in FIELDS.items():
        assert type(values[name]) in [kinds[kind] for kind in field.kinds], name


def test_threads_may_parse_at_the_same_time() -> None:
    texts = [f"groups == {number} and ({' or '.join(['bias'] * 40)})" for number in range(400)]
    with ThreadPoolExecutor(8) as pool:
        assert [domain.text for domain in pool.map(Domain.parse, texts)] == texts


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("stride == 1 and dilation in (1, 2)", ["stride", "dilation"]),
        ("padding in (0, 'same') or groups == 1", []),
        ("isinstance(stride, int) and stride == 1", []),
        ("stride_h == 1 and padding == 'same' and kernel in ((1, 1), (3, 3))", []),
        ("stride in (1, (1, 1))", []),
        ("padding == 0 or bias", ["padding"]),
    ],
)
def test_a_comparison_of_a_spelling_with_a_number_has_a_hint(text: str, names: list[str]) -> None:
    assert [hint.split()[0] for hint in hints(Domain.parse(text))] == names
