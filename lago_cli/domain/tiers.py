"""
Charge models of tiers: ranges of units, each with its price and its flat amount.

A tier begins after the end of the one before it, whether written 0-10, 11-20 or 0-10, 10-20:
half a unit past 10 is in the second one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import lcm
from typing import ClassVar, NamedTuple, Self

from lago_cli.domain.aggregations import AGGREGATIONS
from lago_cli.domain.charge_properties import Properties, as_number
from lago_cli.domain.definitions import wrong_type
from lago_cli.domain.numbers import as_plain
from lago_cli.domain.pricing import NOTHING, Change, ChargeModel, Part, Price, Used, made_of
from lago_cli.errors import LagoError, refused

PRICES = ("per_unit_amount", "rate")
_PERCENT = Fraction(1, 100)


class Tier(NamedTuple):
    """From the end of the tier before it up to, and with, `end`."""

    start: Fraction  # as it is written
    end: Fraction | None  # None: open
    price: Fraction  # of a unit, or a percentage of them
    flat: Fraction  # due in full once the tier is entered


@dataclass(frozen=True, slots=True)
class Tiered(ChargeModel):
    """What all models of tiers have in common."""

    tiers: tuple[Tier, ...]

    price_key: ClassVar[str] = "per_unit_amount"
    per: ClassVar[Fraction] = Fraction(1)  # what a price of 1 is of a unit

    @classmethod
    def read(cls, properties: Mapping[str, object]) -> Self:
        key = cls.keys[0]
        given = Properties(properties, cls.keys)
        tiers = []
        for position, row in enumerate(given.rows(key)):
            if not isinstance(row, dict):
                given.fault(wrong_type(row, "an object"), key, position)
                continue
            names = ("from_value", "to_value", cls.price_key, "flat_amount")
            inner = Properties(row, names, PRICES, (key, position))
            start = inner.bound("from_value")
            end = inner.bound("to_value") if inner.has("to_value") else None
            tier = Tier(start, end, inner.price(cls.price_key), inner.price("flat_amount"))
            tiers.append(tier)
            given.faults += inner.faults
        given.check()
        for position, name, error in _misplaced(tiers):
            given.fault(error, key, position, name)
        given.check()
        return cls(tuple(tiers))

    @classmethod
    def default(cls) -> Self:
        return cls((Tier(NOTHING, None, NOTHING, NOTHING),))

    def as_json(self) -> dict[str, object]:
        return {
            self.keys[0]: [
                {
                    "from_value": as_number(tier.start),
                    "to_value": None if tier.end is None else as_number(tier.end),
                    self.price_key: as_plain(tier.price),
                    "flat_amount": as_plain(tier.flat),
                }
                for tier in self.tiers
            ]
        }

    def part(self, tier: Tier, units: Fraction) -> Part:
        """What units in a tier cost, with its flat amount."""
        total = units * tier.price * self.per
        told = {
            "from": tier.start,
            "to": tier.end,
            "units": units,
            self.price_key: tier.price,
            "per_unit_total": total,
            "flat_amount": tier.flat,
        }
        return Part("tier", total + tier.flat, told)

    def entered(self, units: Fraction) -> Iterator[tuple[Tier, Fraction]]:
        """Tiers, and how many of the units are in each; the first one is always entered."""
        below = NOTHING
        for tier in self.tiers:
            inside = units if tier.end is None else min(units, tier.end)
            yield tier, inside - below
            if inside == units:
                return
            below = inside


def _misplaced(tiers: Sequence[Tier]) -> Iterator[tuple[int, str, LagoError]]:
    """The bounds that leave no chain of ranges from 0 on: position, key, fault."""
    if tiers[0].start != 0:
        begins = as_plain(tiers[0].start)
        message = f"the first range begins at {begins}, and has to begin at 0"
        yield 0, "from_value", refused("invalid_ranges", message)
    for position, tier in enumerate(tiers):
        if tier.end is None:
            if position < len(tiers) - 1:
                message = "only the last range is open"
                hint = "Say where this one ends, or leave out those after it."
                yield position, "to_value", refused("invalid_ranges", message, hint)
        elif position == len(tiers) - 1:
            message, hint = "the last range has to be open", "Write to_value: null."
            yield position, "to_value", refused("invalid_ranges", message, hint)
        if tier.end is not None and tier.end <= tier.start:
            ends, begins = as_plain(tier.end), as_plain(tier.start)
            message = f"this range ends at {ends}, and has to end after it begins, at {begins}"
            yield position, "to_value", refused("invalid_ranges", message)
    for position, (before, tier) in enumerate(pairwise(tiers), 1):
        if before.end is not None and tier.start not in (before.end, before.end + 1):
            begins, ends, next_one = map(as_plain, (tier.start, before.end, before.end + 1))
            message = f"this range begins at {begins}, and the one before it ends at {ends}"
            hint = f"Begin it at {ends} or at {next_one}: no range may overlap or leave a gap."
            yield position, "from_value", refused("invalid_ranges", message, hint)


class Graduated(Tiered):
    """Every tier prices the units that fall into it."""

    __slots__ = ()
    keys = ("graduated_ranges",)
    wants_changes = True
    may_be_prorated = True

    def price(self, used: Used) -> Price:
        if used.prorated is not None:
            return self._prorated(used)
        parts = [self.part(tier, units) for tier, units in self.entered(used.units)]
        return made_of(parts, used.units)

    def _prorated(self, used: Used) -> Price:
        """
        Each change of the level pays, or gives back, in the tiers that it passes.

        Flat amounts are due of all tiers up to the highest level. What decreases give back
        never makes units cost less than nothing.
        """
        inside, highest = _by_tier(self.tiers, used.changes)
        entered = sum(1 for _ in self.entered(highest))
        parts = [
            self.part(tier, units)
            for tier, units in zip(self.tiers[:entered], inside, strict=False)
        ]
        of_units = sum((part.amount for part in parts), NOTHING)
        of_units -= sum((tier.flat for tier in self.tiers[:entered]), NOTHING)
        if of_units < 0:
            parts.append(Part("negative", -of_units))
        return made_of(parts, used.units)


def _by_tier(tiers: Sequence[Tier], changes: Sequence[Change]) -> tuple[list[Fraction], Fraction]:
    """The prorated units inside each tier, and the highest level there was."""
    ends = [tier.end for tier in tiers[:-1] if tier.end is not None]
    scale = lcm(*(end.denominator for end in ends), *{each.value.denominator for each in changes})
    bounds = [0, *(int(end * scale) for end in ends)]
    upper: list[int | None] = [*bounds[1:], None]
    inside: list[dict[Fraction, int]] = [{} for _ in tiers]
    level = highest = 0
    for value, coefficient in changes:
        before, level = level, level + value.numerator * (scale // value.denominator)
        highest = max(highest, level)
        low, high = sorted((before, level))
        sign = 1 if level > before else -1
        for number, (start, end) in enumerate(zip(bounds, upper, strict=True)):
            if high <= start:
                break
            length = (high if end is None else min(high, end)) - max(low, start)
            if length > 0:
                lengths = inside[number]
                lengths[coefficient] = lengths.get(coefficient, 0) + sign * length
    units = [
        sum((length * each for each, length in lengths.items()), NOTHING) / scale
        for lengths in inside
    ]
    return units, Fraction(highest, scale)


class GraduatedPercentage(Tiered):
    """Every tier takes its percentage of the units that fall into it."""

    __slots__ = ()
    keys = ("graduated_percentage_ranges",)
    price_key = "rate"
    per = _PERCENT

    @property
    def metrics(self) -> Collection[str]:
        return [each for each in AGGREGATIONS if each != "latest_agg"]

    def price(self, used: Used) -> Price:
        parts = [self.part(tier, units) for tier, units in self.entered(used.units)]
        return made_of(parts, used.units)


class Volume(Tiered):
    """All units have the price of the one tier that their number reaches."""

    __slots__ = ()
    keys = ("volume_ranges",)
    may_be_in_advance = False
    may_be_prorated = True

    def price(self, used: Used) -> Price:
        *_, (tier, _) = self.entered(used.units)
        units = used.units if used.prorated is None else used.prorated
        return made_of([self.part(tier, units)], used.units)
