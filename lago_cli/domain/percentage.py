"""
The charge model of percentages: a rate of the units, and a fixed amount for every event.

The first events, the first units, or both can be free, and what one event costs can have
limits. One walk over the events prices all of these cases.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import NamedTuple, Self

from lago_cli.domain.aggregations import AGGREGATIONS
from lago_cli.domain.charge_properties import Properties
from lago_cli.domain.numbers import as_plain
from lago_cli.domain.pricing import NOTHING, ChargeModel, Meter, Part, Price, Used, made_of
from lago_cli.errors import refused

_ONE_BY_ONE = ("count_agg", "sum_agg", "unique_count_agg")
Numbers = Sequence[int | Fraction]


@dataclass(frozen=True, slots=True)
class Percentage(ChargeModel):
    """A percentage of the units, and a fixed amount for every event that is not free."""

    rate: Fraction
    fixed: Fraction = NOTHING
    free_events: int = 0  # 0: this allowance is none
    free_units: Fraction = NOTHING  # 0: this allowance is none
    least: Fraction | None = None  # what an event costs that is not free
    most: Fraction | None = None

    keys = (
        "rate",
        "fixed_amount",
        "free_units_per_events",
        "free_units_per_total_aggregation",
        "per_transaction_min_amount",
        "per_transaction_max_amount",
    )

    @classmethod
    def read(cls, properties: Mapping[str, object]) -> Self:
        given = Properties(properties, cls.keys)
        least = given.optional_price("per_transaction_min_amount")
        most = given.optional_price("per_transaction_max_amount")
        model = cls(
            given.price("rate"),
            given.optional_price("fixed_amount") or NOTHING,
            given.whole("free_units_per_events", least=0, default=0),
            given.optional_price("free_units_per_total_aggregation") or NOTHING,
            least,
            most,
        )
        given.check()
        if least is not None and most is not None and least > most:
            message = f"the most that an event costs, {as_plain(most)}, is less than the least"
            hint = f"Write {as_plain(least)} or more."
            given.fault(refused("invalid_limits", message, hint), cls.keys[-1])
        given.check()
        return model

    @classmethod
    def default(cls) -> Self:
        return cls(NOTHING)

    def as_json(self) -> dict[str, object]:
        written: dict[str, object] = {"rate": as_plain(self.rate)}
        if self.fixed:
            written["fixed_amount"] = as_plain(self.fixed)
        if self.free_events:
            written["free_units_per_events"] = self.free_events
        if self.free_units:
            written["free_units_per_total_aggregation"] = as_plain(self.free_units)
        for key, limit in zip(self.keys[-2:], (self.least, self.most), strict=True):
            if limit is not None:
                written[key] = as_plain(limit)
        return written

    @property
    def has_limits(self) -> bool:
        return self.least is not None or self.most is not None

    @property
    def wants_steps(self) -> bool:
        return bool(self.free_events or self.free_units or self.has_limits)

    @property
    def metrics(self) -> Collection[str]:
        if self.wants_steps:
            return _ONE_BY_ONE
        return [each for each in AGGREGATIONS if each != "latest_agg"]

    def price(self, used: Used) -> Price:
        """
        Without limits no units cost nothing, however many events there are.

        Where steps are wanted and none are given, all events are taken to be equal.
        """
        if not used.units and not self.has_limits:
            return Price(used.units, NOTHING, NOTHING, ())
        if not self.wants_steps:
            unique = used.steps is not None and used.steps.items
            events = int(used.units) if unique else used.events
            return made_of(self._parts(_Walked(used.units, events)), used.units)
        values, scale = _values(used)
        walked = self._walk(values, scale)
        if not self.has_limits:  # the metric may have rounded the units
            walked = walked._replace(paid=max(NOTHING, used.units - walked.free_units))
        return made_of(self._parts(walked), used.units)

    def meter(self) -> Meter:
        return _Metered(self)

    def _walk(self, values: Numbers, scale: int) -> _Walked:
        """Every event in order; `values` are times `scale`."""
        limit = self.free_units * scale
        if limit.denominator > 1:
            values = [value * limit.denominator for value in values]
            scale *= limit.denominator
        free = _free_first(values, self.free_events, limit.numerator)
        paid = [*free.paid, *values[free.seen :]]
        return _Walked(
            Fraction(sum(paid) + free.returned) / scale,
            len(paid),
            Fraction(free.units) / scale,
            free.seen - len(free.paid),
            self._limited(paid, scale) if self.has_limits else _Limited(),
        )

    def _limited(self, paid: Numbers, scale: int) -> _Limited:
        """What the limits of single events add and take away, in whole numbers."""
        per_unit = self.rate / 100 / scale
        least, most = self.least or NOTHING, self.most or NOTHING
        to_whole = lcm(*(each.denominator for each in (per_unit, self.fixed, least, most)))
        times, fixed = int(per_unit * to_whole), int(self.fixed * to_whole)
        low, high = int(least * to_whole), int(most * to_whole)
        amounts = [value * times + fixed for value in paid]
        below = [] if self.least is None else [each for each in amounts if each < low]
        above = [] if self.most is None else [each for each in amounts if each > high]
        return _Limited(
            len(below),
            Fraction(len(below) * low - sum(below)) / to_whole,
            len(above),
            Fraction(len(above) * high - sum(above)) / to_whole,
        )

    def _parts(self, walked: _Walked) -> list[Part]:
        limited = walked.limited
        free = {"units": walked.free_units, "events": Fraction(walked.free_events)}
        rated = {"units": walked.paid, "rate": self.rate}
        events = Fraction(walked.events)
        fixed = {"events": events, "fixed_amount": self.fixed}
        below, above = Fraction(limited.below), Fraction(limited.above)
        parts = [
            Part("free", NOTHING, free) if walked.free_events or walked.free_units else None,
            Part("percentage", walked.paid * self.rate / 100, rated),
            Part("fixed", events * self.fixed, fixed) if self.fixed else None,
            Part("minimum", limited.added, {"events": below}) if below else None,
            Part("maximum", limited.taken, {"events": above}) if above else None,
        ]
        return [part for part in parts if part]


class _Limited(NamedTuple):
    """What limits of single events change."""

    below: int = 0  # events that would cost less than the least
    added: Fraction = NOTHING
    above: int = 0  # events that would cost more than the most
    taken: Fraction = NOTHING  # not more than 0


class _Walked(NamedTuple):
    """What a walk over events comes to."""

    paid: Fraction  # units
    events: int  # that are not wholly free
    free_units: Fraction = NOTHING
    free_events: int = 0
    limited: _Limited = _Limited()


class _Free(NamedTuple):
    """The first events, as long as an allowance may be left."""

    seen: int  # events
    units: int | Fraction  # that are free
    paid: list[int | Fraction]  # of each event that is not wholly free
    returned: int | Fraction  # paid units that free events give back, not more than 0


def _free_first(values: Numbers, free_events: int, limit: int) -> _Free:
    """
    Tell free from paid: in the first `free_events` events, what is below a total of `limit`.

    Either is 0 where there is no such allowance.
    """
    paid: list[int | Fraction] = []
    if not limit:
        seen = min(free_events, len(values))
        return _Free(seen, sum(values[:seen]), paid, 0)
    total: int | Fraction = 0
    returned: int | Fraction = 0
    seen = min(free_events or len(values), len(values))
    never_falls = min(values, default=0) >= 0
    for number in range(seen):
        if total >= limit and never_falls:
            seen = number
            break
        before, total = total, total + values[number]
        units, is_free = _paid_of(before, total, limit)
        if is_free:
            returned += units
        else:
            paid.append(units)
    return _Free(seen, min(total, limit), paid, returned)


def _paid_of(
    before: int | Fraction, total: int | Fraction, limit: int | Fraction
) -> tuple[int | Fraction, bool]:
    """
    The paid units of an event that changes the total, and whether the event is free.

    It is free where nothing beyond the limit is used; one that falls below it again gives
    back what was paid.
    """
    if before >= limit and total >= limit:
        return total - before, False
    if total > limit:
        return total - limit, False
    return limit - max(before, limit), True


def _values(used: Used) -> tuple[Numbers, int]:
    """The units of each event, times a scale; one each of the items of a unique count."""
    if used.steps is None:
        events = used.events or int(used.units != 0)
        each = used.units / (events or 1)
        return [each.numerator] * events, each.denominator
    if used.steps.items:
        return [1] * int(used.units), 1
    return used.steps.values, 10**used.steps.scale


class _Metered(Meter):
    """The walk, asked after every event what it has come to."""

    __slots__ = ("amount", "events", "model", "total")

    def __init__(self, model: Percentage) -> None:
        self.model = model
        self.events = 0
        self.total = self.amount = NOTHING

    def add(self, units: Fraction) -> Fraction:
        model = self.model
        before, self.total = self.total, self.total + units
        self.events += 1
        paid, is_free = self._paid(before)
        amount = paid * model.rate / 100
        if not is_free:
            amount += model.fixed
            if model.least is not None:
                amount = max(amount, model.least)
            if model.most is not None:
                amount = min(amount, model.most)
        self.amount += amount
        return self.amount if self.total or model.has_limits else NOTHING

    def _paid(self, before: Fraction) -> tuple[int | Fraction, bool]:
        model = self.model
        within = model.free_events or (self.events if model.free_units else 0)
        if self.events > within:
            return self.total - before, False
        if not model.free_units:
            return NOTHING, True
        return _paid_of(before, self.total, model.free_units)
