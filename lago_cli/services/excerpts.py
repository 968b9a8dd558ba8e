"""What is shown of a long explanation, and what the rest of it adds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Generic, Literal, NamedTuple, TypeVar

from lago_cli.domain.contributions import DECIDING
from lago_cli.domain.instants import to_datetime
from lago_cli.domain.numbers import ZERO, Units
from lago_cli.services.explain import Figure, Line
from lago_cli.services.requests import Owner, UsageRequest
from lago_cli.services.usage import usage_for
from lago_cli.stores.base import UsageStore

T = TypeVar("T")
Order = Literal["time", "value"]


@dataclass(frozen=True, slots=True)
class Excerpt(Generic[T]):
    """Some of the events of a figure, and what is left out of them."""

    shown: Sequence[T]
    left: Sequence[T]


class Summary(NamedTuple):
    """A figure, and how many events were looked at for it."""

    figure: Figure  # without its lines
    units: Units
    counted: int
    not_counted: Counter[str]  # by rule


def excerpt(items: Sequence[T], limit: int | None, line_of: Callable[[T], Line]) -> Excerpt[T]:
    """The first ones. What decides a figure is always among them, in place of others."""
    if limit is None or len(items) <= limit:
        return Excerpt(items, [])
    room = limit - sum(line_of(item).rule in DECIDING for item in items)
    shown: list[T] = []
    left: list[T] = []
    for item in items:
        decides = line_of(item).rule in DECIDING
        (shown if decides or room > 0 else left).append(item)
        room -= not decides
    return Excerpt(shown, left)


def excerpt_of(lines: Sequence[Line], *, limit: int | None, sort: Order) -> Excerpt[Line]:
    """The first events by time; or those that add or take away the most."""
    return excerpt(sorted(lines, key=_size) if sort == "value" else lines, limit, lambda line: line)


def _size(line: Line) -> tuple[bool, Fraction, Fraction]:
    """What adds alike goes by its value; what does not count comes last."""
    value = ZERO if line.value is None or isinstance(line.value, str) else line.value
    return line.units is None, -abs(Fraction(line.units or ZERO)), -Fraction(value)


def summaries(figures: Iterable[Figure]) -> list[Summary]:
    """Figures in the order of usage; the events of each are only counted."""
    found = []
    for figure in figures:
        not_counted = Counter(line.rule for line in figure.lines if line.units is None)
        counted = len(figure.lines) - not_counted.total()
        found.append(Summary(replace(figure, lines=[]), figure.units, counted, not_counted))
    return sorted(found, key=_order)


def _order(summary: Summary) -> tuple[object, ...]:
    figure = summary.figure
    group = tuple(value or "" for value in figure.group or ())
    return *_named(figure.owner), figure.metric.code, figure.window, group


def _named(owner: Owner) -> tuple[str, str]:
    return owner[0] or "", owner[1] or ""


def months_with_events(store: UsageStore, request: UsageRequest, *, now: int) -> list[str]:
    """When something counts of a selection, whatever period it asks for: `2026-10`."""
    ever = replace(
        request,
        period="all",
        start=None,
        end=None,
        at=None,
        window="month",
        group_by=(),
        prorated=False,
    )
    months = {
        to_datetime(row.window.start).astimezone(row.zone).strftime("%Y-%m")
        for row in usage_for(store, ever, now=now)
        if row.events_count
    }
    return sorted(months)
