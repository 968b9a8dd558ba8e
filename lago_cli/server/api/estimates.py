"""`/events/estimate_fees` and the like: what an event would cost that is not stored."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from lago_cli.domain.events import Event, parse_event
from lago_cli.domain.json_text import decode_object
from lago_cli.domain.objects import encoded
from lago_cli.errors import Kind, LagoError
from lago_cli.server import bodies
from lago_cli.server.api.events import CODES, MOST
from lago_cli.server.failures import as_api_error, bad_request, missing_root, not_found, refusal
from lago_cli.server.fees import as_text, fee_of
from lago_cli.server.routes import Body, Request, reads
from lago_cli.services.event_fees import INSTANT, fees_of_event, plan_now
from lago_cli.services.period_usage import SubscriptionUsage

if TYPE_CHECKING:
    from lago_cli.domain.plans import Plan
    from lago_cli.stores.sqlite.store import SqliteStore

_CODES = {**CODES, "invalid_number": "value_is_not_valid_number"}
_NO_CHARGE = "does_not_match_an_instant_charge"
_ANY_ID = "estimate"  # an event has to have one, and this one is not stored


def estimate(store: SqliteStore, request: Request) -> Body:
    """What one more event costs, after all that was used in the period."""
    given = request.root("event")
    usage = _usage(store, given, request.now)
    event = _event(given)
    if event.code not in store.catalog.metrics():
        raise not_found("billable_metric_not_found")
    fees = _fees(usage, event, alone=False)
    if not fees:
        raise refusal(code=_NO_CHARGE)
    return {"fees": fees}


def estimate_alone(store: SqliteStore, request: Request) -> Body:
    """What one event costs, whatever else was used."""
    given = request.root("event")
    usage = _usage(store, given, request.now)
    event = _event(given)
    fees = _instant_fees(store, usage, event)
    if not fees:
        raise refusal(code=_NO_CHARGE)
    return {"fees": fees}


def estimate_all_alone(store: SqliteStore, request: Request) -> Body:
    """The same of several events; those that match no charge have no fee."""
    body = bodies.read(request.body)
    rows = body.get("events") if isinstance(body, Mapping) else None
    if not isinstance(rows, list):
        raise missing_root("events")
    if not rows:
        raise refusal(events="no_events")
    if len(rows) > MOST:
        raise refusal(events="too_many_events")
    found: list[dict[str, Any]] = []
    usages: dict[str, SubscriptionUsage] = {}
    for row in rows:
        if not isinstance(row, Mapping):
            raise bad_request("an event is no JSON object")
        inner = row.get("event")  # Lago's OpenAPI file wraps each of them
        given = inner if isinstance(inner, Mapping) else row
        name = str(given.get("external_subscription_id"))
        if name not in usages:
            usages[name] = _usage(store, given, request.now)
        if not _has_instant_charges(plan_now(usages[name])):
            raise refusal(code=_NO_CHARGE)
        found += _instant_fees(store, usages[name], _event(given))
    return {"fees": found}


def _usage(store: SqliteStore, given: Mapping[str, Any], now: int) -> SubscriptionUsage:
    """Of the subscription that an event names. Raises `ApiError` (404) where none is active."""
    name = given.get("external_subscription_id")
    known = store.registry([], [name]).subscriptions.get(name) if type(name) is str else None
    if known is None or not known.is_active(now):
        raise not_found("subscription_not_found")
    return SubscriptionUsage(store, known.external_customer_id, known.external_id, now)


def _event(given: Mapping[str, Any]) -> Event:
    """Raises `ApiError`: 404 without a code, 422 for what cannot be read."""
    code = given.get("code")
    if code is None or code == "":
        raise not_found("billable_metric_not_found")
    fields = {**given, "transaction_id": given.get("transaction_id") or _ANY_ID}
    try:
        return parse_event(decode_object(encoded(fields)))
    except LagoError as error:
        raise as_api_error(error, _CODES) from None


def _fees(usage: SubscriptionUsage, event: Event, *, alone: bool) -> list[dict[str, Any]]:
    try:
        found = fees_of_event(usage, event, alone=alone)
    except LagoError as error:
        if error.kind is not Kind.REFUSED:
            raise
        raise as_api_error(error, _CODES) from None
    return [
        fee_of(
            each.fee,
            each.tariff.plan,
            usage.subscription,
            {event.code: each.tariff.metric},
            usage.now,
        )
        for each in found
    ]


def _instant_fees(
    store: SqliteStore, usage: SubscriptionUsage, event: Event
) -> list[dict[str, Any]]:
    """Here Lago writes amounts as text: `"40.0"`."""
    if event.code not in store.catalog.metrics():
        return []
    own_id = event.transaction_id if event.transaction_id != _ANY_ID else None
    return [
        {
            **fee,
            "amount_cents": as_text(Fraction(fee["amount_cents"])),
            "total_amount_cents": as_text(Fraction(fee["total_amount_cents"])),
            "event_transaction_id": own_id,
            "amount_details": None,
        }
        for fee in _fees(usage, event, alone=True)
    ]


def _has_instant_charges(plan: Plan) -> bool:
    return any(each.pay_in_advance and each.charge_model in INSTANT for each in plan.charges)


ENDPOINTS = (
    reads("POST", "/events/estimate_fees", estimate),
    reads("POST", "/events/estimate_instant_fees", estimate_alone),
    reads("POST", "/events/batch_estimate_instant_fees", estimate_all_alone),
)
