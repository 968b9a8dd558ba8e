"""Billing periods as Lago computes them: every case of `cases/period.json`."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest

from lago_cli.domain.periods import (
    billing_period,
    local_day,
    previous_period,
    start_of_day,
    usage_period,
)
from lago_cli.domain.zones import zone_for

CASES = json.loads((Path(__file__).parent / "cases" / "period.json").read_text("utf-8"))


def instant(text):
    return None if text is None else datetime.fromisoformat(text)


def cycle(case):
    """The arguments all functions begin with."""
    anchor = instant(case.get("subscription_anchor", case["subscription_started_at"]))
    return case["interval"], case["billing_time"], anchor, zone_for(case["timezone"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_usage_is_counted_in_the_period_cut_to_the_life_of_the_subscription(case):
    period = usage_period(
        *cycle(case),
        instant(case["at"]),
        instant(case["subscription_started_at"]),
        instant(case.get("subscription_ended_at")),
        charges_monthly=case.get("bill_charges_monthly", False),
    )

    expected = (instant(case["expect"]["from"]), instant(case["expect"]["to"]))
    assert (period.start, period.end) == expected, case["notes"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_a_subscription_is_paid_for_from_the_local_midnight_of_its_first_day(case):
    zone = zone_for(case["timezone"])
    first_day = local_day(instant(case["subscription_started_at"]), zone)
    period = billing_period(*cycle(case), instant(case["at"])).clipped(
        start_of_day(first_day, zone), instant(case.get("subscription_ended_at"))
    )

    expect = {
        "subscription_from": case["expect"]["from"],
        "subscription_to": case["expect"]["to"],
        **case["expect"],
    }
    expected = (instant(expect["subscription_from"]), instant(expect["subscription_to"]))
    assert (period.start, period.end) == expected, case["notes"]


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if "whole_period_days" in case["expect"]],
    ids=lambda case: case["id"],
)
def test_proration_divides_by_the_days_of_the_whole_period(case):
    days = billing_period(*cycle(case), instant(case["at"])).days(zone_for(case["timezone"]))

    assert days == case["expect"]["whole_period_days"], case["notes"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_the_period_before_ends_where_the_period_begins(case):
    period = billing_period(*cycle(case), instant(case["at"]))

    assert previous_period(*cycle(case), period).end == period.start
