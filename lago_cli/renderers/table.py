"""
A table for people: a line for every row, whatever the width of the terminal.

What all rows share stands above it. It is measured on the first rows, and rows are drawn some
at a time, so that a long answer needs little memory; only an answer with columns that may be
shared is looked at as a whole.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain, islice
from typing import TYPE_CHECKING

from lago_cli.renderers.captions import caption_of, moved, shared_columns
from lago_cli.renderers.cards import draw_cards
from lago_cli.renderers.page import BOLD, DIM, GAP, Page
from lago_cli.renderers.spans import heading_of
from lago_cli.renderers.table_cells import maker_of, total_of
from lago_cli.renderers.table_layout import Layout
from lago_cli.renderers.verdicts import verdict_style
from lago_cli.renderers.widths import PIECES, folded, padded, width_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from typing import TextIO

    from lago_cli.renderers.report import Column, Report, Terminal

    Row = Mapping[str, object]

ROWS_AT_ONCE = 2_000
ROWS_MEASURED = 20_000  # of an answer that is in memory anyhow


def render(report: Report, stream: TextIO, terminal: Terminal) -> None:
    page = Page(stream, terminal)
    left_out = dict.fromkeys(_draw(report, page))
    if left_out:
        page.blank()
        page.sentence(
            f"No room for: {', '.join(left_out)}. A wider terminal or -o json shows them.", DIM
        )


def _draw(report: Report, page: Page) -> list[str]:
    """Draw it, with its sections; the headings of what there was no room for."""
    columns = [column for column in report.columns if column.in_table]
    left_out: list[str] = []
    rows = iter(report.rows)
    first = next(rows, None)  # may fail, and then there is no title either
    if report.title:
        page.sentence(report.title, BOLD)
        page.blank()
    if first is not None:
        if report.single:
            draw_cards(columns, chain([first], rows), page)
        else:
            left_out += _draw_rows(report, columns, chain([first], rows), page)
    else:
        page.sentence(report.empty, DIM)
    if report.footer:
        page.blank()
    for sentence in report.footer:
        page.sentence(sentence, DIM)
    for section in report.sections:
        page.blank()
        left_out += _draw(section, page)
    return left_out


def _draw_rows(report: Report, columns: list[Column], rows: Iterator[Row], page: Page) -> list[str]:
    shared: list[Column] = []
    known: Sequence[Row] | None = None
    if any(column.shared for column in columns):
        known = list(rows)
        shared = shared_columns(columns, known, page)
    elif isinstance(report.rows, (list, tuple)):
        known = report.rows
    columns = [column for column in columns if column not in shared]
    first = list(islice(rows, ROWS_AT_ONCE)) if known is None else known[:ROWS_MEASURED]
    if caption := caption_of(shared, first[0], page):
        for line in caption:
            page.sentence(line, BOLD)
        page.blank()
    rest = rows if known is None else iter(known[ROWS_MEASURED:])
    columns = [_named(column, first) for column in columns]
    table = _Table(report, columns, shared, first, known, page)
    table.draw(chain(_batches(iter(first)), _batches(rest)))
    return table.layout.left_out


def _named(column: Column, rows: Sequence[Row]) -> Column:
    """A column of spans is called by what they are."""
    if column.kind != "span" or column.title is not None:
        return column
    found = {id(span): span for row in rows if (span := row[column.key]) is not None}
    return replace(column, title=heading_of(found.values()))  # type: ignore[arg-type]


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while batch := list(islice(rows, ROWS_AT_ONCE)):
        yield batch


class _Table:
    """Rows below headings, and totals below the rows."""

    def __init__(
        self,
        report: Report,
        columns: list[Column],
        shared: list[Column],
        first: Sequence[Row],
        known: Sequence[Row] | None,
        page: Page,
    ) -> None:
        self.report = report
        self.columns = columns
        self.shared = shared
        self.page = page
        self.sample = first[0]
        self.makers = [maker_of(column, page) for column in columns]
        self.measured = len(first)
        self.is_whole = known is not None
        body = [self._texts(n, first) for n in range(len(columns))]
        self.layout = Layout(columns, body, self._totals(), self._ids(body, known), page)
        if known is None and page.width is not None:
            for n, shortener in self.layout.shorteners.items():
                shortener.remember(set(body[n]))

    def draw(self, batches: Iterator[list[Row]]) -> None:
        layout, drawn = self.layout, 0
        self._draw_headings()
        for batch in batches:
            texts = {n: self._texts(n, batch) for n in layout.kept}
            drawn += len(batch)
            if drawn > self.measured:
                for n, column in texts.items():
                    if not (self.is_whole and n in layout.shorteners):
                        layout.admit(n, column)
            self._write(texts, batch)
        totals = dict(enumerate(self._totals()))
        if self.report.totals:
            for n in layout.kept:
                if not self.columns[n].may_be_cut:
                    layout.admit(n, totals[n])
            self.page.rule(layout.width)
            for line in self._lines({n: totals[n] for n in layout.kept}):
                self.page.line(line, BOLD)

    def _texts(self, place: int, rows: Sequence[Row]) -> list[str]:
        make, key = self.makers[place], self.columns[place].key
        return [make(row[key]) for row in rows]

    def _totals(self) -> list[list[str]]:
        """What the totals show in each column."""
        rows = [moved(row, self.shared, self.columns, self.sample) for row in self.report.totals]
        makers = [total_of(column, self.page) for column in self.columns]
        return [
            [make(row.get(column.key)) for row in rows]
            for make, column in zip(makers, self.columns, strict=True)
        ]

    def _ids(
        self, body: list[list[str]], known: Sequence[Row] | None
    ) -> dict[int, Collection[str]]:
        """The different ids of each column of them, of all rows that are known."""
        if self.page.width is None:
            return {}
        beyond = () if known is None else known[self.measured :]
        return {
            n: {*body[n], *self._different(n, beyond)}
            for n, column in enumerate(self.columns)
            if (column.kind == "id" or column.distinct) and not column.folds
        }

    def _different(self, place: int, rows: Sequence[Row]) -> Iterable[str]:
        column = self.columns[place]
        if column.kind == "object":  # which has no hash
            return self._texts(place, rows)
        return map(self.makers[place], {row[column.key] for row in rows})

    def _draw_headings(self) -> None:
        layout = self.layout
        blocks = [folded(layout.headings[n], layout.widths[n], PIECES) for n in layout.kept]
        height = max(map(len, blocks))
        lines = [[""] * (height - len(block)) + block for block in blocks]
        texts = dict(zip(layout.kept, lines, strict=True))
        for line in self._joined(texts):
            self.page.line(line, BOLD)
        self.page.rule(layout.width)

    def _write(self, texts: dict[int, list[str]], batch: list[Row]) -> None:
        page = self.page
        lines = self._lines(texts, batch if page.color else None)
        if lines:
            page.write("\n".join([line.rstrip(" ") for line in lines]) + "\n")

    def _lines(self, texts: dict[int, list[str]], batch: list[Row] | None = None) -> list[str]:
        layout = self.layout
        cut = {n: layout.cut(n, column) for n, column in texts.items()}
        if self.page.width is not None:
            long = [n for n in cut if self.columns[n].folds and self._is_long(n, cut[n])]
            if long:
                return list(self._folded(cut, long))
        return self._joined(cut, batch)

    def _is_long(self, place: int, texts: list[str]) -> bool:
        return any(width_of(text) > self.layout.widths[place] for text in texts)

    def _folded(self, texts: dict[int, list[str]], long: list[int]) -> Iterator[str]:
        """Rows of several lines: sentences go on below."""
        for number in range(len(next(iter(texts.values())))):
            blocks = {
                n: folded(column[number], self.layout.widths[n]) if n in long else [column[number]]
                for n, column in texts.items()
            }
            height = max(map(len, blocks.values()))
            yield from self._joined(
                {n: block + [""] * (height - len(block)) for n, block in blocks.items()}
            )

    def _joined(self, texts: dict[int, list[str]], batch: list[Row] | None = None) -> list[str]:
        columns = [
            padded(column, self.layout.widths[n], to_the_right=self.columns[n].to_the_right)
            for n, column in texts.items()
        ]
        if batch is not None:
            columns = [
                self._colored(self.columns[n], column, batch)
                for n, column in zip(texts, columns, strict=True)
            ]
        return list(map((" " * GAP).join, zip(*columns, strict=True)))

    def _colored(self, column: Column, texts: list[str], batch: list[Row]) -> list[str]:
        """Nothing is dim, and a verdict has its colour."""
        page, key = self.page, column.key
        dash = page.styled(page.nothing, DIM)
        shown = []
        for text, row in zip(texts, batch, strict=True):
            value = row[key]
            if value is None:
                shown.append(text.replace(page.nothing, dash))
            elif column.verdict and (style := verdict_style(column, value)):
                bare = text.strip(" ")
                shown.append(text.replace(bare, page.styled(bare, style)))
            else:
                shown.append(text)
        return shown
