"""
Charging: what subscriptions used of the charges of their plans, and what that costs.

Charges with the same metric, filters and group keys are one question to the engine, whichever
plans they belong to; all filters of it are answered in one pass. Every event falls into one
bucket (`domain.buckets`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from fractions import Fraction
from functools import cached_property, partial
from typing import Any, NamedTuple

from lago_cli.domain.advance import price_in_advance
from lago_cli.domain.aggregations import round_units
from lago_cli.domain.fees import Fee, charge_fee
from lago_cli.domain.instants import Window
from lago_cli.domain.metrics import Metric
from lago_cli.domain.numbers import ZERO, Units, add, exact
from lago_cli.domain.plans import Plan
from lago_cli.domain.pricing import ChargeModel, Price, Used, price_of
from lago_cli.domain.projection import grown
from lago_cli.domain.proration import changes_of
from lago_cli.domain.slices import Slice, day_of, until_of
from lago_cli.domain.steps import Steps
from lago_cli.domain.usage import Group
from lago_cli.services.questions import Question
from lago_cli.services.requests import Owner, UsageRequest
from lago_cli.services.selection import Selection
from lago_cli.services.slicing import SliceCalendar
from lago_cli.services.tariffs import Ask, Tariff, What
from lago_cli.stores.base import UsageStore

ONE = Fraction(1)
NO_STEPS = Steps((), ())
_IN_STEPS: tuple[What, ...] = ("steps", "amounts in steps")

Place = tuple[int, Group]
"""(number of the filter as it is declared, group)."""


class Found(NamedTuple):
    """The answer in one slice, bucket and group."""

    units: Units = ZERO
    events: int = 0  # of a recurring sum or unique count all up to the end of the slice
    steps: Steps | None = None


Answers = dict[tuple[Owner, Window], dict[Place, Found]]
Known = dict[tuple[Ask, frozenset[Owner]], Answers]
"""What the engine said about the same slices, by what it was asked and about whom."""


@dataclass(eq=False)
class Charging:
    """
    Prices charges in the slices of subscriptions.

    Args:
        slices: by (customer, subscription): contiguous, in order.
        request: filters, groups and the instant as of which usage is told.
    """

    store: UsageStore
    selection: Selection
    request: UsageRequest
    slices: Mapping[Owner, Sequence[Slice]]
    zones: Mapping[Owner, tzinfo]
    now: int
    answers: Known = field(default_factory=dict)
    _whom: dict[Ask, frozenset[Owner]] = field(default_factory=dict)
    _tariffs: dict[int, list[Tariff]] = field(default_factory=dict)

    @cached_property
    def metrics(self) -> Mapping[str, Metric]:
        return self.store.catalog.metrics()

    def tariffs(self, plan: Plan) -> list[Tariff]:
        """Of all charges that are asked for, and whose metric is defined."""
        if id(plan) not in self._tariffs:
            extra, wanted = tuple(self.request.group_by), self.request.metrics or self.metrics
            self._tariffs[id(plan)] = [
                Tariff(plan, number, self.metrics[charge.billable_metric_code], extra)
                for number, charge in enumerate(plan.charges)
                if charge.billable_metric_code in self.metrics
                and charge.billable_metric_code in wanted
            ]
        return self._tariffs[id(plan)]

    def prepare(self) -> None:
        """Ask the engine for everything that the slices need."""
        plans: dict[int, Plan] = {}
        owners: dict[int, set[Owner]] = {}
        for owner, found in self.slices.items():
            for each in found:
                if each.plan is not None:
                    plans[id(each.plan)] = each.plan
                    owners.setdefault(id(each.plan), set()).add(owner)
        asked: dict[Ask, set[Owner]] = {}
        for key, plan in plans.items():
            for tariff in self.tariffs(plan):
                for ask in tariff.asks():
                    asked.setdefault(ask, set()).update(owners[key])
        calendars: dict[frozenset[Owner], SliceCalendar] = {}
        questions: dict[object, Question] = {}
        self._whom = {ask: frozenset(whom) for ask, whom in asked.items()}
        for ask, among in self._whom.items():
            if (ask, among) in self.answers:
                continue
            if among not in calendars:
                some = {owner: self.slices[owner] for owner in among}
                calendars[among] = SliceCalendar(some, self.zones)
            kind = among, ask.what == "by days"
            if kind not in questions:
                request = replace(self.request, prorated=ask.what == "by days", group_by=())
                questions[kind] = Question(
                    self.store, request, self.now, self.selection, calendars[among]
                )
            self.answers[ask, among] = self._answer(questions[kind], ask)

    def _answer(self, question: Question, ask: Ask) -> Answers:
        metric = self.metrics[ask.metric]
        series = question.asks(metric)
        query = replace(
            question.query(metric),
            buckets=[dict(each) for each in ask.filters],
            group_by=ask.keys,
            of_amounts=ask.what.startswith("amounts"),
            in_steps=ask.what.endswith("steps"),
        )
        found: Answers = {}
        for share in self.store.aggregate(query):
            asks = series[share.owner]
            slot = asks.slot_of(share.window)
            places = found.setdefault((asks.owner, slot.of), {})
            place = share.bucket, share.group
            events = share.events_count
            if metric.aggregation_type != "weighted_sum_agg":  # which carries only a level
                events += share.events_before
            known = places.get(place)
            if known is None:
                places[place] = Found(slot.weighed(share.units), events, share.steps)
            else:
                with exact():
                    units = add(known.units, slot.weighed(share.units))
                places[place] = Found(units, known.events + events, share.steps)
        return found

    def fees(self, owner: Owner, part: Slice) -> Iterator[Fee]:
        """
        The charge fees of a slice: by charge, then by filter as declared, then by group.

        Where usage is grouped (`request.group_by`), only what has usage has a fee.
        """
        assert part.plan is not None
        for tariff in self.tariffs(part.plan):
            yield from self.fees_of(owner, part, tariff)

    def fees_of(
        self, owner: Owner, part: Slice, tariff: Tariff, growth: Fraction = ONE
    ) -> Iterator[Fee]:
        """
        Of one charge.

        Args:
            growth: how many times as much is used as is known now (`domain.projection`).
        """
        for bucket in range(len(tariff.buckets)):
            keys = tariff.keys(bucket)
            found = self._found(owner, part, tariff, bucket)
            if not found and not tariff.extra:
                found = {(None,) * len(keys): dict.fromkeys(tariff.wants(bucket), Found())}
            for group in sorted(found, key=_by_text):
                named = dict(zip(keys, group, strict=True)) if keys else None
                yield self._fee(owner, part, tariff, bucket, named, found[group], growth)

    def steps_of(
        self, owner: Owner, part: Slice, tariff: Tariff, bucket: int, group: Group
    ) -> tuple[Steps, Steps]:
        """Of a charge in advance, what happened in one group so far; and at which prices."""
        found = self._found(owner, part, tariff, bucket).get(group, {})
        steps, amounts = (found.get(what, Found()).steps for what in _IN_STEPS)
        return steps or NO_STEPS, amounts or NO_STEPS

    def _found(
        self, owner: Owner, part: Slice, tariff: Tariff, bucket: int
    ) -> dict[Group, dict[What, Found]]:
        """By group, what the price of a bucket hangs on."""
        where = tariff.order.index(bucket) if bucket < len(tariff.order) else bucket
        wanted = list(tariff.wants(bucket))
        found: dict[Group, dict[What, Found]] = {}
        for what in wanted:
            for (number, group), each in self._of(tariff.ask(bucket, what), owner, part):
                if number == where:
                    found.setdefault(group, dict.fromkeys(wanted, Found()))[what] = each
        return found

    def _of(self, ask: Ask, owner: Owner, part: Slice) -> Iterable[tuple[Place, Found]]:
        answers = self.answers[ask, self._whom[ask]]
        return answers.get((owner, part.window), {}).items()

    def _fee(
        self,
        owner: Owner,
        part: Slice,
        tariff: Tariff,
        bucket: int,
        group: Mapping[str, str | None] | None,
        found: Mapping[What, Found],
        growth: Fraction,
    ) -> Fee:
        model, metric, measured = tariff.model(bucket), tariff.metric, found["units"]
        events, cents = measured.events, None
        units = Fraction(
            round_units(measured.units, metric.rounding_function, metric.rounding_precision)
        )
        if tariff.charge.pay_in_advance:
            price, cents = self._in_advance(owner, part, tariff, model, found)
            used = Used(price.units, events, steps=_steps_of(metric, found), amount=price.amount)
        else:
            used = self._used(owner, part, tariff, model, found, units)
            price = price_of(model, used)
        if growth != ONE:
            used = grown(used, growth)
            price, events, cents = price_of(model, used), used.events, None
        fee = charge_fee(part, tariff.plan, tariff.number, bucket, group, price, events, cents)
        return fee._replace(aggregated=units)

    def _used(
        self,
        owner: Owner,
        part: Slice,
        tariff: Tariff,
        model: ChargeModel,
        found: Mapping[What, Found],
        units: Fraction,
    ) -> Used:
        metric, plan = tariff.metric, tariff.plan
        used = Used(units, found["units"].events)
        if tariff.is_by_changes:
            steps = found["steps"].steps or NO_STEPS
            zone = self.zones[owner]
            changes = changes_of(
                steps,
                Window(part.window.start, until_of(part, zone)),
                part.full_days,
                partial(day_of, zone=zone),
            )
            prorated = sum((each.value * each.coefficient for each in changes), Fraction(0))
            used = used._replace(changes=changes, prorated=prorated)
        elif tariff.charge.prorated:
            by_days = round_units(
                found["by days"].units, metric.rounding_function, metric.rounding_precision
            )
            used = used._replace(prorated=Fraction(by_days))
        # the fixed amounts of a unique count are those of its items
        if model.wants_steps or metric.aggregation_type == "unique_count_agg":
            used = used._replace(steps=_steps_of(metric, found))
        if model.wants_amounts:
            used = used._replace(amount=Fraction(found["amounts"].units) / 10**plan.digits)
        return used

    def _in_advance(
        self,
        owner: Owner,
        part: Slice,
        tariff: Tariff,
        model: ChargeModel,
        found: Mapping[What, Found],
    ) -> tuple[Price, int]:
        zone, digits = self.zones[owner], tariff.plan.digits
        in_advance: Any = price_in_advance(
            model,
            found["steps"].steps or NO_STEPS,
            part.window.start,
            digits,
            by_days(part, tariff, zone),
            found["amounts in steps"].steps if model.wants_amounts else None,
        )
        return in_advance.price, int(in_advance.rounded * 10**digits)


def by_days(part: Slice, tariff: Tariff, zone: tzinfo) -> Callable[[int], Fraction] | None:
    """Of a charge in advance that is prorated, for which part of the period an instant counts."""
    if not tariff.charge.prorated:
        return None
    return lambda at: part.coefficient(day_of(at, zone))


def _steps_of(metric: Metric, found: Mapping[What, Found]) -> Steps:
    """What a price by events walks over; of a count each weighs 1, of a unique count each item."""
    if metric.aggregation_type == "sum_agg":
        return found["steps"].steps or NO_STEPS
    if metric.aggregation_type == "unique_count_agg":
        return Steps((), (), items=("",))
    return Steps((), [1] * found["units"].events)


def _by_text(group: Group) -> tuple[tuple[bool, str], ...]:
    """Groups by their texts, those without one last."""
    return tuple((value is None, value or "") for value in group)
