"""Customers and their subscriptions in the file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import astuple, fields
from typing import Any

from lago_cli.domain.customers import Customer, KnownCustomer
from lago_cli.domain.subscriptions import KnownSubscription, Subscription
from lago_cli.errors import not_found
from lago_cli.stores.sqlite.damage import UNREADABLE, damaged

_CUSTOMER = "external_id, name, timezone, currency"
_NAMES = [field.name for field in fields(Subscription)]
_SUBSCRIPTION = ", ".join(_NAMES)
_SAVE_CUSTOMER = f"""
INSERT INTO customers ({_CUSTOMER}, created_at, registered) VALUES (?, ?, ?, ?, ?, 1)
    ON CONFLICT (external_id) DO UPDATE
   SET name = excluded.name, timezone = excluded.timezone, currency = excluded.currency,
       registered = 1
"""  # noqa: S608
_SAVE_SUBSCRIPTION = f"""
INSERT INTO subscriptions ({_SUBSCRIPTION}, created_at) VALUES ({"?, " * len(_NAMES)}?)
    ON CONFLICT (external_id) DO UPDATE
   SET {", ".join(f"{name} = excluded.{name}" for name in _NAMES)}
"""  # noqa: S608
_CREATE_CUSTOMER = "INSERT OR IGNORE INTO customers (external_id, created_at) VALUES (?, ?)"
_IS_NAMED = """
SELECT EXISTS (SELECT 1 FROM parties WHERE used = 1 AND external_customer_id = :id)
    OR EXISTS (SELECT 1 FROM subscriptions WHERE external_customer_id = :id)
"""


class Accounts:
    """Who uses, and under which subscriptions."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def timezones(self) -> dict[str, str]:
        """Time zone names of the customers who have one."""
        return dict(
            self._connection.execute(
                "SELECT external_id, timezone FROM customers WHERE timezone IS NOT NULL"
            )
        )

    def customers(self) -> Iterator[KnownCustomer]:
        """All of them, by external id."""
        rows = self._connection.execute(
            f"SELECT {_CUSTOMER}, created_at, registered FROM customers ORDER BY external_id"  # noqa: S608
        )
        return map(_customer, rows)

    def customer(self, external_id: str) -> KnownCustomer:
        """Raises `LagoError` (not found)."""
        row = self._connection.execute(
            f"SELECT {_CUSTOMER}, created_at, registered FROM customers WHERE external_id = ?",  # noqa: S608
            (external_id,),
        ).fetchone()
        if row is None:
            raise not_found("customer", external_id, "List them with: lago customers list")
        return _customer(row)

    def save_customer(self, customer: Customer, created_at: int) -> None:
        """Register it, or change what is registered; `created_at` stays as it was."""
        self._connection.execute(_SAVE_CUSTOMER, (*astuple(customer), created_at))

    def delete_customer(self, external_id: str) -> bool:
        """Forget what was registered; False where events or subscriptions still name it."""
        is_named = self._connection.execute(_IS_NAMED, {"id": external_id}).fetchone()[0]
        if is_named:
            self._connection.execute(
                "UPDATE customers SET name = NULL, timezone = NULL, currency = NULL,"
                " registered = 0 WHERE external_id = ?",
                (external_id,),
            )
        else:
            self._connection.execute("DELETE FROM customers WHERE external_id = ?", (external_id,))
        return not is_named

    def subscriptions(self) -> list[Subscription]:
        """The registered ones, by external id."""
        return [known.subscription for known in self.known_subscriptions()]

    def known_subscriptions(self) -> Iterator[KnownSubscription]:
        """The same, with the instants of their registration."""
        rows = self._connection.execute(
            f"SELECT {_SUBSCRIPTION}, created_at FROM subscriptions ORDER BY external_id"  # noqa: S608
        )
        return map(_subscription, rows)

    def subscription(self, external_id: str) -> KnownSubscription:
        """Raises `LagoError` (not found)."""
        row = self._connection.execute(
            f"SELECT {_SUBSCRIPTION}, created_at FROM subscriptions WHERE external_id = ?",  # noqa: S608
            (external_id,),
        ).fetchone()
        if row is None:
            hint = "List them with: lago subscriptions list"
            raise not_found("subscription", external_id, hint)
        return _subscription(row)

    def save_subscription(self, subscription: Subscription, created_at: int) -> None:
        """Register it, or change what is registered; its customer comes to be with it."""
        self._connection.execute(_CREATE_CUSTOMER, (subscription.external_customer_id, created_at))
        self._connection.execute(_SAVE_SUBSCRIPTION, (*astuple(subscription), created_at))

    def delete_subscription(self, external_id: str) -> None:
        """Its events stay."""
        self._connection.execute("DELETE FROM subscriptions WHERE external_id = ?", (external_id,))


def _customer(row: tuple[Any, ...]) -> KnownCustomer:
    *values, created_at, registered = row
    try:
        return KnownCustomer(Customer(*values), created_at, bool(registered))
    except UNREADABLE:
        raise damaged(f'the customer "{row[0]}"') from None


def _subscription(row: tuple[Any, ...]) -> KnownSubscription:
    *values, created_at = row
    try:
        return KnownSubscription(Subscription(*values), created_at)
    except UNREADABLE:
        raise damaged(f'the subscription "{row[0]}"') from None
