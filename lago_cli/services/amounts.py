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


Key = tuple[Owner, str, Window, Group | None]
"""(owner, code of the metric, window, group) of a row."""


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
        self._found: dict[Key, dict[str, int]] = {}
        self.unpriced: set[Owner] = set()
        by_subscription = replace(request, by="subscription")
        selection = Selection(store, by_subscription)
        parts: dict[Owner, list[Slice]] = {}
        zones: dict[Owner, tzinfo] = {}
        span = store.span()
        self._latest = max(now, span[1] if span else now)
        for each in self._selection.registered():
            owner = each.external_customer_id, each.external_id
            parts[owner] = list(self._slices(each))
            zones[owner] = self._calendars.zone(owner)
        plain = replace(by_subscription, window=None, period=None, start=None, end=None, at=None)
        charging = Charging(
            store, selection, plain, {key: row for key, row in parts.items() if row}, zones, now
        )
        charging.prepare()
        for each in self._selection.registered():
            owner = each.external_customer_id, each.external_id
            for part in parts[owner]:
                if part.plan is not None:
                    self._add(self._selection.owner_of(each), part, charging, owner)

    def of(self, row: UsageRow) -> Amount | None:
        """None where no plan of its subscriptions charges for the metric."""
        key = row.owner, row.metric.code, row.window
        found = self._found.get((*key, row.group)) or self._found.get((*key, None))
        if not found:
            return None
        if len(found) > 1:
            self.unpriced.add(row.owner)
            return None
        ((currency, cents),) = found.items()
        return Amount(cents, currency)

    def _add(self, row_owner: Owner, part: Slice, charging: Charging, owner: Owner) -> None:
        assert part.plan is not None
        window = self._window_of(row_owner, part)
        for tariff in charging.tariffs(part.plan):
            code, currency = tariff.metric.code, part.plan.amount_currency
            self._put((row_owner, code, window, None), currency, 0)
            for fee in charging.fees_of(owner, part, tariff):
                self._put((row_owner, code, window, _group(fee, tariff.extra)), currency, fee)

    def _put(self, key: Key, currency: str, fee: Fee | int) -> None:
        cents = fee if isinstance(fee, int) else fee.amount_cents
        known = self._found.setdefault(key, {})
        known[currency] = known.get(currency, 0) + cents

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
