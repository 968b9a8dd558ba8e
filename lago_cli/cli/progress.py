"""How far a long piece of work has come: one line on a terminal, gone when it is done."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TextIO

from lago_cli.renderers import terminal_for
from lago_cli.renderers.escapes import encodable, visible
from lago_cli.renderers.report import DEFAULT_WIDTH

FIRST_SECONDS = 0.5  # what is done sooner says nothing
EVERY_SECONDS = 0.2
_RATE_SECONDS = 1.0  # before them a rate would jump
_SURE = 0.05  # of the work, before which nobody knows how long the rest takes
_NAME = 30  # columns that suffice for what is done
_ERASE = "\r\x1b[K"


class Progress:
    """
    A context manager. Without a stream, nothing is ever said.

    A thread of its own draws the line, so that it moves while SQLite is busy, and the work
    pays for it no more than an assignment.
    """

    def __init__(self, stream: TextIO | None, what: str) -> None:
        self._stream = stream
        self.what = what
        self.share: Callable[[], float] | None = None  # how much is done by now, from 0 to 1
        self.events = 0  # that are done
        self._is_over = threading.Event()
        self._drawing = threading.Lock()
        self._is_drawn = False
        self._began = self._turned = time.monotonic()
        self._thread = threading.Thread(target=self._draw_on, daemon=True)

    def __enter__(self) -> Progress:
        if self._stream is not None:
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._stream is not None:
            self._is_over.set()
            self._thread.join()
            self._erase()

    def __call__(self, events: int) -> None:
        """So many events more are done."""
        self.events += events

    def turn_to(self, what: str, share: Callable[[], float] | None = None) -> None:
        """Something else begins, whose events are counted from zero."""
        self.what, self.share, self.events = what, share, 0
        self._turned = time.monotonic()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Others write to the terminal now."""
        with self._drawing:
            self._erase()
            yield

    def text(self, width: int) -> str:
        """The line, without what has no room; a long name is cut."""
        parts = self._parts()
        while len(parts) > 1 and len(", ".join(parts)) > max(width * 2 // 3, width - _NAME):
            parts.pop()
        said = ", ".join(parts)
        what = _cut(visible(self.what), width - 2 - len(said))
        return f"{what}: {said}" if what else said[: max(width, 0)]

    def _parts(self) -> list[str]:
        """What is known, the most important first."""
        now = time.monotonic()
        took, since = now - self._began, now - self._turned
        parts = []
        share = min(max(self.share(), 0.0), 1.0) if self.share is not None else 0.0
        if self.share is not None:
            parts.append(f"{share:.0%}")
        if self.events:
            parts.append(f"{self.events:,} events")
            if since >= _RATE_SECONDS:
                parts.append(f"{round(self.events / since):,} events/s")
        if share >= _SURE and since >= _RATE_SECONDS:
            parts.append(f"{_clock(since / share - since)} left")
        else:
            parts.append(_clock(took))
        return parts

    def _draw_on(self) -> None:
        wait = FIRST_SECONDS
        while not self._is_over.wait(wait):
            wait = EVERY_SECONDS
            with self._drawing:
                self._draw()

    def _draw(self) -> None:
        assert self._stream is not None
        width = terminal_for(self._stream, os.environ).width or DEFAULT_WIDTH
        line = encodable(self.text(width - 1), self._stream.encoding)
        self._stream.write(_ERASE + line)
        self._stream.flush()
        self._is_drawn = True

    def _erase(self) -> None:
        if self._is_drawn and self._stream is not None:
            self._stream.write(_ERASE)
            self._stream.flush()
            self._is_drawn = False


def _cut(text: str, width: int) -> str:
    """As much as has room, by the cells that it takes: those of some scripts are wide."""
    from rich.cells import cell_len, set_cell_size

    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + "…" if width > 1 else ""


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
