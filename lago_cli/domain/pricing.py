"""
What prices are made of: the usage that a charge model is given, and the price it makes of it.

Amounts are exact numbers of currency units (euros, never cents) until they are rounded, once
for each fee.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from typing import ClassVar, NamedTuple, Self

from lago_cli.domain.aggregations import AGGREGATIONS
from lago_cli.domain.steps import Steps

NOTHING = Fraction(0)


class Change(NamedTuple):
    """A prorated charge: by how much the level changes, and for which part of the period."""

    value: Fraction
    coefficient: Fraction  # from 0 to 1


class Used(NamedTuple):
    """What was used of one charge in one filter bucket and group."""

    units: Fraction = NOTHING  # in full, rounded as the metric says
    events: int = 0
    prorated: Fraction | None = None  # the same by days, where the charge is prorated
    steps: Steps | None = None  # where the model wants them
    changes: Sequence[Change] = ()  # where the model wants them, of a prorated charge
    amount: Fraction = NOTHING  # the prices that its events carry, where the model wants them


class Part(NamedTuple):
    """A line of how a price comes about; all amounts together are the price."""

    kind: str  # a stable word: tier, packages, free, percentage, fixed, event, …
    amount: Fraction
    told: Mapping[str, Fraction | str | None] = {}  # what it is made of, by JSON key


class Price(NamedTuple):
    """What usage costs, before rounding."""

    units: Fraction  # as they are billed: 0 where usage is negative
    amount: Fraction
    unit_amount: Fraction  # for display; 0 where there are no units
    parts: Sequence[Part]


class ChargeModel(ABC):
    """How units become an amount: the properties of a charge, read and checked."""

    __slots__ = ()

    keys: ClassVar[tuple[str, ...]] = ()  # of its properties
    wants_changes: ClassVar[bool] = False  # where the charge is prorated
    wants_amounts: ClassVar[bool] = False  # the prices that events carry
    may_be_in_advance: ClassVar[bool] = True
    may_be_prorated: ClassVar[bool] = False
    may_be_prorated_in_advance: ClassVar[bool] = False

    @property
    def wants_steps(self) -> bool:
        """Whether its price depends on the events one by one, in order."""
        return False

    @property
    def metrics(self) -> Collection[str]:
        """The aggregation types whose figures it can price."""
        return AGGREGATIONS

    @classmethod
    @abstractmethod
    def read(cls, properties: Mapping[str, object]) -> Self:
        """
        Properties as they stand in a definition.

        Raises:
            Faulty: every fault, with its place.
        """

    @classmethod
    @abstractmethod
    def default(cls) -> Self:
        """What holds where a charge has no properties."""

    @abstractmethod
    def as_json(self) -> dict[str, object]:
        """The properties, in the one form that stands for all that mean the same."""

    @abstractmethod
    def price(self, used: Used) -> Price:
        """Of usage that is not negative; see `price_of`."""

    def meter(self) -> Meter:
        """What usage costs as it grows event by event, from nothing on."""
        return _OfTotals(self)


class Meter(ABC):
    """Usage that grows event by event."""

    __slots__ = ()

    @abstractmethod
    def add(self, units: Fraction) -> Fraction:
        """Take another event; the amount of all usage up to it."""


class _OfTotals(Meter):
    """Of models that care for the total only."""

    __slots__ = ("model", "units")

    def __init__(self, model: ChargeModel) -> None:
        self.model = model
        self.units = NOTHING

    def add(self, units: Fraction) -> Fraction:
        self.units += units
        return self.model.price(Used(self.units)).amount


def price_of(model: ChargeModel, used: Used) -> Price:
    """
    What usage costs. Where its units or its amount are negative, both are 0.

    The parts always add up to the amount: what negative usage would give back is taken away
    by a part of kind `negative`.
    """
    price = model.price(used)
    if price.units >= 0 and price.amount >= 0:
        return price
    credit = sum((part.amount for part in price.parts), NOTHING)
    parts = (*price.parts, Part("negative", -credit)) if credit else price.parts
    return Price(NOTHING, NOTHING, NOTHING, parts)


def made_of(parts: Sequence[Part], units: Fraction, divisor: Fraction | None = None) -> Price:
    """
    The price that parts add up to.

    Args:
        divisor: the units that a displayed unit amount is of, where they are not all.
    """
    amount = sum((part.amount for part in parts), NOTHING)
    of = units if divisor is None else divisor
    return Price(units, amount, amount / of if of else NOTHING, parts)
