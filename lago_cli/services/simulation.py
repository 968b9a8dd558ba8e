"""
Simulation: what real usage would have cost under other plans.

What a subscription was billed for in a period stays the same: the days of its plan fee, and
the time whose usage is priced. Both are cut by the billing periods of the other plan, whose
amounts are prorated by days where only a part of such a period was billed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from lago_cli.domain.instants import Window
from lago_cli.domain.invoices import Invoice
from lago_cli.domain.plans import Plan
from lago_cli.domain.slices import Slice, slices
from lago_cli.domain.subscriptions import Phase, Subscription
from lago_cli.services.charging import Known
from lago_cli.services.invoicing import Billed, Invoicing, around, ends_in
from lago_cli.services.names import refuse_unknown
from lago_cli.services.requests import Owner, UsageRequest
from lago_cli.stores.base import PricedStore

EXTREMES = 3  # winners and losers that are told by name


class Repriced(NamedTuple):
    """What a subscription would cost under a plan."""

    subscription: Subscription
    plan: Plan
    total_cents: int
    change_cents: int | None  # None: it costs nothing now that could be compared


class Summary(NamedTuple):
    """What a plan would mean for all of them."""

    plan: Plan
    total_cents: int
    change_cents: int
    more: int  # subscriptions that would pay more
    less: int
    same: int
    unknown: int
    winners: Sequence[Repriced]  # who would save most, the first one most of all
    losers: Sequence[Repriced]


class _Time(NamedTuple):
    """What a subscription is billed for; None where nothing is due in the period."""

    fees: Window | None
    usage: Window | None


def simulate(
    store: PricedStore, request: UsageRequest, plan_codes: Sequence[str], *, now: int
) -> list[Repriced]:
    """
    By subscription, then by plan as they are named.

    Raises:
        LagoError: not found, for a plan or whose usage is asked for; wrong usage, for a period
            that cannot be read.
    """
    plans = store.plans()
    refuse_unknown(
        store, plans=plan_codes, customers=request.customers, subscriptions=request.subscriptions
    )
    invoicing = Invoicing(store, request, now, bills_all=True)
    costs = _costs(invoicing.invoices())
    shared: dict[object, Known] = {_alike(invoicing.billed): invoicing.charging.answers}
    found: dict[Owner, list[Repriced]] = {each.owner: [] for each in invoicing.billed}
    for code in dict.fromkeys(plan_codes):
        plan = plans[code]
        billed = [_under(plan, each) for each in invoicing.billed]
        other = invoicing.rebilled(billed, shared.setdefault(_alike(billed), {}))
        for each in billed:
            fees = [fee for fee, _ in other.fees(each)]
            total = Invoice(each.subscription, plan, each.asked, fees).total_amount_cents
            cost = costs.get(each.owner, {})
            comparable = cost.keys() == {plan.amount_currency}
            change = total - cost[plan.amount_currency] if comparable else None
            found[each.owner].append(Repriced(each.subscription, plan, total, change))
    return [row for rows in found.values() for row in rows]


def _alike(billed: Sequence[Billed]) -> object:
    """Equal where the engine is asked about the same windows."""
    return tuple(tuple(part._replace(plan=None) for part in each.charges) for each in billed)


def _costs(invoices: Iterator[Invoice]) -> Mapping[Owner, Mapping[str, int]]:
    """By subscription, what it costs now in each currency."""
    found: dict[Owner, dict[str, int]] = {}
    for each in invoices:
        owner = each.subscription.external_customer_id, each.subscription.external_id
        found.setdefault(owner, {})[each.currency] = each.total_amount_cents
    return found


def _time_of(billed: Billed) -> _Time:
    own = [part.window for part in billed.own]
    usage = [part.window for part in billed.charges if ends_in(part, billed.asked)]
    return _Time(around(own) if own else None, around(usage) if usage else None)


def _under(plan: Plan, billed: Billed) -> Billed:
    """The same time, by the billing periods of another plan."""
    fees, usage = _time_of(billed)
    own = _cut(plan, billed, fees, plan.interval)
    charges = _cut(plan, billed, usage, plan.charge_interval)
    if plan.minimum_commitment and fees and usage and fees.start < usage.start:
        earlier = Window(fees.start, usage.start)  # its usage counts toward the commitment
        charges = [*_cut(plan, billed, earlier, plan.charge_interval), *charges]
    return Billed(billed.subscription, usage or billed.asked, own, charges, billed.zone)


def _cut(plan: Plan, billed: Billed, time: Window | None, interval: str) -> list[Slice]:
    if time is None:
        return []
    subscription = billed.subscription
    is_left = any(phase.is_left and phase.window.end == time.end for phase in subscription.phases)
    phase = Phase(plan.code, Window(subscription.life.start, time.end), is_left)
    return list(slices(subscription, phase, plan, interval, time, billed.zone))


def summaries(rows: Sequence[Repriced]) -> list[Summary]:
    """By plan, in the order of the rows."""
    found: dict[str, list[Repriced]] = {}
    for row in rows:
        found.setdefault(row.plan.code, []).append(row)
    return [_summary(each) for each in found.values()]


def _summary(rows: Sequence[Repriced]) -> Summary:
    changes = [row.change_cents for row in rows if row.change_cents is not None]
    changed = sorted(
        (row for row in rows if row.change_cents),
        key=lambda row: (row.change_cents or 0, row.subscription.external_id),
    )
    less = [row for row in changed if (row.change_cents or 0) < 0]
    more = [row for row in changed if (row.change_cents or 0) > 0]
    return Summary(
        rows[0].plan,
        sum(row.total_cents for row in rows),
        sum(changes),
        len(more),
        len(less),
        len(changes) - len(changed),
        len(rows) - len(changes),
        less[:EXTREMES],
        more[::-1][:EXTREMES],
    )
