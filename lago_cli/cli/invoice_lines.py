"""Invoices as statements: the view of their lines that is read, printed and sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import TYPE_CHECKING

from lago_cli.cli.invoice_words import (
    days,
    fee_days,
    fee_text,
    money,
    number,
    part_texts,
    price,
    tax_text,
)
from lago_cli.renderers import Pages
from lago_cli.renderers.statement import Item, Statement, Sum

if TYPE_CHECKING:
    from lago_cli.domain.fees import Fee
    from lago_cli.domain.invoices import Invoice
    from lago_cli.domain.metrics import Metric
    from lago_cli.stores.sqlite.store import SqliteStore

NOTHING = "No subscription with a plan lives in this period."
NOT_DUE = "Nothing is billed: no billing period ends in this one."


@dataclass(eq=False)
class Names:
    """What an invoice calls by names: customers and metrics, and the zones of days."""

    store: SqliteStore
    metrics: Mapping[str, Metric]
    _customers: dict[str, str | None] = field(default_factory=dict)
    _zones: dict[str, tzinfo] = field(default_factory=dict)

    def customer(self, external_id: str) -> str | None:
        from lago_cli.domain.customers import CUSTOMER

        if external_id not in self._customers:
            entry = self.store.table(CUSTOMER).find(external_id)
            self._customers[external_id] = entry.value.name if entry else None
        return self._customers[external_id]

    def zone(self, external_id: str) -> tzinfo:
        from lago_cli.domain.zones import zone_for

        if external_id not in self._zones:
            name = self.store.accounts.timezone(external_id)
            self._zones[external_id] = zone_for(name or "UTC")
        return self._zones[external_id]


def pages(invoices: Iterable[Invoice], names: Names) -> Pages:
    """A page for each."""
    return Pages([statement(each, names) for each in invoices], NOTHING)


def statement(invoice: Invoice, names: Names) -> Statement:
    shown = [fee for fee in invoice.fees if not fee.is_nothing]
    return Statement(
        "Invoice preview",
        list(facts(invoice, names)),
        [_item(fee, invoice, names) for fee in shown],
        list(_sums(invoice)),
        left_out(len(invoice.fees) - len(shown)) if invoice.fees else (NOT_DUE,),
    )


def facts(invoice: Invoice, names: Names) -> Iterator[tuple[str, str]]:
    subscription = invoice.subscription
    customer = subscription.external_customer_id
    zone = names.zone(customer)
    name = names.customer(customer)
    plan = invoice.plan
    yield "Customer", customer if not name or name == customer else f"{name} ({customer})"
    yield "Subscription", subscription.external_id
    yield "Plan", plan.invoice_display_name or plan.name or plan.code
    yield "Period", f"{days(invoice.window, zone)} ({zone})"
    yield "Currency", invoice.currency


def left_out(count: int) -> Sequence[str]:
    """A word on the fees that are none."""
    if not count:
        return ()
    noun = "line" if count == 1 else "lines"
    return (f"{number(count)} more {noun} without usage and without an amount.",)


def _item(fee: Fee, invoice: Invoice, names: Names) -> Item:
    is_lump = fee.type in ("minimum_spend", "minimum_commitment")
    notes = list(part_texts(fee.parts))
    if fee.window != invoice.window:
        notes.insert(0, fee_days(fee, names.zone(invoice.subscription.external_customer_id)))
    return Item(
        fee_text(fee, names.metrics),
        "" if is_lump else number(fee.units),
        "" if is_lump else price(fee.unit_amount, invoice.currency),
        money(fee.amount_cents, invoice.currency),
        notes,
    )


def _sums(invoice: Invoice) -> Iterator[Sum]:
    currency = invoice.currency
    yield Sum("Sub-total", money(invoice.sub_total_cents, currency))
    for line in invoice.taxes:
        yield Sum(tax_text(line, currency), money(line.amount_cents, currency))
    yield Sum(f"Total {currency}", money(invoice.total_amount_cents, currency), is_total=True)
