"""A GitHub table, complete, to be pasted; text of users shows as itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lago_cli.renderers.cells import as_text
from lago_cli.renderers.escapes import in_markdown, writer_for

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

    from lago_cli.renderers.report import Report, Terminal


def render(report: Report, stream: TextIO, _: Terminal) -> None:
    write = writer_for(stream)
    columns = report.data_columns
    rule = _line("---:" if column.to_the_right else "---" for column in columns)
    header = _line(in_markdown(column.key) for column in columns) + rule
    for row in report.rows:
        write(header + _line(in_markdown(as_text(row[column.key])) for column in columns))
        header = ""
    if header:
        write(header)


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |\n"
