"""Events kept one by one, for what hangs on their order: the steps of a figure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from fractions import Fraction

from lago_cli.domain.aggregations import NEVER, Count, Measurement, Moment
from lago_cli.domain.numbers import number_in
from lago_cli.domain.steps import Steps


class Ordered(Count):
    """
    A count that keeps what its events say, by column.

    The scale is the largest of numbers that fit into 64 bits. Any other number becomes an
    integer of that scale as well, or a fraction where it has more decimals: one event of ten
    thousand digits shall not make all others as long.
    """

    __slots__ = ("_at", "_in_order", "_items", "_last", "_ranks", "_scale", "_values")

    def __init__(
        self,
        at: list[int] | None = None,
        ranks: list[int] | None = None,
        values: list[int | Fraction] | None = None,
        scale: int = 0,
        items: list[str] | None = None,
    ) -> None:
        """With columns that are in order; `ranks` may lack where nothing more is counted in."""
        self._at = at or []
        self._ranks = ranks or []
        self._values = values or []
        self._scale = scale
        self._items = items or []
        self._in_order = True
        self._last = (self._at[-1], self._ranks[-1]) if at and ranks else NEVER
        super().__init__(len(self._at))

    def take(self, at: int, rank: int, measurement: Measurement) -> None:
        value, scale, step = measurement
        self._follow((at, rank), (at, rank), in_order=True)
        self.events += 1
        self._at.append(at)
        self._ranks.append(rank)
        if step is not None:
            self._items.append(value)  # type: ignore[arg-type]
            self._values.append(step)
        elif isinstance(value, int):
            self._rescale(scale or 0)
            self._values.append(value * 10 ** (self._scale - (scale or 0)))
        else:
            self._values.append(_whole(Fraction(number_in(value, scale)) * 10**self._scale))

    def merge(self, other: Ordered) -> None:
        if not other.events:
            return
        first = other._at[0], other._ranks[0]
        self._follow(first, other._last, in_order=other._in_order)
        self.events += other.events
        self._rescale(other._scale)
        self._at += other._at
        self._ranks += other._ranks
        self._values += _times(other._values, 10 ** (self._scale - other._scale))
        self._items += other._items

    def _follow(self, first: Moment, last: Moment, *, in_order: bool) -> None:
        """Note whether what comes next, from `first` to `last`, is still in order."""
        self._in_order = self._in_order and in_order and first > self._last
        self._last = last

    def _rescale(self, scale: int) -> None:
        if scale > self._scale:
            self._values = _times(self._values, 10 ** (scale - self._scale))
            self._scale = scale

    def steps(self) -> Steps:
        if not self._in_order:
            self._sort()
        # others may be counted in later
        return Steps(self._at[:], self._values[:], self._scale, self._items[:] or ())

    def _sort(self) -> None:
        moments = list(zip(self._at, self._ranks, strict=True))
        order = sorted(range(len(moments)), key=moments.__getitem__)
        self._at = [self._at[place] for place in order]
        self._ranks = [self._ranks[place] for place in order]
        self._values = [self._values[place] for place in order]
        self._items = [self._items[place] for place in order] if self._items else []
        self._in_order, self._last = True, moments[order[-1]]


def followed(steps: Steps, at: int, measurement: Measurement) -> tuple[Steps, int]:
    """The steps with one event more, which comes after all others of its instant; its position."""
    count = len(steps.at)
    columns = list(steps.at), list(range(count)), list(steps.values)
    events = Ordered(*columns, steps.scale, list(steps.items))
    events.take(at, count, measurement)
    return events.steps(), bisect_right(steps.at, at)


def _times(values: Sequence[int | Fraction], factor: int) -> list[int | Fraction]:
    return list(values) if factor == 1 else [_whole(value * factor) for value in values]


def _whole(value: int | Fraction) -> int | Fraction:
    """An integer where it is one."""
    return value.numerator if value.denominator == 1 else value
