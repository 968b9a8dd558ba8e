"""What stands in the cells of a table, before it is cut to fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lago_cli.renderers.cells import as_instant, as_text
from lago_cli.renderers.report import Span
from lago_cli.renderers.spans import span_text, span_words
from lago_cli.renderers.sparklines import sparkline

if TYPE_CHECKING:
    from lago_cli.renderers.page import Page
    from lago_cli.renderers.report import Column

Maker = Callable[[Any], str]
MOST_KNOWN = 4_096
_MIDNIGHT = "T00:00:00Z"
_GROUP = 3


def maker_of(column: Column, page: Page) -> Maker:
    """What makes the texts of a column's cells."""
    if column.kind == "spark":
        return lambda value: "" if value is None else sparkline(value, unicode=page.unicode)
    if column.kind == "span":
        return _spans(page)
    plain = _makers(column, page)
    return lambda value: page.nothing if value is None else plain(value)


def _makers(column: Column, page: Page) -> Maker:
    if column.kind in ("number", "count") and not page.raw:
        return lambda value: grouped(page.shown(as_text(value)))
    if column.kind in ("change", "percent") and not page.raw:
        unit = "%" if column.kind == "percent" else ""
        minus = "−" if page.unicode else "-"
        return lambda value: signed(grouped(as_text(value)), minus) + unit
    if column.kind == "instant" and not page.raw:
        return lambda value: page.shown(_date_or_instant(value))

    def make(value: object) -> str:
        if type(value) is str and value.isascii() and value.isprintable():
            return value
        return page.shown(_readable(value, page))

    return make


def _spans(page: Page) -> Maker:
    """The rows of an answer share few spans, which compare as equal in different zones."""
    known: dict[int, tuple[Span, str]] = {}

    def make(value: Span | None) -> str:
        if value is None:
            return page.nothing
        found = known.get(id(value))
        if found is None:
            if len(known) >= MOST_KNOWN:
                known.clear()
            found = known[id(value)] = value, span_text(value, raw=page.raw)
        return found[1]

    return make


def total_of(column: Column, page: Page) -> Maker:
    """What makes the texts of its totals: nothing has no dash, and labels stand anywhere."""
    make = maker_of(column, page)

    def text(value: object) -> str:
        if value is None:
            return ""
        is_label = isinstance(value, str) and not column.to_the_right
        return page.shown(str(value)) if is_label else make(value)

    return text


def in_words(value: object, column: Column, page: Page) -> str:
    """A cell as a part of the caption."""
    if isinstance(value, Span):
        text = span_words(value, raw=page.raw)
    else:
        text = maker_of(column, page)(value)
    return column.caption.format(text)


def grouped(digits: str) -> str:
    """`1234567.89` as `1,234,567.89`; what is no plain number stays as it is."""
    if len(digits) <= _GROUP:
        return digits
    whole, point, rest = digits.partition(".")
    sign = whole[:1] if whole[:1] in ("-", "+") else ""
    whole = whole[len(sign) :]
    if len(whole) <= _GROUP or not (whole.isascii() and whole.isdigit()):
        return digits
    first = len(whole) % _GROUP
    groups = [whole[at : at + _GROUP] for at in range(first, len(whole), _GROUP)]
    return sign + ",".join([whole[:first], *groups] if first else groups) + point + rest


def signed(digits: str, minus: str = "-") -> str:
    """`12` as `+12`; nothing has no sign."""
    if digits.startswith("-"):
        return minus + digits[1:]
    return digits if digits == "0" else f"+{digits}"


def _date_or_instant(value: object) -> str:
    """A midnight is the date of that day."""
    if isinstance(value, datetime):
        if value.tzinfo is not None and not any(
            (value.hour, value.minute, value.second, value.microsecond)
        ):
            return value.date().isoformat()
        return as_instant(value)
    return as_text(value).removesuffix(_MIDNIGHT)


def _readable(value: object, page: Page) -> str:
    if isinstance(value, Mapping) and value and not any(map(_is_nested, value.values())):
        return ", ".join(
            f"{as_text(key)}={page.nothing if item is None else as_text(item)}"
            for key, item in value.items()
        )
    return as_text(value)


def _is_nested(value: object) -> bool:
    return isinstance(value, (Mapping, list, tuple))
