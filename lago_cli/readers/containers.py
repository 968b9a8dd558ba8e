"""Inputs that hold something else than text, and are refused for what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lago_cli.readers.base import Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator


class Container(NamedTuple):
    magic: bytes
    what: str
    remedy: str
    code: str = "not_text"
    at: int = 0


_UNPACK = "unpack it, and read the files in it"
_CONVERT = "write its rows as CSV or NDJSON"
_SAVE = "save the sheet as CSV"
_ZIP = ("a zip archive", "unzip -p FILE | lago ingest -", "zip_archive")

CONTAINERS = (
    Container(b"PK\x03\x04", *_ZIP),
    Container(b"PK\x05\x06", "an empty zip archive", "there is nothing in it", "zip_archive"),
    Container(b"PK\x07\x08", *_ZIP),
    Container(b"7z\xbc\xaf\x27\x1c", "a 7z archive", "7z x -so FILE | lago ingest -"),
    Container(b"Rar!\x1a\x07", "a rar archive", "unrar p -inul FILE | lago ingest -"),
    Container(b"ustar", "a tar archive", "tar -xOf FILE | lago ingest -", at=257),
    Container(b"\x1f\x9d", "a file of compress", "uncompress -c FILE | lago ingest -"),
    Container(b"\x04\x22\x4d\x18", "an lz4 file", "lz4 -dc FILE | lago ingest -"),
    Container(b"SQLite format 3\0", "an SQLite database", _CONVERT),
    Container(b"PAR1\x15", "a Parquet file", _CONVERT),
    Container(b"Obj\x01", "an Avro file", _CONVERT),
    Container(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook or the like", _SAVE),
)

HEAD_BYTES = 512
_LOOKED_AT = 4096
_SHEETS = (b"[Content_Types].xml", b"xl/", b"opendocument.spreadsheet")


def refused(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """
    The same blocks.

    Raises `Unreadable` (`zip_archive`, `not_text`) before the first of them where they are
    known to be no text, and what `blocks` raises.
    """
    head, fault = b"", None
    try:
        while _is_undecided(head) and (block := next(blocks, b"")):
            head += block
    except Unreadable as reason:
        fault = reason
    if container := container_of(head):
        raise _reason(container, head, blocks if fault is None else iter(()))
    if head:
        yield head
    if fault:
        raise fault
    yield from blocks


def _is_undecided(head: bytes) -> bool:
    """Whether more bytes could tell more; nobody waits for what stands further in."""
    for magic, _, _, _, at in CONTAINERS:
        if not at and magic.startswith(head) and len(head) < len(magic):
            return True
    return False


def container_of(head: bytes) -> Container | None:
    """The container that an input begins like; `HEAD_BYTES` of it tell all of them."""
    return next((each for each in CONTAINERS if head.startswith(each.magic, each.at)), None)


def _reason(container: Container, head: bytes, blocks: Iterator[bytes]) -> Unreadable:
    _, what, remedy, code, _ = container
    if what == _ZIP[0] and _holds_sheet(head, blocks):
        what, remedy = "an Excel workbook or the like (a zip archive)", _SAVE
    return Unreadable(code, message_of(what, remedy))


def message_of(what: str, remedy: str) -> str:
    return f"the input is {what}: {remedy}"


def _holds_sheet(head: bytes, blocks: Iterator[bytes]) -> bool:
    try:
        while len(head) < _LOOKED_AT and (block := next(blocks, b"")):
            head += block
    except Unreadable:
        pass
    return any(name in head[:_LOOKED_AT] for name in _SHEETS)
