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
    is_plain = value is None or isinstance(value, str | bool)
    return value if is_plain else Number(value)


def model(
    charge_model: str, properties: Mapping[str, Any] | None = None, **more: Any
) -> ChargeModel:
    return read_model(charge_model, written({**(properties or {}), **more}))


def tiers(charge_model: str, *rows: Sequence[Any], price: str = "per_unit_amount") -> ChargeModel:
    """Of rows of from, to, price, flat amount."""
    keys = ("from_value", "to_value", price, "flat_amount")
    ranges = [dict(zip(keys, row, strict=True)) for row in rows]
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
