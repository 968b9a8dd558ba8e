"""Customers: who uses, and in which time zone their days begin."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lago_cli.domain.definitions import Defined, Definition, created_at, definition, spec
from lago_cli.errors import LagoError, refused

_CURRENCY = re.compile(r"[A-Z]{3}")


@definition
class Customer(Defined):
    """One customer."""

    external_id: str = spec(
        "ID", "The id that its events carry.", required=True, fixed=True, cell="id"
    )
    name: str | None = spec("NAME", "A name for people.", default=None, spare=1)
    timezone: str | None = spec(  # an IANA name; None: UTC
        "TZ",
        "The time zone of its days, past ones included. [default: UTC]",
        default=None,
        cell="flag",
        spare=2,
    )
    currency: str | None = spec(
        "CODE", "The currency it pays in, as its ISO 4217 code.", default=None, cell="flag", spare=3
    )

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


CUSTOMER = Definition(
    of=Customer,
    word="customer",
    section="customers",
    key="external_id",
    key_help="The external id of the customer, as events carry it.",
    derived=(created_at(spare=4),),
)
