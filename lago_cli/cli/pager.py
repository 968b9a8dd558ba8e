"""
Long answers through a pager, as `git` and `gh` have them.

`$LAGO_PAGER`, else `$PAGER`, else `less`, is started once an answer is longer than the screen;
shorter ones are printed. Nothing is lost where it cannot be started or fails.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, TextIO

from lago_cli.renderers.widths import width_of

VARIABLES = ("LAGO_PAGER", "PAGER")
SETTINGS = {"LESS": "FRX", "LV": "-c"}  # colours stay, and one screen is not waited for
DEFAULT_HEIGHT = 24
MOST_HELD = 1 << 18  # characters, to be printed where the pager fails
STOPPED = 130  # how a shell ends that somebody has interrupted
STOPPED_LESS = 2
_SHELL = frozenset("|&;<>()$`\\\"'*?[#~=%\n")


def pager_for(environ: Mapping[str, str]) -> str | None:
    """The command line of the pager; None where there is none to be used."""
    if environ.get("TERM") == "dumb":
        return None
    for name in VARIABLES:
        if name in environ:
            command = environ[name].strip()
            return None if command in ("", "cat") else command
    return "less" if shutil.which("less") else None


@contextmanager
def paged(stream: TextIO, environ: Mapping[str, str]) -> Iterator[TextIO]:
    """
    What to write an answer to that is for the terminal `stream`.

    A pager that is left before the end ends the answer, and nothing else.
    """
    command = pager_for(environ)
    if command is None:
        yield stream
        return
    answer = _Answer(stream, command, environ)
    try:
        yield answer  # type: ignore[misc]
    except _Left:
        pass
    finally:
        answer.end()


class _Left(Exception):  # noqa: N818 - it is no error
    """Nobody reads on."""


class _Answer:
    """Holds the first screen back; when there is more, it all goes to the pager."""

    def __init__(self, stream: TextIO, command: str, environ: Mapping[str, str]) -> None:
        self.encoding = stream.encoding
        self._stream = stream
        self._command = command
        self._environ = environ
        self._columns, self._lines = _size(stream, environ)
        self._taken = 0
        self._held: list[str] | None = []
        self._length = 0
        self._pager: subprocess.Popen[bytes] | None = None
        self._is_direct = False
        self._restore: Callable[[], object] | None = None

    def isatty(self) -> bool:
        return True

    def flush(self) -> None:
        """Whoever holds text back has a reason to."""

    def write(self, text: str) -> int:
        if self._is_direct:
            return self._stream.write(text)
        data = text.encode(self.encoding, self._stream.errors or "strict")  # or raise at once
        if self._held is not None:
            self._held.append(text)
            self._length += len(text)
        if self._pager is not None:
            self._send(data)
        else:
            self._taken += self._rows(text)
            if self._taken >= self._lines:
                self._start()
        return len(text)

    def end(self) -> None:
        """Wait until the person has read; what no pager has shown is printed."""
        if self._pager is not None:
            self._finish()
        elif not self._is_direct:
            self._print()
        if self._restore is not None:
            self._restore()

    def _rows(self, text: str) -> int:
        """How many lines of the screen it takes; long ones go on in the next."""
        return sum(
            max(-(-width_of(line) // self._columns), 1) if len(line) > self._columns else 1
            for line in text.split("\n")[:-1]
        )

    def _start(self) -> None:
        self._stream.flush()
        try:
            self._pager = subprocess.Popen(
                _arguments(self._command),
                stdin=subprocess.PIPE,
                env={**SETTINGS, **self._environ},
            )
        except (OSError, ValueError):  # it is not there, or may not be run
            self._print()
            return
        self._restore = _without_interrupts()
        self._send("".join(self._held or []).encode(self.encoding, self._stream.errors or "strict"))

    def _send(self, data: bytes) -> None:
        assert self._pager is not None
        assert self._pager.stdin is not None
        if self._length > MOST_HELD:  # it has read, hence it works
            self._held = None
        try:
            self._pager.stdin.write(data)
            self._pager.stdin.flush()
        except BrokenPipeError:
            self._finish()
            if not self._is_direct:
                raise _Left from None

    def _finish(self) -> None:
        pager, self._pager = self._pager, None
        assert pager is not None
        assert pager.stdin is not None
        with suppress(BrokenPipeError):
            pager.stdin.close()
        code = pager.wait()
        is_stopped = code == STOPPED or (code == STOPPED_LESS and "less" in self._command)
        if code > 0 and not is_stopped and self._held is not None:
            self._print()
        else:
            self._is_direct = False
            self._held = []

    def _print(self) -> None:
        """Without a pager from now on."""
        self._is_direct = True
        held, self._held = self._held or [], None
        self._stream.write("".join(held))


def _arguments(command: str) -> list[str]:
    """A plain command is started by itself, so that one that is missing is known to be."""
    if _SHELL.isdisjoint(command) or os.name == "nt":
        return shlex.split(command)
    return ["/bin/sh", "-c", command]


def _size(stream: TextIO, environ: Mapping[str, str]) -> tuple[int, int]:
    """Columns and lines of the screen."""
    try:
        found = os.get_terminal_size(stream.fileno())
        columns, lines = found.columns, found.lines
    except (OSError, ValueError):
        columns = lines = 0
    told = environ.get("LINES", "")
    if told.isascii() and told.isdigit() and int(told[:9]) > 0:
        lines = int(told[:9])
    return columns or sys.maxsize, lines or DEFAULT_HEIGHT


def _without_interrupts() -> Callable[[], object] | None:
    """Ctrl-C is for the pager while it runs. What undoes this."""
    try:
        old: Any = signal.signal(signal.SIGINT, signal.SIG_IGN)
    except ValueError:  # not the main thread
        return None
    return lambda: signal.signal(signal.SIGINT, old)
