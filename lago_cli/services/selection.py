"""Whose usage is asked for, and which events are theirs."""

from __future__ import annotations

from functools import cache

from lago_cli.domain.attribution import Attribution
from lago_cli.domain.events import Subject
from lago_cli.domain.instants import Window
from lago_cli.domain.subscriptions import EVER, MONTHLY, Billing, Subscription
from lago_cli.services.names import refuse_others, refuse_unknown
from lago_cli.services.requests import Owner, UsageRequest
from lago_cli.stores.base import UsageStore

Claims = dict[Owner, list[tuple[Subject, Attribution]]]


class Selection:
    """
    The owners of a question; see `domain.attribution` for the rules.

    Raises:
        LagoError: not found, for names that nobody knows, and for a subscription of others
            than the customers that are named with it.
    """

    def __init__(self, store: UsageStore, request: UsageRequest) -> None:
        refuse_unknown(
            store,
            customers=request.customers,
            subscriptions=request.subscriptions,
            metrics=request.metrics,
        )
        self._store = store
        self._request = request
        self._registry = store.registry(request.customers, request.subscriptions)
        self.claims = cache(self._claims)
        if request.customers and request.subscriptions:
            refuse_others(self._registry, request.customers, request.subscriptions)

    def _claims(self, *, recurring: bool) -> Claims:
        """For each owner that was asked for, the parties whose events are theirs, and when."""
        found: Claims = {}
        for party in self._registry.parties:
            for claim in self._registry.claims(party, recurring=recurring):
                if self._is_asked_for(claim.customer, claim.subscription):
                    owner = self._owner(claim.customer, claim.subscription)
                    found.setdefault(owner, []).append((party, claim))
        return found

    def listed(self, *, recurring: bool) -> list[Owner]:
        """Who has a row also where nothing happened: by default who was asked for by name."""
        request = self._request
        if not (request.customers or request.subscriptions or request.everybody):
            return []
        found = dict.fromkeys(self.claims(recurring=recurring))
        for each in self._registry.subscriptions.values():
            if self._is_asked_for(each.external_customer_id, each.external_id):
                found.setdefault(self._owner(each.external_customer_id, each.external_id))
        if request.subscriptions:
            return list(found)
        seen = {customer for customer, _ in found}
        named = request.customers or self._store.names("customer")
        return [*found, *((name, None) for name in dict.fromkeys(named) if name not in seen)]

    def registered(self) -> list[Subscription]:
        """The registered subscriptions that are asked for, by external id."""
        known = self._registry.subscriptions.values()
        asked = [e for e in known if self._is_asked_for(e.external_customer_id, e.external_id)]
        return sorted(asked, key=lambda each: each.external_id)

    def owner_of(self, subscription: Subscription) -> Owner:
        """Whose row its usage is in."""
        return self._owner(subscription.external_customer_id, subscription.external_id)

    def subscription_of(self, owner: Owner) -> Subscription | None:
        """The registered subscription that a row is about."""
        return self._registry.subscriptions.get(owner[1]) if owner[1] is not None else None

    def is_named(self, owner: Owner) -> bool:
        """Whether this very subscription was asked for."""
        return owner[1] is not None and owner[1] in self._request.subscriptions

    def life_of(self, owner: Owner) -> Window:
        """A subscription's; a customer's lasts from the first to the last of theirs."""
        if owner[1] is not None:
            subscription = self.subscription_of(owner)
            return subscription.life if subscription else EVER
        claims = self.claims(recurring=False).get(owner, [])
        lives = [claim.life for _, claim in claims]
        lives += [each.life for each in self._registered(owner[0])]
        if not lives or self._request.is_by_subscription:
            return EVER
        return Window(min(life.start for life in lives), max(life.end for life in lives))

    def billing_of(self, owner: Owner, moment: int) -> Billing:
        """A subscription's; of a customer the one that all of theirs agree on."""
        if subscription := self.subscription_of(owner):
            return subscription.billing
        if owner[1] is not None or self._request.is_by_subscription:
            return MONTHLY
        known = self._registered(owner[0])
        lasting = [each for each in known if each.life.end > moment] or known
        agreed = {each.billing for each in lasting}
        return agreed.pop() if len(agreed) == 1 else MONTHLY

    def _registered(self, customer: str | None) -> list[Subscription]:
        """Those of a customer's subscriptions that are asked for."""
        known = self._registry.subscriptions_of(customer)
        return [each for each in known if self._is_asked_for(customer, each.external_id)]

    def _owner(self, customer: str | None, subscription: str | None) -> Owner:
        shows_subscription = self._request.is_by_subscription or customer is None
        return customer, subscription if shows_subscription else None

    def _is_asked_for(self, customer: str | None, subscription: str | None) -> bool:
        request = self._request
        if request.customers and customer not in request.customers:
            return False
        return not request.subscriptions or subscription in request.subscriptions
