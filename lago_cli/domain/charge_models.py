"""
Charge models: the ways in which units become an amount, by Lago's names.

To add one, write a class and add its row to `CHARGE_MODELS`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Self

from lago_cli.domain.aggregations import AGGREGATIONS
from lago_cli.domain.charge_properties import Properties
from lago_cli.domain.definitions import Faulty, not_one_of, wrong_type
from lago_cli.domain.numbers import as_plain
from lago_cli.domain.percentage import Percentage
from lago_cli.domain.pricing import NOTHING, ChargeModel, Part, Price, Used, made_of
from lago_cli.domain.tiers import Graduated, GraduatedPercentage, Volume
from lago_cli.errors import LagoError, refused

_IN_ADVANCE = ("count_agg", "sum_agg", "unique_count_agg")


@dataclass(frozen=True, slots=True)
class Standard(ChargeModel):
    """Every unit has the same price."""

    per_unit: Fraction

    keys = ("amount",)
    may_be_prorated = True
    may_be_prorated_in_advance = True

    @classmethod
    def read(cls, properties: Mapping[str, object]) -> Self:
        given = Properties(properties, cls.keys)
        model = cls(given.price("amount"))
        given.check()
        return model

    @classmethod
    def default(cls) -> Self:
        return cls(NOTHING)

    def as_json(self) -> dict[str, object]:
        return {"amount": as_plain(self.per_unit)}

    def price(self, used: Used) -> Price:
        units = used.units if used.prorated is None else used.prorated
        told = {"units": units, "per_unit_amount": self.per_unit}
        return made_of([Part("units", units * self.per_unit, told)], used.units)


@dataclass(frozen=True, slots=True)
class Package(ChargeModel):
    """Units come in packages; one that is opened is paid in full. Free units come first."""

    per_package: Fraction
    size: int
    free: int

    keys = ("amount", "package_size", "free_units")

    @classmethod
    def read(cls, properties: Mapping[str, object]) -> Self:
        given = Properties(properties, cls.keys)
        model = cls(
            given.price("amount"),
            given.whole("package_size", least=1),
            given.whole("free_units", least=0, default=0),
        )
        given.check()
        return model

    @classmethod
    def default(cls) -> Self:
        return cls(NOTHING, 1, 0)

    def as_json(self) -> dict[str, object]:
        price = as_plain(self.per_package)
        return {"amount": price, "package_size": self.size, "free_units": self.free}

    def price(self, used: Used) -> Price:
        free = max(NOTHING, min(used.units, Fraction(self.free)))
        paid = max(NOTHING, used.units - free)
        packages = Fraction(ceil(paid / self.size))
        told = {
            "units": paid,
            "packages": packages,
            "package_size": Fraction(self.size),
            "per_package_amount": self.per_package,
        }
        parts = [Part("free", NOTHING, {"units": free})] if free else []
        parts.append(Part("packages", packages * self.per_package, told))
        return made_of(parts, used.units, divisor=paid)


@dataclass(frozen=True, slots=True)
class Dynamic(ChargeModel):
    """Events carry their prices themselves."""

    wants_amounts = True

    @property
    def metrics(self) -> Collection[str]:
        return ("sum_agg",)

    @classmethod
    def read(cls, properties: Mapping[str, object]) -> Self:
        Properties(properties, cls.keys).check()
        return cls()

    @classmethod
    def default(cls) -> Self:
        return cls()

    def as_json(self) -> dict[str, object]:
        return {}

    def price(self, used: Used) -> Price:
        told = {"units": used.units, "events": Fraction(used.events)}
        return made_of([Part("events", used.amount, told)], used.units)


CHARGE_MODELS: dict[str, type[ChargeModel]] = {
    "standard": Standard,
    "graduated": Graduated,
    "graduated_percentage": GraduatedPercentage,
    "volume": Volume,
    "package": Package,
    "percentage": Percentage,
    "dynamic": Dynamic,
}


def read_model(charge_model: str, properties: Mapping[str, object] | None) -> ChargeModel:
    """
    The model that a definition asks for; without properties, the one that costs nothing.

    Keys of other models may stand there, as long as they are null or empty.

    Raises:
        Faulty: every fault, with its place in the properties.
    """
    model = CHARGE_MODELS.get(charge_model)
    if model is None:
        unknown = not_one_of("charge_model", "charge model", charge_model, CHARGE_MODELS)
        raise Faulty([((), unknown)])
    if properties is None or properties == {}:
        return model.default()
    if not isinstance(properties, Mapping):
        raise Faulty([((), wrong_type(properties, "an object"))])
    others = {key for each in CHARGE_MODELS.values() for key in each.keys} - {*model.keys}
    return model.read(
        {
            key: value
            for key, value in properties.items()
            if not (key in others and value in ("", [], {}))
        }
    )


def faults_with(
    charge_model: str,
    model: ChargeModel | None,
    *,
    prorated: bool,
    pay_in_advance: bool,
    min_amount_cents: int | None,
    aggregation_type: str | None,
    recurring: bool,
) -> Iterator[LagoError]:
    """
    What a charge asks of its model and its metric, and cannot have.

    Args:
        model: None where its properties are faulty.
        aggregation_type: of its metric; None where that is not known.
    """
    of = CHARGE_MODELS.get(charge_model)
    aggregation = AGGREGATIONS.get(aggregation_type or "")
    if of is None:
        return
    if model and aggregation and aggregation_type not in model.metrics:
        yield _no_price_of(charge_model, model, str(aggregation_type))
    if prorated:
        if aggregation and not (recurring and aggregation.may_prorate):
            message = "only a recurring sum or unique count can be prorated"
            yield refused("invalid_prorated", message, field="prorated")
        if pay_in_advance and not of.may_be_prorated_in_advance:
            able = _names(each.may_be_prorated_in_advance for each in CHARGE_MODELS.values())
            message = f'paid in advance, a charge model "{charge_model}" cannot be prorated'
            yield refused("invalid_prorated", message, f"Possible with: {able}.", field="prorated")
        elif not of.may_be_prorated:
            able = _names(each.may_be_prorated for each in CHARGE_MODELS.values())
            message = f'a charge model "{charge_model}" cannot be prorated'
            yield refused("invalid_prorated", message, f"Possible with: {able}.", field="prorated")
    if pay_in_advance:
        if not of.may_be_in_advance:
            message = f'a charge model "{charge_model}" cannot be paid in advance'
            yield refused("invalid_pay_in_advance", message, field="pay_in_advance")
        if aggregation and aggregation_type not in _IN_ADVANCE:
            message = f'"{aggregation_type}" cannot be paid in advance'
            hint = f"Possible with: {', '.join(_IN_ADVANCE)}."
            yield refused("invalid_pay_in_advance", message, hint, field="pay_in_advance")
    if min_amount_cents and pay_in_advance and min_amount_cents > 0:
        message = "a charge that is paid in advance has no minimum"
        yield refused("invalid_min_amount_cents", message, field="min_amount_cents")
    if min_amount_cents is not None and min_amount_cents < 0:
        message = f"{min_amount_cents} is less than 0"
        yield refused("invalid_min_amount_cents", message, field="min_amount_cents")


def _no_price_of(charge_model: str, model: ChargeModel, aggregation_type: str) -> LagoError:
    able = ", ".join(each for each in AGGREGATIONS if each in model.metrics)
    special = " with free units or limits of an event" if model.wants_steps else ""
    message = f'a charge model "{charge_model}"{special} has no price for "{aggregation_type}"'
    return refused("invalid_charge_model", message, f"Possible with: {able}.", field="charge_model")


def _names(able: Iterator[bool]) -> str:
    return ", ".join(name for name, is_able in zip(CHARGE_MODELS, able, strict=True) if is_able)
