"""
`--watch SECONDS`: an answer, given again and again.

On a terminal each answer takes the place of the one before; what is warned of stands below
it. Elsewhere one follows the other, so that a pipe gets a stream of them.
"""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from typing import TextIO

_HOME = "\x1b[H"
_REST_OF_LINE = "\x1b[K"
_REST_OF_SCREEN = "\x1b[J"
_SPARE_LINES = 2  # that the terminal keeps: what is not shown, and where the cursor stands


class _Screenful(io.StringIO):
    """Takes an answer, and passes for the terminal that it is meant for."""

    def __init__(self, terminal: TextIO) -> None:
        super().__init__()
        self._terminal = terminal

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._terminal.encoding

    def isatty(self) -> bool:
        return self._terminal.isatty()

    def fileno(self) -> int:
        return self._terminal.fileno()


def watch(answer: Callable[[], None], seconds: float) -> None:
    """Until it is interrupted, or an answer fails. The pauses are those between two answers."""
    redraws = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    while True:
        if redraws:
            _redraw(answer)
        else:
            answer()
            sys.stdout.flush()
        time.sleep(seconds)


def _redraw(answer: Callable[[], None]) -> None:
    """Without a flicker: nothing is cleared before there is something to stand there."""
    screen, beside = _Screenful(sys.stdout), _Screenful(sys.stderr)
    with redirect_stdout(screen), redirect_stderr(beside):
        answer()
    lines = [*screen.getvalue().splitlines(), *beside.getvalue().splitlines()]
    height = max(os.get_terminal_size(sys.stdout.fileno()).lines, _SPARE_LINES + 1)
    if len(lines) >= height:
        left_out = len(lines) - height + _SPARE_LINES
        lines[height - _SPARE_LINES :] = [f"+ {left_out:,} lines that have no room here"]
    drawn = "".join(f"{line}{_REST_OF_LINE}\n" for line in lines)
    sys.stdout.write(_HOME + drawn + _REST_OF_SCREEN)
    sys.stdout.flush()
