"""A window on the bytes of an input, that moves over it and grows where more is needed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lago_cli.readers import base
from lago_cli.readers.objects import whole_value
from lago_cli.readers.structure import SPACE, Balance, Outcome

if TYPE_CHECKING:
    from lago_cli.readers.base import Blocks

_SPACE = re.compile(SPACE)


class Window:
    """What is held of the input: `data`, read up to `at`, which is on `line`."""

    __slots__ = ("at", "blocks", "data", "line")

    def __init__(self, blocks: Blocks, line: int = 1) -> None:
        self.blocks = blocks
        self.data = b""
        self.at = 0
        self.line = line

    def byte(self) -> bytes:
        """The next byte, white space aside; b"" at the end of the input."""
        while True:
            found = _SPACE.match(self.data, self.at)
            self.advance(found.end() - self.at if found else 0)
            if self.at < len(self.data):
                return self.data[self.at : self.at + 1]
            if not self.more():
                return b""

    def more(self) -> bool:
        """Get the next block; the last byte before the window stays, as a look behind."""
        block = next(self.blocks, b"")
        if block:
            self._add(block)
        return bool(block)

    def _add(self, data: bytes) -> None:
        kept = max(self.at - 1, 0)
        self.data = self.data[kept:] + data
        self.at -= kept

    def advance(self, count: int) -> None:
        self.line += self.data.count(b"\n", self.at, self.at + count)
        self.at += count

    def is_short(self) -> bool:
        return len(self.data) - self.at <= base.MAX_RECORD_BYTES

    def match(self, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
        """What matches here and ends before the window does, which is grown as need be."""
        while True:
            found = pattern.match(self.data, self.at)
            if found and found.end() < len(self.data):
                return found
            if not self.is_short() or not self.more():
                return found

    def hold(self, balance: Balance) -> tuple[Outcome, bytes]:
        """The text up to where the balance ends, or to where it is too large."""
        whole = whole_value(self.data, self.at)
        if whole:  # the same answer as the balance, much faster
            return Outcome.CLOSED, whole
        outcome, stop = balance.advance(self.data, self.at)
        size, more = stop - self.at, list[bytes]()
        rest = self.data[stop:] if outcome is Outcome.OPEN else b""
        while outcome is Outcome.OPEN and size <= base.MAX_RECORD_BYTES:
            block = next(self.blocks, b"")
            if not block:
                break
            more.append(block)
            rest += block
            outcome, stop = balance.advance(rest, 0)
            size, rest = size + stop, rest[stop:]
        if more:
            self._add(b"".join(more))
        return outcome, self.data[self.at : self.at + size]

    def skip(self, balance: Balance, outcome: Outcome) -> Outcome:
        """Go to where the balance ends without holding what is on the way."""
        while outcome is Outcome.OPEN:
            outcome, stop = balance.advance(self.data, self.at)
            self.advance(stop - self.at)
            if outcome is Outcome.OPEN and not self.more():
                break
        return outcome
