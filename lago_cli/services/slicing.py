"""The calendar of prices: for every subscription the slices that are priced one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, tzinfo
from fractions import Fraction
from itertools import pairwise

from lago_cli.domain.instants import Window, to_micros
from lago_cli.domain.periods import start_of_day
from lago_cli.domain.slices import Slice
from lago_cli.services.calendars import ClippedWindow, Day
from lago_cli.services.requests import Owner

NOTHING = Window(0, 0)


class SliceCalendar:
    """Gives a `Question` the slices of every owner as windows; see `questions.Calendar`."""

    def __init__(
        self, slices: Mapping[Owner, Sequence[Slice]], zones: Mapping[Owner, tzinfo]
    ) -> None:
        self._slices = slices
        self._zones = zones
        self._windows = {owner: [each.window for each in found] for owner, found in slices.items()}
        self._cuts = {
            owner: [ClippedWindow(each.window, each.whole) for each in found]
            for owner, found in slices.items()
        }
        self._days: dict[Owner, list[Day]] = {}
        self._none: list[ClippedWindow] = []
        self._no_days: list[Day] = []

    def asked(self, owner: Owner) -> Sequence[Window]:
        return self._windows.get(owner, ())

    def cuts(self, owner: Owner) -> Sequence[ClippedWindow]:
        return self._cuts.get(owner, self._none)

    def billing_period(self, owner: Owner, at: int) -> Window:
        for each in self._slices.get(owner, ()):
            if each.window.start <= at < each.window.end:
                return each.whole
        return NOTHING

    def zone(self, owner: Owner) -> tzinfo:
        return self._zones[owner]

    def nothing(self, owner: Owner) -> Window:  # noqa: ARG002
        return NOTHING

    def days(self, owner: Owner) -> Sequence[Day]:
        """The local days of every slice, but for the one on which its plan is left."""
        if owner not in self._slices:
            return self._no_days
        if owner not in self._days:
            zone = self._zones[owner]
            self._days[owner] = [
                day for each in self._slices[owner] for day in _days_of(each, zone)
            ]
        return self._days[owner]


def _days_of(part: Slice, zone: tzinfo) -> list[Day]:
    weight = Fraction(1, part.full_days)
    edges = [
        to_micros(start_of_day(date.fromordinal(day), zone))
        for day in range(part.first_day, part.last_day + 2)
    ]
    found = []
    for start, end in pairwise(edges):
        window = Window(max(start, part.window.start), min(end, part.window.end))
        if window.start < window.end:
            found.append(Day(window, weight, part.window))
    rest = Window(found[-1].window.end if found else part.window.start, part.window.end)
    if rest.start < rest.end:  # windows have no gaps; this one counts for nothing
        found.append(Day(rest, Fraction(0), part.window))
    return found
