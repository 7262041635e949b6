"""``convgauge selftest``: compute the kill matrix of the specification."""

from __future__ import annotations

from pathlib import Path

import click

from convgauge.cli.errors import InputError
from convgauge.cli.group import Command
from convgauge.terms import PROFILES, TIERS, Profile, Tier


@click.command(
    "selftest",
    cls=Command,
    examples=(
        "convgauge selftest --tier quick",
        "convgauge selftest -k padding -x",
        "convgauge selftest --seeds 10 --tier quick",
        "convgauge selftest --diagnosis --tier quick -k padding -k tails --output diagnoses.json",
    ),
)
@click.option(
    "--tier",
    type=click.Choice(TIERS),
    default="standard",
    metavar="TIER",
    help="quick, standard or exhaustive; default: standard",
)
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE.json", help="write the kill matrix here")
@click.option(
    "-k",
    "words",
    multiple=True,
    metavar="WORD",
    help="run only mutants whose name contains this, or of this file; it may be given several times",
)
@click.option(
    "-x",
    "is_first_kill_only",
    is_flag=True,
    help="end a mutant's run at the first spec that kills it; with --counterexamples, use only those that it names",
)
@click.option(
    "--resume",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE.json",
    help="continue this matrix: findings of unchanged mutants are taken from it",
)
@click.option(
    "--sensitivity",
    default="",
    metavar="TARGET",
    help="instead, give every case of a correct implementation wrong outputs",
)
@click.option(
    "--counterexamples",
    "audits_counterexamples",
    is_flag=True,
    help="instead, judge the counterexamples of the mutants again: on the mutant and on the oracle",
)
@click.option(
    "--diagnosis",
    "judges_diagnosis",
    is_flag=True,
    help="instead, diagnose the mutants, and compare the causes that are named with their mechanisms",
)
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    metavar="N",
    help="instead, run each mutant with N seeds on the specs that it names, and print those that a seed misses",
)
@click.option(
    "--correct",
    "are_correct",
    is_flag=True,
    help="with --seeds, run all specs on the correct builds instead of mutants",
)
@click.option(
    "--evidence",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="with --diagnosis, keep the judged cases here and diagnose them again; remove it after a change of the judge",
)
@click.option("-v", "prints_text", is_flag=True, help="with --diagnosis, print what a check prints at its end")
@click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="mutants that are run at once; default: cores")
@click.option(
    "--profile",
    type=click.Choice(PROFILES),
    default="functional",
    metavar="PROFILE",
    help="profile whose specs are given wrong outputs; default: functional",
)
def command(
    tier: Tier,
    output: Path | None,
    words: tuple[str, ...],
    is_first_kill_only: bool,
    resume: Path | None,
    sensitivity: str,
    audits_counterexamples: bool,
    judges_diagnosis: bool,
    seeds: int | None,
    are_correct: bool,
    evidence: Path | None,
    prints_text: bool,
    jobs: int | None,
    profile: Profile,
) -> int:
    """Test the specification with mutants and correct builds.

    Every mutant must be killed, and no correct build may fail.
    """
    if sensitivity:
        from convgauge.selftest.sensitivity import show

        return show(sensitivity, profile, tier)
    if audits_counterexamples:
        from convgauge.selftest.counterexamples import show as show_counterexamples

        return show_counterexamples(tier, words, names_only=is_first_kill_only)
    if seeds:
        from convgauge.selftest.seeds import show as show_seeds

        return show_seeds(tier, seeds, words, are_correct=are_correct)
    from convgauge.results import DamagedFileError
    from convgauge.selftest.diagnoses.run import show as show_diagnoses
    from convgauge.selftest.run import selftest

    try:
        if judges_diagnosis:
            return show_diagnoses(
                tier, words, output=output, resume=resume, jobs=jobs or 0, prints_text=prints_text, evidence=evidence
            )
        return selftest(tier, output, words, is_first_kill_only, resume, jobs or 0)
    except (DamagedFileError, OSError) as error:
        raise InputError(str(error)) from None
