"""Differences between expected and found usage as a report."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from lago_cli.domain.numbers import as_plain
from lago_cli.renderers import Column, Report

if TYPE_CHECKING:
    from lago_cli.services.reconcile import Difference

_COLUMNS = {
    "external_customer_id": Column("external_customer_id", "customer", kind="id"),
    "external_subscription_id": Column("external_subscription_id", "subscription", kind="id"),
    "billable_metric_code": Column("billable_metric_code", "metric", kind="id"),
    "from_datetime": Column("from_datetime", "from", kind="instant"),
    "to_datetime": Column("to_datetime", "to", kind="instant"),
    "group": Column("group", kind="object"),
}


def differences_report(
    found: Sequence[Difference], columns: Sequence[str], *, agreed: int
) -> Report:
    """The columns of the file, and beside them what was expected and what there is."""
    expects_events = any(each.expected and each.expected.events is not None for each in found)
    return Report(
        None,
        [
            Column("status", kind="flag"),
            *(_COLUMNS[name] for name in columns),
            Column("expected_units", "expected", kind="number"),
            Column("units", "found", kind="number"),
            Column("difference", kind="number"),
            Column(
                "expected_events_count", "expected events", kind="count", in_table=expects_events
            ),
            Column("events_count", "events", kind="count"),
            Column("line", kind="count"),
        ],
        [_row(each, columns) for each in found],
        empty="The one figure agrees." if agreed == 1 else f"All {agreed} figures agree.",
    )


def _row(each: Difference, columns: Sequence[str]) -> dict[str, object]:
    expected = each.expected.units if each.expected else Fraction(0)
    shown = "0" if each.row is None else as_plain(each.row.units)
    keys = {
        name: dict(value) if name == "group" and isinstance(value, tuple) else value
        for name, value in zip(columns, each.key, strict=True)
    }
    return {
        "status": each.status,
        **keys,
        "expected_units": as_plain(expected) if each.expected else None,
        "units": shown if each.row else None,
        "difference": as_plain(Fraction(shown) - expected),
        "expected_events_count": each.expected.events if each.expected else None,
        "events_count": each.row.events_count if each.row else None,
        "line": each.expected.line if each.expected else None,
    }
