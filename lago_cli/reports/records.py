"""Answers as reports: which columns they have, and what stands in a cell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from lago_cli.renderers import Column, RawJson, Report, Span
from lago_cli.services import wire

if TYPE_CHECKING:  # every command imports this module, few need all of these
    from datetime import tzinfo

    from lago_cli.domain.events import Event
    from lago_cli.domain.instants import Window
    from lago_cli.domain.runs import Run
    from lago_cli.domain.stored import StoredEvent
    from lago_cli.services.ingest_report import IngestReport

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
_CAPTIONS = {  # what events share is said above them, as
    "external_customer_id": "{}",
    "external_subscription_id": "subscription {}",
    "code": "{}",
    "run": "run {}",
    "status": "{}",
}
_HELD = 10_000  # events that may be looked at before one is drawn
_OF_DELETED = (Column("deleted_at", "deleted", kind="instant"), Column("reason", kind="text"))
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
    Column("deleted", kind="count", spare=13),
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


def events_report(
    events: Iterable[StoredEvent], *, limit: int | None, deleted: bool = False
) -> Report:
    """With `deleted` some of them may be, and it is said when and why."""
    footer: list[str] = []
    rows = _event_rows(events, limit, footer)
    columns = _event_columns(deleted=deleted)
    if limit is not None and limit <= _HELD:  # all are looked at for what they share
        columns = [
            replace(each, shared=True, caption=_CAPTIONS[each.key])
            if each.key in _CAPTIONS
            else each
            for each in columns
        ]
    return Report(None, columns, rows, footer=footer, empty=_none(limit))


def _none(limit: int | None) -> str:
    return "None is shown." if limit == 0 else "No events."


def event_report(event: StoredEvent) -> Report:
    columns = _event_columns(deleted=event.status == "deleted")
    return single(columns, event_row(event))


def _event_columns(*, deleted: bool) -> Sequence[Column]:
    return (*EVENT_COLUMNS, _STATUS, *(_OF_DELETED if deleted else ()))


def _event_rows(
    events: Iterable[StoredEvent], limit: int | None, footer: list[str]
) -> Iterator[Row]:
    for number, event in enumerate(events):
        if number == limit:
            newest = f"The newest {limit}; there are more" if limit else "There are some"
            footer.append(f"{newest}: --limit N, or lago events export")
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
