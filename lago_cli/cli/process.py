"""
The command line as a process of its own: its signals, its streams and its memory.

`app.run` knows nothing of this and can be called inside another program.
"""

from __future__ import annotations

import errno
import gc
import io
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NoReturn

from lago_cli.cli import app
from lago_cli.errors import LagoError, database

_MANY_OBJECTS = 100_000  # between garbage collections: of the millions made, hardly any are cyclic


class Terminated(KeyboardInterrupt):
    """SIGTERM, handled like Ctrl-C."""


def run(arguments: Sequence[str]) -> int:
    """Take over the process, run the command and return its exit code; only bugs raise."""
    signal.signal(signal.SIGTERM, _terminate)
    gc.set_threshold(_MANY_OBJECTS)
    _open_closed_streams()
    _let_answers_fail()
    _let_words_be_lost()
    try:
        return app.run(arguments)
    finally:
        for late in (signal.SIGINT, signal.SIGTERM):  # all is said: nothing is left to interrupt
            signal.signal(late, signal.SIG_IGN)


def _terminate(_signal: int, _frame: object) -> NoReturn:
    raise Terminated


def _open_closed_streams() -> None:
    """
    Replace streams that the caller has closed (`<&-`): input is empty, messages are lost.

    Standard output becomes one that cannot be written to, so that an answer is not lost in
    silence. Each takes its own descriptor, lest a file that is opened later gets it.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            number = os.open(os.devnull, os.O_WRONLY if name == "stderr" else os.O_RDONLY)
            stream = open(number, mode, encoding="utf-8", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)


class _Answer(io.FileIO):
    """
    Standard output: failing to write is an error, unless its reader has gone away.

    After a failure it discards what follows, such as what the interpreter flushes at exit.
    """

    def write(self, data: Any) -> int:
        try:
            written = super().write(data)
        except BrokenPipeError:
            self._discard()
            raise
        except OSError as error:
            reason = error.strerror
            if error.errno == errno.EBADF:
                reason = "standard output is closed"
            raise self._failure(reason) from None
        if written is None:  # it is non-blocking, and full
            raise self._failure("its reader is too slow")
        return written

    def _failure(self, reason: str | None) -> LagoError:
        self._discard()
        return database("output_failed", f"The answer could not be written: {reason}.")

    def _discard(self) -> None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())


def _let_answers_fail() -> None:
    with suppress(OSError, ValueError):  # it is not a file of the system
        old = sys.stdout
        stream = io.BufferedWriter(_Answer(old.fileno(), "wb", closefd=False))
        sys.stdout = io.TextIOWrapper(
            stream, old.encoding, old.errors, line_buffering=bool(old.line_buffering)
        )


class _Words(io.FileIO):
    """Standard error, except that what it cannot take is lost: a message stops no work."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError:
            return len(data)


def _let_words_be_lost() -> None:
    with suppress(OSError, ValueError):  # it is not a file of the system
        stream = io.BufferedWriter(_Words(sys.stderr.fileno(), "wb", closefd=False))
        sys.stderr = io.TextIOWrapper(
            stream, sys.stderr.encoding, sys.stderr.errors, line_buffering=True
        )
