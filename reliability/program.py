"""The program as its users start it: real processes in a folder and an environment of their own."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

REPOSITORY = Path(__file__).resolve().parent.parent
PROGRAM = (sys.executable, "-m", "lago_cli")
KEPT_VARIABLES = ("PATH", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
SECONDS = 120  # after which a process counts as hanging
FIRST_SECOND = 1_704_067_200
WHOLE = ("usage", "--period", "all", "-o", "json")


class Found(AssertionError):  # noqa: N818 - it is the finding
    """What a trial found: something that must not be."""


def expect(holds: object, otherwise: str) -> None:
    """Go on where it `holds`; `otherwise` is what is found."""
    if not holds:
        raise Found(otherwise)


class Ended(NamedTuple):
    """A process that has ended."""

    words: str
    code: int
    stdout: bytes
    stderr: bytes

    def json(self) -> Any:
        return json.loads(self.stdout)

    def error(self) -> dict[str, Any]:
        """The error on standard error, where the output format is JSON."""
        found: dict[str, Any] = json.loads(self.stderr.splitlines()[-1])["error"]
        return found

    def expect(self, *codes: int) -> Ended:
        """This, where it ended with one of `codes` and without a traceback."""
        told = (
            f"{self.words}: exit code {self.code}\n{self.stderr[-2_000:].decode(errors='replace')}"
        )
        expect(b"Traceback" not in self.stderr, told)
        expect(self.code in codes, told)
        return self


class Program:
    """Starts the program in one folder, mostly on the file `lago.db` there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "lago.db"

    def start(self, *args: object, **given: Any) -> subprocess.Popen[bytes]:
        """Start it and leave it running."""
        streams = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        command = [*PROGRAM, *map(str, args)]
        return subprocess.Popen(
            command, cwd=self.folder, env=self._environment(), **{**streams, **given}
        )

    def run(self, *args: object, stdin: bytes = b"", **given: Any) -> Ended:
        """Run it to its end; one that hangs is killed, and is a finding."""
        process = self.start(*args, **given)
        words = " ".join(["lago", *map(str, args)])
        try:
            stdout, stderr = process.communicate(stdin, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise Found(f"{words} did not end within {SECONDS} seconds") from None
        return Ended(words, process.returncode, stdout or b"", stderr or b"")

    def _environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        pinned = {"NO_COLOR": "1", "COLUMNS": "100", "TZ": "UTC", "LANG": "C.UTF-8"}
        return {**kept, **pinned, "HOME": str(self.folder), "PYTHONPATH": str(REPOSITORY)}

    def define(self) -> None:
        """The metric of the events that `event` makes."""
        aggregation = ("--aggregation-type", "sum_agg", "--field-name", "n")
        self.run("metrics", "create", "--code", "c", *aggregation).expect(0)

    def stored(self) -> list[tuple[str, int]]:
        """(transaction id, n) of every event, as any SQLite tool sees them."""
        uri = f"file:{self.file}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=30)) as connection:
            rows = connection.execute("SELECT transaction_id, properties FROM v_events").fetchall()
        return [(row[0], json.loads(row[1])["n"]) for row in rows]

    def count(self) -> int:
        """How many events are committed at this moment; none before there is a table of them."""
        try:
            uri = f"file:{self.file}?mode=ro"
            with closing(sqlite3.connect(uri, uri=True)) as connection:
                found = connection.execute("SELECT count(*) FROM events").fetchone()
        except sqlite3.OperationalError:
            return 0
        return int(found[0])

    def expect_exactly(self, expected: dict[str, int]) -> None:
        """The file is sound, holds these events once each, and its usage is their sum."""
        stored = self.stored()
        expect(len(stored) == len(dict(stored)), "an event is there twice")
        missing = len(expected.keys() - dict(stored).keys())
        more = len(dict(stored).keys() - expected.keys())
        expect(not missing and not more, f"{missing} events are missing, {more} are too many")
        expect(dict(stored) == expected, "an event is not what was accepted")
        self.run("db", "check", "-o", "json").expect(0)
        rows = self.run(*WHOLE).expect(0).json()
        found = (sum(int(row["units"]) for row in rows), sum(row["events_count"] for row in rows))
        told = f"usage is {found}, the events say {(sum(expected.values()), len(expected))}"
        expect(found == (sum(expected.values()), len(expected)), told)


def event(number: int, n: int | None = None) -> bytes:
    """Event `number` as a line of NDJSON; its value is `n`, else its number."""
    return (
        f'{{"transaction_id":"e{number}","code":"c","external_customer_id":"c{number % 7}",'
        f'"timestamp":{FIRST_SECOND + number},"properties":{{"n":{number if n is None else n}}}}}\n'
    ).encode()


def lines(numbers: Iterable[int]) -> bytes:
    return b"".join(map(event, numbers))


def values(numbers: Iterable[int]) -> dict[str, int]:
    """What `Program.stored` finds of these events."""
    return {f"e{number}": number for number in numbers}


def file_limit(size: int) -> Callable[[], None]:
    """For `preexec_fn`: no file may grow beyond `size`, which is what a full disk is like."""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


def copied(template: Path, folder: Path) -> Program:
    """A program in an empty `folder`, on a copy of the file `template`."""
    folder.mkdir(parents=True, exist_ok=True)
    program = Program(folder)
    for leftover in folder.glob("lago.db*"):
        leftover.unlink()
    shutil.copy(template, program.file)
    return program
