"""Search for the adapter of a target: first the layouts on a plain problem, then each feature by itself."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from itertools import product

from convgauge.adapt.guess import LIKELY, Guess, first_guesses, roles, variants
from convgauge.adapt.problems import BASES, features, trial_problems, without_bias
from convgauge.adapt.source import CONDITIONS, REFUSAL
from convgauge.adapt.trials import Trial, Trials
from convgauge.problem import Problem

BUDGET_S = 60.0
"""Seconds after which no further guess is tried: a thousand guesses take 10 s on one core."""

MAX_ENDED = 4
"""Guesses that may end the process: each costs the seconds in which a framework is imported."""


@dataclass(frozen=True)
class Adaptation:
    """Result of a search.

    Attributes
    ----------
    guess : Guess or None
        Guess whose adapter is right on a plain problem, or None.
    trials : dict
        Final trials by what they show; empty without a guess.
    tried : list of Trial
        All trials of the search.
    """

    guess: Guess | None
    trials: dict[str, Trial]
    tried: list[Trial]

    @property
    def nearest(self) -> Trial | None:
        """The trial that came nearest to a right output, or None if nothing was tried."""
        ranks = ("refused", "raised", "ended", "wrong", "right")
        return max(self.tried, key=lambda trial: (ranks.index(trial.status), trial.share), default=None)

    @property
    def turned(self) -> Trial | None:
        """A trial whose output is that of the turned kernel, or None."""
        return next((trial for trial in self.tried if trial.is_turned), None)


def search(trials: Trials) -> Adaptation:
    """Find the guess whose adapter is right, and try it on problems that show one feature each."""
    deadline = time.monotonic() + BUDGET_S
    plain = _plain(trials, deadline)
    if plain is None:
        return Adaptation(None, {}, trials.outcomes)
    guess, base = plain.guess, plain.problem
    for feature in features(base):
        if _is_taken(feature, roles(trials.target)):
            guess = _refined(trials, guess, base, feature)
    final = {name: trials.run(guess, problem) for name, problem in trial_problems(base).items()}
    raised = tuple(name for name, trial in final.items() if trial.status == "raised" and name in CONDITIONS)
    return Adaptation(replace(guess, refused=raised), final, trials.outcomes)


def _plain(trials: Trials, deadline: float) -> Trial | None:
    """Return the first trial that is right on a plain problem, or None."""
    guesses = list(first_guesses(trials.target))
    likely = [guess for guess in guesses if (guess.layout, guess.weight) in LIKELY]
    others = [guess for guess in guesses if guess not in likely]
    ended = 0
    for group, problem in product((likely, others), without_bias(BASES)):
        for guess in group:
            trial = trials.run(guess, problem)
            if trial.status == "right":
                return trial
            if trial.is_turned:
                return None  # no other layout is: the operands are all different
            if REFUSAL in trial.message:
                break  # whatever the layout
            ended += trial.status == "ended"
            if ended >= MAX_ENDED or time.monotonic() > deadline:
                return None
    return None


def _is_taken(feature: str, taken: frozenset[str]) -> bool:
    name = feature.partition(" ")[0]
    return name in taken


def _refined(trials: Trials, guess: Guess, base: Problem, feature: str) -> Guess:
    """Return the first variant of a guess that is right on a problem with a feature and on the plain one."""
    takes_numbers = any(trials.run(guess, problem).status == "right" for problem in features(base)["padding"])
    for problem in features(base)[feature]:
        for variant in variants(guess, feature):
            if variant.padding == "names" and takes_numbers:
                continue
            if trials.run(variant, problem).status == "right" and trials.run(variant, base).status == "right":
                return variant
    return guess
