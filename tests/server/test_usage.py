"""Usage over Lago's API: the figures that the command line tells, in the shapes of Lago."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from lago_python_client.client import Client
from lago_python_client.exceptions import LagoApiError
from lago_python_client.models import BatchEvent, Event

from tests.cases import cases
from tests.conftest import Lago
from tests.server.conftest import Serve
from tests.servers import Api

CASES = cases("usage_amounts")
CHARGE = {"billable_metric_code": "calls", "charge_model": "standard"}


def event(number: int, at: str) -> dict[str, object]:
    return {
        "transaction_id": f"t{number}",
        "external_subscription_id": "s",
        "code": "calls",
        "timestamp": at,
    }


def defined(lago: Lago, *options: str) -> None:
    lago("metrics", "create", "--code", "calls", "--aggregation-type", "count")
    charge = {**CHARGE, "properties": {"amount": "1.5"}}
    lago.plan("basic", charge, taxes=[{"code": "vat", "name": "VAT", "rate": "20"}])
    lago(
        *("subscriptions", "create", "--external-id", "s", "--external-customer-id", "c"),
        *("--plan-code", "basic", "--started-at", "2026-09-10T00:00:00Z", *options),
    )


def micros(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * 1_000_000


def assert_figures(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    """What a case says of a charge, a filter or a group."""
    figures = {
        "units": found["units"].removesuffix(".0"),
        "events_count": found["events_count"],
        "amount_cents": str(found["amount_cents"]),
    }
    keys = wanted.keys() & figures.keys()
    assert {key: figures[key] for key in keys} == {key: wanted[key] for key in keys}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_usage_is_priced_as_in_every_case(lago: Lago, serve: Serve, case):
    """Events come over HTTP, and so do the figures."""
    metric, plan, given = case["metric"], case["plan"], case["subscription"]
    document = {
        "metrics": [{key: value for key, value in metric.items() if value is not None}],
        "plans": [plan],
        "customers": [case["customer"]],
        "subscriptions": [
            {
                **given,
                "external_customer_id": case["customer"]["external_id"],
                "plan_code": plan["code"],
            }
        ],
    }
    lago("apply", lago.write("all.json", json.dumps(document)))
    api = serve(now=lambda: micros(case["at"]))
    for start in range(0, len(case["events"]), 100):
        api.send(*case["events"][start : start + 100])

    answer = api("GET", "/customers/cus_1/current_usage", external_subscription_id="sub_1")

    usage, expect = answer["customer_usage"], case["expect"]
    assert usage["from_datetime"] == expect["from"]
    assert str(usage["amount_cents"]) == expect["total_amount_cents"]
    for charge, wanted in zip(usage["charges_usage"], expect["charges"], strict=True):
        assert_figures(charge, wanted)
        if "filters" in wanted:
            filters = [each["values"] for each in charge["filters"]]
            assert filters == [each["values"] for each in wanted["filters"]]
            for each, other in zip(charge["filters"], wanted["filters"], strict=True):
                assert_figures(each, other)
        if "groups" in wanted:
            groups = {str(each["grouped_by"]): each for each in charge["grouped_usage"]}
            by = {str(each["by"]): each for each in wanted["groups"]}
            assert groups.keys() >= by.keys()
            assert not any(int(groups[key]["amount_cents"]) for key in groups.keys() - by.keys())
            for key, other in by.items():
                assert_figures(groups[key], other)


def test_a_charge_without_events_is_there_with_nothing(lago: Lago, serve: Serve):
    defined(lago)

    answer = serve()("GET", "/customers/c/current_usage", external_subscription_id="s")

    (charge,) = answer["customer_usage"]["charges_usage"]
    assert (charge["units"], charge["events_count"], charge["amount_cents"]) == ("0.0", 0, 0)


def test_past_periods_come_the_latest_first(lago: Lago, serve: Serve):
    defined(lago)
    api = serve()
    api.send(event(1, "2026-09-20T00:00:00Z"), event(2, "2026-11-20T00:00:00Z"))

    answer = api("GET", "/customers/c/past_usage", external_subscription_id="s")

    periods = answer["usage_periods"]
    assert [row["from_datetime"] for row in periods] == [
        "2026-10-01T00:00:00Z",
        "2026-09-10T00:00:00Z",
    ]
    assert [row["total_amount_cents"] for row in periods] == [0, 180]


def test_a_terminated_subscription_has_no_current_usage(lago: Lago, serve: Serve):
    defined(lago)
    lago("subscriptions", "terminate", "s", "--at", "2026-11-10T00:00:00Z")

    answer = serve()("GET", "/customers/c/current_usage", external_subscription_id="s", status=405)

    assert answer["code"] == "no_active_subscription"


def test_a_customer_that_nobody_knows_is_not_found(lago: Lago, serve: Serve):
    defined(lago)

    answer = serve()("GET", "/customers/x/current_usage", external_subscription_id="s", status=404)

    assert answer["code"] == "customer_not_found"


def test_a_subscription_without_a_plan_has_usage_at_no_price(lago: Lago, serve: Serve):
    lago("metrics", "create", "--code", "calls", "--aggregation-type", "count")
    api = serve()
    api.send({**event(1, "2026-11-20T00:00:00Z"), "external_customer_id": "c"})

    answer = api("GET", "/customers/c/current_usage", external_subscription_id="s")

    usage = answer["customer_usage"]
    assert [row["units"] for row in usage["charges_usage"]] == ["1.0"]
    assert usage["total_amount_cents"] == 0
    assert usage["from_datetime"] == "2026-11-01T00:00:00Z"


def test_the_official_client_sends_events_and_reads_usage(lago: Lago, serve: Serve):
    """Unchanged: with its timestamps in text, its nulls and its models of answers."""
    defined(lago)
    client = Client(api_key="key", api_url=serve().url)
    given = {"external_subscription_id": "s", "code": "calls"}
    plain = {"precise_total_amount_cents": None, "properties": None}
    events = [
        Event(transaction_id=f"t{number}", timestamp=1795000000 + number, **given, **plain)
        for number in range(3)
    ]

    client.events.create(events[0])
    client.events.batch_create(BatchEvent(events=events[1:]))
    found = client.events.find("t1")
    usage = client.customers.current_usage("c", "s")
    periods = client.customers.past_usage("c", "s")

    assert found.external_subscription_id == "s"
    assert (usage.charges_usage[0].units, usage.amount_cents) == ("3.0", 450)
    assert len(periods["usage_periods"]) == 2
    with pytest.raises(LagoApiError) as refused:
        client.events.create(events[0])
    assert refused.value.response["error_details"] == {"transaction_id": ["value_already_exist"]}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param("group[region]", "eu", id="as today"),
        pytest.param("filter_by_group", '{"region": "eu"}', id="as the Python client has it"),
    ],
)
def test_usage_of_one_group_is_asked_for_by_its_values(
    lago: Lago, serve: Serve, key: str, value: str
):
    lago("metrics", "create", "--code", "calls", "--aggregation-type", "count")
    properties = {"amount": "1", "pricing_group_keys": ["region"]}
    lago.plan("basic", {**CHARGE, "properties": properties})
    lago(
        *("subscriptions", "create", "--external-id", "s", "--external-customer-id", "c"),
        *("--plan-code", "basic", "--started-at", "2026-09-10T00:00:00Z"),
    )
    api = serve()
    api.send(
        *(
            {**event(n, "2026-11-20T00:00:00Z"), "properties": {"region": region}}
            for n, region in enumerate(("eu", "us", "eu"))
        )
    )

    answer = api(
        "GET",
        "/customers/c/current_usage",
        **{"external_subscription_id": "s", key: value},
    )

    assert answer["customer_usage"]["amount_cents"] == 200
    asked = {"external_subscription_id": "s", "filter_by_group": "region"}
    api("GET", "/customers/c/current_usage", status=400, **asked)


def with_seats(lago: Lago, **charge: Any) -> None:
    """A subscription `s` with a recurring sum, which is billed by days."""
    seats = {"code": "seats", "aggregation_type": "sum_agg", "field_name": "n", "recurring": True}
    row = {"billable_metric_code": "seats", "charge_model": "standard", **charge}
    plan = {"code": "p", "interval": "monthly", "amount_cents": 0, "amount_currency": "EUR"}
    subscription = {"external_id": "s", "external_customer_id": "c", "plan_code": "p"}
    document = {
        "metrics": [seats],
        "plans": [{**plan, "charges": [{**row, "properties": {"amount": "30"}}]}],
        "subscriptions": [{**subscription, "started_at": "2026-11-01T00:00:00Z"}],
    }
    lago("apply", lago.write("all.json", json.dumps(document)))


def seats(number: int, count: int, day: int) -> dict[str, object]:
    at = f"2026-11-{day:02d}T12:00:00Z"
    return {**event(number, at), "code": "seats", "properties": {"n": count}}


def asked(api: Api, call: str = "current_usage", **query: Any) -> Any:
    """What is answered about the first charge of `s`."""
    path = f"/customers/c/{call}"
    answer = api("GET", path, external_subscription_id="s", **query)
    (usage,) = answer.values()
    return usage["charges_usage"][0]


def test_aggregated_units_are_those_before_they_are_prorated(lago: Lago, serve: Serve):
    with_seats(lago, prorated=True)
    api = serve()
    api.send(seats(1, 10, 16))

    charge = asked(api)

    assert (charge["total_aggregated_units"], charge["amount_cents"]) == ("10.0", 15_000)


def test_aggregated_units_are_what_is_there_not_what_was_billed_in_advance(
    lago: Lago, serve: Serve
):
    with_seats(lago, prorated=True, pay_in_advance=True)
    api = serve()
    api.send(seats(1, 10, 2), seats(2, -4, 16))

    charge = asked(api)

    assert (charge["units"], charge["total_aggregated_units"]) == ("10.0", "6.0")


def test_past_usage_of_a_subscription_that_nobody_knows_is_not_found(lago: Lago, serve: Serve):
    """So that a typing error does not look like no usage."""
    defined(lago)

    answer = serve()("GET", "/customers/c/past_usage", external_subscription_id="x", status=404)

    assert answer["code"] == "subscription_not_found"
