"""Estimates of fees: what one more event would cost, before it is sent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from lago_python_client.client import Client
from lago_python_client.models import Event

from tests.conftest import Lago
from tests.server.conftest import NOON, Serve
from tests.servers import Api

SECOND = 1_000_000
TIERS = [
    {"from_value": 0, "to_value": 5, "per_unit_amount": "0.02", "flat_amount": "0.01"},
    {"from_value": 5, "to_value": None, "per_unit_amount": "0.01", "flat_amount": "0.015"},
]
RATES = [
    {"from_value": 0, "to_value": 6, "rate": "20", "flat_amount": "10"},
    {"from_value": 6, "to_value": None, "rate": "30", "flat_amount": "7"},
]


def defined(
    lago: Lago,
    charge_model: str = "standard",
    properties: dict[str, Any] | None = None,
    *,
    metric: dict[str, Any] | None = None,
    plan: dict[str, Any] | None = None,
    **charge: Any,
) -> None:
    """A subscription `s` with one charge in advance for the metric `gb`."""
    row = {
        "billable_metric_code": "gb",
        "charge_model": charge_model,
        "pay_in_advance": True,
        "properties": {"amount": "1.333"} if properties is None else properties,
        **charge,
    }
    prices = {"code": "p", "interval": "monthly", "amount_cents": 0, "amount_currency": "EUR"}
    document = {
        "metrics": [
            {"code": "gb", "aggregation_type": "sum_agg", "field_name": "value", **(metric or {})}
        ],
        "plans": [{**prices, "charges": [row], **(plan or {})}],
        "subscriptions": [
            {
                "external_id": "s",
                "external_customer_id": "c",
                "plan_code": "p",
                "started_at": "2026-11-01T00:00:00Z",
            }
        ],
    }
    lago("apply", lago.write("all.json", json.dumps(document)))


def sent(value: Any = None, **properties: Any) -> dict[str, Any]:
    given = properties if value is None else {"value": value, **properties}
    return {"code": "gb", "external_subscription_id": "s", "properties": given}


def ask(api: Api, event: dict[str, Any], call: str = "estimate_fees", **how: Any) -> Any:
    return api("POST", f"/events/{call}", {"event": event}, **how)


def one(api: Api, event: dict[str, Any], call: str = "estimate_fees") -> dict[str, Any]:
    (fee,) = ask(api, event, call)["fees"]
    found: dict[str, Any] = fee
    return found


def test_an_event_costs_what_it_adds_to_the_usage_of_the_period(lago: Lago, serve: Serve):
    defined(lago, "package", {"amount": "100", "package_size": 2, "free_units": 3})
    api = serve()
    assert one(api, sent(3))["amount_cents"] == 0
    api.send({**sent(3), "transaction_id": "1"})

    fee = one(api, sent(1))

    assert (fee["amount_cents"], fee["units"]) == (10_000, "1.0")
    assert (fee["total_aggregated_units"], fee["events_count"]) == ("4.0", 1)


@pytest.mark.parametrize(
    ("charge_model", "properties", "values"),
    [
        pytest.param("standard", {"amount": "1.333"}, [1, 2.5, -2, 1.25], id="standard"),
        pytest.param("graduated", {"graduated_ranges": TIERS}, [3, 1, 2, 0.5], id="graduated"),
        pytest.param(
            "graduated_percentage", {"graduated_percentage_ranges": RATES}, [5, 0.3, 2], id="rates"
        ),
        pytest.param(
            "package", {"amount": "9.99", "package_size": 2, "free_units": 1}, [1, 1, 3], id="packs"
        ),
        pytest.param(
            "percentage",
            {"rate": "5.5", "fixed_amount": "1", "free_units_per_events": 2},
            [8, 5, 3.33, 0.1],
            id="free events",
        ),
        pytest.param(
            "percentage",
            {
                "rate": "1",
                "free_units_per_total_aggregation": "10",
                "per_transaction_max_amount": "0.1",
            },
            [8, 5, 300],
            id="free units and a limit",
        ),
    ],
)
def test_estimates_of_all_events_come_to_the_line_of_the_invoice(
    lago: Lago, serve: Serve, charge_model: str, properties: dict[str, Any], values: list[float]
):
    defined(lago, charge_model, properties)
    now = [NOON]
    api = serve(now=lambda: now[0])
    estimated = []
    for number, value in enumerate(values):
        now[0] += SECOND
        estimated.append(one(api, sent(value))["amount_cents"])
        api.send({**sent(value), "transaction_id": str(number)})

    invoice = lago(
        "invoices", "preview", "--subscription", "s", "--period", "2026-11", "-o", "json"
    )

    (fee,) = [each for each in invoice.json()["fees"] if each["type"] == "charge"]
    assert sum(estimated) == int(fee["amount_cents"]) > 0


def test_what_is_used_in_another_group_or_filter_does_not_matter(lago: Lago, serve: Serve):
    tiers = {"graduated_ranges": TIERS, "pricing_group_keys": ["team"]}
    defined(
        lago,
        "graduated",
        tiers,
        metric={"filters": [{"key": "region", "values": ["eu", "us"]}]},
        filters=[{"values": {"region": ["eu"]}, "properties": tiers}],
    )
    api = serve()
    api.send({**sent(5, region="eu", team="a"), "transaction_id": "1"})

    used, other, rest = (
        one(api, sent(1, **where))
        for where in (
            {"region": "eu", "team": "a"},
            {"region": "eu", "team": "b"},
            {"region": "us"},
        )
    )

    assert [each["precise_amount"] for each in (used, other, rest)] == ["0.025", "0.03", "0.03"]
    assert (used["item"]["filters"], rest["item"]["filters"]) == ({"region": ["eu"]}, None)
    assert [each["item"]["grouped_by"] for each in (used, rest)] == [{"team": "a"}, {}]


def test_what_comes_later_in_the_period_is_billed_later(lago: Lago, serve: Serve):
    """As in an invoice, where it comes after the event in question."""
    defined(lago, "package", {"amount": "1", "package_size": 10, "free_units": 0})
    api = serve()
    api.send({**sent(5), "transaction_id": "1", "timestamp": "2026-11-29T00:00:00Z"})

    assert one(api, sent(1))["amount_cents"] == 100


def test_an_item_that_is_there_costs_nothing_once_more(lago: Lago, serve: Serve):
    defined(lago, metric={"aggregation_type": "unique_count_agg"})
    api = serve()
    api.send({**sent("ana"), "transaction_id": "1"})

    assert [one(api, sent(who))["amount_cents"] for who in ("ana", "bo")] == [0, 133]


def test_a_prorated_charge_bills_the_days_that_are_left(lago: Lago, serve: Serve):
    metric = {"aggregation_type": "unique_count_agg", "recurring": True}
    defined(lago, properties={"amount": "30"}, metric=metric, prorated=True)
    api = serve()
    api.send({**sent("ana"), "transaction_id": "1", "timestamp": "2026-11-01T00:00:00Z"})

    fee = one(api, sent("bo"))

    assert fee["amount_cents"] == 300  # 3 of 30 days
    assert fee["total_aggregated_units"] == "2.0"


def test_a_price_that_the_event_carries_is_its_estimate(lago: Lago, serve: Serve):
    defined(lago, "dynamic", {})

    fee = one(serve(), {**sent(3), "precise_total_amount_cents": "12.5"})

    assert (fee["amount_cents"], fee["precise_amount"]) == (13, "0.125")


def test_an_expression_is_evaluated_now(lago: Lago, serve: Serve):
    metric = {"expression": "event.properties.value * 2"}
    defined(lago, properties={"amount": "1"}, metric=metric)

    assert one(serve(), sent(2))["amount_cents"] == 400


def test_taxes_are_those_of_the_plan(lago: Lago, serve: Serve):
    defined(lago, plan={"taxes": [{"code": "vat", "rate": "20"}]})

    fee = one(serve(), sent(2.5))

    assert (fee["amount_cents"], fee["taxes_amount_cents"]) == (333, 67)
    assert fee["total_amount_cents"] == 400


def test_an_estimate_stores_nothing(lago: Lago, serve: Serve):
    defined(lago)
    api = serve()
    ask(api, sent(2))

    assert api("GET", "/events")["events"] == []


def test_an_event_without_its_value_costs_nothing(lago: Lago, serve: Serve):
    """It would be stored, and counted for nothing."""
    defined(lago)

    fee = one(serve(), sent())

    assert (fee["amount_cents"], fee["units"], fee["events_count"]) == (0, "0.0", 0)


@pytest.mark.parametrize("call", ["estimate_fees", "estimate_instant_fees"])
@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"external_subscription_id": "nobody"}, 404, "subscription_not_found"),
        ({"external_subscription_id": None}, 404, "subscription_not_found"),
        ({"code": None}, 404, "billable_metric_not_found"),
        ({"properties": {"value": "many"}}, 422, {"properties": ["value_is_not_valid_number"]}),
        ({"properties": "many"}, 422, {"properties": ["value_is_invalid"]}),
        ({"timestamp": "soon"}, 422, {"timestamp": ["invalid_format"]}),
        ({"code": "calls"}, 422, {"code": ["does_not_match_an_instant_charge"]}),
    ],
)
def test_what_cannot_be_estimated_is_refused_as_by_lago(
    lago: Lago, serve: Serve, call: str, change: dict[str, Any], status: int, code: Any
):
    defined(lago)
    lago("metrics", "create", "--code", "calls", "--aggregation-type", "count")

    answer = ask(serve(), {**sent(1), **change}, call, status=status)

    assert answer.get("error_details", answer["code"]) == code


def test_a_metric_that_nobody_knows_is_not_found(lago: Lago, serve: Serve):
    defined(lago)

    answer = ask(serve(), {**sent(1), "code": "typo"}, status=404)

    assert answer["code"] == "billable_metric_not_found"


def test_a_subscription_that_has_ended_has_no_estimates(lago: Lago, serve: Serve):
    defined(lago)
    lago("subscriptions", "terminate", "s", "--at", "2026-11-20T00:00:00Z")

    assert ask(serve(), sent(1), status=404)["code"] == "subscription_not_found"


def test_the_official_client_estimates_fees(lago: Lago, serve: Serve):
    """Unchanged: with its nulls, and its models of fees."""
    defined(lago, plan={"taxes": [{"code": "vat", "rate": "19"}]})
    client = Client(api_key="any", api_url=serve().url)
    given = {"timestamp": None, "precise_total_amount_cents": None, "transaction_id": "1"}

    answer = client.events.estimate_fees(Event(**sent(2.5), **given))

    (fee,) = answer["fees"]
    assert (fee.amount_cents, fee.units, fee.item.code) == (333, "2.5", "gb")


def test_alone_an_event_costs_the_same_whatever_was_used(lago: Lago, serve: Serve):
    properties = {"rate": "10", "fixed_amount": "1", "free_units_per_events": 5}
    defined(lago, "percentage", properties)
    api = serve()
    api.send({**sent(500), "transaction_id": "1"})

    fee = one(api, {**sent(30), "transaction_id": "mine"}, "estimate_instant_fees")

    assert (fee["amount_cents"], fee["total_amount_cents"]) == ("400.0", "400.0")
    assert (fee["units"], fee["event_transaction_id"]) == ("30.0", "mine")
    assert fee["total_aggregated_units"] == "30.0"


def test_alone_only_prices_that_do_not_hang_on_others_are_told(lago: Lago, serve: Serve):
    defined(lago, "graduated", {"graduated_ranges": TIERS})

    answer = ask(serve(), sent(1), "estimate_instant_fees", status=422)

    assert answer["error_details"] == {"code": ["does_not_match_an_instant_charge"]}


def test_a_limit_of_an_event_holds_alone(lago: Lago, serve: Serve):
    defined(lago, "percentage", {"rate": "10", "per_transaction_max_amount": "2"})

    assert one(serve(), sent(30), "estimate_instant_fees")["amount_cents"] == "200.0"


@pytest.mark.parametrize("wrapped", [False, True], ids=["plain", "as Lago's OpenAPI file has it"])
def test_several_events_are_estimated_at_once(lago: Lago, serve: Serve, *, wrapped: bool):
    defined(lago, properties={"amount": "2"})
    events: list[dict[str, Any]] = [sent(1), {**sent(1), "code": "typo"}, sent(2.5)]
    if wrapped:
        events = [{"event": event} for event in events]

    answer = serve()("POST", "/events/batch_estimate_instant_fees", {"events": events})

    assert [fee["amount_cents"] for fee in answer["fees"]] == ["200.0", "500.0"]


@pytest.mark.parametrize(
    ("events", "status"), [("all", 400), ([], 422), ([sent(1)] * 101, 422), ([1], 400)]
)
def test_a_batch_of_estimates_has_1_to_100_events(
    lago: Lago, serve: Serve, events: Any, status: int
):
    defined(lago)

    serve()("POST", "/events/batch_estimate_instant_fees", {"events": events}, status=status)
