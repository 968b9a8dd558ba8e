"""
Explaining: the events behind a figure, what each adds to it, or why it does not.

This takes its own way to a figure, from the raw events: their values are read anew, and
what each adds is told apart. The parts add up to what `usage_for` gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from itertools import groupby
from typing import NamedTuple

from msgspec import Raw

from lago_cli.domain.aggregations import AGGREGATIONS, round_units
from lago_cli.domain.attribution import Attribution
from lago_cli.domain.conditions import holds
from lago_cli.domain.contributions import RULES, Contribution, Reading
from lago_cli.domain.events import Subject
from lago_cli.domain.instants import Window, format_instant
from lago_cli.domain.json_text import decode_object
from lago_cli.domain.measurements import measure
from lago_cli.domain.metrics import Metric
from lago_cli.domain.numbers import ZERO, Units, add, exact
from lago_cli.domain.properties import reason_of, text_at
from lago_cli.domain.stored import StoredEvent, told_of
from lago_cli.domain.usage import Group, Member, Scope, UsageQuery
from lago_cli.services.questions import ONE, Question, Series
from lago_cli.services.requests import Owner, UsageRequest
from lago_cli.stores.base import UsageStore


class Line(NamedTuple):
    """One event and its part in a figure; `units` is None where it does not count."""

    event: StoredEvent
    value: Decimal | Fraction | str | None
    step: int | None  # of a unique count: +1 adds the item, -1 removes it
    units: Units | None
    rule: str  # a stable word
    reason: str  # the same as half a sentence


def added(lines: Iterable[Line]) -> Units:
    """What events add together."""
    total: Units = ZERO
    with exact():
        for line in lines:
            total = add(total, line.units) if line.units is not None else total
    return total


@dataclass
class Figure:
    """One figure of `lago usage`, with the events that were looked at for it, by time."""

    owner: Owner
    metric: Metric
    window: Window
    group_by: Sequence[str]
    group: Group | None
    zone: tzinfo  # in force for the owner
    lines: list[Line] = field(default_factory=list)

    @cached_property
    def unrounded(self) -> Units:
        return added(self.lines)

    @cached_property
    def units(self) -> Units:
        metric = self.metric
        return round_units(self.unrounded, metric.rounding_function, metric.rounding_precision)


class _Looked(NamedTuple):
    """An event, as far as it comes on its own."""

    event: StoredEvent
    party: Subject
    group: Group | None
    reading: Reading | None
    life: Window  # of the subscription that it belongs to
    stop: tuple[str, str] | None  # rule and reason


def explain(store: UsageStore, request: UsageRequest, *, now: int) -> Iterator[Figure]:
    """
    Every figure of the question, by metric and owner; also what counts in none of them.

    Raises:
        LagoError: as `usage_for` does.
    """
    yield from explained(store, Question(store, request, now))


GroupOf = Callable[[Mapping[str, Raw]], Group]
"""The group of an event, by its properties."""


def explained(
    store: UsageStore, question: Question, group_of: GroupOf | None = None
) -> Iterator[Figure]:
    """The same of a question that has its own selection and calendar, or other groups."""
    for metric in question.metrics:  # what cannot be asked is refused before anything is told
        question.asks(metric)
        for owner in question.listed(metric):
            question.windows(owner)
    for metric in question.metrics:
        claims = question.claims(recurring=metric.recurring)
        owners = [owner for owner in sorted(claims, key=_named) if question.asked(owner)]
        members = [
            Member(party, number, claim.span)
            for number, owner in enumerate(owners)
            for party, claim in claims[owner]
        ]
        scope = Scope(members, [question.asked(owner) for owner in owners])
        query = UsageQuery(metric, scope, as_of=question.request.as_of)
        asks: dict[Owner, list[Series]] = {}
        for ask in question.asks(metric):
            asks.setdefault(ask.owner, []).append(ask)
        for number, found in groupby(store.evidence(query), key=lambda each: each.owner):
            owner = owners[number]
            look = _Look(question, metric, claims[owner], group_of)
            looked = [look.at(each.event) for each in found]
            yield from _figures(question, metric, owner, asks.get(owner, []), looked)


def _named(owner: Owner) -> tuple[str, str]:
    return owner[0] or "", owner[1] or ""


class _Look:
    """Judges events one by one: who reads this learns every reason not to count."""

    def __init__(
        self,
        question: Question,
        metric: Metric,
        claims: Sequence[tuple[Subject, Attribution]],
        group_of: GroupOf | None,
    ) -> None:
        self._request = question.request
        self._group_of = group_of or self._asked_group
        self._metric = metric
        self._claims = claims

    def at(self, event: StoredEvent) -> _Looked:
        party = event.event.external_customer_id, event.event.external_subscription_id
        properties = decode_object(event.event.properties.encode())
        group = self._group_of(properties)
        party, life = next(
            (member, claim.life)  # its own texts need not be kept twice
            for member, claim in self._claims
            if member == party and claim.span.start <= event.at < claim.span.end
        )
        reading = None
        try:
            reading = Reading(event.at, *measure(self._metric, properties, event.at))
            stop = self._stop(event, life, properties)
        except ValueError as error:
            stop = "unusable", reason_of(error, properties)
        if deletion := event.deletion(self._request.as_of):
            stop = "deleted", f"was {told_of(deletion)}"
        return _Looked(event, party, group, reading, life, stop)

    def _asked_group(self, properties: Mapping[str, Raw]) -> Group | None:
        keys = self._request.group_by
        return tuple(text_at(properties, key) for key in keys) if keys else None

    def _stop(
        self, event: StoredEvent, life: Window, properties: Mapping[str, Raw]
    ) -> tuple[str, str] | None:
        as_of = self._request.as_of
        if as_of is not None and event.received_at > as_of:
            return "received_later", f"was received later, at {format_instant(event.received_at)}"
        if event.at >= life.end:
            return "after_end", f"comes after the subscription's end, {format_instant(life.end)}"
        if event.at < life.start and not self._metric.recurring:
            return _before_start(life)
        for key, texts in self._request.filters.items():
            if not holds({key: texts}, properties):
                text = text_at(properties, key)
                has = f"is {text!r}" if text else "is missing"
                return "filtered_out", f"{key} {has}, which was not asked for"
        for excluded in filter(None, self._request.excluded):
            if holds(excluded, properties):
                return "excluded", f"belongs to another price: {', '.join(excluded)}"
        return None


def _before_start(life: Window) -> tuple[str, str]:
    return (
        "before_start",
        f"comes before the subscription's start, {format_instant(life.start)}",
    )


def _figures(
    question: Question,
    metric: Metric,
    owner: Owner,
    asks: Sequence[Series],
    looked: Sequence[_Looked],
) -> Iterator[Figure]:
    figures: dict[tuple[Window, Group | None], dict[int, Line]] = {}
    for ask in asks:
        for key, number, part in _parts(question, metric, ask, looked):
            lines = figures.setdefault(key, {})
            line = _line(looked[number], part)
            if (earlier := lines.get(number)) and earlier.units is not None:
                with exact():
                    line = line._replace(units=add(earlier.units, part.units))
            lines[number] = line
    counted = {number for lines in figures.values() for number in lines}
    for number, row in enumerate(looked):
        if row.stop is None and number not in counted:  # history of what begins after the windows
            row = row._replace(stop=_before_start(row.life))
        window = question.window_at(owner, row.event.at) if row.stop else None
        if window is not None:
            figures.setdefault((window, row.group), {})[number] = _line(row, None)
    for (window, group), lines in sorted(figures.items(), key=_order):
        in_order = [lines[number] for number in sorted(lines)]
        group_by, zone = question.request.group_by, question.zone(owner)
        yield Figure(owner, metric, window, group_by, group, zone, in_order)


def _order(figure: tuple[tuple[Window, Group | None], object]) -> tuple[object, ...]:
    (window, group), _ = figure
    return window, tuple(value or "" for value in group or ())


def _parts(
    question: Question, metric: Metric, ask: Series, looked: Sequence[_Looked]
) -> Iterator[tuple[tuple[Window, Group | None], int, Contribution]]:
    """(window and group of the figure, number of the event, what it adds in one slot)."""
    aggregation = AGGREGATIONS[metric.aggregation_type]
    explain = aggregation.explain_day if question.is_prorated(metric) else aggregation.explain
    groups: dict[Group | None, list[tuple[int, Reading]]] = {}
    for number, row in enumerate(looked):
        if row.stop is None and row.reading is not None and _is_member(ask, row):
            groups.setdefault(row.group, []).append((number, row.reading))
    for group, rows in groups.items():
        for slot in ask.slots.all:
            inside = [
                (number, reading)
                for number, reading in rows
                if reading.at < slot.window.end
                and (metric.recurring or reading.at >= slot.window.start)
            ]
            with exact():
                parts = explain([reading for _, reading in inside], slot.window)
                if slot.weight != ONE:  # there may be a million of them
                    parts = [part._replace(units=slot.weighed(part.units)) for part in parts]
            for (number, _), part in zip(inside, parts, strict=True):
                yield (slot.of, group), number, part


def _is_member(ask: Series, row: _Looked) -> bool:
    return any(
        party == row.party and span.start <= row.event.at < span.end for party, span in ask.members
    )


def _line(row: _Looked, part: Contribution | None) -> Line:
    value, step = (row.reading.value, row.reading.step) if row.reading else (None, None)
    if part is None:
        assert row.stop is not None
        return Line(row.event, value, step, None, *row.stop)
    return Line(row.event, value, step, part.units, part.rule, RULES[part.rule])
