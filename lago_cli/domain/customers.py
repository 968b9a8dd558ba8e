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
        "ID", "What events call the customer.", required=True, fixed=True, cell="id"
    )
    name: str | None = spec("NAME", "What people call it.", default=None)
    timezone: str | None = spec(  # an IANA name; None: UTC
        "TZ", "Where its days begin, also past ones. [default: UTC]", default=None, cell="flag"
    )
    currency: str | None = spec(
        "CODE", "What it pays in: three letters of ISO 4217.", default=None, cell="flag"
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
    key_help="What events call the customer: its external id.",
    derived=(created_at(),),
)
