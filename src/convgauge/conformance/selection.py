"""Selection of what a run judges: specs by profile, tier, dtype, device, id and keyword."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from convgauge.conformance import shards
from convgauge.conformance.cases import Case
from convgauge.conformance.collection import Test, collect_specs
from convgauge.conformance.directions import applies
from convgauge.conformance.shards import WHOLE, Shard
from convgauge.conformance.spec import Spec
from convgauge.conformance.substitutes import substitute
from convgauge.conformance.targets import Target, description_from_declaration
from convgauge.problem import ProblemError
from convgauge.registry import Origin
from convgauge.request import CheckRequest, RequestError
from convgauge.terms import TIERS, Profile, Tier, includes
from convgauge.worker.call import Description

Key = tuple[str, str, str, str]
"""Spec id, implementation, dtype and device: the identity of a record in a run."""


@dataclass(frozen=True)
class Task:
    """One spec on one implementation, in one dtype, on one device."""

    spec: Spec
    test: Test
    implementation: str
    dtype: str
    device: str

    @property
    def key(self) -> Key:
        """Key of the task's record."""
        return self.spec.id, self.implementation, self.dtype, self.device

    def __str__(self) -> str:
        return f"{self.implementation}-{self.dtype}-{self.device}"


@dataclass(frozen=True)
class Selection:
    """Rule by which tasks are due.

    Empty tuples stand for every spec of the profile, every dtype of the spec at the tier, every device present.
    ``specs`` replaces the profile. ``only`` is the one case of a reproduction; its dtype is then the only one.
    """

    profile: Profile = "functional"
    tier: Tier = "standard"
    dtypes: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    specs: tuple[str, ...] = ()
    only: Case | None = None
    keyword: str = ""
    shard: Shard = WHOLE

    @classmethod
    def from_request(cls, request: CheckRequest) -> Selection:
        """Return the selection that a request makes. Raises `RequestError`."""
        try:
            only = Case.parse(request.case) if request.case else None
        except ProblemError as error:
            raise RequestError(str(error)) from None
        return cls(
            request.profile, request.tier, request.dtypes, request.devices, request.specs, only, request.keyword,
            Shard.parse(request.shard),
        )  # fmt: skip

    def tasks(self, spec: Spec, test: Test, targets: Mapping[str, Target]) -> list[Task]:
        """Return the tasks of one spec that are due, target by target."""
        if not self._includes(spec):
            return []
        return [
            Task(spec.required_if(target.reproducible), test, name, dtype, device)
            for name, target in targets.items()
            if target.description is not None
            and (not spec.frameworks or target.description.framework in spec.frameworks)
            and applies(spec, target.description.direction)
            for device in self.devices or target.description.devices
            for dtype in self._dtypes(spec, target.description)
        ]

    def _includes(self, spec: Spec) -> bool:
        if self.specs:
            return spec.id in self.specs
        return includes(self.profile, spec.profile) and TIERS.index(spec.tier) <= TIERS.index(self.tier)

    def _dtypes(self, spec: Spec, description: Description) -> tuple[str, ...]:
        """Return the spec's dtypes that the subject supports, or else a substitute.

        Of the chapter on dtypes, all are returned, to report those that are absent.
        """
        if self.only is not None:
            return (self.only.problem.dtype,)
        dtypes = tuple(dtype for dtype in self.dtypes or spec.at(self.tier) if dtype in spec.dtypes)
        if spec.chapter == "dtype":
            return dtypes
        answered = tuple(dtype for dtype in self.dtypes or description.dtypes if dtype in description.dtypes)
        other = substitute(spec, answered)
        return tuple(dtype for dtype in dtypes if dtype in answered) or ((other,) if other else ())

    def collected_tasks(self, targets: Mapping[str, Target]) -> list[Task]:
        """Return the tasks of the bundled specification that are due, in the order in which they are judged."""
        tasks = (task for spec, test in collect_specs() for task in self.tasks(spec, test, targets))
        return self.arrange((task for task in tasks if matches_keyword(self.keyword, keywords(task))), targets)

    def arrange(self, tasks: Iterable[Task], targets: Iterable[str]) -> list[Task]:
        """Return the tasks of this shard, implementation by implementation: one child process at a time per thread."""
        order = {name: index for index, name in enumerate(targets)}
        arranged = sorted(tasks, key=lambda task: order[task.implementation])
        if not self.shard.of:
            return arranged
        costs = shards.estimates([task.key[:2] for task in arranged], self.tier)
        return arranged[shards.cut(costs, self.shard.first, self.shard.of)]


def expected_tasks(request: CheckRequest, origins: Iterable[Origin]) -> list[Task]:
    """Return the tasks that are due according to the declarations, without loading an implementation."""
    targets = {origin.name: Target(origin, description_from_declaration(origin)) for origin in origins}
    return Selection.from_request(request).collected_tasks(targets)


# --- keywords --------------------------------------------------------------------------------------------------------

_WORD = re.compile(r"[^\s()]+")
_OPERATORS = ("and", "or", "not")


def keywords(task: Task) -> tuple[str, ...]:
    """Return the names by which a keyword selects a task; they are those of its item in pytest."""
    function = getattr(task.test, "__name__", "")
    return f"test_{task.spec.chapter}.py", f"{function}[{task}]", task.spec.id, "spec", "parametrize"


def matches_keyword(expression: str, names: Iterable[str]) -> bool:
    """Return True if names match an expression of words with ``and``, ``or``, ``not`` and parentheses, as for ``-k``.

    A word matches if it is part of a name; case does not matter. An empty expression matches everything.

    Raises
    ------
    RequestError
        If the expression is not well formed.
    """
    if not expression.strip():
        return True
    lower = [name.lower() for name in names]

    def value(word: re.Match[str]) -> str:
        return word[0] if word[0] in _OPERATORS else str(any(word[0].lower() in name for name in lower))

    try:
        return _evaluate(ast.parse(_WORD.sub(value, expression.strip()), mode="eval").body)
    except (SyntaxError, RecursionError, MemoryError):
        raise RequestError(f"-k {expression!r} is not an expression of words with and, or, not") from None


def _evaluate(node: ast.expr) -> bool:
    match node:
        case ast.BoolOp(op=ast.And()):
            return all(map(_evaluate, node.values))
        case ast.BoolOp():
            return any(map(_evaluate, node.values))
        case ast.UnaryOp(op=ast.Not()):
            return not _evaluate(node.operand)
        case ast.Constant(value=bool()):
            return bool(node.value)
    raise SyntaxError
