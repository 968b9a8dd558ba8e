"""Invoices as statements: the view of their lines that is read, printed and sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from typing import TYPE_CHECKING

from lago_cli.renderers import Pages
from lago_cli.renderers.statement import Item, Statement, Sum
from lago_cli.reports.invoice_words import (
    days,
    fee_days,
    fee_text,
    money,
    number,
    part_texts,
    price,
    tax_text,
)

if TYPE_CHECKING:
    from lago_cli.domain.fees import Fee
    from lago_cli.domain.invoices import Bill, Invoice
    from lago_cli.domain.metrics import Metric
    from lago_cli.services.estimates import Estimate
    from lago_cli.stores.base import DefinitionStore

NOTHING = "No subscription with a plan lives in this period."
_PERIODS = {
    "weekly": "week",
    "monthly": "month",
    "quarterly": "quarter",
    "semiannual": "half-year",
    "yearly": "year",
}
NOT_DUE = "Nothing is billed: no billing period ends in this one."


@dataclass(eq=False)
class Names:
    """What an invoice calls by names: customers and metrics, and the zones of days."""

    store: DefinitionStore
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


def estimate_pages(estimate: Estimate, metrics: Mapping[str, Metric]) -> Pages:
    """One page; fees that come again with every month are one line."""
    plan, currency = estimate.plan, estimate.currency
    lines: dict[object, list[Fee]] = {}
    for fee in estimate.fees:
        place = (fee.type, fee.number, fee.bucket, tuple((fee.group or {}).items()))
        lines.setdefault(place, []).append(fee)
    shown = [fees for fees in lines.values() if not fees[0].is_nothing]
    facts = [
        ("Plan", plan.invoice_display_name or plan.name or plan.code),
        ("Period", f"one whole {_PERIODS[plan.interval]}"),
        ("Currency", currency),
    ]
    items = [_line(_dateless(fees[0]), currency, metrics, times=len(fees)) for fees in shown]
    footer = left_out(len(lines) - len(shown))
    return Pages([Statement("Estimate", facts, items, list(_sums(estimate)), footer)], NOTHING)


def _dateless(fee: Fee) -> Fee:
    """Without its days, which are all those of a period."""
    return fee._replace(parts=[part for part in fee.parts if part.kind != "days"])


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
    line = _line(fee, invoice.currency, names.metrics)
    if fee.window == invoice.window:
        return line
    when = fee_days(fee, names.zone(invoice.subscription.external_customer_id))
    return replace(line, notes=[when, *line.notes])


def _line(fee: Fee, currency: str, metrics: Mapping[str, Metric], *, times: int = 1) -> Item:
    """A line of a fee that comes so many times."""
    is_lump = fee.type in ("minimum_spend", "minimum_commitment")
    notes = list(part_texts(fee.parts))
    return Item(
        fee_text(fee, metrics),
        "" if is_lump else number(fee.units),
        "" if is_lump else price(fee.unit_amount, currency),
        money(fee.amount_cents * times, currency),
        [*notes, f"{times} times"] if times > 1 else notes,
        fee.charge.billable_metric_code if fee.charge else "",
    )


def _sums(bill: Bill) -> Iterator[Sum]:
    currency = bill.currency
    yield Sum("Sub-total", money(bill.sub_total_cents, currency))
    for line in bill.taxes:
        yield Sum(tax_text(line, currency), money(line.amount_cents, currency))
    yield Sum(f"Total {currency}", money(bill.total_amount_cents, currency), is_total=True)
