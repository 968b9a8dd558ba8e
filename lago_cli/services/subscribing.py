"""
Changes of plan as Lago has them: an upgrade now, a downgrade at the end of the period.

Both are the change that `lago subscriptions change-plan` makes, at another instant.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import tzinfo

from lago_cli.domain.instants import Window
from lago_cli.domain.plans import Plan
from lago_cli.domain.slices import period_of
from lago_cli.domain.subscriptions import Phase, Subscription

_IN_A_YEAR = {"weekly": 52, "monthly": 12, "quarterly": 4, "semiannual": 2, "yearly": 1}


def phase_at(subscription: Subscription, now: int) -> int:
    """Which of its phases is the one of an instant, else the nearest."""
    begun = [each for each in subscription.phases if each.window.start <= now]
    return max(len(begun) - 1, 0)


def current_phase(subscription: Subscription, now: int) -> Phase:
    return subscription.phases[phase_at(subscription, now)]


def current_period(subscription: Subscription, plan: Plan, now: int, zone: tzinfo) -> Window:
    """In which usage adds up now, within its life."""
    whole = period_of(subscription, plan.charge_interval, now, zone)
    life = subscription.life
    return Window(max(whole.start, life.start), min(whole.end, life.end))


def without_pending(subscription: Subscription, now: int) -> Subscription:
    """The same, without changes of plan that are still to come."""
    while subscription.previous_plans and subscription.previous_plans[-1].until > now:
        *kept, last = subscription.previous_plans
        subscription = replace(subscription, plan_code=last.plan_code, previous_plans=tuple(kept))
    return subscription


def moved(
    subscription: Subscription, before: Plan | None, after: Plan, now: int, zone: tzinfo
) -> Subscription:
    """
    The same, by another plan: now where it costs as much in a year or more, else from the end
    of the period on. What was to come is forgotten.

    Raises:
        LagoError: refused, where it ends before that.
    """
    subscription = without_pending(subscription, now)
    begins = max([subscription.started_at, *(each.until for each in subscription.previous_plans)])
    if before is None or now <= begins:
        return replace(subscription, plan_code=after.code)
    at = now
    if _in_a_year(after) < _in_a_year(before):
        at = period_of(subscription, before.interval, now, zone).end
    return subscription.with_plan(after.code, at)


def _in_a_year(plan: Plan) -> int:
    return plan.amount_cents * _IN_A_YEAR[plan.interval]
