"""
What every reader yields.

A reader turns bytes into records and judges nothing: whether a record is a good
event is for `domain.events` to say. Two shapes pass through:

- `Block`: whole lines of NDJSON that nobody has looked at. The consumer decodes
  them at once, and asks `readers.ndjson.split` for single records where that fails.
- `Record`: one JSON object as text, or (`problem`) a place where there was none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

MAX_RECORD_BYTES = 16 * 1024 * 1024
"""A longer record is refused, so that memory stays bounded whatever comes in."""

MAX_DEPTH = 500
"""Levels of arrays and objects in a record: whatever is stored can be read everywhere."""

MAX_KEYS = 200_000
"""In all of a record; a million of them would take many times their length in memory."""

KEPT_BYTES = 200
"""What is shown of a record that is not held whole."""


EVENT_KEYS = frozenset(
    {
        "transaction_id",
        "external_customer_id",
        "external_subscription_id",
        "code",
        "timestamp",
        "properties",
        "precise_total_amount_cents",
    }
)
"""By these a header or an object is told to be an event's, and not something around it."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What is said about an input, where it does not say so itself."""

    format: str = "auto"  # one of `formats.FORMATS`
    records: str | None = None  # the path to the arrays that hold the records
    encoding: str | None = None  # a name of Python's; `encodings.check_encoding` has seen it
    skip_partial: bool = False  # a last record that is cut off is a `partial_line`


PARTIAL = "partial_line"
"""The code of the problem of a record that is not whole yet, where that is to be skipped."""

OTHER_ENCODING = "for Latin-1 add --encoding latin-1, for that of Windows windows-1252"


class Problem(NamedTuple):
    """Why a place in the input is no record: a stable code and a sentence."""

    code: str
    message: str


class Record(NamedTuple):
    line: int  # 1-based line of the (decompressed) input where the record starts
    raw: bytes  # the JSON text of one object; of a problem, what could be kept of it
    problem: Problem | None = None
    body: bytes | None = None  # the request body it was found in, where that says more
    text: bytes | None = None  # how it stands in the input, where that is not JSON
    around: bytes | None = None  # an object of what stands around it, where that says more


class Block(NamedTuple):
    line: int  # 1-based number of its first line
    data: bytes  # whole lines; the last may lack its line end at the end of the input


def too_large(line: int, text: bytes, hint: str = "") -> Record:
    message = f"the record is longer than {MAX_RECORD_BYTES:,} bytes{hint}"
    return Record(line, text[:KEPT_BYTES], Problem("record_too_large", message))


def partial(line: int, text: bytes) -> Record:
    """What `--partial-last-line skip` leaves out."""
    message = "the input ends in the middle of a record; it is left out"
    return Record(line, text, Problem("partial_line", message))


class Unreadable(Exception):  # noqa: N818 - it is a state of the input, not a fault of ours
    """
    The input cannot be read on from here. Used between readers only.

    `code` is `truncated_input`, `corrupt_input`, `unreadable_input`, `zip_archive` or
    `not_text`.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Blocks:
    """
    The bytes of a source, block by block; what a reader reads from.

    Iteration never raises for content: where the source turns `Unreadable` it ends,
    and `fault` then says why. `line` is the 1-based line that has been reached. With
    `skip_partial`, readers yield a `partial_line` for a last record that is cut off.
    """

    def __init__(self, blocks: Iterable[bytes], *, skip_partial: bool = False) -> None:
        self.fault: Problem | None = None
        self.skip_partial = skip_partial
        self.line = 1
        self._blocks = iter(blocks)
        self._held = b""

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        block, self._held = self._held, b""
        block = block or self._next()
        if not block:
            raise StopIteration
        self.line += block.count(b"\n")
        return block

    def head(self, is_enough: Callable[[bytes], bool], limit: int) -> tuple[bytes, bool]:
        """Look ahead until `is_enough`; returns (up to `limit` bytes, whether that is all)."""
        while not is_enough(self._held) and len(self._held) < limit:
            block = self._next()
            if not block:
                return self._held, True
            self._held += block
        return self._held[:limit], False

    def drop(self, count: int) -> None:
        """Forget the first bytes of what `head` has shown."""
        self._held = self._held[count:]

    def _next(self) -> bytes:
        """The next block that is not empty; b"" at the end."""
        try:
            return next(filter(None, self._blocks), b"")
        except Unreadable as reason:
            self.fault = Problem(reason.code, reason.message)
            return b""
