"""Answers as reports: which columns they have, and what stands in a cell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from math import ceil
from typing import TYPE_CHECKING, Any

from lago_cli.domain.numbers import as_plain
from lago_cli.renderers import Column, RawJson, Report, Span
from lago_cli.services import wire

if TYPE_CHECKING:  # every command imports this module, few need all of these
    from datetime import tzinfo

    from lago_cli.domain.events import Event
    from lago_cli.domain.instants import Window
    from lago_cli.domain.numbers import Units
    from lago_cli.domain.runs import Run
    from lago_cli.domain.stored import StoredEvent
    from lago_cli.services.amounts import Amount
    from lago_cli.services.ingest_report import IngestReport
    from lago_cli.services.usage import UsageRow

Row = Mapping[str, object]

BAR_BLOCKS = 8  # as wide as every terminal lets such a column be

EVENT_COLUMNS = (
    Column("transaction_id", kind="id"),
    Column("external_customer_id", "customer", kind="id", spare=1),
    Column("external_subscription_id", "subscription", kind="id", spare=5),
    Column("code", kind="id", spare=2),
    Column("timestamp", kind="instant"),
    Column("properties", kind="object", spare=4),
    Column("precise_total_amount_cents", "amount in cents", kind="number", spare=8),
    Column("received_at", "received", kind="instant", spare=7),
    Column("run", kind="flag", align="right", spare=6),  # a name and no quantity
)
_STATUS = Column("status", kind="flag", spare=3)
_COUNTS = {  # and how soon a narrow table does without
    "read": 3,
    "ingested": 0,
    "duplicates": 4,
    "conflicts": 6,
    "replaced": 7,
    "rejected": 2,
    "skipped": 9,
    "unmatched": 8,
    "unusable": 5,
    "undated": 10,
}
_RUN_COLUMNS = (
    Column("run", kind="flag", align="right"),
    Column("source", kind="text"),
    Column("status", kind="flag"),
    Column("started_at", "started", kind="instant", spare=1),
    Column("finished_at", "finished", kind="instant", spare=11),
    Column("reverted_at", "reverted", kind="instant", spare=12),
    *(Column(name, kind="count", spare=spare) for name, spare in _COUNTS.items()),
)


def whole(columns: Sequence[Column]) -> list[Column]:
    """All columns in the table too: for a single thing there is room."""
    return [Column(row.key, row.key.replace("_", " "), row.align, row.kind) for row in columns]


def bare_numbers(row: Mapping[str, Any]) -> Row:
    """A definition with its decimals as bare numbers, which `apply` reads; prices are texts."""
    return {key: _bare(value) for key, value in row.items()}


def _bare(value: Any) -> Any:
    if isinstance(value, Decimal):
        return RawJson(format(value, "f"))
    if isinstance(value, Mapping):
        return bare_numbers(value)
    return [_bare(each) for each in value] if isinstance(value, (list, tuple)) else value


def single(columns: Sequence[Column], row: Row) -> Report:
    """One thing, whole."""
    return Report(None, whole(columns), [row], single=True)


def events_report(events: Iterable[StoredEvent], *, limit: int | None) -> Report:
    footer: list[str] = []
    rows = _event_rows(events, limit, footer)
    return Report(None, (*EVENT_COLUMNS, _STATUS), rows, footer=footer, empty="No events.")


def event_report(event: StoredEvent) -> Report:
    return single((*EVENT_COLUMNS, _STATUS), event_row(event))


def _event_rows(
    events: Iterable[StoredEvent], limit: int | None, footer: list[str]
) -> Iterator[Row]:
    for number, event in enumerate(events):
        if number == limit:
            footer.append(f"The newest {limit}; there are more: --limit N, or lago events export")
            return
        yield event_row(event)


def event_row(stored: StoredEvent) -> dict[str, object]:
    return _with_properties(wire.stored_event(stored))


def exported_report(events: Iterable[StoredEvent]) -> Report:
    """Events as `ingest` takes them back: what was sent, and nothing else."""
    rows = (_with_properties(wire.event(each.event, each.at)) for each in events)
    return Report(None, EVENT_COLUMNS[:7], rows)


def shown_report(events: Iterable[Event]) -> Report:
    """What records would become; an event that says no time has null."""
    rows = (_with_properties(wire.event(each, each.at)) for each in events)
    return Report(None, EVENT_COLUMNS[:7], rows, empty="No record would become an event.")


def _with_properties(row: dict[str, object]) -> dict[str, object]:
    """Properties are shown as they were received."""
    row["properties"] = RawJson(str(row["properties"]))
    return row


def ingest_report(report: IngestReport, seconds: str, sent: str | None = None) -> Report:
    """The summary; of an event that was `sent`, with its transaction id."""
    rejections = [
        {"file": row.file, "line": row.line, "code": row.code, "message": row.message}
        for row in report.rejections
    ]
    row: dict[str, object] = {"run": report.run}
    row |= {name: getattr(report.tally, name) for name in _COUNTS}
    row |= {"seconds": RawJson(seconds), "rejections": rejections}
    columns = [
        Column("run", kind="flag", align="right"),
        *(Column(name, kind="count") for name in _COUNTS),
        Column("seconds", kind="number"),
        Column("rejections", kind="object", in_table=False),
    ]
    if sent is not None:
        row["transaction_id"] = sent
        columns.insert(0, Column("transaction_id", kind="id"))
    return Report(None, columns, [row], single=True)


def runs_report(runs: Iterable[Run]) -> Report:
    return Report(None, _RUN_COLUMNS, map(wire.run, runs), empty="No ingest runs yet.")


def run_report(run: Run) -> Report:
    return single(_RUN_COLUMNS, wire.run(run))


def usage_report(
    rows: Sequence[UsageRow],
    group_by: Sequence[str],
    prices: Sequence[Amount | None] | None,
    *,
    windowed: bool,
    footer: Sequence[str],
) -> Report:
    """
    Usage for every format.

    With windows the table draws a bar beside every figure: how it compares with the
    largest one of the same owner, metric and group. The rows of a series stand below
    each other, so that the bars are its chart, read downwards as the dates are.
    """
    columns = [
        Column("external_customer_id", "customer", kind="id", shared=True),
        Column(
            "external_subscription_id",
            "subscription",
            kind="id",
            in_table=any(row.owner[1] is not None for row in rows),
            shared=True,
            caption="subscription {}",
        ),
        Column("billable_metric_code", "metric", kind="id", shared=True),
        Column("aggregation_type", "aggregation", spare=2, shared=True),
        Column("from_datetime", "from", kind="instant", in_table=False),
        Column("to_datetime", "to", kind="instant", in_table=False),
        Column("period", kind="span", in_data=False, shared=True),
        Column("zone", kind="flag", spare=1, in_data=False, shared=True),
        Column("group", kind="object", in_table=bool(group_by)),
        Column("units", kind="number"),
        Column("events_count", "events", kind="count"),
    ]
    span_of = lru_cache(maxsize=1024)(span)  # rows have few windows, and share them
    shown = [
        wire.usage(row, group_by) | {"period": span_of(row.window, row.zone), "zone": str(row.zone)}
        for row in rows
    ]
    if prices is not None:
        columns += [
            Column("amount_cents", "cents", kind="number"),
            Column("amount_currency", "currency", kind="flag"),
        ]
        for cells, price in zip(shown, prices, strict=True):
            cells["amount_cents"] = str(price.cents) if price else None
            cells["amount_currency"] = price.currency if price else None
    if windowed:
        columns.append(Column("bar", "of largest", kind="spark", in_data=False))
        _add_bars(shown, rows)
    return Report(
        None,
        columns,
        shown,
        totals=_totals(rows, group_by, windowed=windowed),
        footer=footer,
        empty="No usage in this period.",
    )


def span(window: Window, zone: tzinfo) -> Span:
    """A window as the table shows it; all time has no ends."""
    from lago_cli.domain.instants import AFTER_LAST_EVENT, to_datetime, to_micros
    from lago_cli.domain.periods import ALL_TIME

    return Span(
        None
        if window.start <= to_micros(ALL_TIME.start)
        else to_datetime(window.start).astimezone(zone),
        None if window.end >= AFTER_LAST_EVENT else to_datetime(window.end).astimezone(zone),
    )


def _add_bars(shown: Sequence[dict[str, Any]], rows: Sequence[UsageRow]) -> None:
    """Beside every figure as many blocks of eight as it has eighths of its series' largest."""
    largest: dict[tuple[object, ...], Units] = {}
    for row in rows:
        series = (row.owner, row.metric.code, row.group)
        largest[series] = max(row.units, largest.get(series, row.units))
    for cells, row in zip(shown, rows, strict=True):
        cells["bar"] = _bar(row.units, largest[row.owner, row.metric.code, row.group])


def _bar(units: Units, largest: Units) -> tuple[int, ...]:
    """What is above zero has one block at least; a negative figure has none."""
    full = ceil(BAR_BLOCKS * Fraction(units) / Fraction(largest)) if units > 0 else 0
    return (1,) * full + (0,) * (BAR_BLOCKS - full)


def _totals(rows: Sequence[UsageRow], group_by: Sequence[str], *, windowed: bool) -> list[Row]:
    from lago_cli.services.usage import totals

    return [
        {
            "external_customer_id": "sum of groups" if group_by else "total",
            "billable_metric_code": total.metric.code,
            "units": as_plain(total.units),
            "events_count": total.events_count,
        }
        for total in totals(rows, windowed=windowed)
    ]
