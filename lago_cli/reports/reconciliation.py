"""Differences between expected and found usage as a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from lago_cli.domain.numbers import as_plain
from lago_cli.renderers import Column, Report

if TYPE_CHECKING:
    from lago_cli.services.reconcile import Difference, Expectations

_COLUMNS = {
    "external_customer_id": Column("external_customer_id", "customer", kind="id"),
    "external_subscription_id": Column(
        "external_subscription_id",
        "subscription",
        kind="id",
        shared=True,
        caption="subscription {}",
    ),
    "billable_metric_code": Column("billable_metric_code", "metric", kind="id", shared=True),
    "from_datetime": Column(
        "from_datetime", "from", kind="instant", shared=True, caption="from {}"
    ),
    "to_datetime": Column(
        "to_datetime", "to", kind="instant", shared=True, caption="to {} (exclusive)"
    ),
    "group": Column("group", kind="object", distinct=True),
}
_RARE = ("external_subscription_id", "group")  # where no row has one, the table has no column
_AMOUNTS = (
    Column("expected_amount_cents", "expected cents", kind="number"),
    Column("expected_amount_currency", "expected currency", kind="flag", spare=1),
    Column("amount_cents", "cents", kind="number"),
    Column("amount_currency", "currency", kind="flag"),
    Column("amount_difference", "difference in cents", kind="number"),
)


def differences_report(found: Sequence[Difference], expectations: Expectations) -> Report:
    """The columns of the file, and beside them what was expected and what there is."""
    rows = [_row(each, expectations) for each in found]
    columns = [
        replace(_COLUMNS[name], in_table=name not in _RARE or any(row[name] for row in rows))
        for name in expectations.columns
    ]
    expects_units = any(each.expected and each.expected.units is not None for each in found)
    is_of_file = any(each.expected and each.expected.line for each in found)
    expects_events = any(each.expected and each.expected.events is not None for each in found)
    return Report(
        None,
        [
            Column("status", kind="flag"),
            *columns,
            Column("expected_units", "expected", kind="number", in_table=expects_units),
            Column("units", "found", kind="number"),
            Column("difference", kind="number", in_table=expects_units),
            Column(
                "expected_events_count",
                "expected events",
                kind="count",
                in_table=expects_events,
                spare=3,
            ),
            Column("events_count", "events", kind="count", spare=2),
            *(_AMOUNTS if expectations.has_amounts else ()),
            Column("line", kind="flag", align="right", spare=1, in_table=is_of_file),
        ],
        rows,
    )


def _row(each: Difference, expectations: Expectations) -> dict[str, object]:
    wanted = each.expected
    expected = (wanted.units if wanted else None) or Fraction(0)
    shown = "0" if each.row is None else as_plain(each.row.units)
    cents = (wanted.cents_in(each.price) if wanted else None) or Fraction(0)
    found = each.price.cents if each.price else 0
    keys = {
        name: dict(value) if name == "group" and isinstance(value, tuple) else value
        for name, value in zip(expectations.columns, each.key, strict=True)
    }
    return {
        "status": each.status,
        **keys,
        "expected_units": as_plain(expected) if wanted and wanted.units is not None else None,
        "units": shown if each.row else None,
        "difference": as_plain(Fraction(shown) - expected) if expectations.has_units else None,
        "expected_events_count": each.expected.events if each.expected else None,
        "events_count": each.row.events_count if each.row else None,
        "expected_amount_cents": as_plain(cents) if wanted else None,
        "expected_amount_currency": wanted.currency if wanted else None,
        "amount_cents": str(each.price.cents) if each.price else None,
        "amount_currency": each.price.currency if each.price else None,
        "amount_difference": as_plain(found - cents),
        "line": each.expected.line if each.expected else None,
    }
