"""Reports of what real usage would have cost under other plans."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lago_cli.renderers import Column, Report
from lago_cli.reports.invoice_words import money

if TYPE_CHECKING:
    from lago_cli.services.simulation import Repriced, Summary


def simulation_report(
    rows: Sequence[Repriced], summaries: Sequence[Summary], *, in_units: bool
) -> Report:
    """
    A row for every subscription and plan; the table also sums up every plan.

    Args:
        in_units: amounts are in the unit of the currency, as people write them.
    """
    keys = ("total", "change") if in_units else ("total_amount_cents", "change_cents")
    columns = [
        Column("external_customer_id", "customer", kind="id"),
        Column("external_subscription_id", "subscription", kind="id"),
        Column("plan_code", "plan", kind="id"),
        Column("currency", kind="flag"),
        *(Column(key, kind="number") for key in keys),
    ]
    shown = [
        {
            "external_customer_id": each.subscription.external_customer_id,
            "external_subscription_id": each.subscription.external_id,
            "plan_code": each.plan.code,
            "currency": each.plan.amount_currency,
            keys[0]: _told(each.total_cents, each, in_units=in_units),
            keys[1]: _told(each.change_cents, each, in_units=in_units),
        }
        for each in rows
    ]
    return Report(
        None,
        columns,
        shown,
        sections=[_summary(summaries), _extremes(summaries)] if shown else [],
        empty="No subscription lives in this period.",
    )


def _told(cents: int | None, row: Repriced, *, in_units: bool) -> str | None:
    if cents is None or not in_units:
        return None if cents is None else str(cents)
    return money(cents, row.plan.amount_currency)


def _summary(summaries: Sequence[Summary]) -> Report:
    columns = [
        Column("plan_code", "plan", kind="id"),
        Column("currency", kind="flag"),
        Column("total", kind="number"),
        Column("change", kind="number"),
        Column("more", "pay more", kind="count"),
        Column("less", "pay less", kind="count"),
        Column("same", "the same", kind="count"),
        Column("unknown", "not compared", kind="count", spare=1),
    ]
    rows = [
        {
            "plan_code": each.plan.code,
            "currency": each.plan.amount_currency,
            "total": money(each.total_cents, each.plan.amount_currency),
            "change": money(each.change_cents, each.plan.amount_currency),
            "more": each.more,
            "less": each.less,
            "same": each.same,
            "unknown": each.unknown,
        }
        for each in summaries
    ]
    return Report("By plan", columns, rows)


def _extremes(summaries: Sequence[Summary]) -> Report:
    columns = [
        Column("plan_code", "plan", kind="id"),
        Column("external_customer_id", "customer", kind="id"),
        Column("external_subscription_id", "subscription", kind="id"),
        Column("change", kind="number"),
    ]
    rows = [
        {
            "plan_code": summary.plan.code,
            "external_customer_id": each.subscription.external_customer_id,
            "external_subscription_id": each.subscription.external_id,
            "change": money(each.change_cents or 0, summary.plan.amount_currency),
        }
        for summary in summaries
        for each in (*summary.winners, *summary.losers)
    ]
    title = "Who would save or pay most"
    return Report(title, columns, rows, empty="Nobody would pay another amount.")
