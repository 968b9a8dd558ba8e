"""JSON: one object for a single thing, else an array with one row object a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lago_cli.renderers.cells import as_json, as_pretty_json, quoted
from lago_cli.renderers.escapes import ascii_json, writer_for

if TYPE_CHECKING:
    from typing import TextIO

    from lago_cli.renderers.report import Report, Terminal


def render(report: Report, stream: TextIO, _: Terminal) -> None:
    write = writer_for(stream, ascii_json)
    if report.single:
        for row in report.rows:
            thing = {column.key: row[column.key] for column in report.data_columns}
            write(as_pretty_json(thing) + "\n")
        return
    keys = [(column.key, quoted(column.key) + ": ") for column in report.data_columns]
    before = "[\n  {"  # waits for the first row, which may still fail
    for row in report.rows:
        write(before + ", ".join([label + as_json(row[key]) for key, label in keys]) + "}")
        before = ",\n  {"
    write("[]\n" if before[0] == "[" else "\n]\n")
