"""`lago usage check --against`: what another Lago says of the same subscriptions."""

from __future__ import annotations

import json

import pytest

from tests.fake_lago import FakeLago, Reply

NOW = ("--now", "2026-11-20T00:00:00Z")


@pytest.fixture
def fake():
    with FakeLago() as fake:
        yield fake


@pytest.fixture
def metered(lago):
    """Three calls of one subscription."""
    lago("metrics", "create", "calls", "--aggregation-type", "count", "-q")
    row = {"code": "calls", "external_subscription_id": "s1", "timestamp": "2026-11-05"}
    lines = [json.dumps({**row, "transaction_id": f"t{number}"}) for number in range(3)]
    created = ("--external-customer-id", "acme", "--started-at", "2026-10-01", "-q")
    lago("subscriptions", "create", "s1", *created)
    lago("ingest", "-q", stdin="\n".join(lines))
    return lago


def usage(units, code="calls", month="11", last="30", **more):
    charge = {
        "units": units,
        "total_aggregated_units": units,
        "events_count": 3,
        "amount_cents": 0,
        "amount_currency": "EUR",
        "billable_metric": {"code": code, "aggregation_type": "count_agg"},
        "filters": [],
        **more,
    }
    return {
        "from_datetime": f"2026-{month}-01T00:00:00Z",
        "to_datetime": f"2026-{month}-{last}T23:59:59Z",
        "charges_usage": [charge],
    }


def check(lago, fake, *options, exits=0):
    return lago("usage", "check", "--against", fake.url, *options, *NOW, exits=exits)


def test_figures_that_agree_are_said_to(metered, fake):
    fake.usage["s1"] = Reply(200, {"customer_usage": usage("3.0")})

    assert "The one figure agrees." in check(metered, fake).stdout


def test_a_figure_that_differs_is_shown(metered, fake):
    fake.usage["s1"] = Reply(200, {"customer_usage": usage("5.0")})
    finished = check(metered, fake, "-o", "json", exits=9)
    (row,) = finished.json()

    assert finished.error()["code"] == "usage_differs"
    assert (row["expected_units"], row["units"], row["difference"]) == ("5", "3", "-2")


def test_a_tolerance_lets_it_pass(metered, fake):
    fake.usage["s1"] = Reply(200, {"customer_usage": usage("5.0")})

    check(metered, fake, "--tolerance", "2")


def test_a_subscription_that_is_unknown_there_is_named(metered, fake):
    finished = check(metered, fake, exits=9)

    assert f"{fake.url} does not know: s1." in finished.stderr


def test_a_past_period_is_looked_up_among_the_invoiced_ones(metered, fake):
    body = {"usage_periods": [usage("0.0", month="10", last="31")], "meta": {"next_page": None}}
    fake.past["s1"] = Reply(200, body)

    check(metered, fake, "--period", "previous")
    assert "/past_usage?" in fake.requests[0][1]


def test_amounts_are_compared_where_that_is_wanted(metered, fake):
    fake.usage["s1"] = Reply(200, {"customer_usage": usage("3.0", amount_cents=40)})

    check(metered, fake)
    check(metered, fake, "--amounts", exits=9)


def test_a_check_that_compared_nothing_says_so(metered, fake):
    body = usage("3.0") | {"charges_usage": []}
    fake.usage["s1"] = Reply(200, {"customer_usage": body})
    finished = check(metered, fake)

    assert "No figure was found to compare." in finished.stdout
    assert "charges nothing for: calls" in finished.stderr


def test_what_no_lago_can_be_asked_for_is_refused(metered, fake):
    check(metered, fake, "--window", "day", exits=2)
