"""
The rules of the aggregations, as plainly as they can be written: the oracle of the tests.

Each fold takes the readings of one figure in the order of time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from fractions import Fraction
from functools import reduce

from lago_cli.domain.contributions import Reading
from lago_cli.domain.instants import Window
from lago_cli.domain.numbers import ZERO, Units, add


def count(readings: Iterable[Reading], window: Window) -> Units:
    """How many events there were."""
    return Decimal(sum(1 for _ in readings))


def total(readings: Iterable[Reading], window: Window) -> Units:
    """The exact sum; it may be negative."""
    nothing: Units = ZERO
    return reduce(add, map(_number, readings), nothing)


def largest(readings: Iterable[Reading], window: Window) -> Units:
    """The largest value, 0 where there is none; only negatives stay negative."""
    return max((_number(reading) for reading in readings), default=ZERO)


def latest(readings: Iterable[Reading], window: Window) -> Units:
    """The value of the last event, by time and then arrival; a negative one reads 0."""
    value: Units = ZERO
    for reading in readings:
        value = _number(reading)
    return max(value, ZERO)


def unique_count(readings: Iterable[Reading], window: Window) -> Units:
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


def _number(reading: Reading) -> Units:
    assert not isinstance(reading.value, str)
    return reading.value


Fold = Callable[[Iterable[Reading], Window], Units]

FOLDS: dict[str, Fold] = {
    "count_agg": count,
    "sum_agg": total,
    "max_agg": largest,
    "latest_agg": latest,
    "unique_count_agg": unique_count,
    "weighted_sum_agg": weighted_sum,
}
OF_A_DAY: dict[str, Fold] = {"sum_agg": total, "unique_count_agg": items_present}
"""Of a recurring metric: its figure for one local day, which proration averages."""
