"""
Whom events name, and whose events they are.

An event names a customer, a subscription, or both. It belongs
- to the subscription that it names. Its customer is the one it names; else the one the
  subscription is registered to; else the one whom other events of that subscription
  name, if they agree; else nobody knows.
- where it names only a customer, to that customer's subscription that was active then,
  if there was exactly one; else to the customer alone. What came before a customer's
  only subscription is its history, which recurring metrics carry into it.
Registering a subscription after its events changes nothing about that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from lago_cli.domain.events import Subject
from lago_cli.domain.instants import Window
from lago_cli.domain.subscriptions import EVER, Subscription
from lago_cli.errors import LagoError, refused


class Attribution(NamedTuple):
    """To whom the events of a party belong that happen within `span`."""

    customer: str | None
    subscription: str | None
    span: Window
    life: Window = EVER  # of the subscription


class Registry:
    """The registered subscriptions, and the parties that stored events name."""

    def __init__(self, subscriptions: Iterable[Subscription], parties: Iterable[Subject]) -> None:
        self.subscriptions = {each.external_id: each for each in subscriptions}
        self.parties = list(parties)
        self._of_customer: dict[str, list[Subscription]] = {}
        for each in self.subscriptions.values():
            self._of_customer.setdefault(each.external_customer_id, []).append(each)
        self._named: dict[str, set[str]] = {}
        for customer, subscription in self.parties:
            if customer is not None and subscription is not None:
                self._named.setdefault(subscription, set()).add(customer)

    def subscriptions_of(self, customer: str | None) -> Sequence[Subscription]:
        """The registered ones."""
        return self._of_customer.get(customer or "", ())

    def customer_of(self, subscription: str) -> str | None:
        """Whose a subscription is, for events that do not say."""
        if registered := self.subscriptions.get(subscription):
            return registered.external_customer_id
        named = self._named.get(subscription, set())
        return next(iter(named)) if len(named) == 1 else None

    def claims(self, party: Subject, *, recurring: bool = False) -> list[Attribution]:
        """Every instant is in just one of the spans; they are in order."""
        customer, subscription = party
        if subscription is None:
            return self._by_time(customer or "", recurring=recurring)
        if customer is None:
            customer = self.customer_of(subscription)
        registered = self.subscriptions.get(subscription)
        life = registered.life if registered else EVER
        return [Attribution(customer, subscription, EVER, life)]

    def _by_time(self, customer: str, *, recurring: bool) -> list[Attribution]:
        """Of events that name only a customer."""
        candidates = self.subscriptions_of(customer)
        has_history = recurring and len(candidates) == 1
        cuts = sorted({*EVER, *(edge for each in candidates for edge in each.life)})
        claims: list[Attribution] = []
        for start, end in pairwise(cuts):
            active = [
                each
                for each in candidates
                if each.is_active(start) or (has_history and start < each.life.start)
            ]
            only = active[0] if len(active) == 1 else None
            name, life = (only.external_id, only.life) if only else (None, EVER)
            if claims and claims[-1].subscription == name:
                start = claims.pop().span.start
            claims.append(Attribution(customer, name, Window(start, end), life))
        return claims

    def refusal(self, party: Subject, at: int, now: int) -> LagoError | None:
        """Why a new event of that party cannot be taken in, or None."""
        customer, subscription = party
        if subscription is None:
            return self._too_many(customer or "", at, now)
        registered = self.subscriptions.get(subscription)
        if registered is None or customer in (None, registered.external_customer_id):
            return None
        return refused(
            "subscription_of_another_customer",
            f'the subscription "{subscription}" is registered to the customer'
            f' "{registered.external_customer_id}", not "{customer}"',
            field="external_subscription_id",
        )

    def _too_many(self, customer: str, at: int, now: int) -> LagoError | None:
        candidates = self.subscriptions_of(customer)
        active = [each for each in candidates if each.is_active(at)]
        active = active or [each for each in candidates if each.is_active(now)]
        if len(active) < 2:
            return None
        names = ", ".join(sorted(each.external_id for each in active)[:3])
        return refused(
            "subscription_required",
            f'the customer "{customer}" has {len(active)} active subscriptions ({names})',
            "Name one with external_subscription_id.",
            field="external_subscription_id",
        )

    def is_suspicious(self, party: Subject) -> bool:
        """Whether `refusal` may have something to say, sometimes."""
        customer, subscription = party
        if subscription is None:
            return len(self.subscriptions_of(customer)) > 1
        return self.refusal(party, 0, 0) is not None
