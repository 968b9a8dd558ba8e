"""
What prices are made of: the usage that a charge model is given, and the price it makes of it.

Amounts are exact numbers of currency units (euros, never cents) until they are rounded, once
for each fee.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import ClassVar, NamedTuple, Self

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

    wants_steps: bool  # the events one by one, in order
    wants_amounts: ClassVar[bool] = False  # the prices that events carry
    may_be_in_advance: ClassVar[bool] = True
    may_be_prorated: ClassVar[bool] = False
    may_be_prorated_in_advance: ClassVar[bool] = False

    @classmethod
    @abstractmethod
    def read(cls, properties: Mapping[str, object]) -> Self:
        """
        Properties as they stand in a definition.

        Raises:
            Faulty: every fault, with its place.
        """

    @abstractmethod
    def price(self, used: Used) -> Price:
        """Of usage that is not negative; see `price_of`."""
