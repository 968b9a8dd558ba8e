"""
Usage: from what a person asks to rows of figures.

Whose an event is: that of the customer it names; of one that names only a subscription,
the customer whom other events of that subscription name, if they agree. An event whose
customer nobody knows is listed under its subscription, never left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta, tzinfo
from functools import lru_cache
from typing import Literal, NamedTuple

from lago_cli.domain.aggregations import AGGREGATIONS, Units, Window, add, round_units
from lago_cli.domain.batches import Party
from lago_cli.domain.instants import AFTER_LAST_EVENT, parse_moment, to_datetime, to_micros
from lago_cli.domain.metrics import Metric
from lago_cli.domain.numbers import ZERO, exact
from lago_cli.domain.parties import customers_of
from lago_cli.domain.periods import (
    ALL_TIME,
    Period,
    calendar_month,
    month_before,
    named_period,
    zone_for,
)
from lago_cli.domain.usage import Group, UsageQuery
from lago_cli.domain.windows import windows
from lago_cli.errors import Kind, LagoError, wrong_usage
from lago_cli.stores.base import UsageStore

MAX_WINDOWS = 1_000_000
_LEAST = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
    "month": timedelta(days=28),
}
_LONGER_THAN_ANY = timedelta(days=33)  # window

Owner = Party
"""(customer, subscription) of a row; the subscription is None where usage is by customer."""


@dataclass(frozen=True, slots=True)
class UsageRequest:
    """What a person asked for; times are as they were written, for each customer's zone."""

    customers: Sequence[str] = ()
    subscriptions: Sequence[str] = ()
    metrics: Sequence[str] = ()
    period: str | None = None
    start: str | None = None
    end: str | None = None
    at: str | None = None
    window: Literal["hour", "day", "week", "month"] | None = None
    group_by: Sequence[str] = ()
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    timezone: str | None = None
    by: Literal["customer", "subscription"] | None = None
    as_of: int | None = None


class UsageRow(NamedTuple):
    """One figure: what `owner` used of a metric in a window and group."""

    owner: Owner
    metric: Metric
    window: Window
    group: Group | None
    units: Units
    events_count: int


class Total(NamedTuple):
    """A metric's figure over several rows."""

    metric: Metric
    units: Units
    events_count: int


class LeftOut(NamedTuple):
    """Events inside the windows that no figure counts."""

    unmatched: Counter[str]  # by code
    unusable: Counter[str]


def usage_for(store: UsageStore, request: UsageRequest, *, now: int) -> Iterator[UsageRow]:
    """
    Rows in the order of owner, metric, window and group.

    Raises:
        LagoError: a metric that is not defined, or times that cannot be read.
    """
    metrics = _metrics(store, request)
    owners = _owners(store, request)
    calendars = _Calendars(store, request, now)
    eventless = list(_eventless(store, request, owners))
    rows = [
        row
        for metric in metrics
        for row in _rows(store, request, metric, owners, eventless, calendars)
    ]
    rows.sort(key=_order)
    return iter(rows)


def left_out(store: UsageStore, request: UsageRequest, *, now: int) -> LeftOut:
    """How many events of the selection no metric counts, by code."""
    owners = _owners(store, request)
    calendars = _Calendars(store, request, now)
    spans = {
        party: Window(windows[0].start, windows[-1].end)
        for party, owner in owners.items()
        if (windows := calendars.windows(owner))
    }
    found = LeftOut(Counter(), Counter())
    metrics = store.catalog.metrics()
    for code, count in store.not_counted(spans, request.as_of):
        if request.metrics and code not in request.metrics:
            continue
        (found.unusable if code in metrics else found.unmatched)[code] += count
    return found


def totals(rows: Iterable[UsageRow], *, windowed: bool) -> list[Total]:
    """
    A total for each metric with several rows, where adding them up means something.

    A sum of maxima, of latest values or of distinct items is the figure of nobody. What a
    recurring metric or an average stands at adds up over owners and groups, but not over
    the windows of a period, in each of which it is there again.
    """
    by_code: dict[str, list[UsageRow]] = {}
    for row in rows:
        by_code.setdefault(row.metric.code, []).append(row)
    return [
        _total(rows)
        for rows in by_code.values()
        if len(rows) > 1 and _adds_up(rows[0].metric, windowed=windowed)
    ]


def _adds_up(metric: Metric, *, windowed: bool) -> bool:
    is_level = metric.recurring or metric.aggregation_type == "weighted_sum_agg"
    return AGGREGATIONS[metric.aggregation_type].adds_up and not (windowed and is_level)


def _total(rows: Sequence[UsageRow]) -> Total:
    units: Units = ZERO
    with exact():
        for row in rows:
            units = add(units, row.units)
    return Total(rows[0].metric, units, sum(row.events_count for row in rows))


def _metrics(store: UsageStore, request: UsageRequest) -> list[Metric]:
    if not request.metrics:
        return list(store.catalog.metrics().values())
    return [store.catalog.metric(code) for code in dict.fromkeys(request.metrics)]


def _owners(store: UsageStore, request: UsageRequest) -> dict[Party, Owner]:
    """Whose the events of every party are, as far as they were asked for."""
    by = request.by or ("subscription" if request.subscriptions else "customer")
    owners = {}
    for party, customer in customers_of(store.parties()).items():
        _, subscription = party
        if request.customers and customer not in request.customers:
            continue
        if request.subscriptions and subscription not in request.subscriptions:
            continue
        shows_subscription = by == "subscription" or customer is None
        owners[party] = (customer, subscription if shows_subscription else None)
    return owners


def _eventless(
    store: UsageStore, request: UsageRequest, owners: Mapping[Party, Owner]
) -> Iterator[Owner]:
    """Who was asked for by name and has no events at all, but gets a row nevertheless."""
    if request.subscriptions:
        known = {subscription for _, subscription in store.parties()}
        names = dict.fromkeys(request.subscriptions)
        yield from ((None, name) for name in names if name not in known)
    elif request.customers:
        seen = {customer for customer, _ in owners.values()}
        yield from ((name, None) for name in dict.fromkeys(request.customers) if name not in seen)


class _Calendars:
    """The windows of every owner, in the time zone in force for the customer."""

    def __init__(self, store: UsageStore, request: UsageRequest, now: int) -> None:
        self._request = request
        self._now = now
        self._span = store.span() if request.window else None
        self._zones = {} if request.timezone else store.catalog.timezones()
        self._of_zone = lru_cache(maxsize=None)(self._windows)
        _check_times(request)
        self.windows((None, None))  # a wrong period or zone is told also where nobody is listed

    def windows(self, owner: Owner) -> list[Window]:
        """Contiguous; the same list for all owners of a time zone."""
        name = self._request.timezone or self._zones.get(owner[0] or "") or "UTC"
        return self._of_zone(name)

    def _windows(self, zone_name: str) -> list[Window]:
        try:
            zone = zone_for(zone_name)
            period = self._period(zone)
        except LagoError as error:
            if error.kind is not Kind.REFUSED:
                raise
            raise wrong_usage(error.code, error.message, error.hint) from None
        if self._request.window is None:
            return [_window(period)]
        return [_window(part) for part in self._parts(period, self._request.window, zone)]

    def _parts(self, period: Period, step: str, zone: tzinfo) -> Iterator[Period]:
        """Whole windows; where the period is open, those from the first event to the last."""
        request = self._request
        open_start = request.period == "all" or (request.start is None and request.end is not None)
        open_end = request.period == "all" or (request.end is None and request.start is not None)
        first, last = period.start, period.end
        if open_start or open_end:
            if self._span is None:
                return
            earliest, latest = map(to_datetime, self._span)
            if open_start:
                first = earliest
                period = period.clipped(earliest - _LONGER_THAN_ANY, None)
            if open_end:
                last = latest
                period = period.clipped(None, min(latest, _LATEST) + _LONGER_THAN_ANY)
        if (period.end - period.start) / _LEAST[step] > MAX_WINDOWS:
            raise wrong_usage(
                "too_many_windows",
                f"That makes more than {MAX_WINDOWS} windows.",
                "Ask for a shorter period, or a longer --window.",
            )
        for part in windows(period, step, zone):
            if part.end > first and part.start <= last:
                yield part

    def _period(self, zone: tzinfo) -> Period:
        request = self._request
        if request.start is not None or request.end is not None:
            everything = named_period("all", zone)
            start = None if request.start is None else _instant(request.start, "--from", zone)
            end = None if request.end is None else _instant(request.end, "--to", zone)
            return Period(
                everything.start if start is None else to_datetime(start),
                everything.end if end is None else to_datetime(end),
            )
        moment = self._now if request.at is None else _instant(request.at, "--at", zone)
        name = "current" if request.period is None else request.period
        if name not in ("current", "previous"):
            return named_period(name, zone)
        month = calendar_month(to_datetime(moment), zone)
        return month if name == "current" else month_before(month, zone)


_LATEST = ALL_TIME.end - _LONGER_THAN_ANY


def _check_times(request: UsageRequest) -> None:
    given = [
        request.period is not None,
        request.start is not None or request.end is not None,
        request.at is not None,
    ]
    if sum(given) > 1:
        raise wrong_usage(
            "several_periods",
            "Only one of --period, --from/--to and --at can be given.",
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


def _rows(
    store: UsageStore,
    request: UsageRequest,
    metric: Metric,
    owners: Mapping[Party, Owner],
    eventless: Sequence[Owner],
    calendars: _Calendars,
) -> Iterator[UsageRow]:
    numbers = {owner: number for number, owner in enumerate(dict.fromkeys(owners.values()))}
    query = UsageQuery(
        metric,
        members={party: numbers[owner] for party, owner in owners.items()},
        windows=[calendars.windows(owner) for owner in numbers],
        group_by=request.group_by,
        filters=request.filters,
        as_of=request.as_of,
    )
    names = list(numbers)
    seen: dict[Owner, dict[Group | None, set[Window]]] = {}
    for share in store.aggregate(query):
        owner = names[share.owner]
        group = share.group if request.group_by else None
        seen.setdefault(owner, {}).setdefault(group, set()).add(share.window)
        units = round_units(share.units, metric.rounding_function, metric.rounding_precision)
        yield UsageRow(owner, metric, share.window, group, units, share.events_count)
    if request.customers or request.subscriptions:
        nobody: Group | None = (None,) * len(request.group_by) if request.group_by else None
        for owner in (*names, *eventless):
            for group, used in seen.get(owner, {nobody: set()}).items():
                for window in calendars.windows(owner):
                    if window not in used:
                        yield UsageRow(owner, metric, window, group, ZERO, 0)


def _order(row: UsageRow) -> tuple[object, ...]:
    group = tuple(value or "" for value in row.group or ())
    return (row.owner[0] or "", row.owner[1] or "", row.metric.code, row.window, group)
