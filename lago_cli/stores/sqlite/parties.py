"""Whom events name: the pairs of customer and subscription, and what decides whose they are."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from msgspec import json

from lago_cli.domain.attribution import Registry
from lago_cli.domain.events import Subject
from lago_cli.stores.sqlite.accounts import Accounts

_ONE_BY_ONE = 200  # lookups; whoever wants more gets them all
_ALL = """
SELECT id, external_customer_id, external_subscription_id FROM parties WHERE used = 1
"""
_ONE = """
SELECT id FROM parties
 WHERE ifnull(external_subscription_id, '') = ifnull(?, '')
   AND ifnull(external_customer_id, '') = ifnull(?, '')
   AND used = 1
"""
_CUSTOMERS = """
SELECT value FROM json_each(:customers)
 UNION
SELECT external_customer_id FROM subscriptions
 WHERE external_id IN (SELECT value FROM json_each(:subscriptions))
"""
_SUBSCRIPTIONS = """
SELECT value FROM json_each(:subscriptions)
 UNION
SELECT external_id FROM subscriptions
 WHERE external_customer_id IN (SELECT value FROM json_each(:customers))
 UNION
SELECT external_subscription_id FROM parties
 WHERE external_customer_id IN (SELECT value FROM json_each(:customers))
   AND external_subscription_id IS NOT NULL
"""
_RELATED = """
SELECT external_customer_id, external_subscription_id FROM parties
 WHERE external_customer_id IN (SELECT value FROM json_each(:customers)) AND used = 1
 UNION
SELECT external_customer_id, external_subscription_id FROM parties
 WHERE ifnull(external_subscription_id, '') IN (SELECT value FROM json_each(:subscriptions))
   AND used = 1
"""


class Parties:
    """Looks them up; what it has found stays so while the file does not change."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._known: dict[Subject, int | None] = {}
        self._has_all = False

    def all(self) -> Iterable[Subject]:
        """Every distinct pair that events carry."""
        if not self._has_all:
            rows = self._connection.execute(_ALL)
            self._known = {(customer, name): number for number, customer, name in rows}
            self._has_all = True
        return self._known.keys()

    def get(self, party: Subject) -> int | None:
        """The id of a pair; None where no event carries it."""
        if party not in self._known and not self._has_all:
            if len(self._known) >= _ONE_BY_ONE:
                self.all()
            else:
                customer, subscription = party
                row = self._connection.execute(_ONE, (subscription, customer)).fetchone()
                self._known[party] = None if row is None else row[0]
        return self._known.get(party)

    def registry(self, customers: Sequence[str], subscriptions: Sequence[str]) -> Registry:
        """What decides whose the events of these are; of everybody where nobody is named."""
        accounts = Accounts(self._connection)
        if not customers and not subscriptions:
            return Registry(accounts.subscriptions(), self.all())
        names = {"customers": list(customers), "subscriptions": list(subscriptions)}
        for key, query in (("customers", _CUSTOMERS), ("subscriptions", _SUBSCRIPTIONS)):
            found = self._connection.execute(query, _as_json(names)).fetchall()
            names[key] = [name for (name,) in found]
        related = self._connection.execute(_RELATED, _as_json(names)).fetchall()
        return Registry(accounts.subscriptions_among(**_as_json(names)), related)


def _as_json(names: dict[str, list[str]]) -> dict[str, str]:
    return {key: json.encode(each).decode() for key, each in names.items()}
