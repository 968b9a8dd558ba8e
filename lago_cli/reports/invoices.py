"""Invoices as reports: one with its fees, or several with a row each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from lago_cli.renderers import FLAT_OUTPUTS, OBJECT_OUTPUTS, Column, Report
from lago_cli.reports.invoice_words import days, money
from lago_cli.reports.statements import NOT_DUE, NOTHING, Names
from lago_cli.services import wire_prices

if TYPE_CHECKING:
    from lago_cli.domain.invoices import Invoice

Row = dict[str, Any]

_WHOSE = (
    Column("external_customer_id", "customer", kind="id"),
    Column("external_subscription_id", "subscription", kind="id"),
    Column("plan_code", "plan", kind="id", spare=1),
)
_AMOUNTS = ("sub_total_cents", "taxes_cents", "total_amount_cents")
_COLUMNS = (
    *_WHOSE,
    Column("currency", kind="flag"),
    Column("from_datetime", kind="instant"),
    Column("to_datetime", kind="instant"),
    *(Column(key, kind="number") for key in _AMOUNTS),
)
INVOICE_COLUMNS = (*_COLUMNS, Column("taxes", kind="object"), Column("fees", kind="object"))
_FOR_PEOPLE = (
    *_WHOSE,
    Column("from_datetime", "first day", kind="flag", spare=2),
    Column("to_datetime", "last day", kind="flag", spare=3),
    Column("sub_total_cents", "sub-total", kind="number", spare=4),
    Column("taxes_cents", "taxes", kind="number", spare=5),
    Column("total_amount_cents", "total", kind="number"),
    Column("currency", kind="flag"),
)
_FEE_KINDS = {
    "group": "object",
    "filter": "object",
    "details": "object",
    "units": "number",
    "events_count": "count",
    "amount_cents": "number",
    "precise_amount": "number",
    "from_datetime": "instant",
    "to_datetime": "instant",
}
FEE_COLUMNS = tuple(
    Column(key, kind=_FEE_KINDS.get(key, "flag"))  # type: ignore[arg-type]
    for key in (
        *("type", "billable_metric_code", "charge_model", "filter", "group", "units"),
        *("events_count", "amount_cents", "precise_amount", "from_datetime", "to_datetime"),
        "details",
    )
)


def invoice_report(invoice: Invoice, output: str) -> Report:
    """One invoice: an object with its fees, or in CSV a row for each of them."""
    row = wire_prices.invoice(invoice)
    if output in FLAT_OUTPUTS:
        return Report(None, FEE_COLUMNS, row["fees"])
    return Report(None, INVOICE_COLUMNS, [row], single=True)


def invoices_report(
    invoices: Sequence[Invoice], names: Names, output: str, *, footer: Sequence[str]
) -> Report:
    """A row for each; objects have their fees."""
    if output == "table":
        rows = [_row(each, names) for each in invoices]
        totals = list(_totals(invoices)) if len(invoices) > 1 else []
        footer = [*_not_due(invoices), *footer]
        return Report(None, _FOR_PEOPLE, rows, totals=totals, footer=footer, empty=NOTHING)
    columns = INVOICE_COLUMNS if output in OBJECT_OUTPUTS else _COLUMNS
    return Report(None, columns, map(wire_prices.invoice, invoices))


def _not_due(invoices: Sequence[Invoice]) -> Iterator[str]:
    count = sum(not each.fees for each in invoices)
    if count and count == len(invoices):
        yield NOT_DUE
    elif count:
        yield f"Nothing is billed for {count} of them: no billing period of theirs ends here."


def _row(invoice: Invoice, names: Names) -> Row:
    first, _, last = days(
        invoice.window, names.zone(invoice.subscription.external_customer_id)
    ).partition(" to ")
    return {
        "external_customer_id": invoice.subscription.external_customer_id,
        "external_subscription_id": invoice.subscription.external_id,
        "plan_code": invoice.plan.code,
        "currency": invoice.currency,
        "from_datetime": first,
        "to_datetime": last or first,
        **_money([invoice], invoice.currency),
    }


def _money(invoices: Iterable[Invoice], currency: str) -> Row:
    found = list(invoices)
    return {key: money(sum(getattr(each, key) for each in found), currency) for key in _AMOUNTS}


def _totals(invoices: Sequence[Invoice]) -> Iterable[Row]:
    """One for each currency."""
    for currency in dict.fromkeys(each.currency for each in invoices):
        of_it = [each for each in invoices if each.currency == currency]
        yield {
            "external_customer_id": "total",
            "currency": currency,
            **_money(of_it, currency),
        }
