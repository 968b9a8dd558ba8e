"""
Lines: rows of usage with what a person wants beside them.

A line may stand for several rows (`--total`): then it is nobody's, and has no units where
those of its rows make no figure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from lago_cli.domain.instants import AFTER_LAST_EVENT, Window, to_datetime
from lago_cli.domain.metrics import Metric
from lago_cli.domain.numbers import ZERO, Units, add, as_plain, exact, round_half_up
from lago_cli.domain.usage import Group
from lago_cli.services.usage import UsageRow, adds_up, order_of

if TYPE_CHECKING:  # few answers have prices
    from lago_cli.services.amounts import Amount

PERCENT_PLACES = 2


class Reading(NamedTuple):
    """What a line was in the period it is compared with; None where that is no figure."""

    units: Units | None
    events_count: int


class Line(NamedTuple):
    """A row of the answer: what was used, what it was before, and what it costs."""

    row: UsageRow
    units: Units | None
    before: Reading | None = None  # None also where no window stands beside its own
    price: Amount | None = None
    local: tuple[Window, tzinfo] | None = None  # how its window reads in several time zones

    @property
    def change(self) -> Decimal | None:
        return change_of(self.units, self.before)


def lines_of(rows: Iterable[UsageRow]) -> list[Line]:
    """Rows with nothing beside them."""
    return [Line(row, row.units) for row in rows]


def change_of(units: Units | None, before: Reading | None) -> Decimal | None:
    """How much more it is than it was, both as they are shown."""
    if units is None or before is None or before.units is None:
        return None
    with exact():
        return _shown(units) - _shown(before.units)


def percent_of(change: Decimal | None, before: Reading | None) -> Decimal | None:
    """Of what it was, rounded half up; its sign is that of the change."""
    if change is None or before is None or before.units is None or not _shown(before.units):
        return None
    percent = 100 * Fraction(change) / abs(Fraction(_shown(before.units)))
    return round_half_up(percent, PERCENT_PLACES)


def _shown(units: Units) -> Decimal:
    """Of a quotient without a finite decimal form the digits that stand in an answer."""
    return units if isinstance(units, Decimal) else Decimal(as_plain(units))


class Sum(NamedTuple):
    """What several lines of a metric come to."""

    metric: Metric
    units: Units | None
    events_count: int
    before: Reading | None


def summed(lines: Sequence[Line], *, may_add: bool) -> Sum:
    """Where figures do not add up there are no units."""
    befores = [line.before for line in lines if line.before is not None]
    before = None
    if befores:
        units = _added(each.units for each in befores) if may_add else None
        before = Reading(units, sum(each.events_count for each in befores))
    return Sum(
        lines[0].row.metric,
        _added(line.units for line in lines) if may_add else None,
        sum(line.row.events_count for line in lines),
        before,
    )


def totals(lines: Iterable[Line], *, windowed: bool) -> list[Sum]:
    """A total for each metric with several lines, where adding them up means something."""
    return [
        summed(found, may_add=True)
        for found in by_metric(lines).values()
        if len(found) > 1 and adds_up(found[0].row.metric, windowed=windowed)
    ]


def _added(figures: Iterable[Units | None]) -> Units | None:
    total: Units = ZERO
    with exact():
        for units in figures:
            if units is None:
                return None
            total = add(total, units)
    return total


def by_metric(lines: Iterable[Line]) -> dict[str, list[Line]]:
    found: dict[str, list[Line]] = {}
    for line in lines:
        found.setdefault(line.row.metric.code, []).append(line)
    return found


def totalled(lines: Iterable[Line], step: str | None) -> list[Line]:
    """
    One line for each metric, window of a `step` and group, in this order.

    Windows of different customers are one where they are the same local hour, day, week or
    month; the line lasts from the first start to the last end.
    """
    place = _place_of(step)
    parts: dict[tuple[str, object, Group | None], list[Line]] = {}
    for line in lines:
        key = (line.row.metric.code, place(line.row.window.start, line.row.zone), line.row.group)
        parts.setdefault(key, []).append(line)
    return sorted(map(_as_one, parts.values()), key=lambda line: order_of(line.row))


def _place_of(step: str | None) -> Callable[[int, tzinfo], object]:
    """By the start of a window, which local hour, day, week or month it is or is cut from."""

    @cache
    def place(start: int, zone: tzinfo) -> object:
        if step is None:
            return None
        local = to_datetime(start).astimezone(zone)
        if step == "hour":
            hour = local.replace(minute=0, second=0, microsecond=0, tzinfo=None)
            return hour, local.fold
        day = local.date()
        if step == "week":
            return day.toordinal() - day.weekday()
        return day.replace(day=1) if step == "month" else day

    return place


def _as_one(lines: Sequence[Line]) -> Line:
    first = lines[0].row
    window = Window(
        min(line.row.window.start for line in lines), max(line.row.window.end for line in lines)
    )
    units = _together(first.metric, [(line.units, line.row.events_count) for line in lines])
    befores = [line.before for line in lines if line.before is not None]
    before = Reading(
        _together(first.metric, befores), sum(reading.events_count for reading in befores)
    )
    stretches = {(line.row.window, line.row.zone) for line in lines}
    zones = {zone for _, zone in stretches}
    row = first._replace(
        owner=(None, None),
        window=window,
        units=units or ZERO,
        events_count=sum(line.row.events_count for line in lines),
        zone=zones.pop() if len(zones) == 1 else UTC,
    )
    local = (first.window, first.zone) if _read_alike(stretches) else None
    return Line(row, units, before if befores else None, _cost(lines), local)


def _read_alike(stretches: Iterable[tuple[Window, tzinfo]]) -> bool:
    """Whether windows begin and end when clocks show the same: a month is one everywhere."""

    def clock(at: int, zone: tzinfo) -> datetime:
        return to_datetime(at).astimezone(zone).replace(tzinfo=None)

    shown = {
        (clock(start, zone), None if end >= AFTER_LAST_EVENT else clock(end, zone))
        for (start, end), zone in stretches
    }
    return len(shown) == 1


def _together(metric: Metric, readings: Iterable[tuple[Units | None, int]]) -> Units | None:
    """
    The figure of all events behind several figures, or None where that cannot be told.

    A figure of nothing at all takes no part: it is no largest or latest value.
    """
    used = [units for units, events in readings if units or events]
    if len(used) < 2:
        return used[0] if used else ZERO
    if metric.aggregation_type == "max_agg":
        return max(units for units in used if units is not None)
    return _added(used) if adds_up(metric, windowed=False) else None


def _cost(lines: Sequence[Line]) -> Amount | None:
    prices = [line.price for line in lines if line.price is not None]
    if len({price.currency for price in prices}) != 1:
        return None
    return prices[0]._replace(cents=sum(price.cents for price in prices))
