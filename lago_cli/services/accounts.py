"""Customers and subscriptions: register, change, end, look up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, tzinfo

from lago_cli.domain.customers import Customer, KnownCustomer
from lago_cli.domain.instants import parse_moment
from lago_cli.domain.subscriptions import KnownSubscription, Subscription
from lago_cli.errors import refused, wrong_usage
from lago_cli.stores.base import AccountStore

INSTANTS = ("subscription_at", "started_at", "ending_at")


def create_customer(store: AccountStore, customer: Customer, *, now: int) -> KnownCustomer:
    """
    Register a customer, also one that its first event has created.

    Raises:
        LagoError: refused, where it is registered.
    """
    accounts = store.accounts
    with store.writing():
        known = {each.customer.external_id: each for each in accounts.customers()}
        if customer.external_id in known and known[customer.external_id].registered:
            raise refused(
                "customer_exists",
                f'The customer "{customer.external_id}" is already registered.',
                "Change it with: lago customers update ID",
            )
        accounts.save_customer(customer, now)
    return accounts.customer(customer.external_id)


def update_customer(
    store: AccountStore, external_id: str, changes: Mapping[str, str | None]
) -> KnownCustomer:
    """
    Change what is named in `changes`; a time zone holds for all periods, past ones too.

    Raises:
        LagoError: not found, or refused for the first rule that is broken.
    """
    with store.writing():
        known = store.accounts.customer(external_id)
        store.accounts.save_customer(replace(known.customer, **changes), known.created_at)  # type: ignore[arg-type]
    return store.accounts.customer(external_id)


def delete_customer(store: AccountStore, external_id: str) -> tuple[KnownCustomer, bool]:
    """
    Forget what was registered; events stay.

    Returns:
        What it was, and whether it is gone: a customer whom events name is still there.

    Raises:
        LagoError: not found, or refused where it has subscriptions.
    """
    with store.writing():
        known = store.accounts.customer(external_id)
        theirs = [
            each.external_id
            for each in store.accounts.subscriptions()
            if each.external_customer_id == external_id
        ]
        if theirs:
            raise refused(
                "customer_has_subscriptions",
                f'The customer "{external_id}" has the subscription "{theirs[0]}".',
                "Subscriptions that ended still count; lago apply FILE --prune deletes what FILE"
                " does not name.",
            )
        return known, store.accounts.delete_customer(external_id)


def create_subscription(
    store: AccountStore, terms: Mapping[str, str | None], *, now: int
) -> KnownSubscription:
    """
    Register a subscription; its customer comes to be with it.

    Args:
        terms: by field name, as they were written; instants are read in the time zone of
            the customer. `started_at` and `subscription_at` stand for each other where
            only one is given; where none is, it starts now, at the whole second.

    Raises:
        LagoError: refused for the first rule that is broken, or where it is registered.
    """
    accounts = store.accounts
    with store.writing():
        subscription = define_subscription(terms, zone_of(store, terms), now=now)
        if any(each.external_id == subscription.external_id for each in accounts.subscriptions()):
            raise refused(
                "subscription_exists",
                f'The subscription "{subscription.external_id}" is already registered.',
                "Change it with: lago subscriptions update ID",
            )
        accounts.save_subscription(subscription, now)
    return accounts.subscription(subscription.external_id)


def define_subscription(terms: Mapping[str, str | None], zone: tzinfo, *, now: int) -> Subscription:
    """A new subscription; see `create_subscription`."""
    texts = {key: text for key, text in terms.items() if text is not None and key not in INSTANTS}
    instants = {key: instant_of(key, terms.get(key), zone) for key in INSTANTS}
    start, anchor = instants["started_at"], instants["subscription_at"]
    if start is None:
        # of a second that has begun: events are often stamped with whole ones
        start = now - now % 1_000_000 if anchor is None else anchor
    return Subscription(
        subscription_at=start if anchor is None else anchor,
        started_at=start,
        ending_at=instants["ending_at"],
        **texts,  # type: ignore[arg-type]
    )


def update_subscription(
    store: AccountStore, external_id: str, changes: Mapping[str, str | None]
) -> KnownSubscription:
    """
    Change what is named in `changes`, for all periods, past ones too.

    Raises:
        LagoError: not found, or refused for the first rule that is broken.
    """
    with store.writing():
        known = store.accounts.subscription(external_id)
        changed = changed_subscription(
            known.subscription, changes, _zone(store, known.subscription.external_customer_id)
        )
        store.accounts.save_subscription(changed, known.created_at)
    return store.accounts.subscription(external_id)


def changed_subscription(
    subscription: Subscription, changes: Mapping[str, str | None], zone: tzinfo
) -> Subscription:
    """`subscription` with `changes`, in which instants are as they were written."""
    values = {
        key: instant_of(key, text, zone) if key in INSTANTS else text
        for key, text in changes.items()
    }
    return replace(subscription, **values)  # type: ignore[arg-type]


def terminate_subscription(
    store: AccountStore, external_id: str, at: str | None, *, now: int
) -> KnownSubscription:
    """
    End a subscription, now or `at`, which is outside its life.

    Raises:
        LagoError: not found, or refused where it ends before that, or begins after it.
    """
    with store.writing():
        known = store.accounts.subscription(external_id)
        zone = _zone(store, known.subscription.external_customer_id)
        end = instant_of("--at", at, zone)
        if end is None:  # one that has not begun is called off
            end = max(now, known.subscription.started_at)
        ended = known.subscription.terminated(end)
        store.accounts.save_subscription(ended, known.created_at)
    return store.accounts.subscription(external_id)


def events_of_others(store: AccountStore, subscription: Subscription) -> list[str]:
    """Other customers whom stored events of the subscription name; they stay theirs."""
    return sorted(
        customer
        for customer, name in store.parties()
        if name == subscription.external_id
        and customer not in (None, subscription.external_customer_id)
    )


def zone_of(store: AccountStore, terms: Mapping[str, str | None]) -> tzinfo:
    """The time zone in force for the customer of a subscription."""
    return _zone(store, terms.get("external_customer_id"))


def _zone(store: AccountStore, customer: str | None) -> tzinfo:
    name = store.accounts.timezones().get(customer or "")
    if name is None:
        return UTC
    from lago_cli.domain.zones import zone_for

    return zone_for(name)


def instant_of(name: str, text: str | None, zone: tzinfo) -> int | None:
    """Raises `LagoError` (wrong usage) for what is no instant."""
    try:
        return None if text is None else parse_moment(text, zone)
    except ValueError as error:
        raise wrong_usage(
            "invalid_instant", f"{name}: {error}.", "For example: 2026-11-22T00:00:00Z"
        ) from None
