"""
Subscriptions: from when to when a customer is billed, and in which periods.

Instants are microseconds since 1970. A life is half-open: what happens at its end is
outside. The rules are Lago's; the interval stands here until plans bring it along.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, NamedTuple

from lago_cli.domain.instants import FIRST_EVENT, Window, format_instant
from lago_cli.errors import LagoError, refused

if TYPE_CHECKING:
    from datetime import tzinfo

    from lago_cli.domain.periods import Period

INTERVALS = ("weekly", "monthly", "quarterly", "semiannual", "yearly")
BILLING_TIMES = ("calendar", "anniversary")
EVER = Window(-(2**62), 2**62)

Status = Literal["pending", "active", "terminated"]


class Billing(NamedTuple):
    """How time is cut into billing periods; see `periods.billing_period`."""

    interval: str = "monthly"
    billing_time: str = "calendar"
    anchor: int = 0  # anniversaries are counted from its local date

    def period(self, moment: int, zone: tzinfo) -> Period:
        """The whole period of `moment`. Raises `LagoError` (`outside_calendar`)."""
        from lago_cli.domain.instants import to_datetime
        from lago_cli.domain.periods import billing_period

        anchor = to_datetime(self.anchor)
        return billing_period(self.interval, self.billing_time, anchor, zone, to_datetime(moment))


MONTHLY = Billing()


@dataclass(frozen=True, slots=True)
class Subscription:
    """One registered subscription. Raises `LagoError` (refused) where it breaks a rule."""

    external_id: str
    external_customer_id: str
    subscription_at: int  # anniversaries are counted from its local date
    started_at: int
    plan_code: str | None = None
    interval: str = "monthly"
    billing_time: str = "calendar"
    ending_at: int | None = None  # as agreed
    terminated_at: int | None = None  # as it came

    def __post_init__(self) -> None:
        for fault in self.faults():
            raise fault

    @property
    def life(self) -> Window:
        """From its start up to its end, whichever came first."""
        ends = [end for end in (self.ending_at, self.terminated_at) if end is not None]
        return Window(self.started_at, min(ends, default=EVER.end))

    @property
    def billing(self) -> Billing:
        anchor = 0 if self.billing_time == "calendar" else self.subscription_at
        return Billing(self.interval, self.billing_time, anchor)

    def is_active(self, at: int) -> bool:
        return self.life.start <= at < self.life.end

    def status(self, now: int) -> Status:
        if now < self.started_at:
            return "pending"
        return "active" if self.is_active(now) else "terminated"

    def terminated(self, at: int) -> Subscription:
        """
        The same, ended at `at`.

        Raises:
            LagoError: refused, where it had ended before, or had not begun.
        """
        if self.terminated_at is not None or at > self.life.end:
            raise refused(
                "subscription_already_terminated",
                f'The subscription "{self.external_id}" ends at {format_instant(self.life.end)}.',
            )
        return replace(self, terminated_at=at)

    def faults(self) -> Iterator[LagoError]:
        for what, name in (
            ("subscription", "external_id"),
            ("subscription's customer", "external_customer_id"),
        ):
            if not getattr(self, name).strip():
                message = f"A {what} needs an external id."
                yield refused("invalid_external_id", message, field=name)
        if self.interval not in INTERVALS:
            yield refused(
                "invalid_interval",
                f'"{self.interval[:40]}" is no billing interval.',
                "One of: " + ", ".join(INTERVALS),
                field="interval",
            )
        if self.billing_time not in BILLING_TIMES:
            yield refused(
                "invalid_billing_time",
                f'"{self.billing_time[:40]}" is no billing time.',
                "One of: " + ", ".join(BILLING_TIMES),
                field="billing_time",
            )
        for name in ("subscription_at", "started_at"):
            if getattr(self, name) < FIRST_EVENT:
                yield refused("invalid_instant", f"{name} lies before 2001.", field=name)
        for name in ("ending_at", "terminated_at"):
            end = getattr(self, name)
            if end is not None and end < self.started_at:
                yield refused(
                    "ends_before_start",
                    f"The subscription would end at {format_instant(end)}, before its start at"
                    f" {format_instant(self.started_at)}.",
                    field=name,
                )


@dataclass(frozen=True, slots=True)
class KnownSubscription:
    """A subscription of the store and when it was registered."""

    subscription: Subscription
    created_at: int  # microseconds since 1970
