"""A single thing for people: a line for every key, with its value, whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lago_cli.renderers.page import BOLD, DIM, GAP
from lago_cli.renderers.table_cells import maker_of
from lago_cli.renderers.verdicts import verdict_style
from lago_cli.renderers.widths import folded, width_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lago_cli.renderers.page import Page
    from lago_cli.renderers.report import Column

NARROWEST = 8  # of values, however narrow the page


def draw_cards(columns: Sequence[Column], rows: Iterable[Mapping[str, object]], page: Page) -> None:
    for number, row in enumerate(rows):
        if number:
            page.blank()
        _draw_card(columns, row, page)


def _draw_card(columns: Sequence[Column], row: Mapping[str, object], page: Page) -> None:
    """Long values go on below; what is a number or an instant is never broken."""
    headings = [page.shown(column.heading) for column in columns]
    values = [maker_of(column, page)(row[column.key]) for column in columns]
    keys = max(map(width_of, headings))
    room = None if page.width is None else max(page.width - keys - GAP, NARROWEST)
    for column, heading, value in zip(columns, headings, values, strict=True):
        style = verdict_style(column, row[column.key]) or (DIM if row[column.key] is None else "")
        can_fold = room is not None and column.may_be_cut
        lines = folded(value, room) if room is not None and can_fold else [value]
        margin = " " * (keys - width_of(heading) + GAP)
        page.line(page.styled(heading, BOLD) + margin + page.styled(lines[0], style))
        for line in lines[1:]:
            page.line(" " * (keys + GAP) + line)
