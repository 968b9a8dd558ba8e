"""Which windows of time a question is about, for each of those it asks about."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta, tzinfo
from fractions import Fraction
from functools import cache
from typing import NamedTuple

from lago_cli.domain.instants import (
    AFTER_LAST_EVENT,
    Window,
    format_instant,
    parse_moment,
    to_datetime,
    to_micros,
)
from lago_cli.domain.periods import (
    ALL_TIME,
    Period,
    named_period,
    no_period_before,
    stretch_before,
)
from lago_cli.domain.subscriptions import EVER, Billing
from lago_cli.domain.windows import windows
from lago_cli.domain.zones import zone_for
from lago_cli.errors import Kind, LagoError, wrong_usage
from lago_cli.services.requests import PREVIOUS, Owner, UsageRequest
from lago_cli.services.selection import Selection
from lago_cli.stores.base import UsageStore

MAX_WINDOWS = 1_000_000
_LEAST = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
    "month": timedelta(days=28),
}
_LONGER_THAN_ANY = timedelta(days=33)  # window
_LATEST = ALL_TIME.end - _LONGER_THAN_ANY


class ClippedWindow(NamedTuple):
    """A window that was asked for, cut to a life."""

    window: Window
    whole: Window  # what averages are taken over, however much of it was lived


_NONE: Sequence[ClippedWindow] = []


class Day(NamedTuple):
    """A local day of a window, and which part of its billing period it is."""

    window: Window
    weight: Fraction
    of: Window


class Calendars:
    """The windows of every owner, in the time zone in force for the customer."""

    def __init__(
        self, store: UsageStore, request: UsageRequest, selection: Selection, now: int
    ) -> None:
        self._request = request
        self._selection = selection
        self._now = now
        put_aside = request.as_of is not None
        self._span = store.span(put_aside=put_aside) if request.window else None
        is_named = request.customers or request.subscriptions
        zones = None if is_named or request.timezone else store.accounts.timezones()
        self._zone_name = cache(store.accounts.timezone if zones is None else zones.get)
        self._asked = cache(self._asked_windows)
        self._cut = cache(self._cut_windows)
        self._days = cache(self._days_of)
        self._days_in = cache(lambda period, zone: sum(1 for _ in windows(period, "day", zone)))
        self.cuts((None, None))  # a wrong period or zone is told also where nobody is listed

    def zone(self, owner: Owner) -> tzinfo:
        """Raises `LagoError` (wrong usage) for a name that is no time zone."""
        return self._zone(self._request.timezone or self._zone_name(owner[0] or "") or "UTC")

    @staticmethod
    def _zone(name: str) -> tzinfo:
        try:
            return zone_for(name)
        except LagoError as error:
            raise wrong_usage(error.code, error.message, error.hint) from None

    def asked(self, owner: Owner) -> Sequence[Window]:
        """The windows as they were asked for: contiguous, not cut to any life."""
        moment = self.moment(owner)
        billing = self._selection.billing_of(owner, moment)
        return self._asked(self.zone(owner), billing, moment)

    def cuts(self, owner: Owner) -> Sequence[ClippedWindow]:
        """Those in which something can count, in order; the same list where they are equal."""
        asked = self.asked(owner)
        if not asked:
            return _NONE
        life = self._selection.life_of(owner)
        life = Window(  # alike for all that began before, and for all that end later
            EVER.start if life.start < asked[0].start else life.start,
            EVER.end if life.end > asked[-1].end else life.end,
        )
        moment = self.moment(owner)
        billing = self._selection.billing_of(owner, moment)
        return self._cut(self.zone(owner), billing, moment, life)

    def billing_period(self, owner: Owner, at: int) -> Window:
        """The whole one of an instant."""
        billing = self._selection.billing_of(owner, at)
        return _window(_checked(billing.period, at, self.zone(owner)))

    def nothing(self, owner: Owner) -> Window:
        """What stands for the windows of a life that none of them touches."""
        life = self._selection.life_of(owner)
        first = (self.asked(owner) or [Window(life.start, life.start)])[0]
        edge = min(max(first.start, life.start), life.end)
        return Window(edge, edge)

    def moment(self, owner: Owner) -> int:
        """
        The instant whose billing period is wanted.

        After the end of a subscription that is asked for by name its last period stays the
        current one; no period is the previous one twice.
        """
        request = self._request
        moment = self._now
        if request.at is not None:
            moment = _instant(request.at, "--at", self.zone(owner))
        if not request.is_of_billing_periods:
            return 0
        if request.period in PREVIOUS:
            moment = self._before(owner, moment)
        if self._selection.is_named(owner):
            life = self._selection.life_of(owner)
            if moment < life.start and not request.before:
                raise _before_start(owner, moment, life.start)
            if request.period not in PREVIOUS and moment >= life.start:
                moment = max(life.start, min(moment, life.end - 1))
        return self._before(owner, moment) if request.before else moment

    def _before(self, owner: Owner, moment: int) -> int:
        """The last instant of the billing period before that of `moment`."""
        billing = self._selection.billing_of(owner, moment)
        return to_micros(_checked(billing.period, moment, self.zone(owner)).start) - 1

    def _asked_windows(self, zone: tzinfo, billing: Billing, moment: int) -> list[Window]:
        period = _checked(self._period, zone, billing, moment)
        if self._request.window is None:
            return [_window(period)]
        return [_window(part) for part in self._parts(period, self._request.window, zone)]

    def _cut_windows(
        self, zone: tzinfo, billing: Billing, moment: int, life: Window
    ) -> list[ClippedWindow]:
        found = []
        for asked in self._asked(zone, billing, moment):
            window = Window(max(asked.start, life.start), min(asked.end, life.end))
            if window.start < window.end:
                found.append(ClippedWindow(window, self._whole(asked, life, billing, zone)))
        return found

    def _whole(self, asked: Window, life: Window, billing: Billing, zone: tzinfo) -> Window:
        """What was lived of whole billing periods stands for the whole of them."""
        start, end = asked
        if self._request.window is not None or (start != life.start and end != life.end):
            return asked
        try:
            first, last = (_window(billing.period(at, zone)) for at in (start, end - 1))
        except LagoError:  # an end beyond the calendar is that of no period
            return asked
        is_lived = start == max(first.start, life.start) and end == min(last.end, life.end)
        return Window(first.start, last.end) if is_lived else asked

    def days(self, owner: Owner) -> Sequence[Day]:
        """The local days of every cut, each with its part of the billing period."""
        billing = self._selection.billing_of(owner, self.moment(owner))
        return self._days(self.zone(owner), billing, tuple(cut.window for cut in self.cuts(owner)))

    def _days_of(self, zone: tzinfo, billing: Billing, wanted: Sequence[Window]) -> list[Day]:
        found = []
        for window in wanted:
            period = Period(to_datetime(window.start), _end(window))
            self._refuse_too_many(period, "day")
            for day in windows(period, "day", zone):
                whole = _checked(billing.period, to_micros(day.start), zone)
                found.append(Day(_window(day), Fraction(1, self._days_in(whole, zone)), window))
        return found

    def _parts(self, period: Period, step: str, zone: tzinfo) -> Iterator[Period]:
        """Whole windows; where the period is open, those from the first event to the last."""
        request = self._request
        first, last = period.start, period.end
        if request.is_open_at_start or request.is_open_at_end:
            if self._span is None:
                return
            earliest, latest = map(to_datetime, self._span)
            if request.is_open_at_start:
                first = earliest
                period = period.clipped(earliest - _LONGER_THAN_ANY, None)
            if request.is_open_at_end:
                last = latest
                period = period.clipped(None, min(latest, _LATEST) + _LONGER_THAN_ANY)
        self._refuse_too_many(period, step)
        for part in windows(period, step, zone):
            if part.end > first and part.start <= last:
                yield part

    def _refuse_too_many(self, period: Period, step: str) -> None:
        if (period.end - period.start) / _LEAST[step] > MAX_WINDOWS:
            raise wrong_usage(
                "too_many_windows",
                f"That makes more than {MAX_WINDOWS} windows.",
                "Ask for a shorter period, or a longer --window.",
            )

    def _period(self, zone: tzinfo, billing: Billing, moment: int) -> Period:
        request = self._request
        if request.is_of_billing_periods:
            return billing.period(moment, zone)
        if request.period is not None:
            now = to_datetime(self._now)
            return named_period(request.period, zone, now, before=request.before)
        if request.before and (request.start is None or request.end is None):
            raise no_period_before("one without a start or an end")
        start = None if request.start is None else _instant(request.start, "--from", zone)
        end = None if request.end is None else _instant(request.end, "--to", zone)
        period = Period(
            ALL_TIME.start if start is None else to_datetime(start),
            ALL_TIME.end if end is None else to_datetime(end),
        )
        return stretch_before(period, zone) if request.before else period


def _checked(period_of: Callable[..., Period], *arguments: object) -> Period:
    """A period; that there is none is due to the question."""
    try:
        return period_of(*arguments)
    except LagoError as error:
        if error.kind is not Kind.REFUSED:
            raise
        raise wrong_usage(error.code, error.message, error.hint) from None


def _before_start(owner: Owner, moment: int, start: int) -> LagoError:
    return wrong_usage(
        "before_subscription_start",
        f'The subscription "{owner[1]}" had not started at {format_instant(moment)}.',
        f"Ask for an instant from {format_instant(start)} on.",
    )


def _instant(text: str, option: str, zone: tzinfo) -> int:
    try:
        return parse_moment(text, zone)
    except ValueError as error:
        raise wrong_usage(
            "invalid_instant", f"{option}: {error}.", "For example: 2026-11-22T00:00:00Z"
        ) from None


def _window(period: Period) -> Window:
    """In microseconds; what ends with the calendar has its last microsecond too."""
    ends = period.end == ALL_TIME.end
    return Window(to_micros(period.start), AFTER_LAST_EVENT if ends else to_micros(period.end))


def _end(window: Window) -> datetime:
    return ALL_TIME.end if window.end == AFTER_LAST_EVENT else to_datetime(window.end)
