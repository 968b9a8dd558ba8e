"""Subscriptions and customers: what they may be, and how long they live."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from lago_cli.domain.customers import Customer
from lago_cli.domain.instants import FIRST_EVENT, format_instant, parse_instant, to_micros
from lago_cli.domain.subscriptions import EVER, MONTHLY, Subscription
from lago_cli.errors import Kind, LagoError

START = parse_instant("2026-11-10T12:00:00Z")
LATER = parse_instant("2026-12-01T00:00:00Z")
PLAIN = Subscription("s1", "acme", START, START)


def lasting(**terms):
    return replace(PLAIN, **terms)


def test_a_life_is_open_until_it_ends():
    assert PLAIN.life == (START, EVER.end)
    assert lasting(ending_at=LATER).life == (START, LATER)
    assert lasting(terminated_at=LATER).life == (START, LATER)


@pytest.mark.parametrize(("ending", "terminated"), [(1, 2), (2, 1), (1, 1)])
def test_whichever_end_comes_first_is_the_end(ending, terminated):
    subscription = lasting(ending_at=START + ending, terminated_at=START + terminated)

    assert subscription.life.end == START + 1


@pytest.mark.parametrize(
    ("at", "status"),
    [
        (START - 1, "pending"),
        (START, "active"),
        (LATER - 1, "active"),
        (LATER, "terminated"),
        (LATER + 1, "terminated"),
    ],
)
def test_a_life_is_half_open(at, status):
    subscription = lasting(ending_at=LATER)

    assert subscription.status(at) == status
    assert subscription.is_active(at) == (status == "active")


def test_a_life_that_ends_where_it_begins_is_never_active():
    subscription = PLAIN.terminated(START)

    assert not subscription.is_active(START)
    assert subscription.status(START) == "terminated"


@pytest.mark.parametrize(
    ("subscription", "at", "code"),
    [
        pytest.param(PLAIN, START - 1, "ends_before_start", id="before it began"),
        pytest.param(
            PLAIN.terminated(LATER), START, "subscription_already_terminated", id="it has ended"
        ),
        pytest.param(
            PLAIN.terminated(LATER), LATER, "subscription_already_terminated", id="just then"
        ),
        pytest.param(
            lasting(ending_at=LATER),
            LATER + 1,
            "subscription_already_terminated",
            id="it was to end earlier",
        ),
    ],
)
def test_a_subscription_ends_once(subscription, at, code):
    with pytest.raises(LagoError) as caught:
        subscription.terminated(at)

    assert (caught.value.kind, caught.value.code) == (Kind.REFUSED, code)


def test_what_was_to_end_may_end_earlier():
    assert lasting(ending_at=LATER).terminated(LATER - 1).life.end == LATER - 1
    assert lasting(ending_at=LATER).terminated(LATER).life.end == LATER


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"external_id": ""}, "invalid_external_id"),
        ({"external_id": " \n"}, "invalid_external_id"),
        ({"external_customer_id": ""}, "invalid_external_id"),
        ({"interval": "daily"}, "invalid_interval"),
        ({"interval": "Monthly"}, "invalid_interval"),
        ({"billing_time": ""}, "invalid_billing_time"),
        ({"subscription_at": FIRST_EVENT - 1}, "invalid_instant"),
        ({"started_at": FIRST_EVENT - 1}, "invalid_instant"),
        ({"ending_at": START - 1}, "ends_before_start"),
        ({"terminated_at": START - 1}, "ends_before_start"),
    ],
)
def test_a_subscription_that_breaks_a_rule_cannot_be(terms, code):
    with pytest.raises(LagoError) as caught:
        lasting(**terms)

    assert (caught.value.kind, caught.value.code) == (Kind.REFUSED, code)


def test_the_anchor_of_calendar_periods_does_not_matter():
    """Customers whose subscriptions are all billed so are asked about in one period."""
    assert PLAIN.billing == lasting(subscription_at=LATER).billing == MONTHLY
    anniversary = lasting(billing_time="anniversary")
    assert anniversary.billing != replace(anniversary, subscription_at=LATER).billing


@pytest.mark.parametrize(
    ("terms", "zone", "start", "end"),
    [
        ({}, UTC, "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"),
        ({"billing_time": "anniversary"}, UTC, "2026-11-10T00:00:00Z", "2026-12-10T00:00:00Z"),
        ({"interval": "weekly"}, UTC, "2026-11-09T00:00:00Z", "2026-11-16T00:00:00Z"),
        ({"interval": "yearly"}, UTC, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ({}, ZoneInfo("Asia/Tokyo"), "2026-10-31T15:00:00Z", "2026-11-30T15:00:00Z"),
    ],
)
def test_time_is_cut_into_whole_periods(terms, zone, start, end):
    period = lasting(**terms).billing.period(START, zone)

    found = [format_instant(to_micros(edge)) for edge in (period.start, period.end)]
    assert found == [start, end]


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"external_id": ""}, "invalid_external_id"),
        ({"external_id": "\t"}, "invalid_external_id"),
        ({"timezone": "Mars/Olympus"}, "unknown_timezone"),
        ({"timezone": ""}, "unknown_timezone"),
        ({"currency": "eur"}, "invalid_currency"),
        ({"currency": "EURO"}, "invalid_currency"),
        ({"currency": ""}, "invalid_currency"),
    ],
)
def test_a_customer_that_breaks_a_rule_cannot_be(terms, code):
    with pytest.raises(LagoError) as caught:
        Customer(**{"external_id": "acme", **terms})

    assert (caught.value.kind, caught.value.code) == (Kind.REFUSED, code)
