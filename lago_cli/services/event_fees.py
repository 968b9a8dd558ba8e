"""
Fees of one event that is not stored: what it would add to the charges that are paid in advance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from lago_cli.domain.advance import Advance, price_of_event
from lago_cli.domain.conditions import holds
from lago_cli.domain.fees import Fee, charge_fee
from lago_cli.domain.json_text import decode_object
from lago_cli.domain.measurements import measure, measurement_of, measurement_of_amount
from lago_cli.domain.numbers import exact
from lago_cli.domain.ordered import followed
from lago_cli.domain.percentage import Percentage
from lago_cli.domain.pricing import NOTHING, ChargeModel, made_of
from lago_cli.domain.properties import Missing, reason_of, text_at
from lago_cli.errors import refused
from lago_cli.services.charging import NO_STEPS, by_days
from lago_cli.services.period_usage import SubscriptionUsage
from lago_cli.services.tariffs import Tariff

if TYPE_CHECKING:
    from msgspec import Raw

    from lago_cli.domain.aggregations import Measurement
    from lago_cli.domain.events import Event
    from lago_cli.domain.metrics import Metric
    from lago_cli.domain.plans import Plan
    from lago_cli.domain.slices import Slice
    from lago_cli.domain.steps import Steps
    from lago_cli.domain.usage import Group

INSTANT = ("standard", "percentage")  # charge models whose price of an event can stand alone


class EventFee(NamedTuple):
    """What one event adds to a charge."""

    tariff: Tariff
    fee: Fee


def plan_now(usage: SubscriptionUsage) -> Plan:
    """By which a subscription is billed at this moment."""
    assert usage.current.plan is not None
    return usage.current.plan


def fees_of_event(usage: SubscriptionUsage, event: Event, *, alone: bool = False) -> list[EventFee]:
    """
    What an event would be billed now, at once, charge by charge.

    Args:
        event: of a metric that is defined.
        alone: as if nothing had been used, and no allowance were left. Only charges whose
            price of an event does not hang on the others have a fee then.

    Raises:
        LagoError: refused (`invalid_number`), where its value is no number.
    """
    part = usage.current
    charging = usage.charging([] if alone else [part], [event.code])
    members = decode_object(event.properties)
    measurement = _measured(charging.metrics[event.code], members, usage.now)
    found = []
    for tariff in charging.tariffs(plan_now(usage)):
        charge = tariff.charge
        if not charge.pay_in_advance or (alone and charge.charge_model not in INSTANT):
            continue
        bucket, group = _place(tariff, members)
        before = NO_STEPS, NO_STEPS
        if not alone:
            before = charging.steps_of(usage.owner, part, tariff, bucket, group)
        keys = tariff.keys(bucket)
        named = dict(zip(keys, group, strict=True)) if keys else None
        priced = _priced(usage, part, tariff, bucket, event, measurement, before, alone=alone)
        cents = int(priced.rounded * 10**tariff.plan.digits)
        count = int(measurement is not None)
        fee = charge_fee(
            part, tariff.plan, tariff.number, bucket, named, priced.price, count, cents
        )
        total = next((each.told["total"] for each in fee.parts), NOTHING)
        found.append(EventFee(tariff, fee._replace(aggregated=Fraction(total or 0))))
    return found


def _place(tariff: Tariff, members: Mapping[str, Raw]) -> tuple[int, Group]:
    """The filter that an event falls into, and its group there."""
    matching = (number for number in tariff.order if holds(tariff.declared[number], members))
    bucket = next(matching, len(tariff.declared))
    return bucket, tuple(text_at(members, key) for key in tariff.keys(bucket))


def _measured(metric: Metric, members: Mapping[str, Raw], now: int) -> Measurement | None:
    """None where nothing is there to be measured; stored, such an event counts for nothing."""
    try:
        with exact():
            return measurement_of(*measure(metric, members, now))
    except Missing:
        return None
    except ValueError as error:
        raise refused("invalid_number", reason_of(error, members), field="properties") from None


def _priced(
    usage: SubscriptionUsage,
    part: Slice,
    tariff: Tariff,
    bucket: int,
    event: Event,
    measurement: Measurement | None,
    before: tuple[Steps, Steps],
    *,
    alone: bool,
) -> Advance:
    if measurement is None:
        return Advance(made_of((), NOTHING), NOTHING)
    model = tariff.model(bucket)
    steps, position = followed(before[0], usage.now, measurement)
    carried = measurement_of_amount(event.precise_total_amount_cents)
    amounts, _ = followed(before[1], usage.now, carried)
    return price_of_event(
        _without_allowances(model) if alone else model,
        steps,
        position,
        part.window.start,
        tariff.plan.digits,
        by_days(part, tariff, usage.zone),
        amounts if model.wants_amounts else None,
    )


def _without_allowances(model: ChargeModel) -> ChargeModel:
    if isinstance(model, Percentage):
        return replace(model, free_events=0, free_units=NOTHING)
    return model
