"""Usage of a billing period as Lago's API tells it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import tzinfo
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from lago_cli.domain.fees import Fee, tax_lines
from lago_cli.domain.instants import to_datetime
from lago_cli.server.api.billable_metrics import metric_id
from lago_cli.server.api.plans import charge_id, codes_of
from lago_cli.server.fees import as_text
from lago_cli.server.stamps import last_instant, stamp
from lago_cli.services.period_usage import ChargeUsage, PeriodUsage

if TYPE_CHECKING:
    from lago_cli.domain.plans import Plan

Row = tuple[Fee, Fee | None]
"""A fee and, where that is asked for, what it is projected to be."""


def usage_of(
    found: PeriodUsage, zone: tzinfo, *, is_taxed: bool, projects: bool = False
) -> dict[str, Any]:
    """The usage of a period as it is answered."""
    fees = [fee for each in found.charges for fee in each.fees]
    amount = sum(fee.amount_cents for fee in fees)
    taxes = sum(line.amount_cents for line in tax_lines(fees)) if is_taxed else 0
    window = found.part.window
    coming = [fee.amount_cents for each in found.charges for fee in each.projected]
    return {
        "from_datetime": stamp(window.start),
        "to_datetime": last_instant(window.end),
        "issuing_date": to_datetime(window.end).astimezone(zone).date().isoformat(),
        "lago_invoice_id": None,
        "currency": found.plan.amount_currency,
        "amount_cents": amount,
        **({"projected_amount_cents": sum(coming)} if projects else {}),
        "taxes_amount_cents": taxes,
        "total_amount_cents": amount + taxes,
        "charges_usage": [_charge(found.plan, each, projects=projects) for each in found.charges],
    }


def _charge(plan: Plan, used: ChargeUsage, *, projects: bool) -> dict[str, Any]:
    metric, charge, number = used.tariff.metric, used.tariff.charge, used.tariff.number
    rows: list[Row] = [(fee, None) for fee in used.fees]
    if projects:
        rows = list(zip(used.fees, used.projected, strict=True))
    groups: dict[tuple[tuple[str, str | None], ...], list[Row]] = {}
    for row in rows:
        if row[0].group is not None:
            groups.setdefault(tuple(row[0].group.items()), []).append(row)
    code = codes_of(plan)[number]
    return {
        **_figures(rows),
        "amount_currency": plan.amount_currency,
        "charge": {
            "lago_id": charge_id(plan.code, code),
            "code": code,
            "charge_model": charge.charge_model,
            "invoice_display_name": charge.invoice_display_name,
        },
        "billable_metric": {
            "lago_id": metric_id(metric.code),
            "name": metric.name or metric.code,
            "code": metric.code,
            "aggregation_type": metric.aggregation_type,
        },
        "filters": _filters(used, rows),
        "grouped_usage": [
            {**_figures(some), "grouped_by": dict(group), "filters": _filters(used, some)}
            for group, some in groups.items()
        ],
    }


def _filters(used: ChargeUsage, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """
    By filter as it is declared; the rest comes last, without values.

    Of projected usage these are an empty object: Lago's clients read no null there.
    """
    declared = used.tariff.charge.filters
    if not declared:
        return []
    found = []
    for bucket in range(len(declared) + 1):
        some = [row for row in rows if row[0].bucket == bucket]
        if some:
            one = declared[bucket] if bucket < len(declared) else None
            none: dict[str, list[str]] | None = None if some[0][1] is None else {}
            name = one.invoice_display_name if one else None
            named = {} if name is None else {"invoice_display_name": name}
            found.append(
                {
                    **_figures(some),
                    **named,
                    "values": {k: list(v) for k, v in one.values.items()} if one else none,
                }
            )
    return found


def _figures(rows: Sequence[Row]) -> dict[str, Any]:
    fees = [fee for fee, _ in rows]
    found = {
        "units": _sum(fee.units for fee in fees),
        "total_aggregated_units": _sum(max(fee.aggregated, Fraction(0)) for fee in fees),
        "events_count": sum(fee.events_count for fee in fees),
        "amount_cents": sum(fee.amount_cents for fee in fees),
    }
    coming = [fee for _, fee in rows if fee is not None]
    if coming:
        found["projected_units"] = _sum(fee.units for fee in coming)
        found["projected_amount_cents"] = sum(fee.amount_cents for fee in coming)
    return found


def _sum(units: Iterable[Fraction]) -> str:
    return as_text(sum(units, Fraction(0)))
