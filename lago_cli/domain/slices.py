"""
Slices: the parts of a subscription's life that are priced one by one.

A slice lies within one billing period and under one plan. Usage adds up within it, and fees
are prorated by its days: local days, all that it touches, of those of the whole period. The
day on which a plan is left for another one belongs to the new plan (Lago:
spec/services/fees/subscription_service_spec.rb).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from lago_cli.domain.instants import AFTER_LAST_EVENT, Window, to_datetime, to_micros
from lago_cli.domain.periods import local_day, start_of_day
from lago_cli.domain.plans import Plan
from lago_cli.domain.subscriptions import Billing, Phase, Subscription


class Slice(NamedTuple):
    """A part of a billing period, under one plan."""

    window: Window  # whose events count
    whole: Window  # the billing period
    plan: Plan | None
    first_day: int  # ordinals of local days
    last_day: int  # it belongs to the slice
    full_days: int  # of the whole period

    @property
    def days(self) -> int:
        return max(self.last_day - self.first_day + 1, 0)

    @property
    def share(self) -> Fraction:
        """Its part of the billing period, by days."""
        return Fraction(self.days, self.full_days)

    def coefficient(self, day: int) -> Fraction:
        """For which part of the billing period something counts from a day on."""
        first = max(day, self.first_day)
        return Fraction(max(self.last_day - first + 1, 0), self.full_days)


@lru_cache(maxsize=4096)
def day_of(at: int, zone: tzinfo) -> int:
    """The ordinal of the local day of an instant."""
    return local_day(to_datetime(at), zone).toordinal()


def slices(
    subscription: Subscription,
    phase: Phase,
    plan: Plan | None,
    interval: str,
    within: Window,
    zone: tzinfo,
) -> Iterator[Slice]:
    """
    The slices of a phase by billing periods of an interval, as far as they lie within a window.

    Raises:
        LagoError: `outside_calendar`.
    """
    start, end = max(phase.window.start, within.start), min(phase.window.end, within.end)
    while start < end:
        whole = period_of(subscription, interval, start, zone)
        until = min(end, whole.end)
        last = day_of(until - 1, zone)
        if phase.is_left and until == phase.window.end:
            last = day_of(until, zone) - 1
        yield Slice(
            Window(start, until),
            whole,
            plan,
            day_of(start, zone),
            last,
            day_of(whole.end - 1, zone) - day_of(whole.start, zone) + 1,
        )
        start = until


def closing(
    subscription: Subscription,
    phase: Phase,
    plan: Plan | None,
    interval: str,
    within: Window,
    zone: tzinfo,
) -> Iterator[Slice]:
    """The whole slices of a phase that end within a window, at its end included."""
    start, end = max(phase.window.start, within.start), min(phase.window.end, within.end)
    if start > end or phase.window.start >= within.end:
        return
    if start > phase.window.start:  # the one that goes on when the window begins
        earlier = period_of(subscription, interval, start - 1, zone)
        start = max(phase.window.start, earlier.start)
    reach = Window(start, phase.window.end)
    for each in slices(subscription, phase, plan, interval, reach, zone):
        if each.window.end > within.end:
            return
        if each.window.end > within.start:
            yield each


def until_of(part: Slice, zone: tzinfo) -> int:
    """The end of its last day, or its own where that is earlier."""
    from datetime import date

    following = to_micros(start_of_day(date.fromordinal(part.last_day + 1), zone))
    return min(following, part.window.end)


def period_of(subscription: Subscription, interval: str, at: int, zone: tzinfo) -> Window:
    """The billing period of an instant, by an interval. Raises `LagoError` (outside_calendar)."""
    return _period(subscription.billing._replace(interval=interval), at, zone)


@lru_cache(maxsize=4096)  # most subscriptions have the periods of others
def _period(billing: Billing, at: int, zone: tzinfo) -> Window:
    found = billing.period(at, zone)
    end = to_micros(found.end)
    return Window(to_micros(found.start), min(end, AFTER_LAST_EVENT))
