"""
Batches of events, gathered until they are many enough to be stored together.

A store whose file has grown large asks for that. Whoever gathers looks at the clock too:
events must not wait long.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate

from lago_cli.domain.batches import EventBatch, joined

_PATIENCE_SECONDS = 2.0


class Lines:
    """The lines of a block, parted only where one of them is asked for."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._lines: list[bytes] | None = None

    def __getitem__(self, index: int) -> bytes:
        if self._lines is None:
            self._lines = self._data.split(b"\n")
        return self._lines[index]


class Batching:
    """What has been decoded and not been stored yet."""

    def __init__(self, elapsed: Callable[[], float]) -> None:
        self._elapsed = elapsed
        self._batches: list[EventBatch] = []
        self._lines: list[Lines] = []
        self._since = 0.0
        self._events = 0

    def add(self, batch: EventBatch, lines: Lines) -> None:
        if not self._batches:
            self._since = self._elapsed()
        self._batches.append(batch)
        self._lines.append(lines)
        self._events += len(batch)

    def is_enough(self, wanted: int) -> bool:
        return self._events >= wanted or self._elapsed() - self._since > _PATIENCE_SECONDS

    def take(self) -> tuple[EventBatch, Callable[[int], bytes]] | None:
        """All of them as one, and how to get the line of an event; None where there are none."""
        if not self._batches:
            return None
        batches, self._batches, self._events = self._batches, [], 0
        lines, self._lines = self._lines, []
        ends = list(accumulate(map(len, batches)))

        def line_of(index: int) -> bytes:
            number = bisect_right(ends, index)
            return lines[number][index - ends[number] + len(batches[number])]

        return joined(batches), line_of
