"""Limits that are not kept, and metrics without recent events, as a report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from lago_cli.domain.instants import format_instant
from lago_cli.domain.numbers import as_plain
from lago_cli.renderers import Column, Report
from lago_cli.reports.records import span
from lago_cli.services import wire

if TYPE_CHECKING:
    from lago_cli.services.freshness import Stale
    from lago_cli.services.limits import Breach

_TOLD = 3
_WORDS = {
    "above": ("is above its limit", "are above their limits"),
    "below": ("is below its minimum", "are below their minimums"),
}


def breaches_report(found: Sequence[Breach], group_by: Sequence[str]) -> Report:
    """Who is on the wrong side of which limit."""
    by_subscription = any(each.row.owner[1] is not None for each in found)
    columns = [
        Column("status", kind="flag"),
        Column("external_customer_id", "customer", kind="id"),
        Column("external_subscription_id", "subscription", kind="id", in_table=by_subscription),
        Column("billable_metric_code", "metric", kind="id"),
        Column("from_datetime", "from", kind="instant", in_table=False),
        Column("to_datetime", "to", kind="instant", in_table=False),
        Column("period", kind="span", in_data=False, shared=True),
        Column("group", kind="object", distinct=True, in_table=bool(group_by)),
        Column("units", kind="number"),
        Column("limit", kind="number"),
    ]
    return Report(None, columns, [_breach(each, group_by) for each in found])


def _breach(each: Breach, group_by: Sequence[str]) -> dict[str, object]:
    row = wire.usage(each.row, group_by)
    del row["aggregation_type"], row["events_count"]
    period = span(each.row.window, each.row.zone)
    return {"status": each.status, **row, "period": period, "limit": as_plain(each.limit)}


def stale_report(found: Sequence[Stale], max_age: str) -> Report:
    """Which metrics have no recent event; where nobody is named, whose the last one was."""
    owners = [each.owner or each.last_of or (None, None) for each in found]
    columns = [
        Column("status", kind="flag"),
        Column("external_customer_id", "customer", kind="id"),
        Column(
            "external_subscription_id",
            "subscription",
            kind="id",
            in_table=any(subscription for _, subscription in owners),
        ),
        Column("billable_metric_code", "metric", kind="id"),
        Column("last_event_at", "last event", kind="instant"),
        Column("max_age"),
    ]
    rows = [
        {
            "status": "too_old",
            "external_customer_id": customer,
            "external_subscription_id": subscription,
            "billable_metric_code": each.metric.code,
            "last_event_at": None if each.last_at is None else format_instant(each.last_at),
            "max_age": max_age,
        }
        for (customer, subscription), each in zip(owners, found, strict=True)
    ]
    return Report(None, columns, rows)


def together(reports: Sequence[Report], *, empty: str) -> Report:
    """One report of several: every column once, and empty where a row says nothing of it."""
    columns: dict[str, Column] = {}
    rows = []
    several = sum(bool(report.rows) for report in reports) > 1
    for report in reports:
        cells = list(report.rows)
        rows += cells
        for column in report.columns if cells or len(reports) == 1 else ():
            known = columns.get(column.key)
            if known is None or (column.in_table and not known.in_table):
                columns[column.key] = column
    if not columns:
        columns = {column.key: column for report in reports for column in report.columns}
    if several:
        rows = [{key: row.get(key) for key in columns} for row in rows]
    return Report(None, list(columns.values()), rows, empty=empty)


def told_breaches(found: Iterable[Breach], status: str) -> str:
    """`2 figures are above their limits: acme (gb), bolt (gb).`, or nothing."""
    names = [
        f"{each.row.owner[1] or each.row.owner[0]} ({each.row.metric.code})"
        for each in found
        if each.status == status
    ]
    if not names:
        return ""
    one, several = _WORDS[status]
    count = f"1 figure {one}" if len(names) == 1 else f"{len(names)} figures {several}"
    return f"{count}: {_shown(names)}."


def told_stale(found: Sequence[Stale], max_age: str) -> str:
    """`No event for longer than 36h: acme (gb), bolt (gb).`, or nothing."""
    names = [
        f"{each.owner[1] or each.owner[0]} ({each.metric.code})" if each.owner else each.metric.code
        for each in found
    ]
    return f"No event for longer than {max_age}: {_shown(names)}." if names else ""


def _shown(names: Sequence[str]) -> str:
    told = list(dict.fromkeys(names))
    more = [f"and {len(told) - _TOLD} more"] if len(told) > _TOLD else []
    return ", ".join([*told[:_TOLD], *more])
