"""Which events may not go in, because of the subscriptions that are registered."""

from __future__ import annotations

import sqlite3

from lago_cli.domain.attribution import Registry
from lago_cli.domain.batches import EventBatch
from lago_cli.domain.events import Subject
from lago_cli.errors import LagoError
from lago_cli.stores.sqlite.accounts import Accounts


class SubscriptionCheck:
    """Judges by `Registry.refusal`; where nothing is registered it costs nothing."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._accounts = Accounts(connection)
        self._registry: Registry | None = None
        self._suspicious: dict[Subject, bool] = {}

    def begin(self) -> None:
        """See what other processes registered before this transaction."""
        subscriptions = self._accounts.subscriptions()
        self._registry = Registry(subscriptions, ()) if subscriptions else None
        self._suspicious.clear()

    def refusals(self, batch: EventBatch, received_at: int) -> dict[int, LagoError]:
        """By position, why an event may not go in unless it has been in before."""
        registry = self._registry
        if registry is None:
            return {}
        known = self._suspicious
        for party in set(batch.parties).difference(known):
            known[party] = registry.is_suspicious(party)
        if not any(map(known.__getitem__, batch.parties)):
            return {}
        found = {}
        for position, party in enumerate(batch.parties):
            if known[party]:
                at = batch.at[position]
                refusal = registry.refusal(party, received_at if at is None else at, received_at)
                if refusal is not None:
                    found[position] = refusal
        return found
