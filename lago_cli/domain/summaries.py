"""
Summaries: what the readings of one day say together, small enough to be kept.

A summary gives the same figure as the fold over its readings, takes them in any order,
and can be merged with others. The folds of `domain.aggregations` say what is right;
with summaries a month of millions of events is answered from its days.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from lago_cli.domain.aggregations import Units, Window, add
from lago_cli.domain.numbers import ZERO, from_scaled
from lago_cli.domain.readings import Kept, kept, number_kept

Moment = tuple[int, int]
"""(microseconds since 1970, number in the order of arrival) of an event."""


class Summary:
    """The number of usable and of unusable events; of a count there is no more to say."""

    __slots__ = ("unusable", "usable")

    def __init__(self, unusable: int = 0, usable: int = 0) -> None:
        self.unusable = unusable
        self.usable = usable

    def take(self, at: int, event_id: int, reading: Kept) -> None:  # noqa: ARG002
        """
        Count in one event, with its reading as it is stored.

        It is called for every event that is ingested: each class has it in one piece.
        """
        if reading[0] is None:
            self.unusable += 1
        else:
            self.usable += 1

    def merge(self, other: Summary) -> None:
        """Count in the events of another summary of the same class."""
        self.unusable += other.unusable
        self.usable += other.usable
        if other.usable:
            self._merge(other)

    def units(self, window: Window) -> Units:  # noqa: ARG002
        """The figure of `window`, in or before which all the events lie."""
        return Decimal(self.usable)

    def cells(self) -> tuple[Any, ...]:
        """All but the two numbers, in texts and integers of 64 bits; `load` takes them back."""
        return ()

    def load(self, cells: Sequence[Any]) -> None:
        pass

    def comparable(self) -> object:
        """Equal for summaries that say the same."""
        return self.unusable, self.usable, self._said()

    def _said(self) -> object:
        return self.cells()

    def _merge(self, other: Any) -> None:
        pass


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

    def cells(self) -> tuple[Any, ...]:
        return _cell(self.total), self.scale, *kept(self.rest, 1)[:2]

    def load(self, cells: Sequence[Any]) -> None:
        total, self.scale, rest, rest_scale = cells
        self.total, self.rest = int(total), number_kept(rest, rest_scale)

    def _said(self) -> object:
        return Fraction(self.total, 10**self.scale) + Fraction(self.rest)

    def take(self, at: int, event_id: int, reading: Kept) -> None:  # noqa: ARG002
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

    def _merge(self, other: Total) -> None:
        self._add(other.total, other.scale)
        if other.rest:
            self.rest = add(self.rest, other.rest)


class Largest(Summary):
    """The largest value, in the form in which it is stored."""

    __slots__ = ("scale", "value")

    def __init__(self, unusable: int = 0, usable: int = 0) -> None:
        super().__init__(unusable, usable)
        self.value: int | str | None = None
        self.scale: int | None = None

    def units(self, window: Window) -> Units:  # noqa: ARG002
        return ZERO if self.value is None else number_kept(self.value, self.scale)

    def cells(self) -> tuple[Any, ...]:
        return self.value, self.scale

    def load(self, cells: Sequence[Any]) -> None:
        self.value, self.scale = cells

    def take(self, at: int, event_id: int, reading: Kept) -> None:  # noqa: ARG002
        value, scale, _ = reading
        if value is None:
            self.unusable += 1
            return
        self.usable += 1
        if scale != self.scale or scale is None:
            self._put(value, scale)
        elif value > self.value:  # type: ignore[operator]
            self.value = value

    def _merge(self, other: Largest) -> None:
        assert other.value is not None
        self._put(other.value, other.scale)

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

    def cells(self) -> tuple[Any, ...]:
        return *self.moment, *kept(self.latest, 1)[:2]

    def load(self, cells: Sequence[Any]) -> None:
        at, event_id, value, scale = cells
        self.moment, self.latest = (at, event_id), number_kept(value, scale)

    def take(self, at: int, event_id: int, reading: Kept) -> None:
        value, scale, _ = reading
        if value is None:
            self.unusable += 1
            return
        self.usable += 1
        if (at, event_id) > self.moment:
            self.moment, self.latest = (at, event_id), number_kept(value, scale)

    def _merge(self, other: Latest) -> None:
        if other.moment > self.moment:
            self.moment, self.latest = other.moment, other.latest


class Items(Summary):
    """Of every item, when it was last added or removed."""

    __slots__ = ("last",)

    def __init__(self, unusable: int = 0, usable: int = 0) -> None:
        super().__init__(unusable, usable)
        self.last: dict[Any, tuple[int, int, int]] = {}  # moment, and +1 on or -1 off

    def units(self, window: Window) -> Units:  # noqa: ARG002
        return Decimal(sum(step > 0 for _, _, step in self.last.values()))

    def _said(self) -> object:
        return self.last

    def cells(self) -> tuple[Any, ...]:
        return tuple(cell for item, moment in self.last.items() for cell in (item, *moment))

    def load(self, cells: Sequence[Any]) -> None:
        self.last = {
            cells[n]: (cells[n + 1], cells[n + 2], cells[n + 3]) for n in range(0, len(cells), 4)
        }

    def take(self, at: int, event_id: int, reading: Kept) -> None:
        item, _, step = reading
        if item is None:
            self.unusable += 1
            return
        self.usable += 1
        self._put(item, (at, event_id, step or 0))

    def _merge(self, other: Items) -> None:
        if not self.last:
            self.last = dict(other.last)
        else:
            for item, moment in other.last.items():
                self._put(item, moment)

    def _put(self, item: Any, moment: tuple[int, int, int]) -> None:
        known = self.last.get(item)
        if known is None or moment > known:
            self.last[item] = moment


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

    def _said(self) -> object:
        return super()._said(), self.moments._said()

    def cells(self) -> tuple[Any, ...]:
        return *super().cells(), *self.moments.cells()

    def load(self, cells: Sequence[Any]) -> None:
        super().load(cells[:4])
        self.moments.load(cells[4:])

    def take(self, at: int, event_id: int, reading: Kept) -> None:  # noqa: ARG002
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

    def _merge(self, other: Level) -> None:  # type: ignore[override]
        super()._merge(other)
        self.moments._merge(other.moments)


SUMMARIES: dict[str, type[Summary]] = {
    "count_agg": Summary,
    "sum_agg": Total,
    "max_agg": Largest,
    "latest_agg": Latest,
    "unique_count_agg": Items,
    "weighted_sum_agg": Level,
}


def _cell(number: int) -> int | str:
    """An integer, as text where it has more than 64 bits."""
    return number if -(2**63) <= number < 2**63 else str(number)
