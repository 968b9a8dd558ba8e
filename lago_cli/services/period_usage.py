"""
Usage of one subscription, charge by charge, in its billing periods.

The periods are the slices that invoices price: those of its charges, under one plan each. What
has no plan is told by metric, at no price.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from functools import cached_property
from typing import NamedTuple

from lago_cli.domain.charges import Charge
from lago_cli.domain.fees import Fee
from lago_cli.domain.instants import FIRST_EVENT, Window, to_micros
from lago_cli.domain.plans import Plan
from lago_cli.domain.projection import growth_of
from lago_cli.domain.slices import Slice, day_of, slices
from lago_cli.domain.subscriptions import MONTHLY, Subscription
from lago_cli.domain.zones import zone_for
from lago_cli.services.charging import Charging
from lago_cli.services.requests import Owner, UsageRequest
from lago_cli.services.selection import Selection
from lago_cli.services.tariffs import Tariff
from lago_cli.stores.base import PricedStore

NO_PLAN = "no plan"
NO_CURRENCY = "USD"  # where neither a plan nor anybody else says one


class ChargeUsage(NamedTuple):
    """What was used of a charge: a fee for each bucket and group."""

    tariff: Tariff
    fees: Sequence[Fee]
    projected: Sequence[Fee]  # the same at the end of the period, where that is asked for

    def of_group(self, group: Mapping[str, str]) -> ChargeUsage:
        """Only what has these properties, of those by which its fees are told apart."""
        fees, projected = (
            [fee for fee in each if group.items() <= (fee.group or {}).items()]
            for each in (self.fees, self.projected)
        )
        return self._replace(fees=fees, projected=projected)


class PeriodUsage(NamedTuple):
    """What was used in a billing period, by the names of metrics."""

    part: Slice
    plan: Plan
    charges: Sequence[ChargeUsage]


@dataclass(eq=False)
class SubscriptionUsage:
    """
    The billing periods of a subscription, registered or not.

    Raises:
        LagoError: not found, for a name that nobody knows, or one of another customer.
    """

    store: PricedStore
    customer: str
    name: str
    now: int
    subscription: Subscription = field(init=False)

    def __post_init__(self) -> None:
        self._request = UsageRequest(
            customers=[self.customer], subscriptions=[self.name], by="subscription"
        )
        self._selection = Selection(self.store, self._request)
        owner = self.owner
        found = self._selection.subscription_of(owner)
        span = None if found else self.store.span()
        start = max(FIRST_EVENT, min(span[0] if span else self.now, self.now))
        start = max(FIRST_EVENT, to_micros(MONTHLY.period(start, self.zone).start))  # whole months
        self.subscription = found or Subscription(
            self.name, self.customer, subscription_at=start, started_at=start
        )

    @property
    def owner(self) -> Owner:
        return self.customer, self.name

    @property
    def zone(self) -> tzinfo:
        return zone_for(self.store.accounts.timezone(self.customer) or "UTC")

    @cached_property
    def current(self) -> Slice:
        """The period that is running, of a subscription that is active."""
        return self.periods(self.now + 1)[-1]

    def periods(self, until: int) -> list[Slice]:
        """Those that begin before an instant, in order."""
        plans, found = self.store.plans(), []
        for phase in self.subscription.phases:
            plan = plans.get(phase.plan_code or "")
            if plan is None:
                plan = self._unpriced()
            life = Window(phase.window.start, phase.window.end)
            for part in slices(
                self.subscription, phase, plan, plan.charge_interval, life, self.zone
            ):
                if part.window.start >= until:
                    break
                found.append(part)
        return found

    def used(
        self, parts: Sequence[Slice], metrics: Sequence[str] = (), *, projects: bool = False
    ) -> list[PeriodUsage]:
        """
        What was used in some of the periods, which are in order and next to each other.

        Args:
            projects: also what that will have come to at the end of each, if it goes on so.
        """
        charging = self.charging(parts, metrics)
        return [self._used(charging, part, projects=projects) for part in parts]

    def charging(self, parts: Sequence[Slice], metrics: Sequence[str] = ()) -> Charging:
        """It knows what was used in some of the periods."""
        request = replace(self._request, metrics=metrics)
        charging = Charging(
            self.store,
            self._selection,
            request,
            {self.owner: parts} if parts else {},
            {self.owner: self.zone},
            self.now,
        )
        charging.prepare()
        return charging

    def _used(self, charging: Charging, part: Slice, *, projects: bool) -> PeriodUsage:
        assert part.plan is not None
        tariffs = sorted(
            charging.tariffs(part.plan),
            key=lambda each: (each.metric.name or each.metric.code).casefold(),
        )
        rows = []
        for each in tariffs:
            fees = list(charging.fees_of(self.owner, part, each))
            projected = fees
            if projects:
                growth = growth_of(each.metric, part, day_of(self.now, self.zone))
                projected = list(charging.fees_of(self.owner, part, each, growth))
            rows.append(ChargeUsage(each, fees, projected))
        return PeriodUsage(part, part.plan, rows)

    def _unpriced(self) -> Plan:
        """A plan that charges nothing for every metric."""
        return Plan(
            code=NO_PLAN,
            name=NO_PLAN,
            interval=self.subscription.interval,
            amount_cents=0,
            amount_currency=NO_CURRENCY,
            charges=tuple(
                Charge(
                    billable_metric_code=code,
                    charge_model="standard",
                    properties={"amount": "0"},
                )
                for code in self.store.catalog.metrics()
            ),
        )
