"""
Amounts of usage: what each row costs by the plans of its subscriptions.

A row is priced on its own, as if nothing else had been used: its window is cut by the billing
periods, and in each of them the charges of the plan are applied to what the row counts. Where
prices are linear the rows add up to the invoice; where tiers, packages or free units begin anew
with every row, they do not. Plan fees, minimums and taxes are no usage.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import tzinfo
from typing import NamedTuple

from lago_cli.domain.fees import Fee
from lago_cli.domain.instants import AFTER_LAST_EVENT, Window
from lago_cli.domain.plans import Plan
from lago_cli.domain.slices import Slice, slices
from lago_cli.domain.subscriptions import Subscription
from lago_cli.domain.usage import Group
from lago_cli.services.calendars import Calendars
from lago_cli.services.charging import Charging
from lago_cli.services.questions import overlap
from lago_cli.services.requests import Owner, UsageRequest
from lago_cli.services.selection import Selection
from lago_cli.services.usage import UsageRow
from lago_cli.stores.base import PricedStore


class Amount(NamedTuple):
    """What a row costs, in the smallest unit of the currency."""

    cents: int
    currency: str


Place = tuple[Owner, str, Window]
"""(owner, code of the metric, window) of rows."""


class Amounts:
    """
    What the rows of a question cost.

    `unpriced` names the subscriptions whose amounts cannot be added up to a row, because
    their currencies differ.
    """

    def __init__(self, store: PricedStore, request: UsageRequest, *, now: int) -> None:
        self._request = request
        self._plans = store.plans()
        self._selection = Selection(store, request)
        self._calendars = Calendars(store, request, self._selection, now)
        self._found: dict[Place, dict[Group | None, dict[str, int]]] = {}
        self.unpriced: set[Owner] = set()
        by_subscription = replace(request, by="subscription")
        selection = Selection(store, by_subscription)
        parts: dict[Owner, list[Slice]] = {}
        zones: dict[Owner, tzinfo] = {}
        span = store.span(put_aside=request.as_of is not None)
        self._latest = max(now, span[1] if span else now)
        for each in self._selection.registered():
            owner = each.external_customer_id, each.external_id
            parts[owner] = list(self._slices(each))
            zones[owner] = self._calendars.zone(owner)
        plain = replace(by_subscription, window=None, period=None, start=None, end=None, at=None)
        self._charging = Charging(
            store, selection, plain, {key: row for key, row in parts.items() if row}, zones, now
        )
        self._charging.prepare()
        self._parts: dict[tuple[Owner, Window], list[tuple[Owner, Slice, Plan]]] = {}
        for each in self._selection.registered():
            owner = each.external_customer_id, each.external_id
            row_owner = self._selection.owner_of(each)
            for part in parts[owner]:
                if part.plan is not None:
                    place = row_owner, self._window_of(row_owner, part)
                    self._parts.setdefault(place, []).append((owner, part, part.plan))

    def of(self, row: UsageRow) -> Amount | None:
        """None where no plan of its subscriptions charges for the metric."""
        place = row.owner, row.metric.code, row.window
        if place not in self._found:
            self._found[place] = self._priced(*place)
        groups = self._found[place]
        found = groups.get(row.group) or groups.get(None)
        if not found:
            return None
        if len(found) > 1:
            self.unpriced.add(row.owner)
            return None
        ((currency, cents),) = found.items()
        return Amount(cents, currency)

    def _priced(
        self, row_owner: Owner, code: str, window: Window
    ) -> dict[Group | None, dict[str, int]]:
        """By group and currency; the group None is there where any plan charges for it."""
        found: dict[Group | None, dict[str, int]] = {}
        for owner, part, plan in self._parts.get((row_owner, window), ()):
            currency = plan.amount_currency
            for tariff in self._charging.tariffs(plan):
                if tariff.metric.code != code:
                    continue
                found.setdefault(None, {}).setdefault(currency, 0)
                for fee in self._charging.fees_of(owner, part, tariff):
                    of_group = found.setdefault(_group(fee, tariff.extra), {})
                    of_group[currency] = of_group.get(currency, 0) + fee.amount_cents
        return found

    def _windows(self, subscription: Subscription) -> list[Window]:
        owner = self._selection.owner_of(subscription)
        return [cut.window for cut in self._calendars.cuts(owner)]

    def _window_of(self, owner: Owner, part: Slice) -> Window:
        return next(
            cut.window
            for cut in self._calendars.cuts(owner)
            if cut.window.start <= part.window.start < cut.window.end
        )

    def _slices(self, subscription: Subscription) -> Iterator[Slice]:
        owner = subscription.external_customer_id, subscription.external_id
        zone = self._calendars.zone(owner)
        for window in self._windows(subscription):
            for phase in subscription.phases:
                plan = self._plans.get(phase.plan_code or "")
                interval = plan.charge_interval if plan else subscription.interval
                within = overlap(window, phase.window)
                if within.start < within.end:
                    for part in slices(subscription, phase, plan, interval, within, zone):
                        if window.end == AFTER_LAST_EVENT and part.window.start > self._latest:
                            return
                        yield part


def _group(fee: Fee, extra: Sequence[str]) -> Group | None:
    if not extra:
        return None
    named = fee.group or {}
    return tuple(named.get(key) for key in extra)
