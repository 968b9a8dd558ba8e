"""The lines of CSV, decoded, with the text of the row at hand kept to be read again."""

from __future__ import annotations

from collections import deque
from io import BufferedIOBase, TextIOWrapper
from typing import TYPE_CHECKING, BinaryIO, cast

from lago_cli.readers import base

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lago_cli.readers.base import Blocks

ENCODING = ("utf-8", "surrogateescape")  # what is no UTF-8 spoils its own row only

_ENDS = ("\n", "\r")


class _Bytes(BufferedIOBase):
    """Blocks as a binary stream, for `TextIOWrapper`."""

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks

    def readable(self) -> bool:
        return True

    def read1(self, _size: int = -1, /) -> bytes:
        return next(self._blocks, b"")


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
        stream = cast("BinaryIO", _Bytes(blocks))
        self._readline = TextIOWrapper(stream, *ENCODING, newline="").readline

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = (
            self._waiting.popleft() if self._waiting else self._readline(base.MAX_RECORD_BYTES + 1)
        )
        if not line or (self._blocks.fault and not line.endswith(_ENDS)):
            raise StopIteration
        self._row.append(line)
        self._size += len(line)
        if self._size > base.MAX_RECORD_BYTES:
            self._refuse()
        return line

    def raw(self) -> bytes:
        return "".join(self._row).encode(*ENCODING).rstrip(b"\r\n")

    def is_open(self) -> bool:
        """Whether the row at hand lacks its line end."""
        return bool(self._row) and not self._row[-1].endswith(_ENDS)

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
        rest = self._row[-1]
        while len(rest) == base.MAX_RECORD_BYTES + 1 and not rest.endswith(_ENDS):
            rest = self._readline(base.MAX_RECORD_BYTES + 1)
            self._row[-1] += rest[-1:]
        hint = ", or a quote is missing" if len(self._row) > 1 else ""
        self.keep_first()
        self._row[0] = self._row[0][: base.KEPT_BYTES]
        raise RowTooLarge(f"the row is longer than {base.MAX_RECORD_BYTES:,} bytes{hint}")
