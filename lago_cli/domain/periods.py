"""
Periods: half-open windows of time, cut where a local calendar says so.

Moments are aware datetimes in UTC; a time zone only decides where days begin. The
rules are Lago's (its `Subscriptions::Dates` services) with two differences: the end of
a period is the start of the next, and a life is cut at its exact instants.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import partial
from typing import TYPE_CHECKING

from dateutil.relativedelta import relativedelta  # type: ignore[import-untyped,unused-ignore]

from lago_cli.domain.instants import FIRST_EVENT, format_instant, to_datetime, to_micros
from lago_cli.errors import LagoError, refused, wrong_usage

if TYPE_CHECKING:
    from collections.abc import Callable

_MONTHS = {"monthly": 1, "quarterly": 3, "semiannual": 6, "yearly": 12}  # or weekly

_MICROSECOND = timedelta(microseconds=1)
_SECOND = timedelta(seconds=1)
_CALENDAR = date(2001, 1, 1)  # a Monday, and the first day of a year


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """
    From `start` up to, and without, `end`; both UTC. Empty where they are equal.

    Raises:
        LagoError: `invalid_period`, where `end` lies before `start`.
        ValueError: for a datetime that is not in UTC.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.utcoffset() != timedelta(0) or self.end.utcoffset() != timedelta(0):
            raise ValueError("a period is stated in UTC")
        if self.end < self.start:
            raise wrong_usage(
                "invalid_period",
                f"A period cannot end at {_shown(self.end)}, before its start.",
                f"It starts at {_shown(self.start)}: exchange the two.",
            )

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end

    def clipped(self, start: datetime | None, end: datetime | None) -> Period:
        """What of it lies in `[start, end)` (None: no limit); empty where nothing does."""
        first = self.start if start is None else max(self.start, start)
        last = self.end if end is None else min(self.end, end)
        return Period(first, max(first, last))

    def days(self, zone: tzinfo) -> int:
        """Local dates it touches, also those that clocks passed over; 0 where empty."""
        if self.start == self.end:
            return 0
        return (local_day(self.end - _MICROSECOND, zone) - local_day(self.start, zone)).days + 1


ALL_TIME = Period(to_datetime(FIRST_EVENT), datetime.max.replace(tzinfo=UTC))
"""The time events can have: from 2001 up to the last microsecond of 9999 (without it)."""


def _shown(moment: datetime) -> str:
    return format_instant(to_micros(moment))


def local_day(moment: datetime, zone: tzinfo) -> date:
    """The date on a calendar in `zone`; beyond the years 1 to 9999 their nearest day."""
    try:
        return moment.astimezone(zone).date()
    except OverflowError:
        return date.min if moment.year == 1 else date.max


def start_of_day(day: date, zone: tzinfo) -> datetime:
    """
    The first instant of a local day, in UTC.

    Where clocks skip midnight it is the first instant after the gap, also where the gap
    swallows the whole day; where midnight comes twice it is the first.

    Raises:
        LagoError: `outside_calendar`.
    """
    midnight = datetime.combine(day, time())
    try:
        start = midnight.replace(tzinfo=zone).astimezone(UTC)
        if start.astimezone(zone).replace(tzinfo=None) == midnight:
            return start
        before_gap = midnight.replace(tzinfo=zone, fold=1).astimezone(UTC)
    except OverflowError:
        raise _outside_calendar() from None
    return first_second(
        before_gap, start, lambda at: at.astimezone(zone).replace(tzinfo=None) >= midnight
    )


def first_second(low: datetime, high: datetime, holds: Callable[[datetime], bool]) -> datetime:
    """The first whole second of `low`, …, `high` from which `holds`; it does at `high`."""
    seconds = range((high - low) // _SECOND)
    return low + _SECOND * bisect_left(seconds, True, key=lambda n: holds(low + n * _SECOND))


def billing_period(
    interval: str, billing_time: str, anchor: datetime, zone: tzinfo, moment: datetime
) -> Period:
    """
    The whole period, not cut to any life, that `moment` falls into.

    Calendar periods begin on Mondays, on the 1st, in January, April, July, October, in
    January and July, or in January. Anniversary periods begin every so many weeks or
    months after the local date of `anchor`, on the month's last day where it is too
    short; always counted from the anchor, so that 31 January, 28 February, 31 March
    follow each other (Lago: spec/scenarios/current_usage/anniversary_period_boundaries).

    Args:
        interval: one of `subscriptions.INTERVALS`.
        billing_time: one of `subscriptions.BILLING_TIMES`.
        anchor: any instant of the day anniversaries are counted from.

    Raises:
        LagoError: `outside_calendar`, where the period is not within the years 1 to 9999.
    """
    first = _CALENDAR if billing_time == "calendar" else local_day(anchor, zone)
    boundary = partial(_boundary, first, interval, zone)
    n = _intervals_between(first, local_day(moment, zone), interval)
    while moment < (start := boundary(n)):  # as early in a month
        n -= 1
    while moment >= (end := boundary(n + 1)):  # as where clocks set back at 00:01 repeat a date
        n, start = n + 1, end
    return Period(start, end)


def _intervals_between(first: date, day: date, interval: str) -> int:
    if interval == "weekly":
        return (day - first).days // 7
    return (12 * (day.year - first.year) + day.month - first.month) // _MONTHS[interval]


def _boundary(first: date, interval: str, zone: tzinfo, n: int) -> datetime:
    weekly = interval == "weekly"
    span = relativedelta(weeks=n) if weekly else relativedelta(months=n * _MONTHS[interval])
    return start_of_day(_later(first, span), zone)


def _later(day: date, span: relativedelta) -> date:
    try:
        later: date = day + span
    except (ValueError, OverflowError):
        raise _outside_calendar() from None
    return later


def _outside_calendar() -> LagoError:
    return refused(
        "outside_calendar",
        "The period is not within the calendar, the years 1 to 9999.",
        "Check the year.",
    )


def next_period(
    interval: str, billing_time: str, anchor: datetime, zone: tzinfo, period: Period
) -> Period:
    """The billing period that begins where `period` ends."""
    return billing_period(interval, billing_time, anchor, zone, period.end)


def previous_period(
    interval: str, billing_time: str, anchor: datetime, zone: tzinfo, period: Period
) -> Period:
    """The billing period that ends where `period`, a whole one, begins."""
    return billing_period(interval, billing_time, anchor, zone, period.start - _MICROSECOND)


def usage_period(
    interval: str,
    billing_time: str,
    anchor: datetime,
    zone: tzinfo,
    moment: datetime,
    started_at: datetime,
    ended_at: datetime | None,
    charges_monthly: bool = False,
) -> Period:
    """
    The window a subscription's usage is counted in at `moment`: the billing period,
    cut at the exact instants of the subscription's start and end.

    From the end on it is the last window of the subscription's life (empty where it
    ended as it started). With `charges_monthly` the windows of semiannual and yearly
    plans are months (Lago: bill_charges_monthly).

    Raises:
        LagoError: `before_subscription_start`, `outside_calendar`.
    """
    if moment < started_at:
        raise refused(
            "before_subscription_start",
            f"The subscription has not started at {_shown(moment)}.",
            f"Ask for an instant from {_shown(started_at)} on.",
        )
    if ended_at is not None:
        moment = max(started_at, min(moment, ended_at - _MICROSECOND))
    if charges_monthly and interval in ("semiannual", "yearly"):
        interval = "monthly"
    whole = billing_period(interval, billing_time, anchor, zone, moment)
    return whole.clipped(started_at, ended_at)


def calendar_month(moment: datetime, zone: tzinfo) -> Period:
    """The local month of `moment`."""
    return billing_period("monthly", "calendar", moment, zone, moment)


def month_before(period: Period, zone: tzinfo) -> Period:
    """The last local month that began before `period`, which is a month itself."""
    return calendar_month(period.start - _MICROSECOND, zone)


_WEEK, _QUARTER = relativedelta(weeks=1), relativedelta(months=3)
_FORMS: tuple[tuple[str, Callable[..., date], relativedelta], ...] = (
    (r"([0-9]{4})-([0-9]{2})-([0-9]{2})", date, relativedelta(days=1)),
    (r"([0-9]{4})-W([0-9]{2})", lambda year, n: date.fromisocalendar(year, n, 1), _WEEK),
    (r"([0-9]{4})-([0-9]{2})", lambda year, month: date(year, month, 1), relativedelta(months=1)),
    (r"([0-9]{4})-Q([1-4])", lambda year, n: date(year, 3 * n - 2, 1), _QUARTER),
    (r"([0-9]{4})", lambda year: date(year, 1, 1), relativedelta(years=1)),
)
_BEFORE_TODAY = {"today": (0, 1), "yesterday": (1, 1), "last-7-days": (7, 7)}
"""How many days before today such a period begins, and how many it has."""

PERIOD_WORDS = ("current", "previous", "last-month", *_BEFORE_TODAY, "all")
PERIOD_FORMS = ("2026-11-22", "2026-W47", "2026-11", "2026-Q4", "2026")


def named_period(text: str, zone: tzinfo, now: datetime, *, before: bool = False) -> Period:
    """
    A local day, ISO week, month, quarter or year by its name, one that is counted from the
    local day of `now`, or `all`. What would end beyond the calendar ends with it.

    With `before` it is the period of the same kind that ends where the named one begins.

    Raises:
        LagoError: `invalid_period`, `outside_calendar`; `no_period_before`, of `all`.
    """
    if text == "all":
        if before:
            raise no_period_before("all time")
        return ALL_TIME
    first, span = _named_span(text, zone, now)
    return Period(
        start_of_day(_later(first, -span) if before else first, zone),
        start_of_day(first, zone) if before else _start_after(first, span, zone),
    )


def _named_span(text: str, zone: tzinfo, now: datetime) -> tuple[date, relativedelta]:
    """The first day of a named period, and how long it is."""
    if text in _BEFORE_TODAY:
        back, days = _BEFORE_TODAY[text]
        return _later(local_day(now, zone), relativedelta(days=-back)), relativedelta(days=days)
    for form, first_day, span in _FORMS:
        if found := re.fullmatch(form, text):
            try:
                return first_day(*map(int, found.groups())), span
            except ValueError:  # a 13th month, a 54th week
                break
    raise _no_period(text)


def _no_period(text: str) -> LagoError:
    from lago_cli.domain.nearest import did_you_mean

    *others, last = *PERIOD_WORDS[:-1], *PERIOD_FORMS, PERIOD_WORDS[-1]
    return wrong_usage(
        "invalid_period",
        f'"{text[:40]}" is no period.{did_you_mean(text[:40], PERIOD_WORDS)}',
        f"Write {', '.join(others)} or {last}.",
    )


def no_period_before(what: str) -> LagoError:
    return wrong_usage(
        "no_period_before",
        f"There is no period before {what}.",
        "Name the one to compare with, for example: --compare 2026-10",
    )


def stretch_before(period: Period, zone: tzinfo) -> Period:
    """
    What is as long and ends where `period` begins: as many local months where it is made of
    whole ones, as many local days where it is made of those, else to the microsecond.

    Raises:
        LagoError: `outside_calendar`.
    """
    first, last = local_day(period.start, zone), local_day(period.end, zone)
    if period.start == start_of_day(first, zone) and period.end == start_of_day(last, zone):
        if first.day == last.day == 1:
            months = 12 * (last.year - first.year) + last.month - first.month
            span = relativedelta(months=-months)
        else:
            span = relativedelta(days=(first - last).days)
        return Period(start_of_day(_later(first, span), zone), period.start)
    try:
        return Period(period.start - (period.end - period.start), period.start)
    except OverflowError:
        raise _outside_calendar() from None


def _start_after(first: date, span: relativedelta, zone: tzinfo) -> datetime:
    try:
        day = first + span
    except (ValueError, OverflowError):  # it is the last one of 9999
        try:
            return start_of_day(date.max, zone) + timedelta(days=1)
        except OverflowError:
            return ALL_TIME.end
    return start_of_day(day, zone)
