"""
What each event adds to a figure, and why; together the contributions are the figure.

Each function takes the readings of one figure in the order of time and gives a contribution
for each. `domain.aggregations` says which one belongs to which type.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from lago_cli.domain.instants import Window
from lago_cli.domain.numbers import ZERO, Units

ONE = Decimal(1)


class Reading(NamedTuple):
    """One usable event, in the order of (timestamp with all its digits, arrival)."""

    at: int  # microseconds since 1970
    value: Decimal | Fraction | str  # the number, or the item of a unique count
    step: int = 1  # of a unique count: +1 adds the item, -1 removes it


class Contribution(NamedTuple):
    """What one event adds, and the rule by which it does."""

    units: Units
    rule: str  # a key of `RULES`


RULES = {
    "counts": "counts as one",
    "adds": "adds its value",
    "largest": "is the largest value: it decides",
    "not_largest": "is not the largest value",
    "latest": "is the latest value: it decides",
    "latest_negative": "is the latest value: it decides, but reads 0 as it is negative",
    "superseded": "a later value took its place",
    "turns_on": "adds the item",
    "already_on": "adds an item that was there",
    "turns_off": "removes the item",
    "not_on": "removes what was not there",
    "changes_level": "changes the level for the rest of the period",
    "rounding": "the metric's own rounding",
}
DECIDING = frozenset({"largest", "latest", "latest_negative"})
"""Rules of the one event that a figure is."""


def counted(readings: Sequence[Reading], window: Window) -> list[Contribution]:  # noqa: ARG001
    return [Contribution(ONE, "counts") for _ in readings]


def added(readings: Sequence[Reading], window: Window) -> list[Contribution]:  # noqa: ARG001
    return [Contribution(_number(reading), "adds") for reading in readings]


def extreme(readings: Sequence[Reading], window: Window) -> list[Contribution]:  # noqa: ARG001
    """The first of the largest ones is all there is to it."""
    parts = [Contribution(ZERO, "not_largest") for _ in readings]
    if readings:
        first = max(range(len(readings)), key=lambda n: (_number(readings[n]), -n))
        parts[first] = Contribution(_number(readings[first]), "largest")
    return parts


def last(readings: Sequence[Reading], window: Window) -> list[Contribution]:  # noqa: ARG001
    parts = [Contribution(ZERO, "superseded") for _ in readings]
    if readings:
        value = _number(readings[-1])
        parts[-1] = (
            Contribution(ZERO, "latest_negative") if value < 0 else Contribution(value, "latest")
        )
    return parts


def items(readings: Sequence[Reading], window: Window) -> list[Contribution]:  # noqa: ARG001
    on: set[object] = set()
    return [_switch(on, reading) for reading in readings]


def items_of_a_day(readings: Sequence[Reading], window: Window) -> list[Contribution]:
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
            part = Contribution(ONE if is_new else ZERO, part.rule)
            if is_new:
                present.add(reading.value)
        parts.append(part)
    return parts


def level(readings: Sequence[Reading], window: Window) -> list[Contribution]:
    length = window.end - window.start
    return [
        Contribution(
            Fraction(_number(reading)) * (window.end - max(reading.at, window.start)) / length,
            "changes_level",
        )
        for reading in readings
    ]


def _switch(on: set[object], reading: Reading) -> Contribution:
    was_on = reading.value in on
    if reading.step > 0:
        on.add(reading.value)
        return Contribution(ZERO, "already_on") if was_on else Contribution(ONE, "turns_on")
    on.discard(reading.value)
    return Contribution(-ONE, "turns_off") if was_on else Contribution(ZERO, "not_on")


def _number(reading: Reading) -> Units:
    assert not isinstance(reading.value, str)
    return reading.value
