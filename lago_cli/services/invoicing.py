"""
Invoices: what subscriptions cost in a period.

The cost of a billing period is what it costs whenever it is billed. A period that is asked for
by its name, such as a month, has the billing periods that end in it, so that months add up to
a year whatever the intervals are; each has all of its usage, even where it began earlier.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import NamedTuple

from lago_cli.domain.fees import (
    Fee,
    minimum_commitment,
    minimum_spend,
    subscription_fee,
)
from lago_cli.domain.instants import AFTER_LAST_EVENT, Window
from lago_cli.domain.invoices import Invoice
from lago_cli.domain.plans import Plan
from lago_cli.domain.slices import Slice, closing, day_of, period_of
from lago_cli.domain.subscriptions import Phase, Subscription
from lago_cli.errors import refused
from lago_cli.services.calendars import Calendars
from lago_cli.services.charging import Charging, Known
from lago_cli.services.names import unknown
from lago_cli.services.questions import overlap
from lago_cli.services.requests import Owner, UsageRequest
from lago_cli.services.selection import Selection
from lago_cli.stores.base import PricedStore


class Billed(NamedTuple):
    """A subscription, and what of it is priced."""

    subscription: Subscription
    asked: Window
    own: Sequence[Slice]  # by the intervals of its plans
    charges: Sequence[Slice]  # by the intervals of their charges, contiguous
    zone: tzinfo

    @property
    def owner(self) -> Owner:
        return self.subscription.external_customer_id, self.subscription.external_id


@dataclass(eq=False)
class Invoicing:
    """
    Invoices of the registered subscriptions that are asked for.

    Raises:
        LagoError: not found, for a name that nobody knows; wrong usage, for a period that
            cannot be read; refused, where none of what is named has a plan.
    """

    store: PricedStore
    request: UsageRequest  # by subscription
    now: int
    bills_all: bool = False  # also those without a plan, at nothing
    without_plan: list[Subscription] = field(default_factory=list)  # that live in the period

    def __post_init__(self) -> None:
        self.plans = self.store.plans()
        self.selection = Selection(self.store, self.request)
        self._calendars = Calendars(self.store, self.request, self.selection, self.now)
        self.billed = list(self._billed())
        self.charging = self._charging(self.billed, {})

    def _charging(self, billed: Iterable[Billed], answers: Known) -> Charging:
        slices = {each.owner: each.charges for each in billed if each.charges}
        zones = {each.owner: each.zone for each in self.billed}
        found = Charging(self.store, self.selection, self.request, slices, zones, self.now, answers)
        found.prepare()
        return found

    def rebilled(self, billed: Sequence[Billed], answers: Known) -> Invoicing:
        """
        The same question, about slices of other plans.

        Args:
            answers: what the engine said about the same windows; what it says now is added.
        """
        other = copy(self)
        other.billed = list(billed)
        other.charging = self._charging(billed, answers)
        return other

    def invoices(self) -> Iterator[Invoice]:
        """By subscription; of one whose plans have several currencies one for each of them."""
        for each in self.billed:
            if not self.has_plan(each.subscription):
                continue
            fees: dict[str, list[Fee]] = {}
            plans: dict[str, Plan] = {}
            for fee, plan in self.fees(each):
                fees.setdefault(plan.amount_currency, []).append(fee)
                plans[plan.amount_currency] = plan
            windows = [part.window for part in (*each.own, *each.charges)]
            window = around(windows) if windows else overlap(each.asked, each.subscription.life)
            if not fees:
                plan = self._plan_at(each.subscription, window)
                fees[plan.amount_currency], plans[plan.amount_currency] = [], plan
            for currency, found in fees.items():
                yield Invoice(each.subscription, plans[currency], window, found)

    def _plans_of(self, subscription: Subscription) -> list[Plan]:
        codes = [phase.plan_code or "" for phase in subscription.phases]
        return [self.plans[code] for code in codes if code in self.plans]

    def _plan_at(self, subscription: Subscription, window: Window) -> Plan:
        codes = [
            phase.plan_code or ""
            for phase in subscription.phases
            if phase.window.start <= max(window.start, subscription.started_at)
        ]
        return next(self.plans[code] for code in reversed(codes) if code in self.plans)

    def has_plan(self, subscription: Subscription) -> bool:
        """Whether it is billed by a plan that is there, at some time."""
        return bool(self._plans_of(subscription))

    def fees(self, billed: Billed) -> Iterator[tuple[Fee, Plan]]:
        """Each with the plan that it is due by."""
        start = day_of(billed.subscription.started_at, billed.zone)
        phases = list(dict.fromkeys(id(part.plan) for part in (*billed.own, *billed.charges)))
        for phase in phases:
            own = [part for part in billed.own if id(part.plan) == phase]
            charges = [part for part in billed.charges if id(part.plan) == phase]
            by_part = {part.window: self._charge_fees(billed.owner, part) for part in charges}
            of_plan = [
                (part, subscription_fee(part, part.plan, start + part.plan.trial_period))
                for part in own
                if part.plan is not None
            ]
            plan = next((part.plan for part in (*own, *charges) if part.plan), None)
            if plan is None:
                continue
            yield from ((fee, plan) for _, fee in of_plan)
            asked = [part.window for part in charges if ends_in(part, billed.asked)]
            found = [fee for window in asked for fee in by_part[window]]
            yield from ((fee, plan) for fee in sorted(found, key=lambda fee: fee.number))
            for part, fee in of_plan:
                inside = [
                    each
                    for window, fees in by_part.items()
                    if part.window.start <= window.start and window.end <= part.window.end
                    for each in fees
                ]
                lacking = minimum_commitment(part, plan, [fee, *inside])
                if lacking is not None:
                    yield lacking, plan

    def _charge_fees(self, owner: Owner, part: Slice) -> list[Fee]:
        assert part.plan is not None
        found: list[Fee] = []
        for tariff in self.charging.tariffs(part.plan):
            fees = list(self.charging.fees_of(owner, part, tariff))
            lacking = minimum_spend(part, part.plan, tariff.number, fees)
            found += [*fees, lacking] if lacking else fees
        return found

    def _billed(self) -> Iterator[Billed]:
        request = self.request
        found = self.selection.registered()
        self._refuse_unregistered({each.external_id for each in found})
        for each in found:
            owner = each.external_customer_id, each.external_id
            asked = self._asked(each)
            if asked.start >= each.life.end or each.life.start >= asked.end:
                continue
            zone = self._calendars.zone(owner)
            if not self.has_plan(each):
                self.without_plan.append(each)
                if not self.bills_all:
                    continue
            own = list(self._slices(each, asked, zone))
            charges = own
            if any(plan.interval != plan.charge_interval for plan in self._plans_of(each)):
                charges = list(self._slices(each, asked, zone, charges=True))
            if any(part.plan and part.plan.minimum_commitment for part in own):
                first = min(part.window.start for part in own)
                if charges and first < charges[0].window.start:
                    reach = Window(first, asked.end)
                    charges = [
                        part
                        for part in self._slices(each, reach, zone, charges=True)
                        if part.window.start >= first
                    ]
            yield Billed(each, asked, own, charges, zone)
        named = [*request.subscriptions, *request.customers]
        if (
            named
            and not self.bills_all
            and self.without_plan
            and len(self.without_plan) == len(found)
        ):
            name = self.without_plan[0].external_id
            raise refused(
                "no_plan",
                f'The subscription "{name}" has no plan.',
                f"Give it one with: lago subscriptions update {name} --plan-code CODE",
            )

    def _asked(self, subscription: Subscription) -> Window:
        """The period that is asked for; a billing period is that of the plan of its instant."""
        owner = subscription.external_customer_id, subscription.external_id
        (asked,) = self._calendars.asked(owner)
        if asked.end == AFTER_LAST_EVENT:  # of all time: up to the end of the current period
            return Window(asked.start, self._calendars.billing_period(owner, self.now).end)
        if not self.request.is_of_billing_periods:
            return asked
        moment, zone = self._calendars.moment(owner), self._calendars.zone(owner)
        phases = subscription.phases
        started = [phase for phase in phases if phase.window.start <= moment] or phases[:1]
        intervals = [self._interval(subscription, phase) for phase in started]
        asked = period_of(subscription, intervals[-1], moment, zone)
        for phase, interval in zip(started[:-1], intervals, strict=False):
            last = period_of(subscription, interval, phase.window.end - 1, zone)
            if asked.start < phase.window.end:  # what was left within it; not what closed before
                asked = Window(max(asked.start, last.start), asked.end)
        return asked

    def _interval(self, subscription: Subscription, phase: Phase) -> str:
        plan = self.plans.get(phase.plan_code or "")
        return subscription.interval if plan is None else plan.interval

    def _slices(
        self, subscription: Subscription, within: Window, zone: tzinfo, *, charges: bool = False
    ) -> Iterator[Slice]:
        for phase in subscription.phases:
            plan = self.plans.get(phase.plan_code or "")
            interval = self._interval(subscription, phase)
            if plan is not None and charges:
                interval = plan.charge_interval
            yield from closing(subscription, phase, plan, interval, within, zone)

    def _refuse_unregistered(self, found: set[str]) -> None:
        for name in self.request.subscriptions:
            if name not in found:
                raise unknown(self.store, "subscription", name)


def around(windows: Sequence[Window]) -> Window:
    """From the start of the first to the end of the last."""
    return Window(min(window.start for window in windows), max(window.end for window in windows))


def ends_in(part: Slice, asked: Window) -> bool:
    """Whether a slice is billed where a window is asked for."""
    return asked.start < part.window.end <= asked.end
