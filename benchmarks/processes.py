"""Processes from start to end: how long they took, and how much memory at most."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"
BYTES_OF_MAXRSS = 1 if sys.platform == "darwin" else 1024


class Took(NamedTuple):
    """How long something took by the clock on the wall, and how much of it processors worked."""

    seconds: float
    cpu_seconds: float


class Run(NamedTuple):
    """One process that has ended."""

    took: Took
    peak_bytes: int
    stdout: str


class Figure:
    """Several runs of the same thing."""

    def __init__(self, *runs: Took) -> None:
        self.runs = runs
        self.median = median(run.seconds for run in runs)

    def ratio(self, other: Figure) -> float:
        """The median ratio of the runs of two things that were measured in turn."""
        return median(a.seconds / b.seconds for a, b in zip(self.runs, other.runs, strict=False))

    def cpu_ratio(self, other: Figure) -> float:
        """The same of the work of processors, which a busy machine disturbs less."""
        pairs = zip(self.runs, other.runs, strict=False)
        return median(a.cpu_seconds / b.cpu_seconds for a, b in pairs)

    def __str__(self) -> str:
        if len(self.runs) == 1:
            return f"{self.median:.3g} s"
        seconds = [run.seconds for run in self.runs]
        return f"{self.median:.3g} s ({min(seconds):.3g} to {max(seconds):.3g})"


def run(command: Sequence[object], folder: Path, *, python_path: Path) -> Run:
    """
    Run a command in `folder` to its end; what it said on standard error shows if it failed.

    The system accounts its memory to it alone; what starts it must stay small, since a
    new process inherits the peak of the one that it was forked from.
    """
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("LAGO_") and name != NO_BYTECODE  # as an installed program runs
    }
    environment["PYTHONPATH"] = str(python_path)
    with (folder / "stdout").open("w+") as stdout, (folder / "stderr").open("w+") as stderr:
        started = time.perf_counter()
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        stdout.seek(0)
        if process.returncode != 0:
            stderr.seek(0)
            words = " ".join(map(str, command))
            raise SystemExit(f"{words}\nexit code {process.returncode}\n{stderr.read()}")
        took = Took(seconds, usage.ru_utime + usage.ru_stime)
        return Run(took, usage.ru_maxrss * BYTES_OF_MAXRSS, stdout.read())
