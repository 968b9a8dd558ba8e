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
        cells = []
        for key, label in keys:
            value = row[key]
            is_text = type(value) is str  # as most are
            text = quoted(value) if is_text else as_json(value, comma=",", colon=":")  # type: ignore[arg-type]
            cells.append(label + text)
        write("{" + ",".join(cells) + "}\n")
