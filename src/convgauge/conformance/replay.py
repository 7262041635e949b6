"""Earlier calls: the text form of the calls that are made before a case, and how they are made again.

An earlier call is written as a case, ``PROBLEM;seed=3``: its operands are drawn, and the call is plain. Where a spec
changes the operands or the mode of a call, it is written as ``SPEC@CASE``: the spec judges the case. ``36*CASE`` stands
for so many equal calls.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache

from convgauge.conformance.cases import Case
from convgauge.conformance.collection import Test, collect_specs
from convgauge.conformance.execution import INAPPLICABLE, Executed, Execution
from convgauge.conformance.history import Histories
from convgauge.conformance.setting import NotApplicable, Setting
from convgauge.conformance.spec import Spec
from convgauge.problem import ProblemError
from convgauge.process.runner import Runner
from convgauge.terms import Status


@dataclass(frozen=True)
class EarlierCall:
    """A call that is made before a case.

    Attributes
    ----------
    case : Case
        The case.
    spec : str
        Id of the spec that makes the calls of the case; "" for a plain call.
    count : int
        Number of such calls.
    """

    case: Case
    spec: str = ""
    count: int = 1

    def __str__(self) -> str:
        spec = f"{self.spec}@" if self.spec else ""
        return (f"{self.count}*" if self.count > 1 else "") + spec + str(self.case)

    @classmethod
    def parse(cls, text: str) -> EarlierCall:
        """Return the earlier call of a text form. Raises `ProblemError`."""
        number, star, rest = text.partition("*")
        count = int(number) if star and number.isdecimal() else 1
        rest = rest if star and number.isdecimal() else text
        spec, at, case = rest.partition("@")
        if at and spec not in _tests():
            raise ProblemError(f"{text!r}: no spec has the id {spec!r}")
        return cls(Case.parse(case if at else rest), spec if at else "", count)


def make_again(earlier: Iterable[EarlierCall], runner: Runner, device: str, setting: Setting) -> list[Executed]:
    """Make earlier calls in their order; return what the plain ones did. The outputs are not judged."""
    executed: list[Executed] = []
    for call in earlier:
        for _ in range(call.count):
            if call.spec:
                judge_again(call.spec, call.case, runner, device, setting)
            else:
                executed.append(Execution(runner, device, setting.declared).run_once(call.case))
    return executed


def judge_again(spec: str, case: Case, runner: Runner, device: str, setting: Setting) -> Status:
    """Return the status of one case as a spec judges it; "skipped" if it cannot be judged."""
    from convgauge.conformance.judge import Judge  # which imports this module

    if spec not in _tests():
        return "skipped"
    declared, test = _tests()[spec]
    alone = replace(setting, only=case, minimizes=False, on_counted=None, histories=Histories())
    judge = Judge(declared, runner, case.problem.dtype, device, alone)
    try:
        test(judge)
    except (NotApplicable, *INAPPLICABLE):
        return "skipped"
    return judge.status()


@cache
def _tests() -> dict[str, tuple[Spec, Test]]:
    return {spec.id: (spec, test) for spec, test in collect_specs()}
