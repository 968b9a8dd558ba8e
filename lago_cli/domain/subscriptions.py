"""
Subscriptions: from when to when a customer is billed, and in which periods.

Instants are microseconds since 1970. A life is half-open: what happens at its end is
outside. The rules are Lago's. The interval is that of the plan, where there is one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from lago_cli.domain.definitions import (
    INSTANT,
    Defined,
    Definition,
    Field,
    created_at,
    definition,
    not_one_of,
    spec,
)
from lago_cli.domain.instants import FIRST_EVENT, Window, format_instant
from lago_cli.domain.objects import Nested
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


@definition
class FormerPlan(Defined):
    """A plan that a subscription had before."""

    plan_code: str = spec(required=True)
    until: int = spec(required=True, kind=INSTANT, stand_in=FIRST_EVENT)  # exclusive

    def faults(self) -> Iterator[LagoError]:
        yield from ()


class Phase(NamedTuple):
    """For how long a subscription is billed by a plan."""

    plan_code: str | None
    window: Window
    is_left: bool  # for another plan, which takes the day of the change


@definition
class Subscription(Defined):
    """One registered subscription."""

    external_id: str = spec(
        "ID", "The id that its events carry.", required=True, fixed=True, cell="id"
    )
    external_customer_id: str = spec(
        "ID",
        "The customer it belongs to.",
        required=True,
        fixed=True,
        heading="customer",
        cell="id",
    )
    subscription_at: int = spec(
        "INSTANT",
        "The date that anniversaries are counted from. [default: its start]",
        kind=INSTANT,
        heading="anniversary of",
        spare=5,
    )
    started_at: int = spec(
        "INSTANT",
        "Start of the subscription (inclusive). [default: --subscription-at, else now]",
        kind=INSTANT,
        heading="started",
        spare=1,
    )
    plan_code: str | None = spec(
        "CODE", "The plan it is billed by.", default=None, heading="plan", cell="id"
    )
    interval: str = spec(
        "INTERVAL",
        "weekly, monthly, quarterly, semiannual or yearly. [default: monthly]",
        default="monthly",
        choices=INTERVALS,
        cell="flag",
        spare=2,
    )
    billing_time: str = spec(
        "WHEN",
        "Where billing periods begin: calendar or anniversary. [default: calendar]",
        default="calendar",
        choices=BILLING_TIMES,
        heading="billing",
        cell="flag",
        spare=3,
    )
    ending_at: int | None = spec(  # as agreed
        "INSTANT",
        "End of the subscription (exclusive).",
        default=None,
        kind=INSTANT,
        heading="ending",
        spare=4,
    )
    terminated_at: int | None = spec(  # as it came
        default=None, kind=INSTANT, heading="terminated", spare=7
    )
    previous_plans: tuple[FormerPlan, ...] = spec(  # in order
        default=(), kind=Nested(FormerPlan), heading="previous plans", spare=9
    )

    @property
    def phases(self) -> list[Phase]:
        """By which plan it is billed when; together they are its life."""
        found = []
        start, end = self.life
        for former in self.previous_plans:
            until = min(max(former.until, start), end)
            if start < until:
                found.append(Phase(former.plan_code, Window(start, until), until < end))
            start = max(start, until)
        if start < end or not found:
            found.append(Phase(self.plan_code, Window(start, end), is_left=False))
        return found

    def with_plan(self, plan_code: str, at: int) -> Subscription:
        """
        The same, billed by another plan from `at` on.

        Raises:
            LagoError: refused, where it has no plan, or none that lasts until then.
        """
        if self.plan_code is None:
            raise refused(
                "no_plan",
                f'The subscription "{self.external_id}" has no plan yet.',
                f"Give it one with: lago subscriptions update {self.external_id}"
                f" --plan-code {plan_code}",
            )
        begins = max([self.started_at, *(former.until for former in self.previous_plans)])
        if at <= begins:
            raise refused(
                "invalid_plan_change",
                f'The plan "{self.plan_code}" of the subscription "{self.external_id}" begins at'
                f" {format_instant(begins)}; it cannot end at {format_instant(at)}.",
                "Name a later instant with --at.",
            )
        if at >= self.life.end:
            raise refused(
                "invalid_plan_change",
                f'The subscription "{self.external_id}" ends at {format_instant(self.life.end)}.',
                "Name an earlier instant with --at.",
            )
        former = (*self.previous_plans, FormerPlan(self.plan_code, at))
        return replace(self, plan_code=plan_code, previous_plans=former)

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
            yield not_one_of("interval", "billing interval", self.interval, INTERVALS)
        if self.billing_time not in BILLING_TIMES:
            yield not_one_of("billing_time", "billing time", self.billing_time, BILLING_TIMES)
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
        yield from self._faults_of_plans()

    def _faults_of_plans(self) -> Iterator[LagoError]:
        ends = [former.until for former in self.previous_plans]
        if ends and (self.plan_code is None or ends != sorted(set(ends))):
            yield refused(
                "invalid_previous_plans",
                "Previous plans stand in the order in which they ended, before a plan_code.",
                field="previous_plans",
            )


def with_defaults(values: dict[str, Any], now: int, earlier: Subscription | None) -> dict[str, Any]:
    """
    `started_at` and `subscription_at` stand for each other where only one is given.

    Where neither is, they stay as they were; a new subscription starts now, at the whole
    second, because events are often stamped with whole ones. A termination stays, too.
    """
    start, anchor = values.get("started_at"), values.get("subscription_at")
    if start is None and anchor is None:
        second = now - now % 1_000_000
        start = earlier.started_at if earlier else second
        anchor = earlier.subscription_at if earlier else second
    kept = {
        "terminated_at": earlier.terminated_at if earlier else None,
        "previous_plans": earlier.previous_plans if earlier else (),
    } | values
    kept["started_at"] = anchor if start is None else start
    kept["subscription_at"] = start if anchor is None else anchor
    return kept


SUBSCRIPTION = Definition(
    of=Subscription,
    word="subscription",
    section="subscriptions",
    key="external_id",
    key_help="The external id of the subscription, as events carry it.",
    derived=(Field("status", cell="flag"), created_at(spare=8)),
    columns_first=(
        *("external_id", "external_customer_id", "plan_code", "status", "interval"),
        "billing_time",
    ),
    complete=with_defaults,
)
