"""
CSV with a header, as the JSON objects it stands for.

A column `properties.NAME` is the member NAME of `properties`; a column `properties` holds
them all as a JSON object; each other column is a member. Values are text, and an empty
cell is no value. Fields are parted by `,` `;` `|` or a tab, whichever the header uses, or
by what a first line `sep=;` says, as Excel writes it.
"""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, Any

import msgspec

from lago_cli.readers import base
from lago_cli.readers.base import Problem, Record
from lago_cli.readers.csv_lines import Lines, RowTooLarge
from lago_cli.readers.objects import members_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lago_cli.readers.base import Blocks

DELIMITERS = (",", ";", "\t", "|")
PREFIX = "properties."

_SEPARATOR = re.compile(r'(?P<quote>"?)sep=(?P<delimiter>[^"\r\n])(?P=quote)[\r\n]*', re.IGNORECASE)

_encode = msgspec.json.Encoder().encode


def read(blocks: Blocks) -> Iterator[Record]:
    """
    One record a row, with the line on which the row starts.

    Problems: `csv_header` (reading stops there), `csv_fields`, `invalid_csv`,
    `invalid_utf8`, `record_too_large`, `partial_line`.
    """
    # The limit of the csv module is global; ours is kept by `Lines`.
    csv.field_size_limit(max(csv.field_size_limit(), 2 * base.MAX_RECORD_BYTES))
    lines = Lines(blocks)
    try:
        delimiter = _delimiter(lines)
    except RowTooLarge as reason:
        yield Record(lines.row_line, lines.raw(), Problem("record_too_large", str(reason)))
        return
    columns: Columns | None = None
    for line, row in _rows(lines, delimiter, skip_partial=blocks.skip_partial):
        if isinstance(row, Problem):
            yield Record(line, lines.raw(), row)
            if columns is None:
                return
        elif columns is None:
            columns = Columns(row)
            if columns.problem:
                yield Record(line, lines.raw(), columns.problem)
                return
        elif any(row):
            yield columns.record(line, row, lines)


def delimiter_of(header: str) -> str:
    """The delimiter that parts a header line into the most columns."""
    return max(DELIMITERS, key=lambda delimiter: len(names_in(header, delimiter)))


def _delimiter(lines: Lines) -> str:
    """Look at the first line with something on it, and put it back."""
    for first in lines:
        if separator := separator_in(first):
            lines.done()
            return separator
        if first.strip():
            lines.again()
            return delimiter_of(first)
        lines.done()
    return DELIMITERS[0]


def separator_in(line: str) -> str | None:
    """The delimiter that a line `sep=;` names; such a line is no row."""
    found = _SEPARATOR.fullmatch(line)
    return found["delimiter"] if found else None


def names_in(header: str, delimiter: str) -> list[str]:
    """The column names in a header line, without the space around them; none where it is none."""
    try:
        row = next(csv.reader([header], delimiter=delimiter), [])
    except csv.Error:  # a line end of old in the middle of it
        return []
    return [name.strip() for name in row]


class Columns:
    """What each column of a row becomes."""

    def __init__(self, header: list[str]) -> None:
        names = [name.strip() for name in header]
        self.problem = _header_problem(names)
        self._count = len(names)
        self._members = [(i, name) for i, name in enumerate(names) if not _is_property(name)]
        self._properties = [
            (i, name.removeprefix(PREFIX)) for i, name in enumerate(names) if _is_property(name)
        ]

    def record(self, line: int, row: list[str], lines: Lines) -> Record:
        if len(row) != self._count:
            message = f"the row has {len(row)} fields, the header has {self._count}"
            return Record(line, lines.raw(), Problem("csv_fields", message))
        members: dict[str, Any] = {name: row[i] for i, name in self._members if row[i]}
        if self._properties:
            properties = {name: row[i] for i, name in self._properties if row[i]}
        else:
            properties = {}
        if properties or "properties" in members:
            members["properties"] = _merged(members.get("properties"), properties)
        try:
            return Record(line, _encode(members), text=lines.raw())
        except UnicodeEncodeError:  # a byte that was no UTF-8 has become a surrogate
            return Record(
                line,
                lines.raw(),
                Problem("invalid_utf8", f"not valid UTF-8; {base.OTHER_ENCODING}"),
            )


def _merged(cell: str | None, properties: dict[str, Any]) -> Any:
    """The properties of a row; a cell that is no object stays text, to be refused later."""
    if cell is None:
        return properties
    text = cell.strip().encode("utf-8", "surrogateescape")
    members = members_of(text)
    if isinstance(members, Problem):
        return cell
    return {**members, **properties} if properties else msgspec.Raw(text)


def _is_property(name: str) -> bool:
    return name.startswith(PREFIX)


def _header_problem(names: list[str]) -> Problem | None:
    seen: set[str] = set()
    for number, name in enumerate(names, 1):
        if not name.removeprefix(PREFIX):
            return Problem("csv_header", f"column {number} of the header has no name")
        if name in seen:
            return Problem("csv_header", f'the header names the column "{name}" twice')
        seen.add(name)
    try:
        "".join(names).encode()
    except UnicodeEncodeError:
        return Problem("csv_header", f"the header is not valid UTF-8; {base.OTHER_ENCODING}")
    return None


def _rows(
    lines: Lines, delimiter: str, *, skip_partial: bool
) -> Iterator[tuple[int, list[str] | Problem]]:
    """
    Each row with the line on which it starts; `lines` holds its text until the next.

    A row that is no CSV ends with its first line: a quote without an end must not
    swallow the good rows behind it.
    """
    partial = base.partial(0, b"").problem if skip_partial else None
    fields: int | None = None
    while True:
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        try:
            for row in reader:
                if row:
                    yield lines.row_line, partial if partial and lines.is_open() else row
                    fields = fields or len(row)
                lines.done()
            return
        except RowTooLarge as reason:
            yield lines.row_line, Problem("record_too_large", str(reason))
        except csv.Error as error:
            if partial and _is_cut_off(error, lines, delimiter, fields):
                yield lines.row_line, partial
            else:
                lines.keep_first()
                yield lines.row_line, Problem("invalid_csv", f"not valid CSV: {error}")
        lines.done()


def _is_cut_off(error: csv.Error, lines: Lines, delimiter: str, fields: int | None) -> bool:
    """
    Whether the row at hand is one that the input ends in.

    If a line behind its first is a row of its own, a quote without an end has taken it in.
    """
    if "end of data" not in str(error):
        return lines.is_open()
    return not any(len(names_in(line, delimiter)) == fields for line in lines.behind_first())
