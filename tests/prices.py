"""
What prices are, as plainly as it can be written: the oracle of the tests, and what they give it.

Nothing here is fast. Units are cut into slivers, days are counted one by one, events are
priced one after the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from lago_cli.domain.charge_models import read_model
from lago_cli.domain.numbers import as_plain
from lago_cli.domain.pricing import ChargeModel, Price, Used, price_of
from lago_cli.domain.steps import Steps


class Number(str):
    """A number of a definition document, as readers give it."""

    __slots__ = ()


def written(value: Any) -> Any:
    """Plain data as readers give it: every number is a text of its own class."""
    if isinstance(value, Mapping):
        return {key: written(each) for key, each in value.items()}
    if isinstance(value, list):
        return [written(each) for each in value]
    is_plain = value is None or isinstance(value, (str, bool))
    return value if is_plain else Number(value)


def model(
    charge_model: str, properties: Mapping[str, Any] | None = None, **more: Any
) -> ChargeModel:
    return read_model(charge_model, written({**(properties or {}), **more}))


Row = tuple[Any, Any, Any, Any]
"""A range: from, to or None, the price of a unit or the rate, the flat amount."""


def tiers(charge_model: str, *rows: Row, price: str = "per_unit_amount") -> ChargeModel:
    """A model of ranges; their numbers may be texts or fractions."""
    ranges = [
        {
            "from_value": Number(as_plain(Fraction(start))),
            "to_value": None if end is None else Number(as_plain(Fraction(end))),
            price: as_plain(Fraction(amount)),
            "flat_amount": as_plain(Fraction(flat)),
        }
        for start, end, amount, flat in rows
    ]
    return model(charge_model, {f"{charge_model}_ranges": ranges})


def steps(*values: Any, at: Sequence[int] = (), scale: int = 0) -> Steps:
    """One event after the other, from the instant 1 on."""
    numbers = [int(Fraction(str(value)) * 10**scale) for value in values]
    return Steps(at or range(1, len(values) + 1), numbers, scale)


def used_in(given: Steps) -> Used:
    """What all steps come to."""
    units = Fraction(sum(given.values), 10**given.scale)
    return Used(units, len(given.values), steps=given)


def priced(of: ChargeModel, used: Used | Any) -> Price:
    """The price of so many units, or of what was used; its parts add up to it."""
    if not isinstance(used, Used):
        used = Used(Fraction(str(used)))
    price = price_of(of, used)
    assert sum((part.amount for part in price.parts), Fraction(0)) == price.amount
    return price


def cost(of: ChargeModel, used: Used | Any) -> Fraction:
    return priced(of, used).amount


def by_slivers(rows: Sequence[Row], units: Fraction) -> Fraction:
    """A graduated price, tenth of a unit by tenth of a unit; so are the bounds."""
    slivers = [Fraction(number, 10) for number in range(1, int(units * 10) + 1)]
    tiers_of = [_tier_of(rows, upto) for upto in slivers]
    entered = {0, *tiers_of}
    flats = sum((Fraction(rows[tier][3]) for tier in entered), Fraction(0))
    return flats + sum((Fraction(rows[tier][2]) / 10 for tier in tiers_of), Fraction(0))


def at_one_price(rows: Sequence[Row], units: Fraction) -> Fraction:
    """A volume price."""
    _, _, price, flat = rows[_tier_of(rows, units)]
    return units * Fraction(price) + Fraction(flat)


def _tier_of(rows: Sequence[Row], units: Fraction) -> int:
    return next(n for n, row in enumerate(rows) if row[1] is None or units <= Fraction(row[1]))


def unit_by_unit(rows: Sequence[Row], changes: Sequence[tuple[int, Fraction]]) -> Fraction:
    """A prorated graduated price of whole units: each has its place, and there its price."""
    level, highest, total = 0, 0, Fraction(0)
    for value, coefficient in changes:
        for _ in range(abs(value)):
            place = level + 1 if value > 0 else level
            if place > 0:
                price = Fraction(rows[_tier_of(rows, Fraction(place))][2])
                total += price * coefficient if value > 0 else -price * coefficient
            level += 1 if value > 0 else -1
        highest = max(highest, level)
    if level < 0:
        return Fraction(0)
    last = _tier_of(rows, Fraction(highest))
    return max(total, Fraction(0)) + sum(
        (Fraction(row[3]) for row in rows[: last + 1]), Fraction(0)
    )


def by_countdown(
    values: Sequence[Fraction],
    rate: Fraction,
    fixed: Fraction,
    free_events: int | None,
    free_units: Fraction | None,
    least: Fraction | None,
    most: Fraction | None,
) -> list[Fraction]:
    """What each event costs, none of them negative: allowances are used up one by one."""
    costs = []
    events_left = -1 if free_events is None else free_events
    units_left = free_units
    for value in values:
        has_any = free_events is not None or free_units is not None
        is_touched = has_any and events_left != 0 and units_left != 0
        free = Fraction(0)
        if is_touched:
            free = value if units_left is None else min(value, units_left)
            events_left -= 1
            if units_left is not None:
                units_left -= free
        paid = value - free
        if is_touched and paid == 0:
            costs.append(Fraction(0))
            continue
        amount = paid * rate / 100 + fixed
        if least is not None:
            amount = max(least, amount)
        costs.append(amount if most is None else min(most, amount))
    return costs


def days_on(events: Sequence[tuple[int, str, int]], days: Sequence[int]) -> int:
    """
    On how many of the days each item was on at any time, in all; an instant is a day.

    Args:
        events: (day, item, 1 or -1), in order; those before the first of the days came before.
    """
    count = 0
    for item in {item for _, item, _ in events}:
        mine = [(day, step) for day, each, step in events if each == item]
        for day in days:
            before = [step for other, step in mine if other < day]
            added = any(step > 0 for other, step in mine if other == day)
            count += added or (bool(before) and before[-1] > 0)
    return count
