"""`/subscriptions`: who is billed by which plan, from when to when."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, tzinfo
from typing import TYPE_CHECKING, Any

from lago_cli.domain.customers import CUSTOMER
from lago_cli.domain.definitions import Entry
from lago_cli.domain.instants import parse_moment, to_datetime
from lago_cli.domain.objects import Faults
from lago_cli.domain.periods import local_day
from lago_cli.domain.plans import PLAN, Plan
from lago_cli.domain.subscriptions import SUBSCRIPTION, Subscription
from lago_cli.domain.zones import zone_for
from lago_cli.errors import refused
from lago_cli.server.api.customers import customer_id
from lago_cli.server.api.plans import plan_of
from lago_cli.server.definitions import answer, in_words_of_lago, mandatory, refusal_of
from lago_cli.server.failures import ApiError, not_found, refusal
from lago_cli.server.identifiers import lago_id
from lago_cli.server.pagination import paginated
from lago_cli.server.routes import Body, Request, reads, writes
from lago_cli.server.stamps import last_instant, stamp
from lago_cli.services import catalog
from lago_cli.services.objects import Unkept, save_object
from lago_cli.services.subscribing import (
    current_period,
    current_phase,
    moved,
    phase_at,
    without_pending,
)

if TYPE_CHECKING:
    from lago_cli.stores.sqlite.store import SqliteStore

ROOT = "subscription"
_NOT_KEPT = "this is not kept"
_TAKEN = frozenset(
    {"external_id", "external_customer_id", "plan_code", "billing_time"}
    | {"subscription_at", "ending_at"}
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_DAY = 86_400 * 1_000_000


def status_of(subscription: Entry[Subscription], now: int) -> str:
    """Beside ours there is `canceled`: ended before it began."""
    value = subscription.value
    is_empty = value.life.end <= value.life.start
    if value.terminated_at is not None and is_empty and subscription.created_at < value.started_at:
        return "canceled"
    return value.status(now)


def subscription_of(
    entry: Entry[Subscription],
    plans: Mapping[str, Plan],
    now: int,
    zone: tzinfo,
) -> dict[str, Any]:
    """A subscription as it is answered."""
    value, status = entry.value, status_of(entry, now)
    phases, at = value.phases, phase_at(value, now)
    plan = plans.get(phases[at].plan_code or "")
    following = phases[at + 1] if at + 1 < len(phases) else None
    period = current_period(value, plan, now, zone) if plan and status == "active" else None
    ends_early = status != "terminated" and value.terminated_at is not None
    has_begun = status in ("active", "terminated")
    trial = value.started_at + plan.trial_period * _DAY if plan and plan.trial_period else None
    day = _day(following.window.start, zone) if following else None
    return {
        "lago_id": lago_id(ROOT, value.external_id),
        "external_id": value.external_id,
        "lago_customer_id": customer_id(value.external_customer_id),
        "external_customer_id": value.external_customer_id,
        "name": None,
        "plan_code": phases[at].plan_code,
        "plan_amount_cents": plan.amount_cents if plan else None,
        "plan_amount_currency": plan.amount_currency if plan else None,
        "status": status,
        "billing_time": value.billing_time,
        "subscription_at": stamp(value.subscription_at),
        "started_at": stamp(value.started_at) if has_begun else None,
        "ending_at": stamp(value.terminated_at if ends_early else value.ending_at),
        "terminated_at": stamp(value.life.end) if status == "terminated" else None,
        "canceled_at": None,
        "trial_ended_at": stamp(trial) if trial is not None and trial <= now else None,
        "created_at": stamp(entry.created_at),
        "previous_plan_code": phases[at - 1].plan_code if at else None,
        "next_plan_code": following.plan_code if following else None,
        "downgrade_plan_date": day.isoformat() if day else None,
        "current_billing_period_started_at": stamp(period.start) if period else None,
        "current_billing_period_ending_at": last_instant(period.end) if period else None,
        "on_termination_credit_note": "skip",
        "on_termination_invoice": "generate",
    }


def _zone(store: SqliteStore, customer: str) -> tzinfo:
    name = store.accounts.timezone(customer)
    return zone_for(name) if name else UTC


def _with_plan(store: SqliteStore, entry: Entry[Subscription], now: int) -> dict[str, Any]:
    zone = _zone(store, entry.value.external_customer_id)
    found = subscription_of(entry, store.plans(), now, zone)
    plan = store.table(PLAN).find(found["plan_code"] or "")
    return found | ({"plan": plan_of(plan)} if plan else {})


def list_(store: SqliteStore, request: Request) -> Body:
    return _list(store, request, request.get("external_customer_id"))


def list_of_customer(store: SqliteStore, request: Request) -> Body:
    customer = request.path["external_id"]
    store.table(CUSTOMER).get(customer)
    return _list(store, request, customer)


def _list(store: SqliteStore, request: Request, customer: str | None) -> Body:
    """Active ones, where no status is asked for; the latest first."""
    now, plans = request.now, store.plans()
    statuses = request.all("status") or ["active"]
    wanted = {
        "plan_code": request.get("plan_code"),
        "plan_amount_currency": request.get("currency"),
        "external_id": request.get("external_id"),
    }
    zones = store.accounts.timezones()
    found = []
    entries = sorted(
        store.table(SUBSCRIPTION).entries(),
        key=lambda each: (-each.value.subscription_at, each.value.external_id),
    )
    for entry in entries:
        owner = entry.value.external_customer_id
        if customer not in (None, owner) or status_of(entry, now) not in statuses:
            continue
        zone = zone_for(zones[owner]) if owner in zones else UTC
        row = subscription_of(entry, plans, now, zone)
        if all(value is None or row[key] == value for key, value in wanted.items()):
            found.append(row)
    return paginated("subscriptions", found, request.page, lambda row: row)


def _found(store: SqliteStore, request: Request, *also: str) -> Entry[Subscription]:
    """
    The one of the path: active, or what is asked for.

    Args:
        also: other statuses that it may have where none is asked for.

    Raises:
        ApiError: 404, also where its status is another one.
    """
    entry = store.table(SUBSCRIPTION).find(request.path["external_id"])
    asked = request.get("status")
    wanted = (asked,) if asked else ("active", *also)
    if entry is None or status_of(entry, request.now) not in wanted:
        raise not_found("subscription_not_found")
    return entry


def get(store: SqliteStore, request: Request) -> Body:
    return {ROOT: _with_plan(store, _found(store, request), request.now)}


def create(store: SqliteStore, request: Request) -> Body:
    """Register one, or change the plan of the one of this external id."""
    row, unkept = _taken(request)
    missing = mandatory(row, "external_customer_id", "external_id")
    if missing:
        raise refusal_of(missing)
    plan = store.plans().get(str(row.get("plan_code")))
    if plan is None:
        raise not_found("plan_not_found")
    known = store.table(SUBSCRIPTION).find(str(row["external_id"]))
    now = request.now
    with in_words_of_lago():
        if known is None:
            zone = _zone(store, str(row["external_customer_id"]))
            faults = _faults_of_dates(row, now, now, zone)
            entry = save_object(store, SUBSCRIPTION, row, now=now, also=faults)
        else:
            entry = _changed(store, known, str(row["external_customer_id"]), plan, now)
    return answer(ROOT, _with_plan(store, entry, now), unkept)


def _changed(
    store: SqliteStore, known: Entry[Subscription], customer: str, plan: Plan, now: int
) -> Entry[Subscription]:
    value = known.value
    is_over = status_of(known, now) not in ("active", "pending")
    if is_over or value.external_customer_id != customer:
        raise refusal(external_id="value_already_exist")
    before = store.plans().get(current_phase(value, now).plan_code or "")
    if before is not None and before.code == plan.code:
        return known
    zone = _zone(store, customer)
    return _saved(store, known, moved(value, before, plan, now, zone))


def _saved(
    store: SqliteStore, known: Entry[Subscription], value: Subscription
) -> Entry[Subscription]:
    with store.writing():
        table = store.table(SUBSCRIPTION)
        if value.plan_code is not None:
            interval = store.table(PLAN).get(value.plan_code).value.interval
            value = replace(value, interval=interval)
        table.save(value, known.created_at)
        return table.get(value.external_id)


def update(store: SqliteStore, request: Request) -> Body:
    """Change its end and, before it begins, its start."""
    row, unkept = _taken(request)
    entry = _found(store, request, "pending")
    names = ("ending_at", "subscription_at")
    given: dict[str, Any] = {name: row[name] for name in names if name in row}
    if status_of(entry, request.now) != "pending" or given.get("subscription_at") is None:
        given.pop("subscription_at", None)
    unkept += [((key,), "this stays") for key in row if key not in (*given, "external_id")]
    value = entry.value
    zone = _zone(store, value.external_customer_id)
    with in_words_of_lago():
        faults = _faults_of_dates(given, value.subscription_at, request.now, zone)
        if "subscription_at" in given:
            given["started_at"] = given["subscription_at"]
        name = value.external_id
        entry = save_object(store, SUBSCRIPTION, given, now=request.now, name=name, also=faults)
    return answer(ROOT, _with_plan(store, entry, request.now), unkept)


def terminate(store: SqliteStore, request: Request) -> Body:
    """End it now; with `status=pending` call it off, or the change of plan that is to come."""
    known = store.table(SUBSCRIPTION).find(request.path["external_id"])
    now = request.now
    if known is not None and request.get("status") == "pending":
        kept = without_pending(known.value, now)
        if status_of(known, now) == "active" and kept != known.value:
            return {ROOT: _with_plan(store, _saved(store, known, kept), now)}
    name = _found(store, request).value.external_id
    with in_words_of_lago():
        entry = catalog.terminate(store, name, None, now=now)
    return {ROOT: _with_plan(store, entry, now)}


def _taken(request: Request) -> tuple[dict[str, Any], Unkept]:
    given = request.root(ROOT)
    if given.get("plan_overrides"):
        message = "Prices of one subscription alone are not kept: give it a plan of its own."
        raise ApiError(403, "feature_unavailable", message=message)
    row = {key: value for key, value in given.items() if key in _TAKEN}
    unkept: Unkept = [
        ((key,), _NOT_KEPT)
        for key, value in given.items()
        if key not in _TAKEN and value not in (None, "", [], {}, False)
    ]
    return row, unkept


def _faults_of_dates(row: dict[str, Any], begins: int, now: int, zone: tzinfo) -> Faults:
    """
    Lago takes dates of ISO 8601 only, and an end on a later day than today and the start.

    What is no date is taken out of `row`.
    """
    faults: Faults = []
    found = {"subscription_at": begins}
    for key in ("subscription_at", "ending_at"):
        value = row.get(key)
        if value is None:
            continue
        if type(value) is not str or _DATE.match(value) is None:
            del row[key]
            faults.append(((key,), refused("invalid_instant", "this is no date of ISO 8601")))
            continue
        with suppress(ValueError):  # which is told when it is read
            found[key] = parse_moment(value, zone)
    first, end = max(found["subscription_at"], now), found.get("ending_at")
    if end is not None and _day(end, zone) <= _day(first, zone):
        del row["ending_at"]
        message = "this has to be a later day than today and than the start"
        faults.append((("ending_at",), refused("invalid_instant", message)))
    return faults


def _day(at: int, zone: tzinfo) -> date:
    return local_day(to_datetime(at), zone)


ENDPOINTS = (
    reads("GET", "/customers/{external_id}/subscriptions", list_of_customer),
    reads("GET", "/subscriptions", list_),
    writes("POST", "/subscriptions", create),
    reads("GET", "/subscriptions/{external_id}", get),
    writes("PUT", "/subscriptions/{external_id}", update),
    writes("DELETE", "/subscriptions/{external_id}", terminate),
)
