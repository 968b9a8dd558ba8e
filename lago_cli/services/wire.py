"""The shapes of JSON: plain objects, which the command line and a server show alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

from lago_cli.domain.definitions import Defined, Definition, Entry
from lago_cli.domain.instants import format_instant
from lago_cli.domain.numbers import as_plain

if TYPE_CHECKING:
    from lago_cli.domain.events import Event
    from lago_cli.domain.runs import Run
    from lago_cli.domain.stored import StoredEvent
    from lago_cli.services.explain import Figure
    from lago_cli.services.usage import UsageRow

T = TypeVar("T", bound=Defined)
Row = dict[str, Any]


def as_fields(of: Definition[T], value: T) -> Row:
    """The fields of a definition, as files write them."""
    found = {row.name: getattr(value, row.name) for row in of.fields}
    return {
        row.name: None if found[row.name] is None else row.kind.as_json(found[row.name])
        for row in of.fields
    }


def definition(of: Definition[T], entry: Entry[T], now: int) -> Row:
    """A definition as it is shown, with what follows from its fields and the present instant."""
    row = as_fields(of, entry.value) | {"created_at": format_instant(entry.created_at)}
    for each in of.derived:
        row[each.name] = row.get(each.name) or getattr(entry.value, each.name)(now)
    return {column.name: row[column.name] for column in of.columns}


def event(event: Event, at: int | None) -> Row:
    """An event as it is sent; its properties are the text of a JSON object."""
    return {
        "transaction_id": event.transaction_id,
        "external_customer_id": event.external_customer_id,
        "external_subscription_id": event.external_subscription_id,
        "code": event.code,
        "timestamp": _instant(at),
        "properties": event.properties,
        "precise_total_amount_cents": event.precise_total_amount_cents,
    }


def stored_event(stored: StoredEvent) -> Row:
    """An event with what is known of it since."""
    row = event(stored.event, stored.at)
    row["received_at"] = format_instant(stored.received_at)
    row["run"] = stored.run
    row["status"] = stored.status
    if deletion := stored.deletion():
        row |= {"deleted_at": format_instant(deletion.deleted_at), "reason": deletion.reason}
    return row


def run(run: Run) -> Row:
    """An ingest run and its account."""
    status = "finished" if run.finished_at is not None else "unfinished"
    return {
        "run": run.run,
        "source": run.source,
        "status": status if run.reverted_at is None else "reverted",
        "started_at": _instant(run.started_at),
        "finished_at": _instant(run.finished_at),
        "reverted_at": _instant(run.reverted_at),
        **asdict(run.tally),
        "deleted": run.deleted,
    }


def figure(each: UsageRow | Figure, group_by: Sequence[str]) -> Row:
    """What one figure is about, and its units."""
    return {
        "external_customer_id": each.owner[0],
        "external_subscription_id": each.owner[1],
        "billable_metric_code": each.metric.code,
        "aggregation_type": each.metric.aggregation_type,
        "from_datetime": format_instant(each.window.start),
        "to_datetime": format_instant(each.window.end),
        "group": None if each.group is None else dict(zip(group_by, each.group, strict=True)),
        "units": as_plain(each.units),
    }


def usage(row: UsageRow, group_by: Sequence[str]) -> Row:
    """A row of usage."""
    return figure(row, group_by) | {"events_count": row.events_count}


def _instant(at: int | None) -> str | None:
    return None if at is None else format_instant(at)
