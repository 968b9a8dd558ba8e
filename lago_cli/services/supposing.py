"""Questions about what is not so: the same file, with some subscriptions as somebody supposes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from lago_cli.domain.attribution import Registry
from lago_cli.stores.base import PricedStore

if TYPE_CHECKING:
    from lago_cli.domain.customers import Customer
    from lago_cli.domain.subscriptions import Subscription
    from lago_cli.stores.base import Word


def supposing(
    store: PricedStore, subscriptions: Sequence[Subscription], customer: Customer | None = None
) -> PricedStore:
    """
    A store in which these are registered, in place of those of the same ids.

    Nothing is written. It is for questions about names: those who are named are known.
    """
    return cast("PricedStore", _Supposed(store, subscriptions, customer))


def unused_name(store: PricedStore, word: Word, wish: str) -> str:
    """A name that nobody has."""
    name, number = wish, 1
    while store.known(word, [name]):
        number += 1
        name = f"{wish}_{number}"
    return name


class _Supposed:
    """Everything that is not about the subscriptions is asked of the store itself."""

    def __init__(
        self, store: PricedStore, subscriptions: Sequence[Subscription], customer: Customer | None
    ) -> None:
        self._store = store
        self._subscriptions = {each.external_id: each for each in subscriptions}
        self._customer = customer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    @property
    def accounts(self) -> _Supposed:
        return self

    def timezones(self) -> dict[str, str]:
        return self._store.accounts.timezones() | self._own_zone

    def timezone(self, customer: str) -> str | None:
        return self._own_zone.get(customer) or self._store.accounts.timezone(customer)

    @property
    def _own_zone(self) -> dict[str, str]:
        own = self._customer
        return {own.external_id: own.timezone} if own and own.timezone else {}

    def registry(self, customers: Sequence[str], subscriptions: Sequence[str]) -> Registry:
        found = self._store.registry(customers, subscriptions)
        known = found.subscriptions | self._subscriptions
        return Registry(known.values(), found.parties)

    def known(self, word: Word, names: Sequence[str]) -> set[str]:
        own: set[str] = set()
        if word == "subscription":
            own = {name for name in names if name in self._subscriptions}
        if word == "customer" and self._customer is not None:
            own = {name for name in names if name == self._customer.external_id}
        return own | self._store.known(word, [name for name in names if name not in own])
