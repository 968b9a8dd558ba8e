"""CSV after RFC 4180, with a header and bare line feeds; text stays as it is."""

from __future__ import annotations

import csv
from itertools import chain, islice
from typing import TYPE_CHECKING

from lago_cli.renderers.cells import as_text
from lago_cli.renderers.escapes import writer_for

if TYPE_CHECKING:
    from typing import TextIO

    from lago_cli.renderers.report import Report, Terminal


def render(report: Report, stream: TextIO, _: Terminal) -> None:
    keys = [column.key for column in report.data_columns]
    rows = ([as_text(row[key]) for key in keys] for row in report.rows)
    first = list(islice(rows, 1))  # may still fail, and then there is no header either
    # The module quotes a carriage return only if lines end with one.
    lines = csv.writer(_LineFeeds(stream), lineterminator="\r\n")
    lines.writerow(keys)
    lines.writerows(chain(first, rows))


class _LineFeeds:
    """Ends every line it is given with a bare line feed."""

    def __init__(self, stream: TextIO) -> None:
        self._write = writer_for(stream)

    def write(self, line: str) -> None:
        self._write(line.removesuffix("\r\n") + "\n")
