"""
A report: named columns and rows whose cells are still typed.

What a cell becomes in each format:

| cell           | json, ndjson, yaml | csv, markdown, xlsx     | table                 |
|----------------|--------------------|-------------------------|-----------------------|
| str            | string             | text                    | text, made visible    |
| int, bool      | number, boolean    | digits, `true`, `false` | `1,234`, `true`       |
| Decimal        | string             | plain digits            | grouped digits        |
| aware datetime | string, UTC        | `2026-11-22T00:00:00Z`  | the same, or the date |
| None           | null               | nothing                 | a dash                |
| Span           | –                  | –                       | `October 2026`, dates |
| mapping, list  | object, array      | compact JSON            | `key=value` or JSON   |
| RawJson        | as it was written  | as it was written       | as it was written     |

In a workbook the digits of numbers and counts are numbers.

Numbers of usage and money arrive as plain decimal text: nothing is calculated here.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from typing import TextIO

# fmt: off
Kind = Literal[
    "text", "id", "number", "count", "change", "percent", "instant", "object", "flag", "spark",
    "span",
]
# fmt: on

RIGHT_ALIGNED = frozenset({"number", "count", "change", "percent"})
MAY_BE_CUT = frozenset({"text", "id", "object", "spark"})
DRAWING = "─…–▁█"  # what the table needs beyond ASCII
DEFAULT_WIDTH = 80


@dataclass(frozen=True, slots=True)
class Column:
    """
    One column; the kind decides how it is aligned and what may be cut.

    In a narrow terminal `text`, `id`, `object` and `spark` are cut to fit (or
    folded), all others never; an `id` loses its middle. The digits of a `number` or `count` are
    grouped, for people; a `change` or `percent` has its sign, too. A `spark` cell is a sequence
    of exact numbers; it is drawn in the table and stands in no other format.
    """

    key: str  # JSON key and CSV header
    title: str | None = None  # table header
    align: Literal["left", "right"] | None = None  # None: as the kind wants it
    kind: Kind = "text"
    in_table: bool = True  # False: too much for a person, but there in every other format
    spare: int = 0  # the table leaves it out where room is short, the largest first; 0: never
    folds: bool = False  # a sentence: the table continues it below instead of cutting it
    shared: bool = False  # what all rows agree on stands above the table, and in no row
    in_data: bool = True  # False: for the table alone
    caption: str = "{}"  # how it is put where it stands above the table, without a heading
    distinct: bool = False  # cut like ids, so that different texts look different
    verdict: bool = False  # true or `passed` is green in the table, false or `failed` red

    @property
    def heading(self) -> str:
        return self.key.replace("_", " ") if self.title is None else self.title

    @property
    def to_the_right(self) -> bool:
        return (self.align or ("right" if self.kind in RIGHT_ALIGNED else "left")) == "right"

    @property
    def may_be_cut(self) -> bool:
        return self.kind in MAY_BE_CUT


@dataclass(frozen=True, slots=True)
class Report:
    """
    An answer to be shown: every row has a cell for every column.

    `rows` may be a lazy iterator of millions. `totals`, `footer` and `sections` are
    for readers of the table only, and are looked at after the rows: they may be
    lists that fill while the rows are read.
    """

    title: str | None  # table only
    columns: Sequence[Column]
    rows: Iterable[Mapping[str, object]]
    single: bool = False  # one thing: one JSON object, key and value lines in the table
    footer: Sequence[str] = ()  # plain sentences below the table
    totals: Sequence[Mapping[str, object]] = ()  # below a rule; a missing cell stays blank
    sections: Sequence[Report] = ()  # further tables below this one
    empty: str = "Nothing to show."  # stands in place of a table without rows

    @property
    def data_columns(self) -> list[Column]:
        """The columns of every format but the table."""
        return [column for column in self.columns if column.in_data]


class TooLong(ValueError):  # noqa: N818 - of an answer
    """An answer has more rows than its format can hold; nothing of it was written."""


class Span(NamedTuple):
    """A half-open stretch of time, aware and in the zone in force; None where it has no end."""

    start: datetime | None
    end: datetime | None


@dataclass(frozen=True, slots=True)
class RawJson:
    """JSON text as it was received: every digit of its numbers stays."""

    text: str


@dataclass(frozen=True, slots=True)
class Terminal:
    """What the table may count on; `width` None: nothing is ever cut."""

    width: int | None = None
    color: bool = False
    unicode: bool = True
    raw: bool = False  # plain digits and whole instants, for who copies them
    excel: bool = False  # CSV is for a spreadsheet, which takes text for formulas


def terminal_for(
    stream: TextIO,
    environ: Mapping[str, str],
    no_color: bool = False,
    *,
    raw: bool = False,
    excel: bool = False,
) -> Terminal:
    """Read `COLUMNS`, `NO_COLOR`, `FORCE_COLOR` and `TERM` the way their conventions say."""
    return Terminal(
        width=_width(stream, environ),
        color=_wants_color(stream, environ, no_color),
        unicode=_can_draw(stream),
        raw=raw,
        excel=excel,
    )


def _wants_color(stream: TextIO, environ: Mapping[str, str], no_color: bool) -> bool:
    if no_color or environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and environ.get("TERM") != "dumb"


def _width(stream: TextIO, environ: Mapping[str, str]) -> int | None:
    columns = environ.get("COLUMNS", "")
    if columns.isascii() and columns.isdigit() and int(columns[:9]) > 0:
        return int(columns[:9])
    if not stream.isatty():
        return None
    try:
        return os.get_terminal_size(stream.fileno()).columns or DEFAULT_WIDTH
    except OSError:
        return DEFAULT_WIDTH


def _can_draw(stream: TextIO) -> bool:
    try:
        DRAWING.encode(getattr(stream, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
