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

BYTES_OF_MAXRSS = 1 if sys.platform == "darwin" else 1024


class Run(NamedTuple):
    """One process that has ended."""

    seconds: float
    peak_bytes: int
    stdout: str


class Figure(NamedTuple):
    """Several runs of the same thing, in seconds."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.seconds)

    def __str__(self) -> str:
        if len(self.seconds) == 1:
            return f"{self.median:.3g} s"
        return f"{self.median:.3g} s ({min(self.seconds):.3g} to {max(self.seconds):.3g})"


def run(command: Sequence[object], folder: Path, *, python_path: Path) -> Run:
    """
    Run a command in `folder` to its end; what it said on standard error shows if it failed.

    The system accounts its memory to it alone; what starts it must stay small, since a
    new process inherits the peak of the one that it was forked from.
    """
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("LAGO_")
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
        return Run(seconds, usage.ru_maxrss * BYTES_OF_MAXRSS, stdout.read())
