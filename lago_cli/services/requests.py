"""What a person asks of usage, as it was written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from lago_cli.domain.events import Subject
from lago_cli.domain.usage import PropertyFilter
from lago_cli.errors import wrong_usage

Owner = Subject
"""(customer, subscription) of a row; the subscription is None where usage is by customer."""


PREVIOUS = ("previous", "last-month")
"""Two words for the billing period before the current one."""


@dataclass(frozen=True, slots=True)
class UsageRequest:
    """
    Times are as they were written, to be read in each customer's zone.

    Raises:
        LagoError: wrong usage, where the period is given in several ways.
    """

    customers: Sequence[str] = ()
    subscriptions: Sequence[str] = ()
    metrics: Sequence[str] = ()
    period: str | None = None
    start: str | None = None
    end: str | None = None
    at: str | None = None
    window: Literal["hour", "day", "week", "month"] | None = None
    group_by: Sequence[str] = ()
    filters: PropertyFilter = field(default_factory=dict)
    excluded: Sequence[PropertyFilter] = ()  # events that match all keys of one are left out
    timezone: str | None = None
    prorated: bool = False
    by: Literal["customer", "subscription"] | None = None
    as_of: int | None = None
    before: bool = False  # it is about the period before the one that it names
    everybody: bool = False  # everybody who is known has a row, also where nothing happened

    def __post_init__(self) -> None:
        given = [
            self.period is not None,
            self.start is not None or self.end is not None,
            self.at is not None,
        ]
        if sum(given) > 1:
            raise wrong_usage(
                "several_periods",
                "Only one of --period, --from/--to and --at can be given.",
            )

    @property
    def is_by_subscription(self) -> bool:
        return (self.by or ("subscription" if self.subscriptions else "customer")) == "subscription"

    @property
    def is_of_billing_periods(self) -> bool:
        """Whether it asks for the current or previous period, at some instant."""
        return (
            self.period in (None, "current", *PREVIOUS) and self.start is None and self.end is None
        )

    def compared_with(self, period: str) -> UsageRequest:
        """
        The same question about the period that its answer is compared with.

        `previous` is the one before the period asked for; so is `last-month`, where that is a
        billing period. All others are what they are everywhere.
        """
        if period == "previous" or (period in PREVIOUS and self.is_of_billing_periods):
            return replace(self, before=True)
        other = replace(self, period=period, start=None, end=None, at=None)
        return replace(other, period=None, before=True) if period in PREVIOUS else other

    @property
    def is_open_at_start(self) -> bool:
        return self.period == "all" or (self.start is None and self.end is not None)

    @property
    def is_open_at_end(self) -> bool:
        return self.period == "all" or (self.end is None and self.start is not None)
