"""
A question, as the engine is asked it.

Most rows are one window of one owner. Averages need more: a prorated figure is the mean
of what was there on each local day of the billing period, a weighted sum is taken over
the whole window however much of it a subscription lived, and what a customer has is
what their subscriptions have that live then. So an `Series` has slots, whose figures
are weighed and added up to the rows.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from fractions import Fraction
from functools import cache
from itertools import groupby
from typing import NamedTuple, Protocol

from lago_cli.domain.aggregations import AGGREGATIONS
from lago_cli.domain.attribution import Attribution
from lago_cli.domain.events import Subject
from lago_cli.domain.instants import Window
from lago_cli.domain.metrics import Metric
from lago_cli.domain.numbers import Units
from lago_cli.domain.usage import Member, Scope, UsageQuery
from lago_cli.services.calendars import Calendars, ClippedWindow, Day
from lago_cli.services.requests import Owner, UsageRequest
from lago_cli.services.selection import Claims, Selection
from lago_cli.stores.base import UsageStore

ONE = Fraction(1)


class WeightedWindow(NamedTuple):
    """A window that the engine folds, and its part in the window of a row."""

    window: Window
    of: Window
    weight: Fraction = ONE

    def weighed(self, units: Units) -> Units:
        return units if self.weight == ONE else Fraction(units) * self.weight


class WeightedWindows:
    """Weighted windows in the order of time; owners with the same ones share them."""

    def __init__(self, slots: Sequence[WeightedWindow]) -> None:
        self.all = slots
        self.windows = [slot.window for slot in slots]
        self.by_start = {slot.window.start: slot for slot in slots}


@dataclass(frozen=True, slots=True)
class Series:
    """Whose events count in which slots."""

    owner: Owner
    members: Sequence[tuple[Subject, Window]]
    slots: WeightedWindows

    def slot_of(self, window: Window) -> WeightedWindow:
        return self.slots.by_start[window.start]


class Calendar(Protocol):
    """The windows of every owner; what it gives for equal ones may be the same list."""

    def asked(self, owner: Owner) -> Sequence[Window]:
        """As they were asked for: contiguous, not cut to any life."""

    def cuts(self, owner: Owner) -> Sequence[ClippedWindow]:
        """Those in which something can count, in order."""

    def days(self, owner: Owner) -> Sequence[Day]:
        """The local days of every cut, each with its part of the billing period."""

    def billing_period(self, owner: Owner, at: int) -> Window:
        """The whole one of an instant."""

    def zone(self, owner: Owner) -> tzinfo:
        """The time zone in force."""

    def nothing(self, owner: Owner) -> Window:
        """What stands for the windows of a life that none of them touches."""


class Question:
    """
    Raises:
        LagoError: a metric that is not defined, or times that cannot be read.
    """

    def __init__(
        self,
        store: UsageStore,
        request: UsageRequest,
        now: int,
        selection: Selection | None = None,
        calendar: Calendar | None = None,
    ) -> None:
        """By default the request says whose usage is asked for, and in which windows."""
        self.request = request
        self._selection = selection or Selection(store, request)
        self.metrics = _metrics(store, request)
        self._calendars: Calendar = calendar or Calendars(store, request, self._selection, now)
        self._slots: dict[int, WeightedWindows] = {}  # by the id of a list that the calendars keep
        self._zone = cache(self._calendars.zone)
        self._asked = cache(self._asks)
        self._scoped = cache(self._scope)

    def asks(self, metric: Metric) -> Sequence[Series]:
        """For every owner who may have a figure."""
        return self._asked(*self._kind(metric))

    def _kind(self, metric: Metric) -> tuple[bool, bool, bool]:
        """What the asks of a metric hang on; most metrics are alike in it."""
        weighted = metric.aggregation_type == "weighted_sum_agg"
        return metric.recurring, self.is_prorated(metric), weighted

    def query(self, metric: Metric) -> UsageQuery:
        """What the engine is asked; its owners are the numbers of `asks`."""
        return UsageQuery(
            metric,
            self._scoped(self._kind(metric)),
            self.request.group_by,
            self.request.filters,
            [each for each in self.request.excluded if each],
            as_of=self.request.as_of,
            daily=self.is_prorated(metric),
        )

    def _scope(self, kind: tuple[bool, bool, bool]) -> Scope:
        asks = self._asked(*kind)
        return Scope(
            [Member(party, n, span) for n, ask in enumerate(asks) for party, span in ask.members],
            [ask.slots.windows for ask in asks],
        )

    def is_prorated(self, metric: Metric) -> bool:
        """Recurring metrics are, if they can be."""
        aggregation = AGGREGATIONS[metric.aggregation_type]
        return self.request.prorated and metric.recurring and aggregation.may_prorate

    def claims(self, *, recurring: bool = False) -> Claims:
        return self._selection.claims(recurring=recurring)

    def asked(self, owner: Owner) -> Sequence[Window]:
        """The windows as they were asked for, not cut to any life."""
        return self._calendars.asked(owner)

    def listed(self, metric: Metric) -> Sequence[Owner]:
        """Who has a row also where nothing happened."""
        return self._selection.listed(recurring=metric.recurring)

    def windows(self, owner: Owner) -> Sequence[Window]:
        """Those of the rows of somebody who is listed; an empty one where there is none."""
        cuts = self._calendars.cuts(owner)
        if not cuts and self._selection.is_named(owner) and self.request.window is None:
            return [self._calendars.nothing(owner)]
        return [cut.window for cut in cuts]

    def billing_period(self, owner: Owner, at: int) -> Window:
        """The whole one of an instant."""
        return self._calendars.billing_period(owner, at)

    def zone(self, owner: Owner) -> tzinfo:
        """The time zone in force for an owner."""
        return self._zone(owner)

    def window_at(self, owner: Owner, at: int) -> Window | None:
        """The window of an instant, cut to the owner's life although it may lie outside."""
        asked = self.asked(owner)
        place = bisect_right(asked, at, key=_start) - 1
        if place < 0 or at >= asked[place].end:
            return None
        return self.lived(owner, asked[place])

    def lived(self, owner: Owner, asked: Window) -> Window:
        """What the owner lived of a window that was asked for; all of it where that is nothing."""
        cuts = self._calendars.cuts(owner)
        place = bisect_left(cuts, asked.end, key=lambda cut: cut.window.start) - 1
        part = overlap(asked, cuts[place].window) if place >= 0 else asked
        return part if part.start < part.end else asked

    def _asks(self, recurring: bool, prorated: bool, weighted: bool) -> list[Series]:
        found: list[Series] = []
        for owner, claims in self.claims(recurring=recurring).items():
            if weighted:
                found += self._by_life(owner, claims, recurring=recurring)
            elif recurring:
                found += self._by_membership(owner, claims, prorated=prorated)
            else:
                spans = _merged((party, overlap(claim.span, claim.life)) for party, claim in claims)
                found.append(Series(owner, spans, self._plain(owner)))
        return found

    def _by_membership(
        self, owner: Owner, claims: Sequence[tuple[Subject, Attribution]], *, prorated: bool
    ) -> Iterator[Series]:
        """A level counts in the windows that its subscription lives to see."""
        slots = self._daily(owner) if prorated else self._plain(owner)

        def living(slot: WeightedWindow) -> tuple[tuple[Subject, Attribution], ...]:
            return tuple(
                (party, claim) for party, claim in claims if _meet(claim.life, slot.window)
            )

        is_constant = all(_covers(claim.life, slots) for _, claim in claims)
        parts = [(claims, slots.all)] if is_constant else groupby(slots.all, key=living)
        for members, part in parts:
            spans = _merged((party, _with_history(claim)) for party, claim in members)
            yield Series(owner, spans, slots if is_constant else WeightedWindows(list(part)))

    def _by_life(
        self, owner: Owner, claims: Sequence[tuple[Subject, Attribution]], *, recurring: bool
    ) -> Iterator[Series]:
        """Averages over time add up: each life has its own part of every window."""
        cuts = self._calendars.cuts(owner)
        for life in dict.fromkeys(claim.life for _, claim in claims):
            of_life = [(party, claim) for party, claim in claims if claim.life == life]
            spans = _merged(
                (party, _with_history(claim) if recurring else overlap(claim.span, life))
                for party, claim in of_life
            )
            if all(cut.window == cut.whole for cut in cuts) and _covers(life, self._plain(owner)):
                yield Series(owner, spans, self._plain(owner))
            else:
                yield Series(
                    owner, spans, WeightedWindows(list(_weighted(cuts, life, recurring=recurring)))
                )

    def _plain(self, owner: Owner) -> WeightedWindows:
        cuts = self._calendars.cuts(owner)
        if id(cuts) not in self._slots:
            self._slots[id(cuts)] = WeightedWindows(
                [WeightedWindow(cut.window, cut.window) for cut in cuts]
            )
        return self._slots[id(cuts)]

    def _daily(self, owner: Owner) -> WeightedWindows:
        days = self._calendars.days(owner)
        if id(days) not in self._slots:
            self._slots[id(days)] = WeightedWindows(
                [WeightedWindow(day.window, day.of, day.weight) for day in days]
            )
        return self._slots[id(days)]


def _weighted(
    cuts: Sequence[ClippedWindow], life: Window, *, recurring: bool
) -> Iterator[WeightedWindow]:
    """The parts of windows that are lived; history before them counts as events, for nothing."""
    for window, whole in cuts:
        part = overlap(window, life)
        if part.start < part.end:
            if recurring and window.start < part.start:
                yield WeightedWindow(Window(window.start, part.start), window, Fraction(0))
            weight = Fraction(part.end - part.start, whole.end - whole.start)
            yield WeightedWindow(part, window, weight)


def _start(window: Window) -> int:
    return window.start


def _covers(life: Window, slots: WeightedWindows) -> bool:
    """Whether it lasts through all of them."""
    return not slots.all or (
        life.start <= slots.windows[0].start and slots.windows[-1].end <= life.end
    )


def _meet(one: Window, other: Window) -> bool:
    common = overlap(one, other)
    return common.start < common.end


def overlap(one: Window, other: Window) -> Window:
    """What lies in both; its end is not after its start where nothing does."""
    return Window(max(one.start, other.start), min(one.end, other.end))


def _with_history(claim: Attribution) -> Window:
    """Also what happened before the life of a subscription counts in it."""
    return Window(claim.span.start, min(claim.span.end, claim.life.end))


def _merged(spans: Iterable[tuple[Subject, Window]]) -> list[tuple[Subject, Window]]:
    """Without empty ones; those of a party that touch are one."""
    found: list[tuple[Subject, Window]] = []
    for party, span in spans:
        if span.start >= span.end:
            continue
        if found and found[-1][0] == party and found[-1][1].end == span.start:
            span = Window(found.pop()[1].start, span.end)
        found.append((party, span))
    return found


def _metrics(store: UsageStore, request: UsageRequest) -> list[Metric]:
    if not request.metrics:
        return list(store.catalog.metrics().values())
    return [store.catalog.metric(code) for code in dict.fromkeys(request.metrics)]
