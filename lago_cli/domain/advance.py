"""
Paid in advance: every event is billed at once, by what it adds to the price of all usage.

Only what goes beyond the highest total so far is billed, and nothing is given back.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import NamedTuple

from lago_cli.domain.numbers import round_half_up
from lago_cli.domain.pricing import NOTHING, ChargeModel, Meter, Part, Price, made_of
from lago_cli.domain.steps import Steps


class Advance(NamedTuple):
    """What was billed event by event."""

    price: Price  # before rounding
    rounded: Fraction  # in currency units, each event rounded by itself


class _Line(NamedTuple):
    """What is billed at once."""

    kind: str  # of its part
    at: int
    end: int  # the steps before this one are billed with it, or before it
    amount: Fraction  # of the whole period
    units: Fraction
    total: Fraction  # of all usage up to then


def price_in_advance(
    model: ChargeModel,
    steps: Steps,
    window_start: int,
    places: int,
    coefficient: Callable[[int], Fraction] | None = None,
    amounts: Steps | None = None,
) -> Advance:
    """
    Bill each event of a period, and before them what is carried over into it.

    Args:
        steps: all up to the end of the period; those before `window_start` are carried over.
        places: the decimals of the currency, to which each event is rounded.
        coefficient: of a prorated charge, the part of the period from an instant on.
        amounts: parallel to the steps, the prices that events carry, in the smallest unit of
            the currency.
    """
    parts = []
    units = rounded = NOTHING
    for line in _billed(model, steps, window_start, places, coefficient, amounts):
        if line.amount or line.units:
            units += line.units
            parts.append(_part(line))
        rounded += Fraction(round_half_up(line.amount, places))
    return Advance(made_of(parts, units), rounded)


def price_of_event(
    model: ChargeModel,
    steps: Steps,
    position: int,
    window_start: int,
    places: int,
    coefficient: Callable[[int], Fraction] | None = None,
    amounts: Steps | None = None,
) -> Advance:
    """
    What is billed for one of the events alone; see `price_in_advance`.

    Args:
        position: of its step, which does not lie before `window_start`.
    """
    line = next(
        each
        for each in _billed(model, steps, window_start, places, coefficient, amounts)
        if each.kind == "event" and each.end == position + 1
    )
    rounded = Fraction(round_half_up(line.amount, places))
    return Advance(made_of([_part(line)], line.units), rounded)


def _billed(
    model: ChargeModel,
    steps: Steps,
    window_start: int,
    places: int,
    coefficient: Callable[[int], Fraction] | None,
    amounts: Steps | None,
) -> Iterator[_Line]:
    """The lines with what is due for them, before rounding."""
    lines = _lines(model, steps, window_start)
    if model.wants_amounts and amounts is not None:
        lines = _as_carried(lines, amounts, places)
    for line in lines:
        amount = max(NOTHING, line.amount)
        if coefficient and amount:
            amount *= coefficient(line.at)
        yield line._replace(amount=amount)


def _part(line: _Line) -> Part:
    told = {"units": line.units, "total": line.total}
    if line.kind == "event":
        told["event"] = Fraction(line.end - 1)
    return Part(line.kind, line.amount, told)


def _lines(model: ChargeModel, steps: Steps, window_start: int) -> Iterator[_Line]:
    """By what each event beyond the highest total adds to the price."""
    scale = 10**steps.scale
    moves = list(_moves(steps))
    meter = model.meter()
    first = bisect_left(steps.at, window_start)
    total = sum(moves[:first])
    highest = max(0, total)
    before = NOTHING
    if first:
        if total > 0:
            carried = [1] * int(total) if steps.items else moves[:first]
            before = [_paid(meter, Fraction(move, scale)) for move in carried][-1]
        units = Fraction(highest, scale)
        yield _Line("carried", window_start, first, before, units, Fraction(total, scale))
    for position in range(first, len(moves)):
        total += moves[position]
        growth = NOTHING
        if total > highest:
            growth, highest = Fraction(total - highest, scale), total
        amount = _paid(meter, growth)
        added, before = amount - before, amount
        at, level = steps.at[position], Fraction(total, scale)
        yield _Line("event", at, position + 1, added, growth, level)


def _paid(meter: Meter, units: Fraction) -> Fraction:
    """What usage costs with another event, which is not less than nothing."""
    return max(NOTHING, meter.add(units))


def _moves(steps: Steps) -> Iterator[int | Fraction]:
    """By how much each step changes the total: of a unique count, only where it does."""
    if not steps.items:
        yield from steps.values
        return
    on: set[str] = set()
    for item, value in zip(steps.items, steps.values, strict=True):
        count = len(on)
        if value > 0:
            on.add(item)
        else:
            on.discard(item)
        yield len(on) - count


def _as_carried(lines: Iterator[_Line], amounts: Steps, places: int) -> Iterator[_Line]:
    """The same lines with the prices that the events carry themselves."""
    unit = 10 ** (amounts.scale + places)
    start = 0
    for line in lines:
        yield line._replace(amount=Fraction(sum(amounts.values[start : line.end])) / unit)
        start = line.end
