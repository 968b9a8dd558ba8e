"""The shapes of JSON for what things cost."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

from lago_cli.domain.fees import Fee
from lago_cli.domain.instants import format_instant
from lago_cli.domain.invoices import Bill, Invoice
from lago_cli.domain.numbers import as_plain
from lago_cli.domain.pricing import Part
from lago_cli.services.wire import Row

_instant = lru_cache(maxsize=1024)(format_instant)  # most fees have the window of others


def part(each: Part) -> Row:
    """A line of how a price comes about, in currency units."""
    told = {
        key: as_plain(value) if isinstance(value, Fraction | int) else value
        for key, value in each.told.items()
    }
    return {"kind": each.kind, **told, "amount": as_plain(each.amount)}


def fee(each: Fee) -> Row:
    """A line of an invoice."""
    charge = each.charge
    return {
        "type": each.type,
        "billable_metric_code": charge.billable_metric_code if charge else None,
        "charge_model": charge.charge_model if charge else None,
        "filter": None
        if each.filter is None
        else {key: list(values) for key, values in each.filter.items()},
        "group": each.group,
        "units": as_plain(each.units),
        "events_count": each.events_count,
        "amount_cents": str(each.amount_cents),
        "precise_amount": as_plain(each.precise_amount),
        "from_datetime": _instant(each.window.start),
        "to_datetime": _instant(each.window.end),
        "details": [part(row) for row in each.parts],
    }


def invoice(each: Invoice) -> Row:
    """What a subscription costs in a period; amounts in the smallest unit of the currency."""
    return {
        "external_customer_id": each.subscription.external_customer_id,
        "external_subscription_id": each.subscription.external_id,
        "plan_code": each.plan.code,
        "currency": each.currency,
        "from_datetime": format_instant(each.window.start),
        "to_datetime": format_instant(each.window.end),
        **sums(each),
        "fees": [fee(row) for row in each.fees],
    }


def sums(each: Bill) -> Row:
    """What fees and taxes come to."""
    return {
        "sub_total_cents": str(each.sub_total_cents),
        "taxes_cents": str(each.taxes_cents),
        "total_amount_cents": str(each.total_amount_cents),
        "taxes": [
            {
                "code": line.tax.code,
                "name": line.tax.name,
                "rate": line.tax.rate,
                "base_cents": str(line.base_cents),
                "amount_cents": str(line.amount_cents),
            }
            for line in each.taxes
        ],
    }
