"""
Which format an input has, and its records.

The format is told by the content alone. Everything that can be wrong with an input is
a record with a problem: reading never raises for content.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lago_cli.readers import base, containers, csv_rows, encodings, json_values, ndjson, nested
from lago_cli.readers.base import Block, Blocks, Problem, ReadOptions, Record
from lago_cli.readers.objects import members_of, start_of_events

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lago_cli.readers.source import Source

FORMATS = ("auto", "json", "ndjson", "csv")

READERS: dict[str, Callable[[Blocks], Iterator[Block | Record]]] = {
    "json": json_values.read,
    "ndjson": ndjson.read,
    "csv": csv_rows.read,
}

HEAD_BYTES = 64 * 1024

_BOM = encodings.BOM
_AS_THE_INPUT_SAYS = ReadOptions()
_FIRST_LINE = re.compile(rb"\s*+\S[^\r\n]*+")
_OPENING_LINE = re.compile(rb"^\{[ \t\r]*$", re.MULTILINE)


def read(source: Source, options: ReadOptions = _AS_THE_INPUT_SAYS) -> Iterator[Block | Record]:
    """
    The records of a source.

    Where a source is no text (`not_text`, `zip_archive`) or cannot be read on
    (`truncated_input`, `corrupt_input`, `unreadable_input`), that is the last record.
    """
    text = encodings.decoded(containers.refused(source.blocks()), options.encoding)
    blocks = Blocks(text, skip_partial=options.skip_partial)
    head, is_all = blocks.head(_is_enough, HEAD_BYTES)
    if b"\0" in head:
        yield Record(1, b"", Problem("not_text", _why_no_text(blocks)))
        return
    if head.startswith(_BOM):
        blocks.drop(len(_BOM))
        head = head.removeprefix(_BOM)
    found = _records(blocks, head, is_all, options)
    yield from encodings.named(found, options.encoding)
    if blocks.fault:
        yield Record(blocks.line, b"", blocks.fault)


def _why_no_text(blocks: Blocks) -> str:
    head, _ = blocks.head(lambda _: False, containers.HEAD_BYTES)
    if container := containers.container_of(head):
        return containers.message_of(container.what, container.remedy)
    return "the input looks binary or like UTF-16; for that add --encoding utf-16-le"


def _records(
    blocks: Blocks, head: bytes, is_all: bool, options: ReadOptions
) -> Iterator[Block | Record]:
    known = options.format if options.format != "auto" else None
    sniffed = known or sniff(head, is_all=is_all)
    if sniffed == "csv":
        rows = csv_rows.read(blocks) if known else _csv_or_nothing(blocks, head)
        return rows if options.records is None else nested.within(rows, options.records)
    if options.records is not None:
        return nested.read(blocks, options.records)
    return READERS[sniffed](blocks)


def sniff(head: bytes, *, is_all: bool = False) -> str:
    """The format (a key of `READERS`) of an input that begins with `head`."""
    start = head.lstrip()[:1]
    if start == b"[" or (start == b"{" and _OPENING_LINE.search(head)):
        return "json"
    lines = head.lstrip().split(b"\n")
    if start == b"{" and not _is_object(lines[0]) and start_of_events(head.lstrip()):
        return "json"
    complete = lines if is_all else lines[:-1]
    if any(line.startswith(b"{") and _is_object(line) for line in complete):
        return "ndjson"
    if start == b"{":
        return "json"
    return "csv" if _is_header(_first_line(head)) else "ndjson"


def _is_enough(head: bytes) -> bool:
    """Whether the first line with something on it is complete, or says enough as it is."""
    if len(head) < len(_BOM) and _BOM.startswith(head):
        return False
    if b"\0" in head:
        return True
    text = head.removeprefix(_BOM)
    found = _FIRST_LINE.match(text)
    return bool(found and (found.end() < len(text) or text.lstrip().startswith(b"[")))


def _is_object(line: bytes) -> bool:
    return not isinstance(members_of(line), Problem)


def _first_line(head: bytes) -> str:
    found = _FIRST_LINE.match(head)
    return found[0].decode(errors="replace").strip(" \r\n") if found else ""


def _is_header(line: str) -> bool:
    if not line or any(mark in line for mark in ("{", "}", '":')):
        return False
    return any(mark in line for mark in csv_rows.DELIMITERS) or _is_known(line)


def _is_known(line: str) -> bool:
    """Whether a header says itself that it is one, or names a column that only events have."""
    if csv_rows.separator_in(line):
        return True
    names = csv_rows.names_in(line, csv_rows.delimiter_of(line))
    return any(name in base.EVENT_KEYS or name.startswith(csv_rows.PREFIX) for name in names)


def _csv_or_nothing(blocks: Blocks, head: bytes) -> Iterator[Record]:
    """CSV by its looks: a lone line with a comma in it may as well be any text."""
    is_empty = True
    for record in csv_rows.read(blocks):
        is_empty = False
        yield record
    line = _first_line(head)
    if is_empty and not blocks.fault and not _is_known(line):
        message = "neither JSON nor CSV: a header without any row, and no known column in it"
        raw = line.encode()[: base.KEPT_BYTES]
        yield Record(1, raw, Problem("invalid_json", message))
