"""
What each event adds to a figure, and why; the parts add up to what the folds give.

An explanation takes the readings of one figure in the order of time, as the folds of
`domain.aggregations` do, and gives one part for each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from lago_cli.domain.aggregations import Reading, Units, Window
from lago_cli.domain.numbers import ZERO

ONE = Decimal(1)


class Part(NamedTuple):
    """What one event adds, and the rule by which it does."""

    units: Units
    rule: str  # a key of `RULES`


RULES = {
    "counts": "counts as one",
    "adds": "adds its value",
    "largest": "is the largest value",
    "not_largest": "is not the largest value",
    "latest": "is the latest value",
    "latest_negative": "is the latest value, but negative: reads 0",
    "superseded": "a later value took its place",
    "turns_on": "adds the item",
    "already_on": "adds an item that was there",
    "turns_off": "removes the item",
    "not_on": "removes what was not there",
    "changes_level": "changes the level for the rest of the period",
    "rounding": "the metric's own rounding",
}

Explanation = Callable[[Sequence[Reading], Window], list[Part]]


def counted(readings: Sequence[Reading], window: Window) -> list[Part]:  # noqa: ARG001
    return [Part(ONE, "counts") for _ in readings]


def added(readings: Sequence[Reading], window: Window) -> list[Part]:  # noqa: ARG001
    return [Part(_number(reading), "adds") for reading in readings]


def extreme(readings: Sequence[Reading], window: Window) -> list[Part]:  # noqa: ARG001
    """The first of the largest ones is all there is to it."""
    parts = [Part(ZERO, "not_largest") for _ in readings]
    if readings:
        first = max(range(len(readings)), key=lambda n: (_number(readings[n]), -n))
        parts[first] = Part(_number(readings[first]), "largest")
    return parts


def last(readings: Sequence[Reading], window: Window) -> list[Part]:  # noqa: ARG001
    parts = [Part(ZERO, "superseded") for _ in readings]
    if readings:
        value = _number(readings[-1])
        parts[-1] = Part(ZERO, "latest_negative") if value < 0 else Part(value, "latest")
    return parts


def items(readings: Sequence[Reading], window: Window) -> list[Part]:  # noqa: ARG001
    on: set[object] = set()
    return [_switch(on, reading) for reading in readings]


def items_of_a_day(readings: Sequence[Reading], window: Window) -> list[Part]:
    """An item that is removed still counts on its last day."""
    on: set[object] = set()
    present: set[object] | None = None
    parts = []
    for reading in readings:
        if reading.at >= window.start and present is None:
            present = set(on)
        part = _switch(on, reading)
        if present is not None:
            is_new = reading.step > 0 and reading.value not in present
            part = Part(ONE if is_new else ZERO, part.rule)
            if is_new:
                present.add(reading.value)
        parts.append(part)
    return parts


def level(readings: Sequence[Reading], window: Window) -> list[Part]:
    length = window.end - window.start
    return [
        Part(
            Fraction(_number(reading)) * (window.end - max(reading.at, window.start)) / length,
            "changes_level",
        )
        for reading in readings
    ]


def _switch(on: set[object], reading: Reading) -> Part:
    was_on = reading.value in on
    if reading.step > 0:
        on.add(reading.value)
        return Part(ZERO, "already_on") if was_on else Part(ONE, "turns_on")
    on.discard(reading.value)
    return Part(-ONE, "turns_off") if was_on else Part(ZERO, "not_on")


def _number(reading: Reading) -> Units:
    assert not isinstance(reading.value, str)
    return reading.value


EXPLANATIONS: dict[str, Explanation] = {
    "count_agg": counted,
    "sum_agg": added,
    "max_agg": extreme,
    "latest_agg": last,
    "unique_count_agg": items,
    "weighted_sum_agg": level,
}
DAILY: dict[str, Explanation] = {"sum_agg": added, "unique_count_agg": items_of_a_day}
"""Of the figures for one local day, which proration averages."""
