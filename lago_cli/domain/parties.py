"""Whom events name, and whose events they are."""

from __future__ import annotations

from collections.abc import Iterable

from lago_cli.domain.batches import Party


def customers_of(parties: Iterable[Party]) -> dict[Party, str | None]:
    """
    The customer to whom the events of each party belong.

    It is the customer they name; where they name only a subscription, the customer whom
    other events of that subscription name, if they agree; None where nobody knows.
    """
    parties = list(parties)
    named: dict[str, set[str]] = {}
    for customer, subscription in parties:
        if customer is not None and subscription is not None:
            named.setdefault(subscription, set()).add(customer)
    found: dict[Party, str | None] = {}
    for customer, subscription in parties:
        others = named.get(subscription or "", set())
        only = next(iter(others)) if len(others) == 1 else None
        found[customer, subscription] = only if customer is None else customer
    return found
