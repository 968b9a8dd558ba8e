"""`/customers/:id/current_usage` and the like: what subscriptions used, and at what price."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from lago_cli.errors import Kind, LagoError
from lago_cli.server.api.plans import charge_id, codes_of
from lago_cli.server.failures import ApiError, bad_request, not_found, refusal
from lago_cli.server.routes import Body, Request, reads
from lago_cli.server.usage import usage_of
from lago_cli.services.period_usage import SubscriptionUsage

if TYPE_CHECKING:
    from lago_cli.stores.sqlite.store import SqliteStore


def current(store: SqliteStore, request: Request) -> Body:
    """The period that is running: since the plan was changed, where that was within it."""
    return {"customer_usage": _current(store, request, projects=False)}


def projected(store: SqliteStore, request: Request) -> Body:
    """The same, and what it will have come to at the end of the period, if it goes on so."""
    return {"customer_projected_usage": _current(store, request, projects=True)}


def _current(store: SqliteStore, request: Request, *, projects: bool) -> dict[str, Any]:
    name = request.get("external_subscription_id")
    of = _usage_of(store, request, name) if name else None
    _check_customer(store, request)
    if of is None or not of.subscription.is_active(request.now):
        raise ApiError(405, "no_active_subscription")
    if request.get("full_usage") == "true":  # which is not computed, so it is not answered
        raise ApiError(405, "full_usage_not_allowed")
    (found,) = of.used([of.current], _metrics(store, request), projects=projects)
    charges = found.charges
    code = request.get("charge_code", "filter_by_charge_code")
    identifier = request.get("charge_id", "filter_by_charge_id")
    if code or identifier:
        codes = codes_of(found.plan)
        charges = [
            each
            for each in charges
            if code in (None, codes[each.tariff.number])
            and identifier in (None, charge_id(found.plan.code, codes[each.tariff.number]))
        ]
        if not charges:
            raise not_found("charge_not_found")
    if group := _group(request):
        charges = [each.of_group(group) for each in charges]
        charges = [each for each in charges if each.fees]
    is_taxed = request.get("apply_taxes") != "false"
    found = found._replace(charges=charges)
    return usage_of(found, of.zone, is_taxed=is_taxed, projects=projects)


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
        "usage_periods": [usage_of(each, of.zone, is_taxed=True) for each in found],
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


ENDPOINTS = (
    reads("GET", "/customers/{external_id}/current_usage", current),
    reads("GET", "/customers/{external_id}/projected_usage", projected),
    reads("GET", "/customers/{external_id}/past_usage", past),
)
