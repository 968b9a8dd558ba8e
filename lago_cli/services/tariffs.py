"""
Tariffs: a charge of a plan together with its metric, and what its prices hang on.

Every event falls into one bucket: that of one of the charge's filters (`domain.buckets`), or
the rest. Each bucket has its own prices, and properties by whose values usage is grouped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from lago_cli.domain.buckets import in_order
from lago_cli.domain.charges import Charge, group_keys_of, model_of
from lago_cli.domain.metrics import Metric
from lago_cli.domain.plans import Plan
from lago_cli.domain.pricing import ChargeModel
from lago_cli.domain.usage import PropertyFilter

What = Literal["units", "by days", "steps", "amounts", "amounts in steps"]


class Ask(NamedTuple):
    """One question to the engine."""

    metric: str
    filters: tuple[tuple[tuple[str, tuple[str, ...]], ...], ...]  # in the order they are tried
    keys: tuple[str, ...]
    what: What


@dataclass(frozen=True, eq=False)
class Tariff:
    """A charge of a plan with its metric: the buckets, and the prices of each."""

    plan: Plan
    number: int
    metric: Metric
    extra: tuple[str, ...] = ()  # properties by which fees are told apart beside its own keys

    @cached_property
    def charge(self) -> Charge:
        return self.plan.charges[self.number]

    @cached_property
    def declared(self) -> list[PropertyFilter]:
        """What each filter asks of an event."""
        charge = self.charge
        return [charge.filter_of(number, self.metric) for number in range(len(charge.filters))]

    @cached_property
    def order(self) -> list[int]:
        return in_order(self.declared)

    @cached_property
    def buckets(self) -> list[tuple[ChargeModel, tuple[str, ...]]]:
        """Prices and group keys of each filter as it is declared, and of the rest."""
        rows = [*(each.properties for each in self.charge.filters), self.charge.properties]
        return [
            (model_of(self.charge.charge_model, row or {}), group_keys_of(row or {}))
            for row in rows
        ]

    def own_keys(self, bucket: int) -> tuple[str, ...]:
        return self.buckets[bucket][1]

    def keys(self, bucket: int) -> tuple[str, ...]:
        """By which its events are grouped."""
        return tuple(dict.fromkeys((*self.extra, *self.own_keys(bucket))))

    def model(self, bucket: int) -> ChargeModel:
        return self.buckets[bucket][0]

    @cached_property
    def is_by_changes(self) -> bool:
        """Whether each change is priced in its tier, for its part of the period."""
        return self.charge.prorated and self.charge.charge_model == "graduated"

    def wants(self, bucket: int) -> Iterator[What]:
        """What its price hangs on."""
        model, charge = self.model(bucket), self.charge
        yield "units"
        if charge.pay_in_advance or self.is_by_changes:
            yield "steps"
            if model.wants_amounts:
                yield "amounts in steps"
            return
        if charge.prorated:
            yield "by days"
        if model.wants_amounts:
            yield "amounts"
        if model.wants_steps and self.metric.aggregation_type == "sum_agg":
            yield "steps"

    def ask(self, bucket: int, what: What) -> Ask:
        filters = tuple(
            tuple((key, tuple(values)) for key, values in self.declared[number].items())
            for number in self.order
        )
        return Ask(self.metric.code, filters, self.keys(bucket), what)

    def asks(self) -> Iterator[Ask]:
        for bucket in range(len(self.buckets)):
            yield from (self.ask(bucket, what) for what in self.wants(bucket))
