"""
Summaries: what the readings of one day say together, small enough to be kept.

A summary gives the same figure as the fold over its readings, takes them in any order,
and can be merged with others. The folds of `domain.aggregations` say what is right;
with summaries a month of millions of events is answered from its days.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from lago_cli.domain.aggregations import Units, Window, add
from lago_cli.domain.items import Items, Standing
from lago_cli.domain.numbers import ZERO, from_scaled
from lago_cli.domain.readings import Kept, kept, number_kept
from lago_cli.domain.summary import Moment, Summary


class Total(Summary):
    """The sum: an integer over a power of ten, and beside it what does not fit into that."""

    __slots__ = ("rest", "scale", "total")

    def __init__(self, unusable: int = 0, usable: int = 0) -> None:
        super().__init__(unusable, usable)
        self.total = 0
        self.scale = 0
        self.rest: Units = ZERO

    def units(self, window: Window) -> Units:  # noqa: ARG002
        return add(from_scaled(self.total, self.scale), self.rest)

    def row(self) -> tuple[Any, ...]:
        rest = kept(self.rest, 1)[:2] if self.rest else (0, 0)
        return self.unusable, self.usable, _cell(self.total), self.scale, *rest

    def absorb(self, row: Sequence[Any]) -> None:
        unusable, usable, total, scale, rest, rest_scale = row
        self.unusable += unusable
        self.usable += usable
        if scale == self.scale and type(total) is int:
            self.total += total
        else:
            self._add(int(total), scale)
        if rest:
            self.rest = add(self.rest, number_kept(rest, rest_scale))

    def said(self) -> object:
        total = Fraction(self.total, 10**self.scale) + Fraction(self.rest)
        return self.unusable, self.usable, total

    def take(self, at: int, rank: int, reading: Kept) -> None:  # noqa: ARG002
        value, scale, _ = reading
        if value is None:
            self.unusable += 1
            return
        self.usable += 1
        if scale == self.scale:
            self.total += value  # type: ignore[operator]
        elif scale is not None:
            self._add(value, scale)  # type: ignore[arg-type]
        else:
            self.rest = add(self.rest, number_kept(value, scale))

    def _add(self, value: int, scale: int) -> None:
        if scale > self.scale:
            self.total *= 10 ** (scale - self.scale)
            self.scale = scale
        self.total += value if scale == self.scale else value * 10 ** (self.scale - scale)


class Largest(Summary):
    """The largest value, in the form in which it is stored."""

    __slots__ = ("scale", "value")

    def __init__(self, unusable: int = 0, usable: int = 0) -> None:
        super().__init__(unusable, usable)
        self.value: int | str | None = None
        self.scale: int | None = None

    def units(self, window: Window) -> Units:  # noqa: ARG002
        return ZERO if self.value is None else number_kept(self.value, self.scale)

    def row(self) -> tuple[Any, ...]:
        return self.unusable, self.usable, self.value, self.scale

    def absorb(self, row: Sequence[Any]) -> None:
        unusable, usable, value, scale = row
        self.unusable += unusable
        self.usable += usable
        if usable:
            self._put(value, scale)

    def said(self) -> object:
        largest = None if self.value is None else number_kept(self.value, self.scale)
        return self.unusable, self.usable, largest

    def take(self, at: int, rank: int, reading: Kept) -> None:  # noqa: ARG002
        value, scale, _ = reading
        if value is None:
            self.unusable += 1
            return
        self.usable += 1
        if scale != self.scale or scale is None:
            self._put(value, scale)
        elif value > self.value:  # type: ignore[operator]
            self.value = value

    def _put(self, value: int | str, scale: int | None) -> None:
        mine = self.value
        if mine is None or number_kept(value, scale) > number_kept(mine, self.scale):
            self.value, self.scale = value, scale


class Latest(Summary):
    """The value of the last event; a negative one reads 0."""

    __slots__ = ("latest", "moment")

    def __init__(self, unusable: int = 0, usable: int = 0) -> None:
        super().__init__(unusable, usable)
        self.moment: Moment = (-(2**62), 0)
        self.latest: Units = ZERO

    def units(self, window: Window) -> Units:  # noqa: ARG002
        return max(self.latest, ZERO)

    def row(self) -> tuple[Any, ...]:
        return self.unusable, self.usable, *self.moment, *kept(self.latest, 1)[:2]

    def absorb(self, row: Sequence[Any]) -> None:
        unusable, usable, at, rank, value, scale = row
        self.unusable += unusable
        self.usable += usable
        if (at, rank) > self.moment:
            self.moment, self.latest = (at, rank), number_kept(value, scale)

    def said(self) -> object:
        return self.row()

    def take(self, at: int, rank: int, reading: Kept) -> None:
        value, scale, _ = reading
        if value is None:
            self.unusable += 1
            return
        self.usable += 1
        if (at, rank) > self.moment:
            self.moment, self.latest = (at, rank), number_kept(value, scale)


class Level(Total):
    """
    Changes of a level, averaged over the window.

    A change `v` at `t` counts for `v * (end - t)`, so the sum of `v` and that of `v * t` are
    enough for any end; of a change before the window only `v` counts, for all of it.
    """

    __slots__ = ("moments",)

    def __init__(self, unusable: int = 0, usable: int = 0) -> None:
        super().__init__(unusable, usable)
        self.moments = Total()  # the sum of v * t, in microseconds

    def units(self, window: Window) -> Units:
        level, moments = Fraction(super().units(window)), Fraction(self.moments.units(window))
        return (level * window.end - moments) / (window.end - window.start)

    def carried(self, start: int) -> Level:
        """The same, with all its changes at the start of a window that comes after them."""
        carried = Level(self.unusable, self.usable)
        for number, factor in ((carried, 1), (carried.moments, start)):
            number.total, number.scale = self.total * factor, self.scale
            number.rest = Fraction(self.rest) * factor
        return carried

    def row(self) -> tuple[Any, ...]:
        return *super().row(), *self.moments.row()[2:]

    def absorb(self, row: Sequence[Any]) -> None:
        super().absorb(row[:6])
        self.moments.absorb((0, 0, *row[6:]))

    def said(self) -> object:
        return super().said(), self.moments.said()

    def take(self, at: int, rank: int, reading: Kept) -> None:  # noqa: ARG002
        value, scale, _ = reading
        if value is None:
            self.unusable += 1
            return
        self.usable += 1
        moments = self.moments
        if scale == self.scale == moments.scale:
            self.total += value  # type: ignore[operator]
            moments.total += value * at  # type: ignore[operator]
        elif scale is not None:
            self._add(value, scale)  # type: ignore[arg-type]
            moments._add(value * at, scale)  # type: ignore[arg-type]
        else:
            number = number_kept(value, scale)
            self.rest = add(self.rest, number)
            moments.rest = add(moments.rest, Fraction(number) * at)


SUMMARIES: dict[str, type[Summary]] = {
    "count_agg": Summary,
    "sum_agg": Total,
    "max_agg": Largest,
    "latest_agg": Latest,
    "unique_count_agg": Items,
    "weighted_sum_agg": Level,
}
OVER_DAYS: dict[str, type[Summary]] = SUMMARIES | {"unique_count_agg": Standing}
"""What a question collects the rows of many days in."""


def _cell(number: int) -> int | str:
    """An integer, as text where it has more than 64 bits."""
    return number if -(2**63) <= number < 2**63 else str(number)
