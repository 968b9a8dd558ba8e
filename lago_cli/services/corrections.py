"""Correcting one event: out of every figure, and back again."""

from __future__ import annotations

from collections.abc import Sequence
from shlex import quote
from typing import NamedTuple

from lago_cli.domain.stored import StoredEvent, told_of
from lago_cli.errors import Kind, LagoError, not_found, refused, wrong_usage
from lago_cli.stores.base import CorrectableStore

_NAMED = 10  # events of one id


class Which(NamedTuple):
    """Which event is meant: subscriptions, and customers, may each have one of that id."""

    transaction_id: str
    customer: str | None = None
    subscription: str | None = None


def delete_event(store: CorrectableStore, which: Which, reason: str, *, now: int) -> StoredEvent:
    """
    Take one event out of every figure; it is kept, with the reason, and its id stays taken.

    Raises:
        LagoError: not found, several (wrong usage), or refused where it is deleted already.
    """
    with store.writing():
        event = _find(store, which)
        if deletion := event.deletion():
            raise refused(
                "event_already_deleted",
                f'Event "{which.transaction_id}" was already {told_of(deletion)}.',
                f"Bring it back with: lago events undelete {quote(which.transaction_id)}",
            )
        store.delete(event, reason, now)
        return _again(store, event)


def undelete_event(store: CorrectableStore, which: Which, *, now: int) -> StoredEvent:
    """
    Bring a deleted event back into every figure.

    Raises:
        LagoError: not found, several (wrong usage), or refused where it is not deleted.
    """
    with store.writing():
        event = _find(store, which)
        if event.deletion() is None:
            raise refused(
                "event_not_deleted",
                f'Event "{which.transaction_id}" is not deleted.',
                "List those that are with: lago events list --status deleted",
            )
        store.undelete(event, now)
        return _again(store, event)


def _find(store: CorrectableStore, which: Which) -> StoredEvent:
    everywhere = store.events.get(which.transaction_id)
    if not everywhere:
        raise not_found("event", which.transaction_id, "List events with: lago events list")
    found = [event for event in everywhere if _is_meant(store, event, which)]
    if not found:
        raise LagoError(
            Kind.NOT_FOUND,
            "event_not_found",
            f'There is no event of {_asked(which)} with the id "{which.transaction_id}".',
            f"There is one of {_places(everywhere)}.",
        )
    if len(found) > 1 and which.subscription is None and which.customer is not None:
        own = [event for event in found if event.event.external_subscription_id is None]
        found = own if len(own) == 1 else found
    if len(found) > 1:
        raise wrong_usage(
            "several_events",
            f'There are {len(found)} events with the id "{which.transaction_id}": of'
            f" {_places(found)}.",
            "Choose one with --subscription ID, or --customer ID if it names no subscription.",
        )
    return found[0]


def _is_meant(store: CorrectableStore, event: StoredEvent, which: Which) -> bool:
    """By the names that it carries, or by whose it is."""
    customer, subscription = event.event.external_customer_id, event.event.external_subscription_id
    if which.subscription not in (None, subscription):
        return False
    if which.customer in (None, customer):
        return True
    registry = store.registry(*([name] if name else [] for name in (customer, subscription)))
    claims = registry.claims((customer, subscription))
    return any(
        claim.customer == which.customer
        for claim in claims
        if claim.span.start <= event.at < claim.span.end
    )


def _again(store: CorrectableStore, event: StoredEvent) -> StoredEvent:
    found = store.events.get(event.event.transaction_id)
    return next(each for each in found if each.position == event.position)


def _asked(which: Which) -> str:
    names = (("customer", which.customer), ("subscription", which.subscription))
    return " and ".join(f'{kind} "{name}"' for kind, name in names if name is not None)


def _places(events: Sequence[StoredEvent]) -> str:
    named = ", ".join(map(_place, events[:_NAMED]))
    more = len(events) - _NAMED
    return f"{named} and {more} more" if more > 0 else named


def _place(event: StoredEvent) -> str:
    customer, subscription = event.event.external_customer_id, event.event.external_subscription_id
    if subscription is None:
        return f'customer "{customer}"'
    return f'subscription "{subscription}"'
