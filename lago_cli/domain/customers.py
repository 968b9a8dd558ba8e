"""Customers: who uses, and in which time zone their days begin."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lago_cli.errors import LagoError, refused

_CURRENCY = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True, slots=True)
class Customer:
    """One customer. Raises `LagoError` (refused) where it breaks a rule."""

    external_id: str
    name: str | None = None
    timezone: str | None = None  # an IANA name; None: UTC
    currency: str | None = None  # an ISO 4217 code

    def __post_init__(self) -> None:
        for fault in self.faults():
            raise fault

    def faults(self) -> Iterator[LagoError]:
        if not self.external_id.strip():
            message = "A customer needs an external id."
            yield refused("invalid_external_id", message, field="external_id")
        if self.timezone is not None:
            from lago_cli.domain.zones import zone_for

            try:
                zone_for(self.timezone)
            except LagoError as error:
                error.field = "timezone"
                yield error
        if self.currency is not None and not _CURRENCY.fullmatch(self.currency):
            yield refused(
                "invalid_currency",
                f'"{self.currency[:40]}" is no currency.',
                "Use the three letters of ISO 4217, such as EUR.",
                field="currency",
            )


@dataclass(frozen=True, slots=True)
class KnownCustomer:
    """A customer of the store: registered, or created by its first event."""

    customer: Customer
    created_at: int  # microseconds since 1970
    registered: bool
