"""
Reports as accessible HTML, to stand in a page: tables, cards, and the sentences below them.

What all rows share is the caption. Text of users is escaped and its hidden characters are
spelled out; ids are there whole, and a style sheet may shorten them. Which cells are links
is for the caller to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from io import StringIO
from typing import TYPE_CHECKING, NamedTuple

from lago_cli.renderers.captions import caption_of, moved, shared_columns
from lago_cli.renderers.cells import as_text
from lago_cli.renderers.escapes import visible
from lago_cli.renderers.page import Page
from lago_cli.renderers.report import Report, Terminal
from lago_cli.renderers.spans import heading_of
from lago_cli.renderers.table_cells import maker_of, total_of
from lago_cli.renderers.verdicts import GOOD, verdict_word

if TYPE_CHECKING:
    from lago_cli.renderers.report import Column

Row = Mapping[str, object]
LinkOf = Callable[["Column", Row], str | None]
"""The address that a cell leads to, if any."""

LONG = 60  # characters, beyond which a text may be shortened by the style sheet
FEW = 3  # columns, which do not stand far apart
_NOTHING = '<span class="none" title="nothing">–</span>'
_NUMBERS = frozenset({"number", "count", "change", "percent"})


class Part(NamedTuple):
    """Which rows of a long report are shown: some after the first ones."""

    skipped: int = 0
    most: int | None = None


WHOLE = Part()


def render(
    report: Report,
    link: LinkOf | None = None,
    part: Part = WHOLE,
    *,
    level: int = 2,
    footer: Callable[[str], str] | None = None,
) -> str:
    """
    The report with its sections.

    Args:
        link: Where cells lead to.
        part: Which of the rows to show; totals and captions are those of all.
        level: Of the headings of sections.
        footer: Makes HTML of a sentence that stands below; by default it is escaped.
    """
    said = footer or shown
    pieces = list(_pieces(report, link, part, level, said))
    for section in report.sections:
        pieces += _pieces(section, link, WHOLE, level, said)
    return "\n".join(pieces)


def shown(text: str) -> str:
    """Text of users as HTML."""
    return escape(visible(text))


def _pieces(
    report: Report, link: LinkOf | None, part: Part, level: int, said: Callable[[str], str]
) -> Iterator[str]:
    columns = [column for column in report.columns if column.in_table]
    rows = list(report.rows)
    if report.title:
        yield f'<h{level} class="long">{shown(report.title)}</h{level}>'
    if not rows:
        yield f'<p class="empty">{said(report.empty)}</p>'
    elif report.single:
        yield from _cards(columns, rows, link)
    else:
        yield _table(report, columns, rows, link, part)
    for sentence in report.footer:
        yield f'<p class="footer">{said(sentence)}</p>'


def _page() -> Page:
    return Page(StringIO(), Terminal())


def _cards(columns: Sequence[Column], rows: Sequence[Row], link: LinkOf | None) -> Iterator[str]:
    """Single things: what is said of each, name by name."""
    page = _page()
    for row in rows:
        yield '<dl class="card">'
        for column in columns:
            cell = _Cell(column, page, link)
            yield f"<div><dt>{shown(column.heading)}</dt><dd>{cell.inside(row)}</dd></div>"
        yield "</dl>"


def _table(
    report: Report,
    columns: Sequence[Column],
    rows: Sequence[Row],
    link: LinkOf | None,
    part: Part,
) -> str:
    page = _page()
    shared = shared_columns(columns, rows, page)
    columns = [c for c in columns if c not in shared and (not c.spare or _says(c, rows))]
    caption = " · ".join(caption_of(shared, rows[0], page))
    cells = [_Cell(column, page, link) for column in columns]
    named = next((n for n, column in enumerate(columns) if column.kind == "id"), None)
    named = named if named == 0 else None
    lines = ['<div class="scroll" role="region" tabindex="0" aria-label="Table">']
    lines.append('<table class="few">' if len(columns) <= FEW else "<table>")
    lines.append(f"<caption><span>{shown(caption)}</span></caption>" if caption else "")
    lines.append("<thead><tr>")
    for column in columns:
        heading = column.heading
        if column.kind == "span" and column.title is None:
            heading = heading_of([row[column.key] for row in rows])  # type: ignore[misc]
        lines.append(f'<th scope="col"{_class(column)}>{shown(heading)}</th>')
    lines += ["</tr></thead>", "<tbody>"]
    last = None if part.most is None else part.skipped + part.most
    for row in rows[part.skipped : last]:
        texts = [
            f'<th scope="row"{_class(cell.column)}>{cell.inside(row)}</th>'
            if n == named
            else f"<td{_class(cell.column)}>{cell.inside(row)}</td>"
            for n, cell in enumerate(cells)
        ]
        lines.append(f"<tr>{''.join(texts)}</tr>")
    lines.append("</tbody>")
    lines += _totals(report, columns, shared, rows[0], page)
    lines += ["</table>", "</div>"]
    return "\n".join(filter(None, lines))


def _says(column: Column, rows: Sequence[Row]) -> bool:
    """Whether there is anything in a column; one that tables may do without is left out then."""
    return any(row[column.key] not in (None, 0, "0", (), [], {}) for row in rows)


def _totals(
    report: Report, columns: Sequence[Column], shared: Sequence[Column], first: Row, page: Page
) -> Iterator[str]:
    if not report.totals:
        return
    makers = [total_of(column, page) for column in columns]
    yield "<tfoot>"
    for total in report.totals:
        row = moved(total, shared, columns, first)
        texts = [
            f"<td{_class(column)}>{escape(make(row.get(column.key)))}</td>"
            for column, make in zip(columns, makers, strict=True)
        ]
        yield f"<tr>{''.join(texts)}</tr>"
    yield "</tfoot>"


def _class(column: Column) -> str:
    names = ["n"] if column.to_the_right else []
    names += [column.kind] if column.kind in ("id", "instant", "object", "flag", "span") else []
    names += ["sentence"] if column.folds else []
    return f' class="{" ".join(names)}"' if names else ""


class _Cell:
    """Makes the cells of a column."""

    def __init__(self, column: Column, page: Page, link: LinkOf | None) -> None:
        self.column = column
        self._link = link
        self._make = maker_of(column, page)

    def inside(self, row: Row) -> str:
        value = row[self.column.key]
        href = self._link(self.column, row) if self._link else None
        if href is None and value in (None, (), [], {}):
            return _NOTHING
        if self.column.kind == "spark":
            return _bar(value)
        if href is None and isinstance(value, Mapping) and any(map(_is_table, value.values())):
            return "".join(map(_parts_of, value.items()))
        text = escape(self._make(value))
        is_short = len(text) <= LONG or self.column.kind in _NUMBERS
        if not is_short:
            text = f'<span class="cut" title="{text}">{text}</span>'
        if self.column.verdict and (word := verdict_word(self.column, value)):
            text = f'<span class="{"good" if word == GOOD else "bad"}">{text}</span>'
        return f'<a href="{escape(href)}">{text}</a>' if href else text


def _is_table(value: object) -> bool:
    """Whether it is a list of objects, such as the tiers of a price."""
    is_list = isinstance(value, (list, tuple)) and bool(value)
    return is_list and all(isinstance(each, Mapping) for each in value)  # type: ignore[attr-defined]


def _parts_of(pair: tuple[str, object]) -> str:
    """A part of an object: objects in a list below each other, anything else on a line."""
    name, value = pair
    if not _is_table(value):
        return f"<div>{shown(f'{name}={as_text(value)}')}</div>"
    rows: Sequence[Row] = value  # type: ignore[assignment]
    keys = list(dict.fromkeys(key for row in rows for key in row))
    heads = "".join(f'<th scope="col">{shown(key.replace("_", " "))}</th>' for key in keys)
    lines = [
        "".join(f"<td>{shown(as_text(row.get(key)) or '–')}</td>" for key in keys) for row in rows
    ]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    title = shown(name.replace("_", " "))
    return (
        f'<table class="inner-table"><caption class="hidden">{title}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
    )


def _bar(parts: object) -> str:
    """How full a row of blocks is; the figure itself stands beside it."""
    blocks = list(parts) if isinstance(parts, (list, tuple)) else []
    return (
        f'<svg class="bar" viewBox="0 0 {len(blocks)} 1" preserveAspectRatio="none"'
        f' aria-hidden="true"><rect width="{sum(map(bool, blocks))}" height="1"/></svg>'
    )
