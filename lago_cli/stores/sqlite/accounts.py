"""Customers and their subscriptions in the file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from typing import ClassVar

from lago_cli.domain.customers import CUSTOMER, Customer
from lago_cli.domain.definitions import Entry
from lago_cli.domain.subscriptions import SUBSCRIPTION, Subscription
from lago_cli.stores.sqlite.definitions import Table

_CREATE_CUSTOMER = "INSERT OR IGNORE INTO customers (external_id, created_at) VALUES (?, ?)"
_REGISTER = "UPDATE customers SET registered = 1 WHERE external_id = ?"
_AMONG = """
WHERE external_customer_id IN (SELECT value FROM json_each(?))
   OR external_id IN (SELECT value FROM json_each(?))
ORDER BY external_id
"""
_INTERVAL = """
coalesce((SELECT p.interval FROM plans AS p WHERE p.code = subscriptions.plan_code), interval)
"""
_IS_NAMED = """
SELECT EXISTS (SELECT 1 FROM parties WHERE used = 1 AND external_customer_id = :id)
    OR EXISTS (SELECT 1 FROM subscriptions WHERE external_customer_id = :id)
"""


class Customers(Table[Customer]):
    """Registered ones, and those whom events or subscriptions name."""

    of = CUSTOMER
    registered = "registered"

    def save(self, value: Customer, created_at: int) -> None:
        super().save(value, created_at)
        self._connection.execute(_REGISTER, (value.external_id,))

    def delete(self, name: str) -> bool:
        """Forget what was registered; False where events or subscriptions still name it."""
        if not self._connection.execute(_IS_NAMED, {"id": name}).fetchone()[0]:
            return super().delete(name)
        forgotten = [f"{column} = NULL" for column in self._columns if column != self.of.key]
        self._connection.execute(
            f"UPDATE customers SET {', '.join(forgotten)}, registered = 0"  # noqa: S608
            " WHERE external_id = ?",
            (name,),
        )
        return False


class Subscriptions(Table[Subscription]):
    """The registered ones."""

    of = SUBSCRIPTION
    derived: ClassVar[Mapping[str, str]] = {"interval": _INTERVAL}

    def save(self, value: Subscription, created_at: int) -> None:
        """Its customer is created with it."""
        self._connection.execute(_CREATE_CUSTOMER, (value.external_customer_id, created_at))
        super().save(value, created_at)

    def among(self, customers: str, subscriptions: str) -> Iterator[Entry[Subscription]]:
        """Those of some customers, and others by their ids; JSON lists of names."""
        return map(self._entry, self._select(_AMONG, customers, subscriptions))


class Accounts:
    """Customers and subscriptions, as far as usage needs them."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._subscriptions = Subscriptions(connection)
        self.save_customer = Customers(connection).save
        self.save_subscription = self._subscriptions.save

    def timezones(self) -> dict[str, str]:
        """Time zone names of the customers who have one."""
        return dict(
            self._connection.execute(
                "SELECT external_id, timezone FROM customers WHERE timezone IS NOT NULL"
            )
        )

    def timezone(self, customer: str) -> str | None:
        """The name of a customer's own time zone."""
        query = "SELECT timezone FROM customers WHERE external_id = ?"
        row = self._connection.execute(query, (customer,)).fetchone()
        return None if row is None else row[0]

    def numbers(self, customers: str) -> dict[str, int]:
        """How they are numbered, in the order in which they came; a JSON list of names."""
        return dict(
            self._connection.execute(
                "SELECT external_id, id FROM customers"
                " WHERE external_id IN (SELECT value FROM json_each(?))",
                (customers,),
            )
        )

    def subscriptions_among(self, customers: str, subscriptions: str) -> list[Subscription]:
        """The registered ones of some customers, and others by their ids; JSON lists of names."""
        return [entry.value for entry in self._subscriptions.among(customers, subscriptions)]

    def subscriptions(self) -> list[Subscription]:
        """The registered ones, by external id."""
        return [entry.value for entry in self._subscriptions.entries()]
