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
_ERASE = "\r\x1b[K"


class Progress:
    """
    A context manager. Without a stream, nothing is ever said.

    A thread of its own draws the line, so that it moves while SQLite is busy, and the work
    pays for it no more than an assignment.
    """

    def __init__(self, stream: TextIO | None, what: str) -> None:
        self._stream = stream
        self._what = what
        self._share: Callable[[], float] | None = None
        self.events = 0  # that are done
        self._is_over = threading.Event()
        self._drawing = threading.Lock()
        self._is_drawn = False
        self._began = time.monotonic()
        self._thread = threading.Thread(target=self._draw_on, daemon=True)

    def __enter__(self) -> Progress:
        if self._stream is not None:
            self._began = time.monotonic()
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
        """Say what is done from now on, and with `share` how much of it is, from 0 to 1."""
        self._what, self._share = what, share

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Others write to the terminal now."""
        with self._drawing:
            self._erase()
            yield

    def text(self, width: int) -> str:
        """The line, without what has no room; a long name is cut."""
        took = time.monotonic() - self._began
        parts = []
        if self._share is not None:
            parts.append(f"{min(max(self._share(), 0), 1):.0%}")
        if self.events:
            parts.append(f"{self.events:,} events")
            if took >= _RATE_SECONDS:
                parts.append(f"{round(self.events / took):,} events/s")
        parts.append(_clock(took))
        least = parts[0]
        what = visible(self._what)
        while len(parts) > 1 and len(what) + 2 + len(", ".join(parts)) > width:
            parts.pop()
        said = ", ".join(parts)
        room = width - 2 - len(said)
        if len(what) > room:
            what = what[: room - 1] + "…" if room > 1 else ""
        return f"{what}: {said}" if what else least[: max(width, 0)]

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


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
