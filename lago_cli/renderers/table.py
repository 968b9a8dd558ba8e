"""
A table for people.

A quiet frame: a bold heading, one rule, two spaces between columns. Numbers stand
to the right and are never cut; ids lose their middle and other text its end where
the terminal is narrow. Where not even that fits, every row becomes a block of key and
value lines. The columns are measured on the first rows only, so that a long answer
streams; rich's own table takes a second for 2,500 rows and holds them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from lago_cli.renderers.cells import as_text
from lago_cli.renderers.escapes import encodable, visible, writer_for
from lago_cli.renderers.layout import (
    GAP,
    SHORTEST_CUT,
    cut,
    is_cuttable,
    need_of,
    width_of,
    widths_for,
    wrap,
)
from lago_cli.renderers.sparklines import sparkline

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TextIO

    from lago_cli.renderers.report import Column, Report, Terminal

MEASURED_ROWS = 2_000
READABLE_WIDTH = 100  # of sentences, in a wide terminal

PLAIN, BOLD, DIM, CYAN = "", "1", "2", "36"

Row = Mapping[str, object]
Cells = list["Cell"]


class Cell(NamedTuple):
    text: str
    style: str = PLAIN


class Page:
    """Where a table is written: the stream, and what its terminal can do."""

    def __init__(self, stream: TextIO, terminal: Terminal) -> None:
        self.width = terminal.width
        self.color = terminal.color
        self.unicode = terminal.unicode
        self.write = writer_for(stream)
        encoding = getattr(stream, "encoding", None)
        self.encoding = None if str(encoding).lower().startswith("utf") else encoding

    def line(self, text: str = "", style: str = PLAIN) -> None:
        self.write(self.styled(text.rstrip(" "), style) + "\n")

    def sentence(self, text: str, style: str = PLAIN) -> None:
        room = None if self.width is None else min(self.width, READABLE_WIDTH)
        for line in wrap(self.shown(text), room):
            self.line(line, style)

    def styled(self, text: str, style: str) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if self.color and style and text else text

    def shown(self, text: str) -> str:
        return encodable(visible(text), self.encoding)

    def cell(self, value: object, column: Column) -> Cell:
        if value is None:
            return Cell("–" if self.unicode else "-", DIM)
        if column.kind == "spark":
            bars: Any = value
            return Cell(sparkline(bars, unicode=self.unicode), CYAN)
        return Cell(self.shown(_readable(value)))

    def rule(self, widths: Sequence[int]) -> None:
        self.line((" " * GAP).join(("─" if self.unicode else "-") * width for width in widths), DIM)


def render(report: Report, stream: TextIO, terminal: Terminal) -> None:
    _draw(report, Page(stream, terminal))


def _draw(report: Report, page: Page) -> None:
    columns = [column for column in report.columns if column.in_table]
    rows = iter(report.rows)
    first = list(islice(rows, MEASURED_ROWS))
    if report.title:
        page.sentence(report.title, BOLD)
        page.line()
    if not first:
        page.sentence(report.empty, DIM)
    elif report.single:
        _draw_blocks(columns, chain(first, rows), page, whole=True)
    else:
        _draw_rows(report, columns, first, rows, page)
    if report.footer:
        page.line()
    for sentence in report.footer:
        page.sentence(sentence, DIM)
    for section in report.sections:
        page.line()
        _draw(section, page)


def _draw_rows(
    report: Report, columns: list[Column], first: list[Row], rest: Iterator[Row], page: Page
) -> None:
    body = [_cells(columns, row, page) for row in first]
    totals = [_total_cells(columns, row, page) for row in report.totals]
    widths = _measured(columns, body + totals, page)
    if widths is None:
        _draw_blocks(columns, chain(first, rest), page, whole=False)
        if report.totals:
            page.rule([min(page.width or READABLE_WIDTH, READABLE_WIDTH)])
            _draw_blocks(columns, report.totals, page, whole=False)
        return
    _draw_headings(columns, widths, page)
    for cells in chain(body, (_cells(columns, row, page) for row in rest)):
        _draw_line(columns, cells, widths, page)
    if report.totals:
        page.rule(widths)
    for row in report.totals:
        _draw_line(columns, _total_cells(columns, row, page), widths, page)


def _cells(columns: list[Column], row: Row, page: Page) -> Cells:
    return [page.cell(row[column.key], column) for column in columns]


def _total_cells(columns: list[Column], row: Row, page: Page) -> Cells:
    shown = (
        None if row.get(column.key) is None else page.cell(row[column.key], column)
        for column in columns
    )
    return [Cell("") if cell is None else Cell(cell.text, BOLD) for cell in shown]


def _measured(columns: list[Column], lines: list[Cells], page: Page) -> list[int] | None:
    needs = []
    for place, column in enumerate(columns):
        widest = max(width_of(cells[place].text) for cells in lines)
        needs.append(need_of(column, page.shown(column.heading), widest))
    return widths_for(needs, page.width)


def _draw_headings(columns: list[Column], widths: list[int], page: Page) -> None:
    """Headings stand on the rule: a short one leaves the lines above it blank."""
    headings = [
        wrap(page.shown(column.heading), width)
        for column, width in zip(columns, widths, strict=True)
    ]
    height = max(map(len, headings))
    for number in range(height):
        texts = [lines[i] if (i := number - height + len(lines)) >= 0 else "" for lines in headings]
        _draw_line(columns, [Cell(text, BOLD) for text in texts], widths, page)
    page.rule(widths)


def _draw_line(columns: list[Column], cells: Cells, widths: list[int], page: Page) -> None:
    parts = []
    blank = 0  # held back until something follows, so that no line ends in spaces
    for column, cell, width in zip(columns, cells, widths, strict=True):
        text = _cut(cell.text, column, width, page)
        padding = max(width - width_of(text), 0)
        left = padding if column.to_the_right else 0
        if text:
            parts.append(" " * (blank + left) + page.styled(text, cell.style))
            blank = 0
            left, padding = 0, padding - left
        blank += padding + GAP
    page.write("".join(parts) + "\n")


def _cut(text: str, column: Column, width: int | None, page: Page) -> str:
    """What a column loses first: an id its middle, a course of values its past."""
    if width is None or page.width is None or not is_cuttable(column):
        return text
    drop: Literal["start", "middle", "end"] = "end"
    if column.kind in {"id", "spark"}:
        drop = "middle" if column.kind == "id" else "start"
    return cut(text, width, drop, "…" if page.unicode else "..")


def _draw_blocks(columns: list[Column], rows: Iterable[Row], page: Page, *, whole: bool) -> None:
    """Every row as lines of key and value; `whole`: nothing is cut, long text wraps."""
    headings = [page.shown(column.heading) for column in columns]
    keys = max(map(width_of, headings)) + GAP
    room = None if page.width is None else max(page.width - keys, SHORTEST_CUT)
    for number, row in enumerate(rows):
        if number:
            page.line()
        for column, heading in zip(columns, headings, strict=True):
            if column.key not in row and not whole:
                continue  # a total
            cell = page.cell(row[column.key], column)
            text = cell.text if whole else _cut(cell.text, column, room, page)
            label = page.styled(heading, BOLD) + " " * (keys - width_of(heading))
            for line in wrap(text, room):
                page.write((label + page.styled(line, cell.style)).rstrip(" ") + "\n")
                label = " " * keys


def _readable(value: object) -> str:
    if isinstance(value, Mapping) and value and not any(map(_is_nested, value.values())):
        return ", ".join(f"{as_text(key)}={_word(item)}" for key, item in value.items())
    return as_text(value)


def _is_nested(value: object) -> bool:
    return isinstance(value, (Mapping, list, tuple))


def _word(value: object) -> str:
    return "null" if value is None else as_text(value)
