"""The lines of CSV, decoded, with the text of the row at hand kept to be read again."""

from __future__ import annotations

import re
from collections import deque
from io import StringIO
from typing import TYPE_CHECKING

from lago_cli.readers import base

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lago_cli.readers.base import Blocks

ENCODING = ("utf-8", "surrogateescape")  # what is no UTF-8 spoils its own row only

_LINE = re.compile(r"[^\r\n]*+(?:\r\n|\r|\n)|[^\r\n]++")
_LONG = 1024 * 1024


class RowTooLarge(Exception):  # noqa: N818 - it says what the row is
    """The row at hand is beyond `MAX_RECORD_BYTES`."""


class Lines:
    """
    An iterator over lines, each with its line end (LF, CRLF or CR), for `csv.reader`.

    The lines since the last `done` are the row at hand: `raw()` is their text, `row_line`
    where they start, and `again` or `keep_first` put them back to be read anew.
    """

    def __init__(self, blocks: Blocks) -> None:
        self.row_line = 1
        self._blocks = blocks
        self._row: list[str] = []
        self._size = 0
        self._waiting: deque[str] = deque()
        self._lines = self._decoded()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._waiting.popleft() if self._waiting else next(self._lines)
        self._row.append(line)
        self._size += len(line)
        if self._size > base.MAX_RECORD_BYTES:
            self._refuse()
        return line

    def raw(self) -> bytes:
        return "".join(self._row).encode(*ENCODING).rstrip(b"\r\n")

    def is_open(self) -> bool:
        """Whether the row at hand lacks its line end."""
        return bool(self._row) and not self._row[-1].endswith(("\n", "\r"))

    def behind_first(self) -> list[str]:
        """All lines of the row at hand but its first."""
        return self._row[1:]

    def done(self) -> None:
        """The row at hand is read; the next line starts another."""
        self.row_line += len(self._row)
        self._row.clear()
        self._size = 0

    def again(self) -> None:
        """Put the lines of the row at hand back."""
        self._waiting.extendleft(reversed(self._row))
        self._row.clear()
        self._size = 0

    def keep_first(self) -> None:
        """Put all but the first line of the row at hand back."""
        first = self._row[:1]
        del self._row[:1]
        self.again()
        self._row = first
        self._size = sum(map(len, first))

    def _refuse(self) -> None:
        hint = ", or a quote is missing" if len(self._row) > 1 else ""
        self.keep_first()
        self._row[0] = self._row[0][: base.KEPT_BYTES]
        raise RowTooLarge(f"the row is longer than {base.MAX_RECORD_BYTES:,} bytes{hint}")

    def _decoded(self) -> Iterator[str]:
        rest: list[bytes] = []  # the beginning of a line whose end is still to come
        held = 0
        for block in self._blocks:
            # A CR at the very end may be half of a CRLF.
            end = max(block.rfind(b"\n"), block.rfind(b"\r", 0, -1)) + 1
            if rest and rest[-1].endswith(b"\r") and not block.startswith(b"\n"):
                yield from self._text(b"".join(rest))
                rest, held = [], 0
            if end:
                yield from self._text(b"".join((*rest, block[:end])))
                rest, held = [], 0
            # Beyond this it is more than `MAX_RECORD_BYTES` characters, and will be refused.
            if held <= 4 * base.MAX_RECORD_BYTES and end < len(block):
                rest.append(block[end:])
            held += len(block) - end
        if rest and not self._blocks.fault:
            yield from self._text(b"".join(rest))

    def _text(self, data: bytes) -> Iterator[str]:
        text = data.decode(*ENCODING)
        if len(text) > _LONG:  # `StringIO` takes four bytes for every character
            return (found[0] for found in _LINE.finditer(text))
        return iter(StringIO(text, newline=""))
