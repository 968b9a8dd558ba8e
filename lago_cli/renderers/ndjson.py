"""NDJSON: one compact object a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lago_cli.renderers.cells import as_json, quoted
from lago_cli.renderers.escapes import ascii_json, writer_for

if TYPE_CHECKING:
    from typing import TextIO

    from lago_cli.renderers.report import Report, Terminal


def render(report: Report, stream: TextIO, _: Terminal) -> None:
    write = writer_for(stream, ascii_json)
    keys = [(column.key, quoted(column.key) + ":") for column in report.data_columns]
    for row in report.rows:
        cells = [label + as_json(row[key], comma=",", colon=":") for key, label in keys]
        write("{" + ",".join(cells) + "}\n")
