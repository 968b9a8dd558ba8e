"""
Proration: for which part of a billing period each change of a level counts.

Days are days of a local calendar. A change counts from its day up to the last one, both
included; what is carried over counts from the first day on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from lago_cli.domain.instants import Window
from lago_cli.domain.pricing import NOTHING, Change
from lago_cli.domain.steps import Steps

_ADDED, _REMOVED = Fraction(1), Change(Fraction(-1), NOTHING)
DaysOf = Callable[[int, int], Fraction]  # the part of a period from a day to a day


def changes_of(
    steps: Steps, window: Window, full_days: int, day_of: Callable[[int], int]
) -> list[Change]:
    """
    The changes of a level, in order.

    Args:
        steps: all up to the end of the window; those before it are carried over.
        window: the part of the billing period that is billed.
        full_days: the days of the whole billing period.
        day_of: the number of the local day that an instant is in.
    """
    first, last = day_of(window.start), day_of(window.end - 1)

    @cache
    def part(start: int, end: int) -> Fraction:
        return Fraction(end - start + 1, full_days)

    days = [day_of(at) if at >= window.start else None for at in steps.at]
    if steps.items:
        return list(_of_items(steps, days, first, last, part))
    return list(_of_values(steps, days, first, last, part))


def _of_values(
    steps: Steps, days: list[int | None], first: int, last: int, part: DaysOf
) -> Iterator[Change]:
    scale = 10**steps.scale
    values = list(zip(steps.values, days, strict=True))
    carried = sum(value for value, day in values if day is None)
    if carried:
        yield Change(Fraction(carried, scale), part(first, last))
    for value, day in values:
        if day is not None:
            yield Change(Fraction(value, scale), part(day, last))


@dataclass(slots=True)
class _Stay:
    """From when to when an item is on."""

    start: int | None  # None: wholly before the period
    end: int | None = None
    ends: int = 0  # how often it ended, only the last of which counts


def _of_items(
    steps: Steps, days: list[int | None], first: int, last: int, part: DaysOf
) -> Iterator[Change]:
    """
    An item counts on every day on which it is on at any time.

    Each stay is a change by +1, which counts up to the day that it ends, and one by -1, which
    gives nothing back. Off and on again within a day is one stay.
    """
    on: dict[str, _Stay] = {}
    ended: dict[str, _Stay] = {}  # the latest one of an item that is off
    order: list[tuple[_Stay, int]] = []  # 0 where one begins, n where it ends the n-th time
    for item, value, day in zip(steps.items, steps.values, days, strict=True):
        if value > 0 and item not in on:
            stay = ended.pop(item, None)
            if stay is None or stay.end != day:
                stay = _Stay(first if day is None else day)
                order.append((stay, 0))
            on[item] = stay
            stay.end = None
        elif value <= 0 and item in on:
            stay = on.pop(item)
            if day is None:
                stay.start = None
                continue
            stay.end, stay.ends = day, stay.ends + 1
            ended[item] = stay
            order.append((stay, stay.ends))
    for stay, number in order:
        if stay.start is None:
            continue
        if number == 0:
            yield Change(_ADDED, part(stay.start, last if stay.end is None else stay.end))
        elif number == stay.ends and stay.end is not None:
            yield _REMOVED
