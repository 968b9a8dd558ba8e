"""What all rows of a table share: above it once, and in no row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lago_cli.renderers.report import Span
from lago_cli.renderers.table_cells import in_words, maker_of
from lago_cli.renderers.widths import width_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lago_cli.renderers.page import Page
    from lago_cli.renderers.report import Column

    Row = Mapping[str, object]


def shared_columns(columns: Sequence[Column], rows: Sequence[Row], page: Page) -> list[Column]:
    """Those that all rows agree on; none where nothing would be left in the table."""
    found = [column for column in columns if column.shared and _agree(column, rows, page)]
    return found if len(found) < len(columns) else []


def _agree(column: Column, rows: Sequence[Row], page: Page) -> bool:
    """Spans agree where they read alike: a month is one in every time zone."""
    key = column.key
    first = rows[0][key]
    if isinstance(first, Span):
        make = maker_of(column, page)
        text = make(first)
        return all(row[key] is first or make(row[key]) == text for row in rows)
    return all(row[key] == first for row in rows)


def caption_of(shared: Sequence[Column], row: Row, page: Page) -> list[str]:
    """Lines of `acme · October 2026 · Europe/Paris`; what is nothing in all rows is left out."""
    between = " · " if page.unicode else " - "
    lines: list[str] = []
    for column in shared:
        if row[column.key] is None:
            continue
        words = in_words(row[column.key], column, page)
        longer = lines[-1] + between + words if lines else words
        if lines and (page.readable is None or width_of(longer) <= page.readable):
            lines[-1] = longer
        else:
            lines.append(words)
    return lines


def moved(total: Row, shared: Sequence[Column], columns: Sequence[Column], row: Row) -> Row:
    """
    A total whose label does not stand in a column any more.

    It moves to the first column of text that has nothing, or before what the first one has.
    """
    labels = [total[c.key] for c in shared if total.get(c.key) not in (None, row[c.key])]
    texts = [c.key for c in columns if not c.to_the_right and c.kind in ("id", "text")]
    texts += [c.key for c in columns if c.kind in ("span", "object", "flag")]
    if not labels:
        return total
    label = " ".join(map(str, labels))
    for key in texts:
        if total.get(key) is None:
            return {**total, key: label}
    if texts:
        return {**total, texts[0]: f"{label} {total[texts[0]]}"}
    return total
