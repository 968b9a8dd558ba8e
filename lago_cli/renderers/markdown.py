"""
A GitHub table, to be pasted; text of users shows as itself.

A column in which nothing stands is left out, as far as that is known before it is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING

from lago_cli.renderers.cells import as_text
from lago_cli.renderers.escapes import in_markdown, writer_for

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

    from lago_cli.renderers.report import Column, Report, Terminal

ROWS_HELD = 2_000  # of an answer of unknown length; all columns of a longer one stay


def render(report: Report, stream: TextIO, _: Terminal) -> None:
    write = writer_for(stream)
    rows = report.rows
    columns = report.data_columns
    if isinstance(rows, Sequence):
        columns = _filled(columns, rows)
    else:
        coming = iter(rows)
        first = list(islice(coming, ROWS_HELD))
        following = list(islice(coming, 1))
        if not following:
            columns = _filled(columns, first)
        rows = chain(first, following, coming)
    rule = _line("---:" if column.to_the_right else "---" for column in columns)
    header = _line(in_markdown(column.key) for column in columns) + rule
    for row in rows:
        write(header + _line(in_markdown(as_text(row[column.key])) for column in columns))
        header = ""
    if header:
        write(header)


def _filled(columns: list[Column], rows: Sequence[Mapping[str, object]]) -> list[Column]:
    """The columns with something in a row; all of them where there is nothing at all."""
    kept = [column for column in columns if not all(_is_empty(row[column.key]) for row in rows)]
    return kept or columns


def _is_empty(value: object) -> bool:
    return value is None or (isinstance(value, str | Mapping | Sequence) and not value)


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |\n"
