"""Reports of what plans would cost: estimates and simulations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from lago_cli.cli.invoice_words import money, number, part_texts
from lago_cli.renderers import Column, Report

if TYPE_CHECKING:
    from lago_cli.domain.fees import Fee
    from lago_cli.domain.pricing import Part
    from lago_cli.services.estimates import Estimate
    from lago_cli.services.simulation import Repriced, Summary

_PERIODS = {
    "weekly": "week",
    "monthly": "month",
    "quarterly": "quarter",
    "semiannual": "half-year",
    "yearly": "year",
}
_TITLES = {
    "subscription": "plan fee",
    "minimum_spend": "up to the minimum",
    "minimum_commitment": "up to the commitment",
}


def estimate_report(each: Estimate, *, for_people: bool) -> Report:
    """One object; for people line by line, in the unit of the currency."""
    from lago_cli.services.estimates import as_json

    if for_people:
        title = f"{each.plan.code}, for a whole {_PERIODS[each.plan.interval]}"
        return replace(_lines(each), title=title)
    row = as_json(each)
    return Report(None, [Column(key) for key in row], [row], single=True)


def _lines(each: Estimate) -> Report:
    columns = [
        Column("what", folds=True),
        Column("for", kind="object"),
        Column("times", kind="count"),
        Column("units", kind="number"),
        Column("unit_price", kind="number", spare=1),
        Column("amount", kind="number"),
        Column("how", folds=True),
    ]
    rows = [_line(same[0], len(same), each.currency) for same in _alike(each.fees)]
    if all(row["times"] == 1 for row in rows):
        columns = [column for column in columns if column.key != "times"]
    if not any(row["for"] for row in rows):
        columns = [column for column in columns if column.key != "for"]
    totals = [_total("sum", each.sub_total_cents, each.currency)] if each.taxes else []
    for line in each.taxes:
        name = f"{line.tax.name or line.tax.code or 'tax'} {line.tax.rate} %"
        totals.append(_total(name, line.amount_cents, each.currency))
    totals.append(_total(f"total {each.currency}", each.total_amount_cents, each.currency))
    return Report(None, columns, rows, totals=totals)


def _alike(fees: Sequence[Fee]) -> Iterator[Sequence[Fee]]:
    """Those of several months as one line."""
    seen: dict[object, list[Fee]] = {}
    for fee in fees:
        place = (fee.type, fee.number, fee.bucket, tuple((fee.group or {}).items()))
        seen.setdefault(place, []).append(fee)
    yield from seen.values()


def _total(what: str, cents: int, currency: str) -> dict[str, object]:
    return {"what": what, "amount": money(cents, currency)}


def _line(fee: Fee, times: int, currency: str) -> dict[str, object]:
    what = _TITLES.get(fee.type, "")
    if fee.charge is not None:
        what = f"{fee.charge.billable_metric_code} {what}".strip()
    place = {key: ", ".join(values) for key, values in (fee.filter or {}).items()}
    is_usage = fee.type == "charge"
    return {
        "what": what,
        "for": {**place, **(fee.group or {})} or None,
        "times": times,
        "units": number(fee.units) if is_usage else None,
        "unit_price": number(fee.unit_amount) if is_usage else None,
        "amount": money(fee.amount_cents * times, currency),
        "how": _in_words(fee.parts) or None,
    }


def _in_words(parts: Sequence[Part]) -> str:
    """How a price comes about; of a whole period no days need to be told."""
    return "; ".join(part_texts([part for part in parts if part.kind != "days"]))


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
