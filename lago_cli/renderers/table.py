"""
A table for people, drawn by rich.

Where the terminal is narrow, spare columns are left out; then all text but numbers, which
stand to the right, ends in an ellipsis. Where not even that fits, every row becomes a block
of key and value lines, with all columns. They are measured on the first rows, and rows drawn
some at a time, so that a long answer needs little memory.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from io import StringIO
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from rich.box import HORIZONTALS, Box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lago_cli.renderers.cells import as_text
from lago_cli.renderers.escapes import encodable, visible, writer_for
from lago_cli.renderers.report import Span
from lago_cli.renderers.spans import span_text
from lago_cli.renderers.sparklines import sparkline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import TextIO

    from rich.console import RenderableType

    from lago_cli.renderers.report import Column, Report, Terminal

ROWS_AT_ONCE = 2_000
READABLE_WIDTH = 100  # of sentences, in a wide terminal
SHORTEST_CUT = 8  # an id cut further tells nothing
GAP = 2

_ASCII_BOX = Box(str(HORIZONTALS).replace("─", "-"), ascii=True)
_STYLED_BLANK = re.compile(r"\x1b\[[\d;]+m( +)\x1b\[0m")
_LINE_PADDING = re.compile(r"(?m)(?<! ) *+(\x1b\[0m)? *+$")

Row = Mapping[str, object]
Cells = list[Text]


class Page:
    """Where a table is written: the stream, and what its terminal can do."""

    def __init__(self, stream: TextIO, terminal: Terminal) -> None:
        self.width = terminal.width
        self.unicode = terminal.unicode
        self.nothing = "–" if terminal.unicode else "-"
        self.write = writer_for(stream)
        encoding = getattr(stream, "encoding", None)
        self.encoding = None if str(encoding).lower().startswith("utf") else encoding
        self.console = Console(
            file=StringIO(),  # not the stream: rich ends the program when a pipe breaks
            width=sys.maxsize,  # whatever is shown knows its own
            height=1,
            color_system="standard" if terminal.color else None,
            force_terminal=terminal.color,
            no_color=not terminal.color,
            legacy_windows=False,
            highlight=False,
            markup=False,
            emoji=False,
        )

    def show(self, drawing: RenderableType, width: int | None = None) -> None:
        with self.console.capture() as drawn:
            self.console.print(drawing, width=width)
        text = _LINE_PADDING.sub(r"\1", _STYLED_BLANK.sub(r"\1", drawn.get()))
        self.write(text if self.unicode else text.replace("…", "~"))

    def blank(self) -> None:
        self.write("\n")

    def sentence(self, text: str, style: str) -> None:
        width = None if self.width is None else min(self.width, READABLE_WIDTH)
        self.show(Text(self.shown(text), style), width)

    def rule(self) -> None:
        width = READABLE_WIDTH if self.width is None else min(self.width, READABLE_WIDTH)
        self.show(Text(("─" if self.unicode else "-") * width, "dim"))

    def shown(self, text: str) -> str:
        text = encodable(visible(text), self.encoding)
        return text if self.unicode else text.replace("…", "...")  # `~` stands for a cut

    def cell(self, value: object, column: Column) -> Text:
        if value is None:
            return Text(self.nothing, "dim")
        if column.kind == "spark":
            bars: Any = value
            return Text(sparkline(bars, unicode=self.unicode), "cyan")
        if isinstance(value, Span):
            return Text(self.shown(span_text(value)))
        if column.kind in ("change", "percent"):
            return Text(self.signed(as_text(value), column.kind))
        text = Text(self.shown(_readable(value, self.nothing)))
        if column.folds:  # whatever the column of rich does with others
            text.no_wrap, text.overflow = False, "fold"
        return text

    def signed(self, number: str, kind: str) -> str:
        """A change with its sign; nothing has none."""
        unit = "%" if kind == "percent" else ""
        if number.startswith("-"):
            return ("−" if self.unicode else "-") + number[1:] + unit
        return number + unit if number == "0" else f"+{number}{unit}"

    def cells(self, columns: Sequence[Column], row: Row) -> Cells:
        return [self.cell(row[column.key], column) for column in columns]

    def totals(self, columns: Sequence[Column], report: Report) -> list[Cells]:
        """A total has no dash for what it does not tell."""
        return [
            [Text() if row.get(c.key) is None else self.cell(row[c.key], c) for c in columns]
            for row in report.totals
        ]

    def may_cut(self, column: Column) -> bool:
        return self.width is not None and column.kind in {"text", "id", "object", "spark"}

    def fitted(self, cell: Text, column: Column, width: int) -> Text:
        """A course of values loses its past; rich cuts the end of everything else."""
        if column.kind != "spark" or len(cell) <= width:
            return cell
        mark = "…" if self.unicode else "<"
        return Text(mark + cell.plain[len(cell) - width + 1 :], cell.style)


def render(report: Report, stream: TextIO, terminal: Terminal) -> None:
    _draw(report, Page(stream, terminal))


def _draw(report: Report, page: Page) -> None:
    columns = [column for column in report.columns if column.in_table]
    rows = iter(report.rows)
    first = list(islice(rows, ROWS_AT_ONCE))
    if report.title:
        page.sentence(report.title, "bold")
        page.blank()
    if not first:
        page.sentence(report.empty, "dim")
    elif report.single:
        _draw_blocks(columns, chain(first, rows), page, whole=True)
    else:
        _draw_rows(report, columns, first, rows, page)
    if report.footer:
        page.blank()
    for sentence in report.footer:
        page.sentence(sentence, "dim")
    for section in report.sections:
        page.blank()
        _draw(section, page)


def _draw_rows(
    report: Report, columns: list[Column], first: list[Row], rest: Iterator[Row], page: Page
) -> None:
    everything = columns
    body = [page.cells(columns, row) for row in first]
    columns, body = _with_room(columns, body, page.totals(columns, report), page)
    widths = _measured(columns, body + page.totals(columns, report), page)
    if widths is None:
        _draw_blocks(everything, chain(first, rest), page, totals=report.totals)
        return
    headings = True
    while body:
        following = [page.cells(columns, row) for row in islice(rest, ROWS_AT_ONCE)]
        totals = [] if following else page.totals(columns, report)
        widths = _widened(widths, columns, body + totals, page)
        page.show(_table(columns, widths, body, totals, page, headings=headings))
        body, headings = following, False


def _with_room(
    columns: list[Column], body: list[Cells], totals: list[Cells], page: Page
) -> tuple[list[Column], list[Cells]]:
    """Leave spare columns out, the most spare first, until what is left fits uncut."""
    headings = [Text(page.shown(column.heading)) for column in columns]
    widths = _widest([*body, *totals, headings])
    kept = list(range(len(columns)))
    spare = sorted((number for number in kept if columns[number].spare), key=_spare_of(columns))
    while spare and page.width is not None:
        if sum(widths[number] + GAP for number in kept) - GAP <= page.width:
            break
        kept.remove(spare.pop())
    if len(kept) == len(columns):
        return columns, body
    return [columns[n] for n in kept], [[cells[n] for n in kept] for cells in body]


def _spare_of(columns: list[Column]) -> Callable[[int], int]:
    return lambda number: columns[number].spare


def _measured(columns: list[Column], lines: list[Cells], page: Page) -> list[int] | None:
    """Every column's width, or None if the page is too narrow for the least they need."""
    best, least = [], []
    for column, widest in zip(columns, _widest(lines), strict=True):
        heading = page.shown(column.heading)
        word = max(map(cell_len, heading.split()), default=0)
        best.append(max(widest, cell_len(heading)))
        least.append(max(word, min(widest, SHORTEST_CUT) if page.may_cut(column) else widest))
    if page.width is None:
        return best
    return _squeezed(best, least, page.width - GAP * (len(columns) - 1))


def _squeezed(best: list[int], least: list[int], room: int) -> list[int] | None:
    """The widest gives way first. (Rich knows no least width, and cuts numbers at last.)"""
    if sum(least) > room:
        return None
    widths = [min(width, room) for width in best]
    while sum(widths) > room:
        spare = [w if w > low else 0 for w, low in zip(widths, least, strict=True)]
        widths[spare.index(max(spare))] -= 1
    return widths


def _widened(widths: list[int], columns: list[Column], lines: list[Cells], page: Page) -> list[int]:
    """Room for what may not be cut in rows that were not measured."""
    return [
        width if page.may_cut(column) else max(width, widest)
        for width, column, widest in zip(widths, columns, _widest(lines), strict=True)
    ]


def _widest(lines: list[Cells]) -> list[int]:
    return [max(cell.cell_len for cell in cells) for cells in zip(*lines, strict=True)]


def _table(
    columns: list[Column],
    widths: list[int],
    body: list[Cells],
    totals: list[Cells],
    page: Page,
    *,
    headings: bool,
) -> Table:
    table = Table(
        box=HORIZONTALS if page.unicode else _ASCII_BOX,
        padding=(0, GAP - 1, 0, 0),  # the box has the other one
        show_edge=False,
        pad_edge=False,
        show_header=headings,
        header_style="bold",
        border_style="dim",
    )
    for column, width in zip(columns, widths, strict=True):
        table.add_column(
            Text(page.shown(column.heading), no_wrap=False),
            justify="right" if column.to_the_right else "left",
            width=width,
            no_wrap=True,
            overflow="ellipsis",
        )
    for cells in body:
        table.add_row(*map(page.fitted, cells, columns, widths))
    table.add_section()
    for cells in totals:
        table.add_row(*map(page.fitted, cells, columns, widths), style="bold")
    return table


def _draw_blocks(
    columns: list[Column],
    rows: Iterable[Row],
    page: Page,
    *,
    whole: bool = False,
    totals: Iterable[Row] = (),
) -> None:
    """Every row as lines of key and value; `whole`: long text folds instead of being cut."""
    keys = max(cell_len(page.shown(column.heading)) for column in columns)
    for number, row in enumerate(rows):
        if number:
            page.blank()
        page.show(_block(columns, row, page, keys, whole=whole))
    for total in totals:
        told = [column for column in columns if total.get(column.key) is not None]
        page.rule()
        page.show(_block(told, total, page, keys, whole=whole))


def _block(columns: list[Column], row: Row, page: Page, keys: int, *, whole: bool) -> Table:
    cells = page.cells(columns, row)
    fixed = [
        cell.cell_len
        for cell, column in zip(cells, columns, strict=True)
        if not page.may_cut(column)
    ]
    room = 0 if page.width is None else max(page.width - keys - GAP, SHORTEST_CUT)
    width = max([room, *fixed])
    grid = Table.grid(padding=(0, GAP, 0, 0))
    grid.add_column(style="bold", width=keys, no_wrap=True)
    grid.add_column(width=width, no_wrap=not whole, overflow="fold" if whole else "ellipsis")
    for cell, column in zip(cells, columns, strict=True):
        value = cell if whole else page.fitted(cell, column, width)
        grid.add_row(Text(page.shown(column.heading)), value)
    return grid


def _readable(value: object, nothing: str) -> str:
    if isinstance(value, Mapping) and value and not any(map(_is_nested, value.values())):
        return ", ".join(
            f"{as_text(key)}={nothing if item is None else as_text(item)}"
            for key, item in value.items()
        )
    return as_text(value)


def _is_nested(value: object) -> bool:
    return isinstance(value, (Mapping, list, tuple))
