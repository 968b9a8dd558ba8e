"""Usage as a report: its columns, its cells, and the lines below the table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from itertools import chain
from math import ceil
from typing import TYPE_CHECKING, Any

from lago_cli.domain.numbers import as_plain
from lago_cli.renderers import Column, Report, Span
from lago_cli.reports.records import Row, span
from lago_cli.services import wire
from lago_cli.services.lines import Line, Sum, change_of, percent_of, summed, totals
from lago_cli.services.usage import adds_up

if TYPE_CHECKING:
    from datetime import tzinfo

    from lago_cli.domain.instants import Window
    from lago_cli.domain.numbers import Units

BAR_BLOCKS = 8  # as wide as every terminal lets such a column be


@dataclass(frozen=True, slots=True)
class Shape:
    """What the rows of an answer are, and what stands beside their units."""

    group_by: Sequence[str] = ()
    windowed: bool = False
    compared: bool = False
    priced: bool = False
    total: bool = False  # rows are nobody's


@dataclass(frozen=True, slots=True)
class Answer:
    """The lines to be shown, and those that `--top` leaves out, by metric."""

    lines: Sequence[Line]
    others: Sequence[Sequence[Line]] = field(default_factory=list)


def usage_report(answer: Answer, shape: Shape, *, footer: Sequence[str], empty: str) -> Report:
    """
    Usage for every format.

    With windows the table draws a bar beside every figure: how it compares with the
    largest one of the same owner, metric and group. The rows of a series stand below
    each other, so that the bars are its chart, read downwards as the dates are.
    """
    columns = _columns(answer, shape)
    span_of = lru_cache(maxsize=1024)(span)  # rows have few windows, and share them
    shown = [_cells(line, shape, span_of) for line in answer.lines]
    if shape.windowed:
        columns.append(Column("bar", "of largest", kind="spark", in_data=False))
        _add_bars(shown, answer)
    return Report(
        None, columns, shown, totals=list(_below(answer, shape)), footer=footer, empty=empty
    )


def _columns(answer: Answer, shape: Shape) -> list[Column]:
    by_subscription = any(line.row.owner[1] is not None for line in answer.lines)
    columns = [
        Column(
            "external_customer_id",
            "customer",
            kind="id",
            in_table=not shape.total,
            shared=not answer.others,  # whose line says so in this column
        ),
        Column(
            "external_subscription_id",
            "subscription",
            kind="id",
            in_table=by_subscription,
            shared=not answer.others,
            caption="subscription {}",
        ),
        Column(
            "billable_metric_code",
            "metric",
            kind="id",
            shared=not (shape.total and answer.others),
        ),
        Column(
            "aggregation_type",
            "aggregation",
            spare=3,
            shared=True,
            in_table=not shape.compared,
        ),
        Column("from_datetime", "from", kind="instant", in_table=False),
        Column("to_datetime", "to", kind="instant", in_table=False),
        Column("period", kind="span", in_data=False, shared=_has_one_period(answer)),
        Column("zone", kind="flag", spare=2, in_data=False, shared=True),
        Column("group", kind="object", distinct=True, in_table=bool(shape.group_by)),
        Column("units", kind="number"),
    ]
    if shape.compared:  # beside the units for a person; programs find them after all others
        columns += [
            Column("events_count", kind="count", in_table=False),
            Column("previous_units", "previous", kind="number", spare=3),
            Column("change", kind="change"),
            Column("change_percent", "%", kind="percent", spare=4),
            Column("events_count", "events", kind="count", spare=5, in_data=False),
        ]
    else:
        columns.append(Column("events_count", "events", kind="count"))
    if shape.priced:
        columns += [
            Column("amount_cents", "cents", kind="number"),
            Column("amount_currency", "currency", kind="flag"),
        ]
    return columns


def _has_one_period(answer: Answer) -> bool:
    """Whether what the rows share is true of the lines below them, too."""
    if not answer.others:
        return True
    everything = chain(answer.lines, *answer.others)
    spans = {span(*(line.local or (line.row.window, line.row.zone))) for line in everything}
    return len({tuple(at and at.replace(tzinfo=None) for at in each) for each in spans}) == 1


def _cells(line: Line, shape: Shape, span_of: Callable[[Window, tzinfo], Span]) -> dict[str, Any]:
    row = line.row
    window, zone = line.local or (row.window, row.zone)
    cells = wire.usage(row, shape.group_by) | {
        "period": span_of(window, zone),
        "zone": str(row.zone) if zone == row.zone else None,
    }
    if line.units is None:
        cells["units"] = None
    if shape.compared:
        cells |= _compared(line)
    if shape.priced:
        cells["amount_cents"] = str(line.price.cents) if line.price else None
        cells["amount_currency"] = line.price.currency if line.price else None
    return cells


def _compared(figure: Line | Sum) -> dict[str, str | None]:
    change = change_of(figure.units, figure.before)
    return {
        "previous_units": _plain(figure.before.units if figure.before else None),
        "change": _plain(change),
        "change_percent": _plain(percent_of(change, figure.before)),
    }


def _plain(units: Units | None) -> str | None:
    return None if units is None else as_plain(units)


def _add_bars(shown: Sequence[dict[str, Any]], answer: Answer) -> None:
    """Beside every figure as many blocks of eight as it has eighths of its series' largest."""
    everything = [*answer.lines, *(line for lines in answer.others for line in lines)]
    largest: dict[tuple[object, ...], Units] = {}
    for line in everything:
        if line.units is not None:
            series = _series(line)
            largest[series] = max(line.units, largest.get(series, line.units))
    for cells, line in zip(shown, answer.lines, strict=True):
        cells["bar"] = None if line.units is None else _bar(line.units, largest[_series(line)])


def _series(line: Line) -> tuple[object, ...]:
    return line.row.owner, line.row.metric.code, line.row.group


def _bar(units: Units, largest: Units) -> tuple[int, ...]:
    """What is above zero has one block at least; a negative figure has none."""
    full = ceil(BAR_BLOCKS * Fraction(units) / Fraction(largest)) if units > 0 else 0
    return (1,) * full + (0,) * (BAR_BLOCKS - full)


def _below(answer: Answer, shape: Shape) -> list[Row]:
    """What `--top` left out, in one line a metric, and the totals of everything."""
    rows = []
    everything = [*answer.lines]
    for lines in answer.others:
        everything += lines
        metric = lines[0].row.metric
        left = summed(lines, may_add=adds_up(metric, windowed=shape.windowed))
        rows.append(_below_cells(left, count_of_others(lines), shape))
    word = "sum of groups" if shape.group_by else "total"
    for total in totals(everything, windowed=shape.windowed):
        rows.append(_below_cells(total, word, shape))
    return rows


def count_of_others(lines: Sequence[Line]) -> str:
    return f"… {len(lines):,} {'other' if len(lines) == 1 else 'others'}"


def _below_cells(found: Sum, word: str, shape: Shape) -> Row:
    code = found.metric.code
    cells: dict[str, object] = {
        "external_customer_id": word,
        "billable_metric_code": f"{code}: {word}" if shape.total else code,
        "units": _plain(found.units),
        "events_count": found.events_count,
    }
    return cells | _compared(found) if shape.compared else cells
