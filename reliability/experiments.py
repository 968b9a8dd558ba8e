"""What can be tried, how often, and what came out of it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from reliability.program import Found

SHOWN = 10  # findings of one experiment


class Outcome(NamedTuple):
    """What an experiment came to."""

    trials: int  # that were really made
    findings: list[str]
    remark: str = ""


Run = Callable[[Path, int], Outcome]
"""From an empty folder and a number of trials to what came out of them."""


class Experiment(NamedTuple):
    area: str  # as `--only` names it
    what: str
    unit: str  # of what a trial is, in the plural
    trials: int
    run: Run


class Line(NamedTuple):
    """An experiment that was made."""

    experiment: Experiment
    outcome: Outcome
    seconds: float


def repeated(attempt: Callable[[Path, int], None]) -> Run:
    """Try it with the seeds 0, 1, 2 and so on, each in an empty folder."""

    def run(folder: Path, trials: int) -> Outcome:
        findings = []
        for seed in range(trials):
            place = folder / str(seed)
            place.mkdir()
            try:
                attempt(place, seed)
            except Found as found:
                findings.append(f"seed {seed}: {found}")
            shutil.rmtree(place)
        return Outcome(trials, findings)

    return run


def made(experiment: Experiment, folder: Path, trials: int | None) -> Line:
    """Make an experiment; `trials` None: as many as it wants."""
    folder.mkdir()
    started = time.monotonic()
    outcome = experiment.run(folder, experiment.trials if trials is None else trials)
    seconds = time.monotonic() - started
    shutil.rmtree(folder)
    return Line(experiment, outcome, seconds)
