"""Trying a metric out on stored events, before it is defined."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from lago_cli.domain.instants import Window, format_instant
from lago_cli.domain.json_text import decode_object
from lago_cli.domain.stored import EventSelection
from lago_cli.errors import not_found
from lago_cli.services.explain import Figure, explain
from lago_cli.services.requests import UsageRequest

if TYPE_CHECKING:
    from lago_cli.domain.metrics import Metric
    from lago_cli.domain.stored import StoredEvent
    from lago_cli.domain.usage import Evidence, UsageQuery
    from lago_cli.stores.base import UsageStore

NEWEST = 1_000
SECOND = 1_000_000  # microseconds


@dataclass(frozen=True, slots=True)
class Trial:
    """What a metric makes of the newest events of its code, as if there were no earlier ones."""

    events: int
    is_all: bool  # there are no others
    window: Window | None
    figures: Sequence[Figure]


def tried(store: UsageStore, metric: Metric, *, now: int, newest: int = NEWEST) -> Trial:
    """The figures that it would have; nothing is stored."""
    events = newest_of(store, metric.code, newest + 1)
    if not events:
        return Trial(0, is_all=True, window=None, figures=())
    times = [event.at for event in events[:newest]]
    window = Window(min(times), (max(times) // SECOND + 1) * SECOND)
    start, end = map(format_instant, window)
    request = UsageRequest(metrics=[metric.code], start=start, end=end)
    trying = cast("UsageStore", _Trying(store, metric, window))
    figures = list(explain(trying, request, now=now))
    return Trial(len(times), len(events) <= newest, window, figures)


def newest_of(store: UsageStore, code: str, count: int) -> list[StoredEvent]:
    """The newest events of a code, whether or not it is a metric's."""
    select = cast("Any", store).select
    return list(select(EventSelection(codes=(code,), limit=count), newest_first=True))


def properties_of(events: Iterable[StoredEvent]) -> list[str]:
    """The names of their properties, in the order in which they come."""
    found: dict[str, None] = {}
    for event in events:
        found |= dict.fromkeys(decode_object(event.event.properties.encode()))
    return list(found)


class _Trying:
    """A store in which one metric is another one, and events begin with a window."""

    def __init__(self, store: UsageStore, metric: Metric, window: Window) -> None:
        self._store = store
        self._metric = metric
        self._window = window

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    @property
    def catalog(self) -> _Trying:
        return self

    def metrics(self) -> Mapping[str, Metric]:
        return {**self._store.catalog.metrics(), self._metric.code: self._metric}

    def metric(self, code: str) -> Metric:
        if code != self._metric.code:
            raise not_found("metric", code)
        return self._metric

    def known(self, word: Any, names: Sequence[str]) -> set[str]:
        found = self._store.known(word, names)
        return found | {self._metric.code} if word == "metric" else found

    def evidence(self, query: UsageQuery) -> Iterator[Evidence]:
        start = self._window.start
        members = [
            member._replace(span=member.span._replace(start=max(start, member.span.start)))
            for member in query.scope.members
            if member.span.end > start
        ]
        scope = replace(query.scope, members=members)
        return self._store.evidence(replace(query, scope=scope))
