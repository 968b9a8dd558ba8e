"""
A run of the command line inside the process of the tests: some milliseconds instead of a start.

The program gets what a process of its own would have: streams of bytes that are no terminal,
only the variables given, a working directory and a whole stack. Afterwards everything is as
it was before, whatever the run did.
"""

from __future__ import annotations

import gc
import io
import os
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lago_cli.cli import app
from lago_cli.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

# What decides how a process encodes its streams; it is read once, when Python starts.
DECIDED_AT_START = ("PYTHON", "LANG", "LC_")


def run(
    arguments: Sequence[str],
    *,
    variables: Mapping[str, str],
    folder: Path,
    stdin: bytes = b"",
    stdout: io.BytesIO,
    stderr: io.BytesIO,
) -> int:
    """
    Run the command line as `python -m lago_cli` would and return its exit code.

    An exception is a bug of the program. The two outputs may be one stream.
    """
    with (
        _streams(io.BytesIO(stdin), stdout, stderr),
        _variables(variables),
        _working_directory(folder),
        _stack_and_garbage(),
    ):
        code = app.run(arguments)
        sys.stdout.flush()
        sys.stderr.flush()
    if code == ExitCode.INTERRUPTED:  # Ctrl-C is meant for the tests
        raise KeyboardInterrupt
    return code


def needs_a_start(variables: Mapping[str, str]) -> bool:
    """Whether one of the variables is for Python, not for the program."""
    return any(name.startswith(DECIDED_AT_START) for name in variables)


@contextmanager
def _streams(stdin: io.BytesIO, stdout: io.BytesIO, stderr: io.BytesIO) -> Iterator[None]:
    """Encoded as in a locale of `C.UTF-8`."""
    before = sys.stdin, sys.stdout, sys.stderr
    sys.stdin = io.TextIOWrapper(stdin, "utf-8", "surrogateescape")
    sys.stdout = io.TextIOWrapper(stdout, "utf-8", "surrogateescape")
    sys.stderr = io.TextIOWrapper(stderr, "utf-8", "backslashreplace", line_buffering=True)
    try:
        yield
    finally:
        for stream in (sys.stdin, sys.stdout, sys.stderr):
            stream.detach()  # else it would close the bytes with it
        sys.stdin, sys.stdout, sys.stderr = before


@contextmanager
def _variables(variables: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    _replace_variables(variables)
    try:
        yield
    finally:
        _replace_variables(before)


def _replace_variables(variables: Mapping[str, str]) -> None:
    for name in os.environ.keys() - variables.keys():
        del os.environ[name]
    for name, value in variables.items():
        if os.environ.get(name) != value:
            os.environ[name] = value
    if hasattr(time, "tzset"):
        time.tzset()


@contextmanager
def _working_directory(folder: Path) -> Iterator[None]:
    before = os.getcwd()  # noqa: PTH109
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@contextmanager
def _stack_and_garbage() -> Iterator[None]:
    """The frames of the tests do not count against the program; nor does what it leaves."""
    limit, collects = sys.getrecursionlimit(), gc.isenabled()
    sys.setrecursionlimit(limit + _depth())
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)
        (gc.enable if collects else gc.disable)()


def _depth() -> int:
    depth, frame = 0, sys._getframe()
    while (frame := frame.f_back) is not None:  # type: ignore[assignment]
        depth += 1
    return depth
