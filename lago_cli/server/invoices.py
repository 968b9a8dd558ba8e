"""Invoices that are not issued, as Lago's API tells them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lago_cli.domain.customers import Customer
from lago_cli.domain.definitions import Entry
from lago_cli.domain.fees import Fee, tax_lines
from lago_cli.domain.instants import to_datetime
from lago_cli.server.api.customers import customers_of
from lago_cli.server.api.plans import plan_id
from lago_cli.server.api.subscriptions import subscription_of
from lago_cli.server.fees import applied_tax, fee_of, subscription_id
from lago_cli.server.identifiers import lago_id
from lago_cli.server.stamps import last_instant, stamp
from lago_cli.services.invoicing import around, ends_in

if TYPE_CHECKING:
    from datetime import tzinfo

    from lago_cli.domain.invoices import Invoice
    from lago_cli.domain.plans import Plan
    from lago_cli.services.invoicing import Billed, Invoicing
    from lago_cli.stores.sqlite.store import SqliteStore

VERSION = 4  # of Lago's way to add up invoices
_NONE_HERE = (
    *("coupons", "credit_notes", "prepaid_credit", "progressive_billing_credit"),
    *("prepaid_granted_credit", "prepaid_purchased_credit"),
)


def invoice_of(
    store: SqliteStore,
    customer: Entry[Customer],
    invoicing: Invoicing,
    invoices: Sequence[Invoice],
    created: Mapping[str, int],
    zone: tzinfo,
) -> dict[str, Any]:
    """
    One invoice for one or several subscriptions of a customer, of one currency.

    Args:
        created: when subscriptions were registered, where they are.
    """
    now, plans = invoicing.now, invoicing.plans
    billed = {each.subscription.external_id: each for each in invoicing.billed}
    currency = invoices[0].currency
    fees = [fee for each in invoices for fee in each.fees]
    amount = sum(fee.amount_cents for fee in fees)
    lines = list(tax_lines(fees))
    total = amount + sum(line.amount_cents for line in lines)
    end = max(each.window.end for each in invoices)
    issued = to_datetime(end).astimezone(zone).date().isoformat()
    names = [each.subscription.external_id for each in invoices]
    identity = lago_id("invoice", *names, str(end))
    at = stamp(now)
    return {
        "lago_id": identity,
        "billing_entity_code": None,
        "number": "",
        "issuing_date": issued,
        "payment_due_date": issued,
        "payment_overdue": False,
        "net_payment_term": 0,
        "invoice_type": "subscription",
        "status": "draft",
        "payment_status": "pending",
        "currency": currency,
        "fees_amount_cents": amount,
        "sub_total_excluding_taxes_amount_cents": amount,
        "taxes_amount_cents": total - amount,
        "sub_total_including_taxes_amount_cents": total,
        **{f"{key}_amount_cents": 0 for key in _NONE_HERE},
        "total_amount_cents": total,
        "total_due_amount_cents": total,
        "total_paid_amount_cents": 0,
        "version_number": VERSION,
        "self_billed": False,
        "created_at": at,
        "updated_at": at,
        "customer": customers_of(store, [customer])[0],
        "metadata": [],
        "applied_taxes": [
            {
                **applied_tax(line, currency, now),
                "lago_invoice_id": identity,
                "fees_amount_cents": line.base_cents,
            }
            for line in lines
        ],
        "billing_periods": [
            _period(each, billed[each.subscription.external_id]) for each in invoices
        ],
        "credits": [],
        "subscriptions": [
            subscription_of(
                Entry(each.subscription, created.get(each.subscription.external_id, now)),
                plans,
                now,
                zone,
            )
            for each in invoices
        ],
        "fees": [
            fee_of(fee, plan_of_fee(fee), each.subscription, invoicing.charging.metrics, now)
            for each in invoices
            for fee in each.fees
        ],
    }


def plan_of_fee(fee: Fee) -> Plan:
    """By which it is due."""
    assert fee.part_of is not None
    assert fee.part_of.plan is not None
    return fee.part_of.plan


def _period(invoice: Invoice, billed: Billed) -> dict[str, Any]:
    """Lago tells the days of a plan's fee apart from those of its charges."""
    subscription = invoice.subscription
    own = [part.window for part in billed.own]
    charges = [part.window for part in billed.charges if ends_in(part, billed.asked)]
    of_fee = around(own) if own else invoice.window
    of_charges = around(charges) if charges else invoice.window
    is_last = subscription.life.end <= invoice.window.end
    return {
        "lago_subscription_id": subscription_id(subscription.external_id),
        "external_subscription_id": subscription.external_id,
        "lago_plan_id": plan_id(invoice.plan.code),
        "subscription_from_datetime": stamp(of_fee.start),
        "subscription_to_datetime": last_instant(of_fee.end),
        "charges_from_datetime": stamp(of_charges.start),
        "charges_to_datetime": last_instant(of_charges.end),
        "invoicing_reason": "subscription_terminating" if is_last else "subscription_periodic",
    }
