"""`/customers/:id/current_usage` and `/past_usage`: what subscriptions used, and at what price."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import msgspec

from lago_cli.domain.fees import Fee, tax_lines
from lago_cli.domain.instants import to_datetime
from lago_cli.domain.numbers import as_plain
from lago_cli.errors import Kind, LagoError
from lago_cli.server.failures import ApiError, bad_request, not_found, refusal
from lago_cli.server.identifiers import lago_id
from lago_cli.server.routes import Body, Request, reads
from lago_cli.server.stamps import last_instant, stamp
from lago_cli.services.period_usage import ChargeUsage, PeriodUsage, SubscriptionUsage

if TYPE_CHECKING:
    from lago_cli.domain.plans import Plan
    from lago_cli.stores.sqlite.store import SqliteStore


def current(store: SqliteStore, request: Request) -> Body:
    """The period that is running: since the plan was changed, where that was within it."""
    name = request.get("external_subscription_id")
    of = _usage_of(store, request, name) if name else None
    _check_customer(store, request)
    if of is None or not of.subscription.is_active(request.now):
        raise ApiError(405, "no_active_subscription")
    if request.get("full_usage") == "true":  # which is not computed, so it is not answered
        raise ApiError(405, "full_usage_not_allowed")
    part = of.periods(request.now + 1)[-1:]
    (found,) = of.used(part, _metrics(store, request))
    charges = found.charges
    code = request.get("charge_code", "filter_by_charge_code")
    identifier = request.get("charge_id", "filter_by_charge_id")
    if code or identifier:
        charges = [
            each
            for each in charges
            if code in (None, charge_code(found.plan, each.tariff.number))
            and identifier in (None, charge_id(found.plan, each.tariff.number))
        ]
        if not charges:
            raise not_found("charge_not_found")
    if group := _group(request):
        charges = [each._replace(fees=_of_group(each.fees, group)) for each in charges]
        charges = [each for each in charges if each.fees]
    is_taxed = request.get("apply_taxes") != "false"
    return {"customer_usage": _wire(of, found._replace(charges=charges), is_taxed=is_taxed)}


def past(store: SqliteStore, request: Request) -> Body:
    """The periods that have ended, the latest first."""
    _check_customer(store, request)
    name = request.get("external_subscription_id")
    if not name:
        raise refusal(external_subscription_id="value_is_mandatory")
    of = _usage_of(store, request, name)
    if of is None:
        raise not_found("subscription_not_found")
    metrics = _metrics(store, request)
    ended = [part for part in of.periods(request.now) if part.window.end <= request.now][::-1]
    count = request.get("periods_count") or ""
    if count.isascii() and count.isdigit():
        ended = ended[: int(count[:9])]
    page = request.page
    parts = page.of(ended)[::-1]
    found = of.used(parts, metrics)[::-1]
    return {
        "usage_periods": [_wire(of, each, is_taxed=True) for each in found],
        "meta": page.meta(len(ended)),
    }


def _group(request: Request) -> dict[str, str]:
    """
    `group[region]=eu`; by its former name also `filter_by_group={"region":"eu"}`.

    Raises:
        ApiError: 400, where that is no object of texts.
    """
    found = {
        key[len(prefix) : -1]: value
        for key, value in request.query
        for prefix in ("group[", "filter_by_group[")
        if key.startswith(prefix) and key.endswith("]")
    }
    if written := request.get("filter_by_group"):
        try:
            found |= msgspec.json.decode(written, type=dict[str, str])
        except msgspec.MsgspecError:
            raise bad_request("filter_by_group is no JSON object of texts") from None
    return found


def _of_group(fees: Sequence[Fee], group: dict[str, str]) -> list[Fee]:
    return [fee for fee in fees if group.items() <= (fee.group or {}).items()]


def _check_customer(store: SqliteStore, request: Request) -> None:
    customer = request.path["external_id"]
    if not store.known("customer", [customer]):
        raise not_found("customer_not_found")


def _usage_of(store: SqliteStore, request: Request, name: str) -> SubscriptionUsage | None:
    try:
        return SubscriptionUsage(store, request.path["external_id"], name, request.now)
    except LagoError as error:
        if error.kind in (Kind.NOT_FOUND, Kind.USAGE):
            return None
        raise


def _metrics(store: SqliteStore, request: Request) -> Sequence[str]:
    code = request.get("billable_metric_code")
    if not code:
        return ()
    if code not in store.catalog.metrics():
        raise not_found("billable_metric_not_found")
    return (code,)


def charge_code(plan: Plan, number: int) -> str:
    """Its own; else that of its metric, with a number where earlier charges have it."""
    charge = plan.charges[number]
    if charge.code is not None:
        return charge.code
    taken = {each.code for each in plan.charges}
    for before in plan.charges[: number + 1]:
        if before.code is None:
            code, count = before.billable_metric_code, 1
            while code in taken:
                count += 1
                code = f"{before.billable_metric_code}_{count}"
            taken.add(code)
            if before is charge:
                return code
    return charge.billable_metric_code


def charge_id(plan: Plan, number: int) -> str:
    return lago_id("charge", plan.code, charge_code(plan, number))


def _wire(of: SubscriptionUsage, found: PeriodUsage, *, is_taxed: bool) -> dict[str, Any]:
    fees = [fee for each in found.charges for fee in each.fees]
    amount = sum(fee.amount_cents for fee in fees)
    taxes = sum(line.amount_cents for line in tax_lines(fees)) if is_taxed else 0
    window = found.part.window
    return {
        "from_datetime": stamp(window.start),
        "to_datetime": last_instant(window.end),
        "issuing_date": to_datetime(window.end).astimezone(of.zone).date().isoformat(),
        "lago_invoice_id": None,
        "currency": found.plan.amount_currency,
        "amount_cents": amount,
        "taxes_amount_cents": taxes,
        "total_amount_cents": amount + taxes,
        "charges_usage": [_charge(found.plan, each) for each in found.charges],
    }


def _charge(plan: Plan, used: ChargeUsage) -> dict[str, Any]:
    metric, charge, fees = used.tariff.metric, used.tariff.charge, used.fees
    groups: dict[tuple[tuple[str, str | None], ...], list[Fee]] = {}
    for fee in fees:
        if fee.group is not None:
            groups.setdefault(tuple(fee.group.items()), []).append(fee)
    return {
        **_figures(fees),
        "amount_currency": plan.amount_currency,
        "charge": {
            "lago_id": charge_id(plan, used.tariff.number),
            "code": charge_code(plan, used.tariff.number),
            "charge_model": charge.charge_model,
            "invoice_display_name": charge.invoice_display_name,
        },
        "billable_metric": {
            "lago_id": lago_id("billable_metric", metric.code),
            "name": metric.name or metric.code,
            "code": metric.code,
            "aggregation_type": metric.aggregation_type,
        },
        "filters": _filters(used, fees),
        "grouped_usage": [
            {**_figures(some), "grouped_by": dict(group), "filters": _filters(used, some)}
            for group, some in groups.items()
        ],
    }


def _filters(used: ChargeUsage, fees: Sequence[Fee]) -> list[dict[str, Any]]:
    """By filter as it is declared; the rest comes last, without values."""
    declared = used.tariff.charge.filters
    if not declared:
        return []
    rows = []
    for bucket in range(len(declared) + 1):
        some = [fee for fee in fees if fee.bucket == bucket]
        if some:
            one = declared[bucket] if bucket < len(declared) else None
            name = one.invoice_display_name if one else None
            rows.append(
                {
                    **_figures(some),
                    **({} if name is None else {"invoice_display_name": name}),
                    "values": {k: list(v) for k, v in one.values.items()} if one else None,
                }
            )
    return rows


def _figures(fees: Sequence[Fee]) -> dict[str, Any]:
    units = _units(sum((fee.units for fee in fees), Fraction(0)))
    return {
        "units": units,
        "total_aggregated_units": units,
        "events_count": sum(fee.events_count for fee in fees),
        "amount_cents": sum(fee.amount_cents for fee in fees),
    }


def _units(units: Fraction) -> str:
    """At least one decimal, as Lago writes them."""
    text = as_plain(units)
    return text if "." in text else f"{text}.0"


ENDPOINTS = (
    reads("GET", "/customers/{external_id}/current_usage", current),
    reads("GET", "/customers/{external_id}/past_usage", past),
)
