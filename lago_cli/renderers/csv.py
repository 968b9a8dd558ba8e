"""
CSV after RFC 4180, with a header and bare line feeds; text stays as it is.

For Excel it begins with a byte-order mark, by which that knows UTF-8, lines end as they do
there, and no text is taken for a formula.
"""

from __future__ import annotations

import csv
from itertools import chain, islice
from typing import TYPE_CHECKING

from lago_cli.renderers.cells import as_text
from lago_cli.renderers.escapes import writer_for
from lago_cli.renderers.spreadsheets import guarded

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from lago_cli.renderers.report import Report, Terminal

_MARK = "\ufeff"


def render(report: Report, stream: TextIO, terminal: Terminal) -> None:
    columns = report.data_columns
    keys = [column.key for column in columns]
    if terminal.excel:
        rows = ([guarded(row[each.key], each) for each in columns] for row in report.rows)
    else:
        rows = ([as_text(row[key]) for key in keys] for row in report.rows)
    first = list(islice(rows, 1))  # may still fail, and then there is no header either
    # The module quotes a carriage return only if lines end with one.
    output = _InUtf8(stream) if terminal.excel else _LineFeeds(stream)
    lines = csv.writer(output, lineterminator="\r\n")
    lines.writerow(keys)
    lines.writerows(chain(first, rows))


class _LineFeeds:
    """Ends every line it is given with a bare line feed."""

    def __init__(self, stream: TextIO) -> None:
        self._write = writer_for(stream)

    def write(self, line: str) -> None:
        self._write(line.removesuffix("\r\n") + "\n")


class _InUtf8:
    """Writes lines as they are, in UTF-8 whatever the stream would encode."""

    def __init__(self, stream: TextIO) -> None:
        stream.flush()
        binary = getattr(stream, "buffer", None)
        self._write: Callable[[str], object] = (
            stream.write
            if binary is None
            else lambda text: binary.write(text.encode(errors="backslashreplace"))
        )
        self._write(_MARK)

    def write(self, line: str) -> None:
        self._write(line)
