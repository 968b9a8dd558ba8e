"""Explained invoices as reports: for a person fee by fee, for programs line by line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from lago_cli.domain.instants import parse_instant
from lago_cli.domain.numbers import as_plain
from lago_cli.renderers import Column, Report
from lago_cli.reports.explanation_tables import MORE, rest_rows
from lago_cli.reports.explanations import contribution, line_cells, local
from lago_cli.reports.invoice_words import chain, fee_days, fee_text, money, number, tax_text
from lago_cli.reports.invoices import INVOICE_COLUMNS
from lago_cli.reports.statements import NOT_DUE, NOTHING, Names, facts, left_out
from lago_cli.services import wire_prices
from lago_cli.services.excerpts import excerpt

if TYPE_CHECKING:
    from datetime import tzinfo

    from lago_cli.domain.invoices import Invoice
    from lago_cli.services.excerpts import Excerpt
    from lago_cli.services.explain import Line
    from lago_cli.services.invoice_explain import (
        Adjustment,
        Counted,
        FeeExplained,
        InvoiceExplained,
    )

Row = dict[str, Any]

_FEE_KEYS = ("type", "billable_metric_code", "charge_model", "filter", "group")
_WINDOW_KEYS = ("from_datetime", "to_datetime")
_AMOUNT_KEYS = ("units", "amount_cents")
_EVENT_COLUMNS = (
    Column("transaction_id", kind="id"),
    Column("timestamp", kind="instant"),
    Column("properties", kind="object", in_table=False),
    Column("value"),
    Column("operation", kind="flag", in_table=False),
    Column("counted", kind="flag", in_table=False),
    Column("contribution", "adds", kind="number"),
    Column("contribution_exact", kind="number", in_table=False),
    Column("contribution_prorated", "by days", kind="number"),
    Column("amount", "costs", kind="number"),
    Column("rule", kind="flag", in_table=False),
    Column("reason", "why", folds=True),
)
_COLUMNS = (
    *(Column(key, kind="id") for key in ("external_customer_id", "external_subscription_id")),
    *(Column(key, kind="id") for key in _FEE_KEYS[:3]),
    *(Column(key, kind="object") for key in _FEE_KEYS[3:]),
    *(Column(key, kind="instant") for key in _WINDOW_KEYS),
    *(Column(key, kind="number") for key in _AMOUNT_KEYS),
    *_EVENT_COLUMNS,
)
NO_CHARGE = "No charge of this invoice is for a metric that was asked for."
_MOST_FEES = 12  # whose amounts are added up one by one


def explained_objects(explained: Sequence[InvoiceExplained], *, limit: int | None) -> Report:
    """Invoices as they are previewed, each fee with its events."""
    rows = [
        wire_prices.invoice(each.invoice) | {"fees": [_fee_object(fee, limit) for fee in each.fees]}
        for each in explained
    ]
    return Report(None, INVOICE_COLUMNS, rows, single=len(rows) == 1)


def _fee_object(explained: FeeExplained, limit: int | None) -> Row:
    return wire_prices.fee(explained.fee) | {
        "events": [_event_object(explained, each) for each in _first(explained.counted, limit)],
        "adjustments": [
            {"rule": each.rule, "reason": each.reason, "units": as_plain(each.units)}
            for each in explained.adjustments
        ],
        "not_counted": [
            {key: value for key, value in _line(explained, line).items() if key in _NOT_COUNTED}
            for line in explained.not_counted[:limit]
        ],
    }


_NOT_COUNTED = ("transaction_id", "timestamp", "properties", "value", "rule", "reason")


def _event_object(explained: FeeExplained, each: Counted) -> Row:
    cells = _counted(explained, each)
    return {
        **{key: cells[key] for key in ("transaction_id", "timestamp", "properties", "value")},
        "units": cells["contribution"],
        "units_exact": cells["contribution_exact"],
        "units_prorated": cells["contribution_prorated"],
        **{key: cells[key] for key in ("amount", "rule", "reason")},
    }


def explained_rows(explained: Iterable[InvoiceExplained], *, limit: int | None) -> Report:
    """One row an event."""
    rows = (
        _fee_cells(each.invoice, fee) | cells
        for each in explained
        for fee in each.fees
        for cells in _rows(fee, limit)
    )
    return Report(None, _COLUMNS, rows)


def _fee_cells(invoice: Invoice, explained: FeeExplained) -> Row:
    cells = wire_prices.fee(explained.fee)
    return {
        "external_customer_id": invoice.subscription.external_customer_id,
        "external_subscription_id": invoice.subscription.external_id,
        **{key: cells[key] for key in (*_FEE_KEYS, *_WINDOW_KEYS, *_AMOUNT_KEYS)},
    }


def _rows(explained: FeeExplained, limit: int | None) -> Iterator[Row]:
    yield from (_counted(explained, each) for each in _first(explained.counted, limit))
    yield from map(_adjustment, explained.adjustments)
    yield from (_line(explained, line) for line in explained.not_counted[:limit])


def _first(counted: Sequence[Counted], limit: int | None) -> Sequence[Counted]:
    return _excerpt(counted, limit).shown


def _excerpt(counted: Sequence[Counted], limit: int | None) -> Excerpt[Counted]:
    return excerpt(counted, limit, lambda each: each.line)


def _counted(explained: FeeExplained, each: Counted) -> Row:
    own = {"contribution_prorated": each.prorated, "amount": each.amount}
    return _line(explained, each.line) | {
        key: None if value is None else as_plain(value) for key, value in own.items()
    }


def _line(explained: FeeExplained, line: Line) -> Row:
    cells = line_cells(line, since=explained.fee.window.start)
    return {"contribution_prorated": None, "amount": None} | cells


def _adjustment(each: Adjustment) -> Row:
    return {
        **dict.fromkeys(column.key for column in _EVENT_COLUMNS),
        "counted": True,
        "rule": each.rule,
        "reason": each.reason,
        **contribution(each.units),
    }


def explained_tables(
    explained: Sequence[InvoiceExplained], names: Names, *, limit: int, raw: bool
) -> Report:
    """The sum of an invoice, and then each fee with its events."""
    sections = [section for each in explained for section in _sections(each, names, limit, raw=raw)]
    if not sections:
        return Report(None, _EVENT_COLUMNS, [], empty=NOTHING)
    beyond = (
        max(len(fee.counted), len(fee.not_counted)) > limit
        for each in explained
        for fee in each.fees
    )
    if any(beyond):
        sections[-1] = replace(sections[-1], footer=[MORE])
    first, *others = sections
    return replace(first, sections=others)


def _sections(
    explained: InvoiceExplained, names: Names, limit: int, *, raw: bool
) -> Iterator[Report]:
    invoice = explained.invoice
    zone = names.zone(invoice.subscription.external_customer_id)
    title = " · ".join(["Invoice preview", *(value for _, value in facts(invoice, names))])
    shown = [each for each in explained.fees if not each.fee.is_nothing or each.not_counted]
    yield Report(title, _EVENT_COLUMNS, [], empty=_sum_of(invoice) if invoice.fees else NOT_DUE)
    if invoice.fees and not explained.fees:
        yield Report(None, _EVENT_COLUMNS, [], empty=NO_CHARGE)
    for each in shown:
        yield Report(
            _title(each, invoice, names),
            _EVENT_COLUMNS,
            [],
            empty=chain(each, invoice.currency),
        )
        if each.counted or each.not_counted:
            yield _events(each, zone, limit, raw=raw)
    if len(shown) < len(explained.fees):
        (words,) = left_out(len(explained.fees) - len(shown))
        yield Report(None, _EVENT_COLUMNS, [], empty=words)


def _sum_of(invoice: Invoice) -> str:
    """From the fees to the total."""
    currency = invoice.currency
    amounts = [money(fee.amount_cents, currency) for fee in invoice.fees if not fee.is_nothing]
    told = " + ".join(amounts) if 0 < len(amounts) <= _MOST_FEES else f"{number(len(amounts))} fees"
    taxes = "".join(
        f" + {money(line.amount_cents, currency)} ({tax_text(line, currency)})"
        for line in invoice.taxes
    )
    sub_total = money(invoice.sub_total_cents, currency)
    total = money(invoice.total_amount_cents, currency)
    return f"{told} = {sub_total} sub-total{taxes} = {total} {currency}"


def _title(explained: FeeExplained, invoice: Invoice, names: Names) -> str:
    fee = explained.fee
    text, code = fee_text(fee, names.metrics), fee.charge and fee.charge.billable_metric_code
    words = [text, code] if code and code not in text else [text]
    if fee.window != invoice.window:
        words.append(fee_days(fee, names.zone(invoice.subscription.external_customer_id)))
    return f"{' · '.join(words)}: {money(fee.amount_cents, invoice.currency)}"


def _events(explained: FeeExplained, zone: tzinfo, limit: int, *, raw: bool) -> Report:
    left = _excerpt(explained.counted, limit).left
    not_counted = explained.not_counted[limit:]
    has_days = any(each.prorated is not None for each in explained.counted)
    has_prices = any(each.amount is not None for each in explained.counted)
    without = {
        *(() if has_days else ("contribution_prorated",)),
        *(() if has_prices else ("amount",)),
    }
    columns = [column for column in _EVENT_COLUMNS if column.key not in without]
    total = {"transaction_id": "units", "contribution": as_plain(explained.fee.units)}
    if explained.prorated_units is not None:
        total["contribution_prorated"] = as_plain(Fraction(explained.prorated_units))
    totals = [*_rest(left, raw=raw), *rest_rows(not_counted, raw=raw)]
    if explained.counted:
        totals.append(total)
    rows = [
        row if at is None else row | {"timestamp": local(parse_instant(at), zone)}
        for row in _rows(explained, limit)
        for at in [row["timestamp"]]
    ]
    return Report(None, columns, rows, totals=totals)


def _rest(left: Sequence[Counted], *, raw: bool) -> Iterator[Row]:
    for row in rest_rows([each.line for each in left], raw=raw):
        by_days = [each.prorated for each in left if each.prorated is not None]
        amounts = [each.amount for each in left if each.amount is not None]
        yield row | {
            key: as_plain(sum(values, Fraction(0)))
            for key, values in (("contribution_prorated", by_days), ("amount", amounts))
            if values
        }
