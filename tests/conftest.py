"""
The harness of the tests that use the program as its users do.

`lago("usage", "-o", "json")` runs a command in an empty folder with a pinned environment
and returns what it wrote and how it ended. A run that should not end with exit code 0 says
so (`exits=5`; `exits=None` for any), and no run may show a traceback.

Commands run inside the process of the tests, which is twenty times faster. `lago.process`
runs one in a process of its own and `lago.start` leaves that running, for tests of what only
a process has: signals, descriptors, limits, an encoding.
"""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from array import array
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from fcntl import ioctl
from pathlib import Path
from termios import FIONREAD
from typing import TYPE_CHECKING, Any, BinaryIO

import pytest
from hypothesis import HealthCheck, settings

from tests.in_process import needs_a_start, run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# A commit is judged by the same examples every time; new ones are looked for on purpose, with
# `make explore`, and what they find becomes a case of its own.
SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large)
settings.register_profile("same", deadline=None, derandomize=True, suppress_health_check=SLOW)
settings.register_profile("explore", deadline=None, suppress_health_check=SLOW, print_blob=True)
settings.load_profile("same")

# SQLite waits for the disk at every commit. Where there is a file system in memory with room for
# them, the files of the tests are made there, unless TMPDIR says where they should be.
IN_MEMORY = Path("/dev/shm")
ENOUGH_ROOM = 2 * 1024**3
if (
    "TMPDIR" not in os.environ
    and os.access(IN_MEMORY, os.W_OK)
    and shutil.disk_usage(IN_MEMORY).free > ENOUGH_ROOM
):
    tempfile.tempdir = str(IN_MEMORY)

# Tests that are started in the background ignore Ctrl-C, and what they start would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # under nohup
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

REPOSITORY = Path(__file__).resolve().parent.parent
PROGRAM = (sys.executable, "-m", "lago_cli")
KEPT_VARIABLES = ("PATH", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
PINNED_VARIABLES = {
    "NO_COLOR": "1",
    "COLUMNS": "100",
    "TZ": "UTC",
    "LANG": "C.UTF-8",
}
SECONDS = 120


@dataclass(frozen=True)
class Finished:
    """A run of the program that has ended."""

    command: tuple[str, ...]
    code: int
    stdout_bytes: bytes
    stderr_bytes: bytes

    @property
    def stdout(self) -> str:
        return self.stdout_bytes.decode()

    @property
    def stderr(self) -> str:
        return self.stderr_bytes.decode()

    def json(self) -> Any:
        """Standard output as JSON, with every digit of its numbers."""
        return json.loads(self.stdout, parse_float=Decimal)

    def ndjson(self) -> list[Any]:
        """Standard output as one JSON value a line."""
        return [json.loads(line, parse_float=Decimal) for line in self.stdout.splitlines()]

    def csv(self) -> list[dict[str, str]]:
        """Standard output as CSV: a dictionary of texts for each row."""
        return list(csv.DictReader(io.StringIO(self.stdout, newline="")))

    def error(self) -> dict[str, Any]:
        """The error on standard error, where the output format is JSON."""
        error: dict[str, Any] = json.loads(self.stderr.splitlines()[-1])["error"]
        return error

    def __str__(self) -> str:
        return (
            f"$ {' '.join(self.command)}\nexit code {self.code}\n"
            f"--- stdout\n{self.stdout_bytes.decode(errors='backslashreplace')}"
            f"--- stderr\n{self.stderr_bytes.decode(errors='backslashreplace')}"
        )


class Lago:
    """Runs the program in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._started: list[subprocess.Popen[bytes]] = []

    def __call__(
        self,
        *args: object,
        stdin: bytes | str | BinaryIO | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        exits: int | None = 0,
        timeout: float | None = None,
    ) -> Finished:
        """
        Run a command to its end, in this process if that makes no difference.

        Args:
            args: The command line; numbers and paths become their text.
            stdin: What it reads: a text, bytes or an open file, which takes a process. Nothing
                by default.
            env: Variables beside the pinned ones; those of Python itself take a process.
            cwd: Another folder than the one of the test.
            exits: The exit code that the test expects; None for any.
            timeout: Seconds after which it hangs; that takes a process too.
        """
        if isinstance(stdin, str):
            stdin = stdin.encode()
        if not isinstance(stdin, bytes | None) or timeout is not None or needs_a_start(env or {}):
            return self.process(
                *args, stdin=stdin, env=env, cwd=cwd, exits=exits, timeout=timeout or SECONDS
            )
        stdout, stderr = io.BytesIO(), io.BytesIO()
        code = run(
            [*map(str, args)],
            variables=self.environment(env),
            folder=cwd or self.folder,
            stdin=stdin or b"",
            stdout=stdout,
            stderr=stderr,
        )
        return self._finished(args, code, stdout.getvalue(), stderr.getvalue(), exits)

    def plan(self, code: str = "basic", *charges: object, **keys: object) -> None:
        """Define a plan; by default one in euros, monthly and for nothing."""
        row = {"code": code, "interval": "monthly", "amount_cents": 0, "amount_currency": "EUR"}
        document = json.dumps({**row, **keys, "charges": charges})
        self("plans", "create", "--input", "-", "-q", stdin=document)

    def process(
        self,
        *args: object,
        stdin: bytes | BinaryIO | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        exits: int | None = 0,
        timeout: float = SECONDS,
    ) -> Finished:
        """Run a command to its end in a process of its own."""
        given: dict[str, Any] = {"stdin": subprocess.DEVNULL if stdin is None else stdin}
        if isinstance(stdin, bytes):
            given = {"input": stdin}
        process = subprocess.run(
            self.command(*args),
            capture_output=True,
            check=False,
            cwd=cwd or self.folder,
            env=self.environment(env),
            timeout=timeout,
            **given,
        )
        assert b"Traceback (most recent call last)" not in process.stderr, process.stderr.decode()
        return self._finished(args, process.returncode, process.stdout, process.stderr, exits)

    @staticmethod
    def _finished(
        args: Sequence[object], code: int, stdout: bytes, stderr: bytes, exits: int | None
    ) -> Finished:
        finished = Finished(("lago", *map(str, args)), code, stdout, stderr)
        assert exits in (None, code), f"exit code {exits} was expected\n{finished}"
        return finished

    def start(
        self,
        *args: object,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        **given: Any,
    ) -> subprocess.Popen[bytes]:
        """Start the program and leave it running; whatever still runs ends with the test."""
        given = {
            "stdin": subprocess.PIPE,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            **given,
        }
        process = subprocess.Popen(
            self.command(*args), cwd=cwd or self.folder, env=self.environment(env), **given
        )
        self._started.append(process)
        return process

    def write(self, name: str, content: bytes | str | Sequence[Mapping[str, Any]]) -> Path:
        """Put a file into the folder; a list of objects becomes a line of JSON each."""
        if not isinstance(content, bytes | str):
            content = "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in content)
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def end(self) -> None:
        """End what `start` left running, and close its pipes."""
        for process in self._started:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream is not None:
                    _close(stream)

    @staticmethod
    def command(*args: object) -> list[str]:
        """The whole command line, for a test that starts it by other means."""
        return [*PROGRAM, *map(str, args)]

    def environment(self, env: Mapping[str, str] | None = None) -> dict[str, str]:
        """The pinned environment: nothing of the person who runs the tests."""
        kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        return {**kept, **PINNED_VARIABLES, "HOME": str(self.folder), **(env or {})}


def wait_until_read(process: subprocess.Popen[bytes]) -> None:
    """Until a program has taken all that was written to its standard input, and a moment longer."""
    assert process.stdin is not None
    unread = array("i", [1])
    until = time.monotonic() + SECONDS
    while unread[0]:
        assert time.monotonic() < until, "it reads nothing"
        time.sleep(0.02)
        ioctl(process.stdin, FIONREAD, unread)
    time.sleep(0.2)


def _close(stream: Any) -> None:
    with suppress(BrokenPipeError):  # bytes written to a program that had ended
        stream.close()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="write the expected outputs anew instead of comparing with them",
    )


@pytest.fixture
def lago(tmp_path: Path) -> Iterator[Lago]:
    """The program, in an empty folder."""
    program = Lago(tmp_path)
    yield program
    program.end()


@pytest.fixture(scope="session")
def sample_events() -> Path:
    """The folder of the sample events."""
    return REPOSITORY / "sample_events"
