"""Fees as Lago's API tells them, and the texts and numbers that amounts are written in."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import msgspec

from lago_cli.domain.fees import Fee, TaxLine, tax_lines
from lago_cli.domain.numbers import as_plain
from lago_cli.server.api.billable_metrics import metric_id
from lago_cli.server.api.customers import customer_id
from lago_cli.server.api.plans import charge_id, codes_of, tax_of
from lago_cli.server.identifiers import lago_id
from lago_cli.server.stamps import last_instant, stamp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lago_cli.domain.metrics import Metric
    from lago_cli.domain.plans import Plan
    from lago_cli.domain.subscriptions import Subscription

_NOT_YET = ("created_at", "succeeded_at", "failed_at", "refunded_at")
_TYPES = {"minimum_spend": "charge", "minimum_commitment": "commitment"}
_DESCRIPTIONS = {
    "minimum_spend": "what is lacking to the minimum of the charge",
    "minimum_commitment": "what is lacking to the minimum of the plan",
}


def as_text(number: Fraction) -> str:
    """At least one decimal, as Lago writes units and exact amounts."""
    text = as_plain(number)
    return text if "." in text else f"{text}.0"


def as_number(number: Fraction) -> msgspec.Raw:
    """A JSON number with every digit."""
    return msgspec.Raw(as_plain(number).encode())


def subscription_id(external_id: str) -> str:
    return lago_id("subscription", external_id)


def fee_of(
    fee: Fee, plan: Plan, subscription: Subscription, metrics: Mapping[str, Metric], at: int
) -> dict[str, Any]:
    """A fee of no invoice yet, as it is answered at an instant."""
    charge, currency = fee.charge, plan.amount_currency
    rate = sum((Fraction(tax.rate) for tax in fee.taxes), Fraction(0))
    lines = list(tax_lines([fee]))
    taxes = sum(line.amount_cents for line in lines)
    precise = fee.precise_amount
    in_advance = charge.pay_in_advance if charge else plan.pay_in_advance
    return {
        "lago_id": None,
        "lago_charge_id": charge_id(plan.code, codes_of(plan)[fee.number]) if charge else None,
        "lago_charge_filter_id": None,
        "lago_fixed_charge_id": None,
        "lago_invoice_id": None,
        "lago_true_up_fee_id": None,
        "lago_true_up_parent_fee_id": None,
        "lago_subscription_id": subscription_id(subscription.external_id),
        "external_subscription_id": subscription.external_id,
        "lago_customer_id": customer_id(subscription.external_customer_id),
        "external_customer_id": subscription.external_customer_id,
        "item": _item(fee, plan, subscription, metrics),
        "pay_in_advance": in_advance,
        "invoiceable": charge.invoiceable if charge else True,
        "amount_cents": fee.amount_cents,
        "amount_currency": currency,
        "precise_amount": as_text(precise),
        "precise_total_amount": as_text(precise * (1 + rate / 100)),
        "taxes_amount_cents": taxes,
        "taxes_precise_amount": as_text(precise * rate / 100),
        "taxes_rate": as_number(rate),
        "sub_total_excluding_taxes_amount_cents": fee.amount_cents,
        "sub_total_excluding_taxes_precise_amount_cents": as_text(precise * 10**plan.digits),
        "total_amount_cents": fee.amount_cents + taxes,
        "total_amount_currency": currency,
        "units": as_text(fee.units),
        "total_aggregated_units": as_text(fee.aggregated if fee.type == "charge" else fee.units),
        "precise_unit_amount": as_text(fee.unit_amount),
        "precise_coupons_amount_cents": "0.0",
        "events_count": fee.events_count,
        "description": _DESCRIPTIONS.get(fee.type),
        "payment_status": "pending",
        **dict.fromkeys(_NOT_YET),
        "from_date": stamp(fee.window.start),
        "to_date": last_instant(fee.window.end),
        "event_transaction_id": None,
        "self_billed": False,
        "applied_taxes": [applied_tax(line, currency, at) for line in lines],
    }


def _item(
    fee: Fee, plan: Plan, subscription: Subscription, metrics: Mapping[str, Metric]
) -> dict[str, Any]:
    kind, charge = _TYPES.get(fee.type, fee.type), fee.charge
    if charge is None:
        name = plan.name or plan.code
        return {
            "type": kind,
            "code": plan.code,
            "name": name,
            "description": plan.description,
            "invoice_display_name": plan.invoice_display_name or name,
            "lago_item_id": subscription_id(subscription.external_id),
            "item_type": "Subscription",
        }
    metric = metrics[charge.billable_metric_code]
    name = metric.name or metric.code
    has_filter = fee.bucket in range(len(charge.filters))
    group = {key: value for key, value in (fee.group or {}).items() if value is not None}
    return {
        "type": kind,
        "code": metric.code,
        "name": name,
        "description": metric.description,
        "invoice_display_name": charge.invoice_display_name or name,
        "filters": {key: list(values) for key, values in fee.filter.items()}
        if fee.filter
        else None,
        "filter_invoice_display_name": charge.filters[fee.bucket].invoice_display_name
        if has_filter
        else None,
        "lago_item_id": metric_id(metric.code),
        "item_type": "BillableMetric",
        "grouped_by": group,  # clients want texts: what has no value is left out
    }


def applied_tax(line: TaxLine, currency: str, at: int) -> dict[str, Any]:
    """A tax, and what it comes to."""
    tax = tax_of(line.tax, stamp(at))
    return {
        "lago_id": tax["lago_id"],
        "lago_tax_id": tax["lago_id"],
        "tax_name": tax["name"],
        "tax_code": tax["code"],
        "tax_rate": tax["rate"],
        "tax_description": None,
        "amount_cents": line.amount_cents,
        "amount_currency": currency,
        "created_at": tax["created_at"],
    }
