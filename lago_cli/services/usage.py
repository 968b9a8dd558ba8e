"""
Usage: from what a person asks to rows of figures.

Whose an event is, `domain.attribution` says. An event whose customer nobody knows is listed
under its subscription, never left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import tzinfo
from typing import NamedTuple

from lago_cli.domain.aggregations import AGGREGATIONS, round_units
from lago_cli.domain.events import Subject
from lago_cli.domain.instants import Window
from lago_cli.domain.metrics import Metric
from lago_cli.domain.numbers import ZERO, Units, add, exact
from lago_cli.domain.usage import Group
from lago_cli.services.questions import Question, overlap
from lago_cli.services.requests import Owner, UsageRequest
from lago_cli.stores.base import UsageStore


class UsageRow(NamedTuple):
    """One figure: what `owner` used of a metric in a window and group."""

    owner: Owner
    metric: Metric
    window: Window
    group: Group | None
    units: Units
    events_count: int
    zone: tzinfo  # in force for the owner


class LeftOut(NamedTuple):
    """Events inside the windows that no figure counts."""

    unmatched: Counter[str]  # by code
    unusable: Counter[str]
    outside: Counter[str]  # the lives of their subscriptions


def usage_for(store: UsageStore, request: UsageRequest, *, now: int) -> Iterator[UsageRow]:
    """
    Rows in the order of owner, metric, window and group.

    Raises:
        LagoError: a metric that is not defined, or times that cannot be read.
    """
    return iter(answer(store, Question(store, request, now)))


def answer(store: UsageStore, question: Question) -> list[UsageRow]:
    """The rows of a question, in the same order."""
    rows = [row for metric in question.metrics for row in _rows(store, question, metric)]
    rows.sort(key=order_of)
    return rows


def _rows(store: UsageStore, question: Question, metric: Metric) -> Iterator[UsageRow]:
    request = question.request
    asks = question.asks(metric)
    found: dict[tuple[Owner, Group | None, Window], tuple[Units, int]] = {}
    query = question.query(metric)
    for share in store.aggregate(query):
        if share.bucket < len(query.buckets):  # they are excluded
            continue
        ask = asks[share.owner]
        slot = ask.slot_of(share.window)
        key = ask.owner, share.group if request.group_by else None, slot.of
        units, events = found.get(key, (ZERO, 0))
        with exact():
            units = add(units, slot.weighed(share.units))
        found[key] = units, events + share.events_count
    for (owner, group, window), (units, events) in found.items():
        units = round_units(units, metric.rounding_function, metric.rounding_precision)
        yield UsageRow(owner, metric, window, group, units, events, question.zone(owner))
    seen: dict[Owner, dict[Group | None, set[Window]]] = {}
    for owner, group, window in found:
        seen.setdefault(owner, {}).setdefault(group, set()).add(window)
    nobody: Group | None = (None,) * len(request.group_by) if request.group_by else None
    for owner in question.listed(metric):
        for group, used in seen.get(owner, {nobody: set()}).items():
            for window in question.windows(owner):
                if window not in used:
                    yield UsageRow(owner, metric, window, group, ZERO, 0, question.zone(owner))


def order_of(row: UsageRow) -> tuple[object, ...]:
    """What rows are sorted by where nobody asks for another order."""
    group = tuple(value or "" for value in row.group or ())
    return (row.owner[0] or "", row.owner[1] or "", row.metric.code, row.window, group)


def unused(question: Question, rows: Iterable[UsageRow]) -> list[UsageRow]:
    """
    Nobody's row with 0 units for each metric that was asked for and that no row has.

    Windows and groups have no such row.
    """
    request = question.request
    if request.window is not None or request.group_by:
        return []
    found = {row.metric.code for row in rows}
    nobody: Owner = (None, None)
    (window,) = question.asked(nobody)
    zone = question.zone(nobody)
    return [
        UsageRow(nobody, metric, window, None, ZERO, 0, zone)
        for metric in question.metrics
        if metric.code in request.metrics and metric.code not in found
    ]


def left_out(store: UsageStore, request: UsageRequest, *, now: int) -> LeftOut:
    """How many events of the selection no metric counts, by code."""
    question = Question(store, request, now)
    inside, before, after = _spans(question)
    found = LeftOut(Counter(), Counter(), Counter())
    metrics = store.catalog.metrics()
    wanted = {metric.code for metric in question.metrics} if request.metrics else None
    for code, count in store.count(inside, request.as_of, usable=False):
        if wanted is None or code in wanted:
            (found.unusable if code in metrics else found.unmatched)[code] += count
    for spans, carries in ((before, True), (after, False)):
        for code, count in store.count(spans, request.as_of, usable=True):
            is_history = carries and metrics[code].recurring
            if (wanted is None or code in wanted) and not is_history:
                found.outside[code] += count
    return found


_Spans = list[tuple[Subject, Window]]


def _spans(question: Question) -> tuple[_Spans, _Spans, _Spans]:
    """Of every party, when its events are asked for: inside, before and after its life."""
    inside: _Spans = []
    before: _Spans = []
    after: _Spans = []
    for owner, claims in question.claims().items():
        asked = question.asked(owner)
        if not asked:
            continue
        whole = Window(asked[0].start, asked[-1].end)
        for party, claim in claims:
            span = overlap(whole, claim.span)
            for spans, part in (
                (inside, overlap(span, claim.life)),
                (before, Window(span.start, min(span.end, claim.life.start))),
                (after, Window(max(span.start, claim.life.end), span.end)),
            ):
                if part.start < part.end:
                    spans.append((party, part))
    return inside, before, after


def adds_up(metric: Metric, *, windowed: bool) -> bool:
    """
    Whether a total of several rows means something.

    A sum of maxima, of latest values or of distinct items is the figure of nobody. What a
    recurring metric or an average stands at adds up over owners and groups, but not over
    the windows of a period, in each of which it is there again.
    """
    is_level = metric.recurring or metric.aggregation_type == "weighted_sum_agg"
    return AGGREGATIONS[metric.aggregation_type].adds_up and not (windowed and is_level)
