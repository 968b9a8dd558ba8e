"""Definitions one by one: create, change, end, delete."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, tzinfo
from typing import Any, TypeVar

from lago_cli.domain.customers import CUSTOMER
from lago_cli.domain.definitions import INSTANT, Defined, Definition, Entry, Field
from lago_cli.domain.metrics import METRIC, Metric
from lago_cli.domain.objects import draft_of
from lago_cli.domain.subscriptions import SUBSCRIPTION, Subscription
from lago_cli.domain.zones import zone_for
from lago_cli.errors import LagoError, refused
from lago_cli.stores.base import Accounts, DefinitionStore

T = TypeVar("T", bound=Defined)
Given = Mapping[str, Any]
"""Values of options by the names of their fields; None where an option is absent."""


def parsed(of: Definition[T], given: Given, zone: tzinfo = UTC) -> dict[str, Any]:
    """
    The fields that options give. An empty text removes a value that may be absent.

    Raises:
        LagoError: wrong usage, for an option that cannot be read.
    """
    return {
        row.name: row.kind.nothing
        if row.removable and value in ("", [""])
        else row.kind.parse(row, value, zone)
        for row in of.fields
        if (value := given.get(row.name)) is not None
    }


def faults_in(
    store: DefinitionStore, of: Definition[T], given: Given, *, now: int, known: T | None = None
) -> list[LagoError]:
    """Everything that is wrong with options, `known` being what they change; each has a field."""
    customer = getattr(known, "external_customer_id", None) or given.get("external_customer_id")
    zone = _zone_of(store.accounts, customer)
    values: dict[str, Any] = {}
    faults = []
    for row in of.fields:
        try:
            values |= parsed(of, {row.name: given.get(row.name)}, zone)
        except LagoError as error:
            faults.append(_about(row.name, error))
        if row.required and known is None and row.name not in values:
            values[row.name] = row.missing
            faults.append(refused("missing_field", f"{row.name} is missing.", field=row.name))
    try:
        values = _with_interval(store, of, values, known)
    except LagoError as error:
        faults.append(_about("plan_code", error))
    values = of.merge(known, values) if known else of.complete(values, now, None)
    return faults + [_about("", error) for error in draft_of(of.of, values).faults()]


def _about(field: str, error: LagoError) -> LagoError:
    error.field = error.field or field
    return error


def create(store: DefinitionStore, of: Definition[T], given: Given, *, now: int) -> Entry[T]:
    """
    Define or register one; a customer may have been created by its first event.

    Raises:
        LagoError: refused for the first rule that is broken, or where it exists.
    """
    with store.writing():
        zone = _zone_of(store.accounts, given.get("external_customer_id"))
        value = of.define(_with_interval(store, of, parsed(of, given, zone)), now)
        table, name = store.table(of), of.name_of(value)
        known = table.find(name)
        if known is not None and known.registered:
            raise exists(of, name)
        table.save(value, now)
        return table.get(name)


def update(store: DefinitionStore, of: Definition[T], name: str, given: Given) -> Entry[T]:
    """
    Change what is given, for all periods, past ones too.

    Raises:
        LagoError: not found, or refused for the first rule that is broken.
    """
    with store.writing():
        table = store.table(of)
        known = table.get(name)
        zone = _zone_of(store.accounts, getattr(known.value, "external_customer_id", None))
        values = _with_interval(store, of, parsed(of, given, zone), known.value)
        changed = of.change(known.value, values)
        if isinstance(changed, Metric):
            refuse_to_break(store, store.table(METRIC).get(name).value, changed)
        table.save(changed, known.created_at)
        return table.get(name)


def exists(of: Definition[Any], name: str) -> LagoError:
    """It is there already."""
    return refused(
        f"{of.word}_exists",
        f'The {of.word} "{name}" is already {of.is_made}.',
        f"Change it with: lago {of.plural} update {of.field(of.key).metavar}",
        field=of.key,
    )


def refuse_to_break(store: DefinitionStore, before: Metric, after: Metric) -> None:
    """Raises `LagoError` (refused) where a charge of the metric would have no price."""
    from lago_cli.services.plans import broken_charge

    error = broken_charge(store.plans().values(), before, after)
    if error is not None:
        raise error


def _with_interval(
    store: DefinitionStore, of: Definition[Any], values: dict[str, Any], known: Any = None
) -> dict[str, Any]:
    """
    A subscription to a plan, which has to be there, has the interval of the plan.

    A plan that is given is its plan for all periods: there are no former ones.
    """
    if of is SUBSCRIPTION and "plan_code" in values:
        values = {**values, "previous_plans": ()}
    code = (
        values.get("plan_code", known.plan_code if known else None) if of is SUBSCRIPTION else None
    )
    if code is None or not values.keys() & {"plan_code", "interval"}:
        return values
    from lago_cli.services.plans import interval_of

    return values | {"interval": interval_of(code, values.get("interval"), store.plans())}


def delete(store: DefinitionStore, of: Definition[T], name: str) -> tuple[Entry[T], bool]:
    """
    Delete one, and keep its events.

    Returns:
        What it was, and whether it is gone: a customer whom events name is still there.

    Raises:
        LagoError: not found, or refused for a customer who has subscriptions.
    """
    with store.writing():
        known = store.table(of).get(name)
        for reason in _uses(store, of, name):
            raise reason
        return known, store.table(of).delete(name)


def _uses(store: DefinitionStore, of: Definition[Any], name: str) -> Iterator[LagoError]:
    """Why a definition cannot go: what names it, and is there."""
    pruned = "lago apply FILE --prune deletes what FILE does not name."
    if of is METRIC:
        for plan in store.plans().values():
            if any(charge.billable_metric_code == name for charge in plan.charges):
                yield refused(
                    "metric_has_charges",
                    f'The plan "{plan.code}" charges for the metric "{name}".',
                    f"Change the plan first: lago plans update {plan.code}",
                )
    for each in store.accounts.subscriptions() if of is not METRIC else ():
        if of is CUSTOMER and each.external_customer_id == name:
            yield refused(
                "customer_has_subscriptions",
                f'The customer "{name}" has the subscription "{each.external_id}".',
                f"Subscriptions that ended still count; {pruned}",
            )
        if of.word == "plan" and name in {phase.plan_code for phase in each.phases}:
            yield refused(
                "plan_has_subscriptions",
                f'The subscription "{each.external_id}" is billed by the plan "{name}".',
                f"Subscriptions that ended still count; {pruned}",
            )


def change_plan(
    store: DefinitionStore, external_id: str, plan_code: str, at: str | None, *, now: int
) -> Entry[Subscription]:
    """
    Bill a subscription by another plan, from now or `at` on; until then by the one it has.

    Raises:
        LagoError: not found, or refused where no plan of it could end then.
    """
    from lago_cli.services.plans import interval_of

    with store.writing():
        table = store.table(SUBSCRIPTION)
        known = table.get(external_id)
        interval = interval_of(plan_code, None, store.plans())
        changed = known.value.with_plan(plan_code, _instant(store, known.value, at, now))
        table.save(replace(changed, interval=interval), known.created_at)
        return table.get(external_id)


def terminate(
    store: DefinitionStore, external_id: str, at: str | None, *, now: int
) -> Entry[Subscription]:
    """
    End a subscription, now or `at`, which is outside its life.

    Raises:
        LagoError: not found, or refused where it ends before that, or begins after it.
    """
    with store.writing():
        table = store.table(SUBSCRIPTION)
        known = table.get(external_id)
        # one that has not begun is called off
        end = _instant(store, known.value, at, max(now, known.value.started_at))
        table.save(known.value.terminated(end), known.created_at)
        return table.get(external_id)


def _instant(
    store: DefinitionStore, subscription: Subscription, at: str | None, default: int
) -> int:
    """Of `--at`, in the time zone of the customer."""
    if at is None:
        return default
    zone = _zone_of(store.accounts, subscription.external_customer_id)
    found: int = INSTANT.parse(Field("--at", option="--at"), at, zone)
    return found


def events_of_others(store: DefinitionStore, subscription: Subscription) -> list[str]:
    """Other customers whom stored events of the subscription name; they stay theirs."""
    return sorted(
        customer
        for customer, name in store.parties()
        if customer is not None
        and name == subscription.external_id
        and customer != subscription.external_customer_id
    )


def _zone_of(accounts: Accounts, customer: str | None) -> tzinfo:
    """The time zone in which a customer's times are written."""
    name = accounts.timezones().get(customer) if customer else None
    return zone_for(name) if name else UTC
