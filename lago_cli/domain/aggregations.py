"""
The aggregations: pure functions from readings to units.

A reading is what one usable event says to its metric. These folds are the meaning of
every figure; an engine may answer by other means only if it gives the same.
Rules: Lago's, with the decisions in docs/decisions.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import reduce
from math import ceil, floor
from typing import Literal, NamedTuple

from lago_cli.domain.numbers import ZERO, round_half_up

Units = Decimal | Fraction


class Reading(NamedTuple):
    """One usable event, in the order of (timestamp with all its digits, arrival)."""

    at: int  # microseconds since 1970
    value: Decimal | Fraction | str  # the number, or the item of a unique count
    step: int = 1  # of a unique count: +1 adds the item, -1 removes it


class Window(NamedTuple):
    """Half-open microseconds `[start, end)`; of a recurring metric, earlier ones count too."""

    start: int
    end: int


def count(readings: Iterable[Reading], window: Window) -> Units:  # noqa: ARG001
    """How many events there were."""
    return Decimal(sum(1 for _ in readings))


def total(readings: Iterable[Reading], window: Window) -> Units:  # noqa: ARG001
    """The exact sum; it may be negative."""
    nothing: Units = ZERO
    return reduce(add, map(_number, readings), nothing)


def largest(readings: Iterable[Reading], window: Window) -> Units:  # noqa: ARG001
    """The largest value, 0 where there is none; only negatives stay negative."""
    return max((_number(reading) for reading in readings), default=ZERO)


def latest(readings: Iterable[Reading], window: Window) -> Units:  # noqa: ARG001
    """The value of the last event, by time and then arrival; a negative one reads 0."""
    value: Units = ZERO
    for reading in readings:
        value = _number(reading)
    return max(value, ZERO)


def unique_count(readings: Iterable[Reading], window: Window) -> Units:  # noqa: ARG001
    """
    The items that are on at the end.

    Adding an item again changes nothing, one removal undoes any number of additions, and
    a removal of what is not on does nothing.
    """
    on = {reading.value: reading.step > 0 for reading in readings}
    return Decimal(sum(on.values()))


def items_present(readings: Iterable[Reading], window: Window) -> Units:
    """The items that were on at any time of the window; one that was removed counts too."""
    on: dict[object, bool] = {}
    added = set()
    for reading in readings:
        if reading.at < window.start:
            on[reading.value] = reading.step > 0
        elif reading.step > 0:
            added.add(reading.value)
    return Decimal(len(added.union(item for item, is_on in on.items() if is_on)))


def weighted_sum(readings: Iterable[Reading], window: Window) -> Units:
    """
    The running total, averaged over the window.

    Every value changes a level that starts at 0 and counts for the share of the window
    left after it: two seats added halfway through a month are one seat-month. What a
    recurring metric carries over counts for the whole window.
    """
    length = window.end - window.start
    weighted: Units = ZERO
    for reading in readings:
        weighted = add(weighted, _number(reading) * (window.end - max(reading.at, window.start)))
    return Fraction(weighted) / length if length else Fraction(0)


def carried_total(readings: Iterable[Reading]) -> list[Reading]:
    """The sum, as late as the last reading."""
    found: list[Reading] = []
    for reading in readings:
        earlier = found[0].value if found else ZERO
        assert not isinstance(earlier, str)
        found = [Reading(reading.at, add(earlier, _number(reading)))]
    return found


def carried_items(readings: Iterable[Reading]) -> list[Reading]:
    """The items that are on."""
    last = {reading.value: reading for reading in readings}
    return [reading for reading in last.values() if reading.step > 0]


def _number(reading: Reading) -> Units:
    assert not isinstance(reading.value, str)
    return reading.value


def add(one: Units, other: Units) -> Units:
    """A sum; a `Decimal` and a `Fraction` do not add by themselves."""
    if isinstance(one, Decimal) and isinstance(other, Decimal):
        return one + other
    return Fraction(one) + Fraction(other)


def round_units(units: Units, function: str | None, precision: int | None) -> Units:
    """
    A metric's own rounding, once, of an aggregated result.

    `round` goes half away from zero, `ceil` and `floor` toward either infinity; a
    negative precision means tens, hundreds, ….
    """
    if function is None:
        return units
    if function == "round":
        return round_half_up(units, precision or 0)
    unit = Fraction(10) ** -(precision or 0)
    steps = Fraction(units) / unit
    return (ceil(steps) if function == "ceil" else floor(steps)) * unit


@dataclass(frozen=True, slots=True)
class Aggregation:
    """A row of the registry: what a metric of this type reads, and how it is folded."""

    fold: Callable[[Iterable[Reading], Window], Units]
    reads: Literal["nothing", "number", "item"]
    # what a recurring metric takes into later windows: fewer readings that say the same
    carry: Callable[[Iterable[Reading]], list[Reading]] | None = None
    # of a recurring metric: its figure for one local day, which proration averages
    daily: Callable[[Iterable[Reading], Window], Units] | None = None
    adds_up: bool = False  # whether a total over groups or customers means something

    @property
    def may_recur(self) -> bool:
        return self.carry is not None


AGGREGATIONS = {
    "count_agg": Aggregation(count, "nothing", adds_up=True),
    "sum_agg": Aggregation(total, "number", carried_total, total, adds_up=True),
    "max_agg": Aggregation(largest, "number"),
    "latest_agg": Aggregation(latest, "number"),
    "unique_count_agg": Aggregation(unique_count, "item", carried_items, items_present),
    "weighted_sum_agg": Aggregation(weighted_sum, "number", carried_total, adds_up=True),
}
