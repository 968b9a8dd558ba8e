"""`/invoices/preview`: what subscriptions will cost, those there are and those that may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING, Any, NamedTuple

from lago_cli.domain.currencies import CURRENCIES
from lago_cli.domain.customers import CUSTOMER, Customer
from lago_cli.domain.definitions import Entry, Faulty
from lago_cli.domain.instants import format_instant, parse_moment, to_datetime
from lago_cli.domain.objects import read_object
from lago_cli.domain.subscriptions import BILLING_TIMES, SUBSCRIPTION, Subscription
from lago_cli.domain.zones import zone_for
from lago_cli.errors import LagoError, refused
from lago_cli.server import bodies
from lago_cli.server.definitions import answer, in_words_of_lago
from lago_cli.server.failures import bad_request, not_found, refusal
from lago_cli.server.invoices import invoice_of
from lago_cli.server.routes import Body, Request, reads
from lago_cli.services.invoicing import Invoicing
from lago_cli.services.objects import Unkept, kept
from lago_cli.services.requests import UsageRequest
from lago_cli.services.subscribing import current_phase, moved
from lago_cli.services.supposing import supposing, unused_name

if TYPE_CHECKING:
    from lago_cli.domain.plans import Plan
    from lago_cli.stores.sqlite.store import SqliteStore

Given = Mapping[str, Any]

_OF_A_NEW_ONE = ("plan_code", "subscription_at", "billing_time")
_OF_SUBSCRIPTIONS = ("external_ids", "plan_code", "terminated_at")
_NO_COUPONS = "There are no coupons here: what they would take off an invoice is not known."
_NO_INTEGRATIONS = "Taxes are those of plans and charges; no other service is asked for them."
_CHANGES_NOTHING = "this changes nothing here"
_NAME = "preview"  # of what has none yet


class _Asked(NamedTuple):
    """Whose invoice is asked for, and of when."""

    customer: Entry[Customer]
    subscriptions: list[Subscription]
    at: int | None = None  # an instant of the billing period; None: now
    is_new: bool = False  # the customer is described, not registered


def preview(store: SqliteStore, request: Request) -> Body:
    """Nothing is stored, and nobody is registered."""
    given = bodies.read(request.body)
    if not isinstance(given, Mapping):
        raise bad_request("the body is no JSON object")
    _refuse_what_is_not_here(given)
    asked, unread = _asked(store, given, request.now)
    customer = asked.customer.value
    supposed = supposing(store, asked.subscriptions, customer if asked.is_new else None)
    names = [each.external_id for each in asked.subscriptions]
    of = UsageRequest(
        customers=[customer.external_id],
        subscriptions=names,
        at=None if asked.at is None else format_instant(asked.at),
        by="subscription",
    )
    invoicing = Invoicing(supposed, of, request.now)
    if invoicing.without_plan:
        raise refusal(subscriptions="no_plan")
    invoices = list(invoicing.invoices())
    if len({each.currency for each in invoices}) > 1:
        raise refusal(base="subscription_currencies_does_not_match")
    if asked.is_new and customer.currency not in (None, invoices[0].currency):
        raise refusal(base="customer_currency_does_not_match")
    zone = _zone(store, customer)
    days = {to_datetime(each.window.end).astimezone(zone).date() for each in invoices}
    if len(days) > 1:
        raise refusal(base="billing_periods_does_not_match")
    entries = [store.table(SUBSCRIPTION).find(name) for name in names]
    created = {each.value.external_id: each.created_at for each in entries if each}
    body = invoice_of(store, asked.customer, invoicing, invoices, created, zone)
    return answer("invoice", body, unread)


def _refuse_what_is_not_here(given: Given) -> None:
    """What would change an amount is not passed over."""
    if given.get("coupons"):
        raise not_found("coupon_not_found", _NO_COUPONS)
    customer = given.get("customer")
    if isinstance(customer, Mapping) and customer.get("integration_customers"):
        raise not_found("integration_not_found", _NO_INTEGRATIONS)


def _asked(store: SqliteStore, given: Given, now: int) -> tuple[_Asked, Unkept]:
    about = _object(given, "customer")
    several = _object(given, "subscriptions")
    names = several.get("external_ids") or []
    if not isinstance(names, list) or not all(type(name) is str for name in names):
        raise refusal(subscriptions="value_is_invalid")
    if names:
        unread = _unread(given, "customer", "subscriptions")
        unread += _unread(about, "external_id", within="customer")
        unread += _unread(several, *_OF_SUBSCRIPTIONS, within="subscriptions")
        return _registered(store, about, several, list(dict.fromkeys(names)), now), unread
    customer, unread = _customer(store, about, now)
    unread += _unread(given, "customer", *_OF_A_NEW_ONE)
    plan = _plan(store, given.get("plan_code"))
    at = _instant(given, "subscription_at", "invalid_date")
    if at is None:
        at = now - now % 1_000_000
    billing_time = given.get("billing_time") or "calendar"
    if billing_time not in BILLING_TIMES:
        raise refusal(billing_time="value_is_invalid")
    with in_words_of_lago():
        subscription = Subscription(
            unused_name(store, "subscription", _NAME),
            customer.value.external_id,
            subscription_at=at,
            started_at=at,
            plan_code=plan.code,
            interval=plan.interval,
            billing_time=billing_time,
        )
        for error in subscription.faults():
            error.field = "subscription_at"
            raise error
    is_new = not about.get("external_id")
    return _Asked(customer, [subscription], at, is_new), unread


def _registered(
    store: SqliteStore, about: Given, several: Given, names: list[str], now: int
) -> _Asked:
    """Subscriptions that are active; one alone may end, or get another plan."""
    known = store.registry([], names).subscriptions
    found = [known[name] for name in names if name in known and known[name].is_active(now)]
    own = found[0].external_customer_id if found else None
    customer = store.table(CUSTOMER).find(str(about.get("external_id") or own))
    if customer is None:
        raise not_found(
            "customer_not_found" if about.get("external_id") else "subscription_not_found"
        )
    owner = customer.value.external_id
    if len(found) < len(names) or any(each.external_customer_id != owner for each in found):
        raise not_found("subscription_not_found")
    end = _instant(several, "terminated_at", "invalid_timestamp")
    code = several.get("plan_code")
    if end is None and not code:
        return _Asked(customer, found)
    if len(found) > 1:
        what = "termination" if end is not None else "plan_change"
        raise refusal(subscriptions=f"only_one_subscription_allowed_for_{what}")
    if end is not None and code:
        raise refusal(terminated_at="not_with_plan_code")
    with in_words_of_lago():
        if end is None:
            plan = _plan(store, code)
            if plan.code == current_phase(found[0], now).plan_code:
                return _Asked(customer, found)
            return _Asked(customer, [_with_plan(store, found[0], plan, now)])
        if to_datetime(end).date() < to_datetime(now).date():
            raise refusal(terminated_at="cannot_be_in_past")
        if end <= found[0].started_at:
            raise refusal(terminated_at="value_is_out_of_range")
        return _Asked(customer, [found[0].terminated(end)], end - 1)


def _with_plan(
    store: SqliteStore, subscription: Subscription, plan: Plan, now: int
) -> Subscription:
    before = store.plans().get(current_phase(subscription, now).plan_code or "")
    zone = _zone(store, store.table(CUSTOMER).get(subscription.external_customer_id).value)
    found = moved(subscription, before, plan, now, zone)
    return replace(found, interval=plan.interval)


def _customer(store: SqliteStore, about: Given, now: int) -> tuple[Entry[Customer], Unkept]:
    """The one that is named, else the one that is described."""
    name = about.get("external_id")
    if name:
        entry = store.table(CUSTOMER).find(str(name))
        if entry is None:
            raise not_found("customer_not_found")
        return entry, _unread(about, "external_id", within="customer")
    row, unkept = kept(Customer, about, ("customer",))
    with in_words_of_lago():
        row["external_id"] = unused_name(store, "customer", _NAME)
        currency = row.get("currency")
        if isinstance(currency, str) and currency not in CURRENCIES:
            raise Faulty([(("currency",), refused("invalid_currency", "this is no currency"))])
        customer: Customer = read_object(Customer, row, UTC)
    return Entry(customer, now, registered=False), [(path, _CHANGES_NOTHING) for path, _ in unkept]


def _unread(given: Given, *read: str, within: str | None = None) -> Unkept:
    """What is said and changes nothing, with its place."""
    place = (within,) if within else ()
    return [
        ((*place, key), _CHANGES_NOTHING)
        for key, value in given.items()
        if key not in read and value
    ]


def _plan(store: SqliteStore, code: object) -> Plan:
    plan = store.plans().get(code) if type(code) is str else None
    if plan is None:
        raise not_found("plan_not_found")
    return plan


def _object(given: Given, key: str) -> Given:
    value = given.get(key)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise refusal(**{key: "value_is_invalid"})
    return value


def _instant(given: Given, key: str, code: str) -> int | None:
    value = given.get(key)
    if value in (None, ""):
        return None
    try:
        if type(value) is not str:
            raise ValueError
        return parse_moment(value)
    except (ValueError, LagoError):
        raise refusal(**{key: code}) from None


def _zone(store: SqliteStore, customer: Customer) -> tzinfo:
    name = customer.timezone or store.accounts.timezone(customer.external_id)
    return zone_for(name) if name else UTC


ENDPOINTS = (reads("POST", "/invoices/preview", preview),)
