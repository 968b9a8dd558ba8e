"""Files that are read as one, and never larger than a person would write."""

from __future__ import annotations

import csv
import io
from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from typing import BinaryIO, NamedTuple

from lago_cli.errors import refused
from lago_cli.readers.base import Unreadable
from lago_cli.readers.source import open_source

MAX_BYTES = 64 * 1024 * 1024


def read_whole(path: str, stdin: BinaryIO) -> tuple[str, bytes]:
    """
    The name and all bytes of a file, decompressed; "-" is `stdin`.

    Raises:
        LagoError: `file_too_large`, `truncated_input`, `corrupt_input`, and what
            `open_source` raises.
    """
    found = bytearray()
    with open_source(path, stdin) as source:
        try:
            for block in source.blocks():
                found += block
                if len(found) > MAX_BYTES:
                    message = f"{source.name} is larger than {MAX_BYTES // 1024**2} MiB."
                    raise refused("file_too_large", message, "Split it.")
        except Unreadable as error:
            raise refused(error.code, f"{source.name}: {error.message}") from None
        return source.name, bytes(found)


class Table(NamedTuple):
    """A header, and rows as (line, cell by column)."""

    columns: Sequence[str]
    rows: Iterator[tuple[int, dict[str, str]]]


def read_table(name: str, data: bytes) -> Table:
    """
    A CSV file with a header.

    What was written for Excel begins with a byte-order mark; there an apostrophe before a
    text only keeps it from becoming something else, and is no part of it.

    Raises:
        LagoError: `invalid_utf8`, `invalid_csv`.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise refused("invalid_utf8", f"{name} is not UTF-8 text.") from None
    lines = _lines(name, text)
    _, header = next(lines, (1, []))
    repeated = next((column for column in header if header.count(column) > 1), None)
    if repeated is not None:
        raise refused("invalid_csv", f'{name}:1: the column "{repeated}" comes twice.')
    rows = _rows(name, header, lines)
    if data.startswith(BOM_UTF8):
        rows = (
            (line, {key: cell.removeprefix("'") for key, cell in cells.items()})
            for line, cells in rows
        )
    return Table(header, rows)


def _lines(name: str, text: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1  # where a row begins; the reader counts those it has read
    try:
        for row in reader:
            yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        raise refused("invalid_csv", f"{name}:{reader.line_num}: {error}.") from None


def _rows(
    name: str, header: Sequence[str], lines: Iterator[tuple[int, list[str]]]
) -> Iterator[tuple[int, dict[str, str]]]:
    for line, row in lines:
        if row and len(row) != len(header):
            message = f"{name}:{line}: {len(row)} cells under {len(header)} columns."
            raise refused("invalid_csv", message)
        if row:
            yield line, dict(zip(header, row, strict=True))
