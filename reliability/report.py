"""What was tried, how often, and what was found."""

from __future__ import annotations

import platform
import sqlite3
from collections.abc import Sequence
from datetime import date

from reliability.experiments import SHOWN, Line

INTRODUCTION = """\
# Reliability

Written by `python -m reliability --write`. Every trial starts real processes on real files, or (as
for most of the fuzzing and the flipped bits) calls what they consist of; it leaves nothing behind.
A line of the table is made again with `python -m reliability --only` and its area; what is random
comes from fixed seeds, except when a signal reaches a process. `tests/reliability` makes the same
trials, a few of each, on every change.
"""
HISTORY = """\
## What such trials have found, and is mended

- An ingest into a file that was deleted or replaced reported success, and all of it was lost.
- A warning that could not be written (a full disk, a pipe without a reader) ended an ingest early.
- A signal in the very moment of a commit, or between the last one and the answer: fewer events were
  said to be stored than were.
- A signal after the answer turned exit code 0 into an end by that signal.
- A flipped bit that made text no text, in the data or in the schema, was a traceback.
- A record of a million keys took 420 MiB, a CSV quote that is open for 2 GB took 470 MiB.

"""
LIMITS = """\
## What this does not show

- A signal in the first moments, while Python itself still loads the program, ends it silently or,
  for `SIGINT` in the very first, with Python's own words. Nothing has been stored then.
- No power was cut. That a commit survives it rests on SQLite's `synchronous = FULL` and the disk.
- A flipped byte in an event itself is found where it breaks a page, an identity, a reading or a
  reference. Text that no metric reads has no checksum.
- A file that is replaced while its write-ahead log is left beside the new one is a known way to
  damage SQLite files. Put a file in place only when nothing runs, or with `lago db backup`.
"""


def as_text(line: Line) -> str:
    """One line when an experiment is over, and what was found."""
    experiment, outcome, seconds = line
    found = f"{len(outcome.findings)} found" if outcome.findings else "nothing found"
    told = [f"{experiment.area}: {outcome.trials:,} {experiment.unit} in {seconds:.0f} s, {found}"]
    told += [f"  {each}" for each in outcome.findings[:SHOWN]]
    return "\n".join(told)


def as_markdown(lines: Sequence[Line]) -> str:
    rows = [
        "| area | what was tried | trials | found | seconds |",
        "|---|---|--:|--:|--:|",
        *(_row(line) for line in lines),
    ]
    inputs = sum(line.outcome.trials for line in lines if line.experiment.area == "fuzz")
    fuzzed = f" {inputs:,} inputs were fuzzed." if inputs else ""
    made = (
        f"Made on {date.today().isoformat()}, {platform.system()}, Python"
        f" {platform.python_version()}, SQLite {sqlite3.sqlite_version}.{fuzzed}"
    )
    found = [f"- {each}" for line in lines for each in line.outcome.findings[:SHOWN]]
    findings = "\n".join(["## What was found", "", *found]) + "\n\n" if found else ""
    return f"{INTRODUCTION}\n{made}\n\n" + "\n".join(rows) + f"\n\n{findings}{HISTORY}{LIMITS}"


def _row(line: Line) -> str:
    experiment, outcome, seconds = line
    what = f"{experiment.what} ({outcome.remark})" if outcome.remark else experiment.what
    trials = f"{outcome.trials:,} {experiment.unit}"
    cells = (experiment.area, what, trials, f"{len(outcome.findings)}", f"{seconds:.0f}")
    return f"| {' | '.join(cells)} |"
