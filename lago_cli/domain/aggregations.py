"""
The aggregations: what the events of a window say together.

An aggregation is the state of one figure. It takes measurements in any order, one by one or as
what others of its kind have gathered, and gives the figure at the end, exactly. Each class is
all there is to know of its type; rules are Lago's, with the decisions in docs/decisions.md.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import ClassVar, Literal, NamedTuple, Self

from lago_cli.domain import contributions
from lago_cli.domain.contributions import Contribution, Reading
from lago_cli.domain.instants import Window
from lago_cli.domain.numbers import ZERO, Units, add, from_scaled, number_in, round_half_up
from lago_cli.domain.steps import Steps

Measurement = tuple[int | str | None, int | None, int | None]
"""What one event says to its metric: (value, scale, step); see `domain.measurements`."""

Moment = tuple[int, int]
"""(microseconds since 1970, rank within the microsecond) of an event; see `domain.ranks`."""

NEVER: Moment = (-(2**62), 0)


class Aggregation(ABC):
    """
    What all of them share: the number of events, and the names of the rules.

    A state belongs to one window and takes only usable measurements.
    """

    __slots__ = ("events",)

    reads: ClassVar[Literal["nothing", "number", "item"]]
    may_recur: ClassVar[bool] = False
    may_prorate: ClassVar[bool] = False
    adds_up: ClassVar[bool] = False  # whether a total over groups or customers means something

    def __init__(self, events: int = 0) -> None:
        self.events = events

    @abstractmethod
    def take(self, at: int, rank: int, measurement: Measurement) -> None:
        """Count in one event."""

    @abstractmethod
    def merge(self, other: Self) -> None:
        """Count in all events of another state."""

    @abstractmethod
    def units(self, window: Window) -> Units:
        """The figure of the window in or before which all events lie, before any rounding."""

    def units_of_day(self, window: Window) -> Units:
        """The figure of a local day, which proration averages."""
        return self.units(window)

    def carried(self, start: int) -> Self:  # noqa: ARG002
        """What a recurring metric takes into the window that begins at `start`: uses this up."""
        return self

    def steps(self) -> Steps | None:
        """Its events one by one, where it keeps them."""
        return None

    @staticmethod
    @abstractmethod
    def explain(readings: Sequence[Reading], window: Window) -> list[Contribution]:
        """What each event adds, in the order of time; together it is what `units` gives."""

    @classmethod
    def explain_day(cls, readings: Sequence[Reading], window: Window) -> list[Contribution]:
        """The same of `units_of_day`."""
        return cls.explain(readings, window)


class Count(Aggregation):
    """How many events there were."""

    __slots__ = ()
    reads = "nothing"
    adds_up = True
    explain = staticmethod(contributions.counted)

    def take(self, at: int, rank: int, measurement: Measurement) -> None:  # noqa: ARG002
        self.events += 1

    def merge(self, other: Self) -> None:
        self.events += other.events

    def units(self, window: Window) -> Units:  # noqa: ARG002
        return Decimal(self.events)


class Sum(Aggregation):
    """
    The exact sum; it may be negative.

    It is an integer over a power of ten, and beside it what does not fit into that.
    """

    __slots__ = ("rest", "scale", "total")
    reads = "number"
    may_recur = may_prorate = adds_up = True
    explain = staticmethod(contributions.added)

    def __init__(self, events: int = 0, total: int = 0, scale: int = 0, rest: Units = ZERO) -> None:
        self.events = events
        self.total = total
        self.scale = scale
        self.rest = rest

    def take(self, at: int, rank: int, measurement: Measurement) -> None:  # noqa: ARG002
        value, scale, _ = measurement
        self.events += 1
        if scale is None:
            self.rest = add(self.rest, number_in(value, scale))
        else:
            self.add(value, scale)  # type: ignore[arg-type]

    def merge(self, other: Self) -> None:
        self.events += other.events
        self.add(other.total, other.scale)
        if other.rest:
            self.rest = add(self.rest, other.rest)

    def add(self, value: int, scale: int) -> None:
        """Add `value / 10**scale`."""
        if scale > self.scale:
            self.total *= 10 ** (scale - self.scale)
            self.scale = scale
        self.total += value if scale == self.scale else value * 10 ** (self.scale - scale)

    def units(self, window: Window) -> Units:  # noqa: ARG002
        return add(from_scaled(self.total, self.scale), self.rest)


class Max(Aggregation):
    """The largest value, 0 where there is none; only negatives stay negative."""

    __slots__ = ("largest",)
    reads = "number"
    explain = staticmethod(contributions.extreme)

    def __init__(self, events: int = 0, largest: Units | None = None) -> None:
        self.events = events
        self.largest = largest

    def take(self, at: int, rank: int, measurement: Measurement) -> None:  # noqa: ARG002
        self.events += 1
        self._put(number_in(*measurement[:2]))

    def merge(self, other: Self) -> None:
        self.events += other.events
        if other.largest is not None:
            self._put(other.largest)

    def _put(self, number: Units) -> None:
        if self.largest is None or number > self.largest:
            self.largest = number

    def units(self, window: Window) -> Units:  # noqa: ARG002
        return ZERO if self.largest is None else self.largest


class Latest(Aggregation):
    """The value of the last event, by time and then arrival; a negative one reads 0."""

    __slots__ = ("latest", "moment")
    reads = "number"
    explain = staticmethod(contributions.last)

    def __init__(self, events: int = 0, moment: Moment = NEVER, latest: Units = ZERO) -> None:
        self.events = events
        self.moment = moment
        self.latest = latest

    def take(self, at: int, rank: int, measurement: Measurement) -> None:
        self.events += 1
        if (at, rank) > self.moment:
            self.moment, self.latest = (at, rank), number_in(*measurement[:2])

    def merge(self, other: Self) -> None:
        self.events += other.events
        if other.moment > self.moment:
            self.moment, self.latest = other.moment, other.latest

    def units(self, window: Window) -> Units:  # noqa: ARG002
        return max(self.latest, ZERO)


class WeightedSum(Aggregation):
    """
    A running total, averaged over the window.

    Every value changes a level that starts at 0 and counts for the share of the window left
    after it: two seats added halfway through a month are one seat-month. A change `v` at `t`
    counts for `v * (end - t)`, so the sums of `v` and of `v * t` are enough.
    """

    __slots__ = ("moments", "total")
    reads = "number"
    may_recur = adds_up = True
    explain = staticmethod(contributions.level)

    def __init__(
        self, events: int = 0, total: Sum | None = None, moments: Sum | None = None
    ) -> None:
        self.events = events
        self.total = total or Sum()
        self.moments = moments or Sum()  # of v * t, t in microseconds

    def take(self, at: int, rank: int, measurement: Measurement) -> None:
        value, scale, _ = measurement
        self.events += 1
        self.total.take(at, rank, measurement)
        if scale is None:
            self.moments.rest = add(self.moments.rest, Fraction(number_in(value, scale)) * at)
        else:
            self.moments.add(value * at, scale)  # type: ignore[operator,arg-type]

    def merge(self, other: Self) -> None:
        self.events += other.events
        self.total.merge(other.total)
        self.moments.merge(other.moments)

    def units(self, window: Window) -> Units:
        length = window.end - window.start
        if not length:
            return Fraction(0)
        level, moments = self.total.units(window), self.moments.units(window)
        return (Fraction(level) * window.end - Fraction(moments)) / length

    def carried(self, start: int) -> Self:
        """All changes count for the whole window."""
        total = self.total
        moments = Sum(0, total.total * start, total.scale, Fraction(total.rest) * start)
        return type(self)(self.events, total, moments)


class Operation(NamedTuple):
    """The last thing that happened to an item, and whether it was ever added."""

    at: int
    rank: int
    is_on: bool
    was_added: bool


class UniqueCount(Aggregation):
    """
    The items that are on at the end: the last operation on each decides.

    Adding an item again changes nothing, one removal undoes any number of additions, and a
    removal of what is not on does nothing.
    """

    __slots__ = ("items",)
    reads = "item"
    may_recur = may_prorate = True
    explain = staticmethod(contributions.items)
    explain_day = staticmethod(contributions.items_of_a_day)

    def __init__(self, events: int = 0, items: dict[str, Operation] | None = None) -> None:
        self.events = events
        self.items = {} if items is None else items

    def take(self, at: int, rank: int, measurement: Measurement) -> None:
        item, _, step = measurement
        self.events += 1
        is_on = step == 1
        self._put(item, Operation(at, rank, is_on, is_on))  # type: ignore[arg-type]

    def merge(self, other: Self) -> None:
        self.events += other.events
        for item, operation in other.items.items():
            self._put(item, operation)

    def _put(self, item: str, operation: Operation) -> None:
        known = self.items.get(item)
        if known is not None:
            last = max(known, operation)
            operation = last._replace(was_added=known.was_added or operation.was_added)
        self.items[item] = operation

    def units(self, window: Window) -> Units:  # noqa: ARG002
        return Decimal(sum(operation.is_on for operation in self.items.values()))

    def units_of_day(self, window: Window) -> Units:  # noqa: ARG002
        """The items that were on at any time of the day; one that was removed counts too."""
        return Decimal(sum(operation.was_added for operation in self.items.values()))

    def carried(self, start: int) -> Self:  # noqa: ARG002
        """The items that are on, as if added before the window."""
        on = {item: each for item, each in self.items.items() if each.is_on}
        return type(self)(
            self.events, {item: each._replace(was_added=True) for item, each in on.items()}
        )


AGGREGATIONS: dict[str, type[Aggregation]] = {
    "count_agg": Count,
    "sum_agg": Sum,
    "max_agg": Max,
    "latest_agg": Latest,
    "unique_count_agg": UniqueCount,
    "weighted_sum_agg": WeightedSum,
}


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
