"""The conformance cases over HTTP, as far as Lago's API can put their questions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from lago_cli.domain.instants import format_instant, parse_instant, to_micros
from lago_cli.domain.numbers import as_plain
from lago_cli.domain.subscriptions import BILLING_TIMES, Billing
from lago_cli.domain.zones import zone_for
from tests.cases import cases, expected
from tests.conftest import Lago
from tests.server.conftest import Serve
from tests.servers import Api

SECOND = 1_000_000
PRICE = 1_000_000  # yen of a unit, so that an amount tells six of its decimals
SHOWN = Fraction(1, 10**11)  # a quotient is shown with twelve decimals


def billing_time(case: Any) -> str | None:
    """By which of Lago's calendars the window of a case is a whole billing period, if by any."""
    start, end = (parse_instant(case["query"][key]) for key in ("from", "to"))
    began = parse_instant(case["subscription"]["started_at"])
    ended = case["subscription"]["ended_at"]
    life_end = parse_instant(ended) if ended else 2**62
    zone = zone_for(case["customer"]["timezone"])
    for found in BILLING_TIMES:
        anchor = began if found == "anniversary" else 0
        period = Billing("monthly", found, anchor).period(end - 1, zone)
        first, last = to_micros(period.start), to_micros(period.end)
        if (max(first, began), min(last, life_end)) == (start, end):
            return found
    return None


def can_be_asked(case: Any) -> bool:
    """Filters of a charge name values, and nothing that is missing or left out."""
    query = case["query"]
    if case["id"] == "sum.prorated.upgrade_day":  # no end of a subscription, but of a plan
        return False
    return not query["filter"] and not query.get("exclude") and billing_time(case) is not None


USAGE = [case for case in cases("usage") if can_be_asked(case)]


def define(lago: Lago, case: Any) -> None:
    """A plan with one charge for the metric, whose filters are the buckets of the case."""
    query = case["query"]
    metric = {key: value for key, value in case["metric"].items() if value is not None}
    charge: dict[str, Any] = {
        "billable_metric_code": metric["code"],
        "charge_model": "standard",
        "prorated": query["prorated"],
        "properties": {"amount": str(PRICE), "pricing_group_keys": query["group_by"]},
    }
    if buckets := query.get("buckets"):
        filters = [row["filter"] for row in buckets]
        charge["filters"] = [
            {"values": each, "properties": {"amount": str(PRICE)}} for each in filters
        ]
        metric["filters"] = [
            {"key": key, "values": sorted({v for each in filters for v in each.get(key, ())})}
            for key in sorted({key for each in filters for key in each})
        ]
    given = case["subscription"]
    write(
        lago,
        metric,
        {"code": "p", "amount_currency": "JPY", "charges": [charge]},
        case["customer"],
        {
            "external_id": given["external_id"],
            "started_at": given["started_at"],
            "ending_at": given["ended_at"],
            "billing_time": billing_time(case),
        },
    )


def write(lago: Lago, metric: Any, plan: Any, customer: Any, subscription: Any) -> None:
    document = {
        "metrics": [metric],
        "plans": [{"interval": "monthly", "amount_cents": 0, **plan}],
        "customers": [customer],
        "subscriptions": [
            {
                **{key: value for key, value in subscription.items() if value is not None},
                "external_customer_id": customer["external_id"],
                "plan_code": plan["code"],
            }
        ],
    }
    lago("apply", lago.write("all.json", json.dumps(document)))


def send(api: Api, events: list[Any]) -> None:
    """One by one, in the order in which they arrive."""
    for event in events:
        api("POST", "/events", {"event": event})


def told(case: Any, api: Api) -> Any:
    """The period of a case, while it runs or once it has ended."""
    customer, name = case["customer"]["external_id"], case["subscription"]["external_id"]
    if not case["subscription"]["ended_at"]:
        path = f"/customers/{customer}/current_usage"
        return api("GET", path, external_subscription_id=name)["customer_usage"]
    path = f"/customers/{customer}/past_usage"
    return api("GET", path, external_subscription_id=name)["usage_periods"][0]


def figures(case: Any, usage: Any) -> Iterator[tuple[Any, Any]]:
    """What was found, and what was expected of it."""
    (charge,) = usage["charges_usage"]
    expect = expected(case)
    keys = case["query"]["group_by"]
    if "groups" in expect:
        found = {
            tuple(row["grouped_by"][key] for key in keys): row for row in charge["grouped_usage"]
        }
        wanted = {tuple(row["by"][key] for key in keys): row for row in expect["groups"]}
        assert found.keys() == wanted.keys()
        yield from ((found[group], wanted[group]) for group in wanted)
    elif "buckets" in expect:
        yield from zip(charge["filters"], expect["buckets"], strict=True)
    else:
        yield charge, expect


@pytest.mark.parametrize("case", USAGE, ids=lambda case: case["id"])
def test_usage_of_a_period_is_that_of_the_case(lago: Lago, serve: Serve, case: Any):
    define(lago, case)
    at = parse_instant(case["query"]["to"])
    api = serve(now=lambda: at if case["subscription"]["ended_at"] else at - 1)
    send(api, case["events"])

    usage = told(case, api)

    assert usage["from_datetime"] == case["query"]["from"]
    assert usage["to_datetime"] == format_instant(at - SECOND)
    for found, wanted in figures(case, usage):
        units = max(Fraction(wanted["units"]), 0)
        tolerance = Fraction(wanted.get("tolerance", 0)) + SHOWN
        assert abs(found["amount_cents"] - units * PRICE) <= tolerance * PRICE + Fraction(1, 2)
        if not case["query"]["prorated"]:
            assert abs(Fraction(found["units"]) - units) <= tolerance, case["notes"]
        elif "full_units" in wanted:
            assert found["units"] == found["total_aggregated_units"]
            assert Fraction(found["units"]) == max(Fraction(wanted["full_units"]), 0), case["notes"]
        if "events_count" in wanted and not case["metric"]["recurring"]:
            assert found["events_count"] == wanted["events_count"], case["notes"]


def test_most_cases_of_usage_can_be_asked():
    assert len(USAGE) > 50


# days of a case lie in shares that no calendar has
PRICED = [case for case in cases("price") if "full_units" not in case]


def parts_of(case: Any) -> Iterator[tuple[dict[str, str], Any]]:
    """By group, the units of each event and what it carries."""
    for part in case.get("groups", [case]):
        values = part.get("event_values")
        if values is None:
            count = part.get("events_count", int(Fraction(part["units"]) != 0))
            values = [part["units"], *["0"] * (count - 1)] if count else []
        carried = part.get("event_precise_total_amount_cents")
        if carried is None and "precise_total_amount_cents" in part:
            carried = [part["precise_total_amount_cents"], *["0"] * (len(values) - 1)]
        yield part.get("by", {}), zip(values, carried or [None] * len(values), strict=True)


def events_of(case: Any) -> Iterator[dict[str, Any]]:
    number = 0
    for by, values in parts_of(case):
        for value, carried in values:
            number += 1
            yield {
                "transaction_id": str(number),
                "external_subscription_id": "s",
                "code": "m",
                "timestamp": f"2024-01-31T12:00:{number:02d}Z",
                "precise_total_amount_cents": carried,
                "properties": {"value": str(value), **by},
            }


@pytest.mark.parametrize("case", PRICED, ids=lambda case: case["id"])
def test_a_preview_has_the_price_of_the_case(lago: Lago, serve: Serve, case: Any):
    """A minimum by days is that of a subscription which began late in a month as long."""
    days = case.get("period_days", {"billed": 31, "full": 31})
    month = {31: "2024-01", 28: "2023-02"}[days["full"]]
    first = days["full"] - days["billed"] + 1
    charge = {**case["charge"], "billable_metric_code": "m"}
    write(
        lago,
        {"code": "m", "aggregation_type": "sum_agg", "field_name": "value"},
        {"code": "p", "amount_currency": case.get("currency", "EUR"), "charges": [charge]},
        {"external_id": "c"},
        {"external_id": "s", "started_at": f"{month}-{first:02d}T00:00:00Z"},
    )
    last = parse_instant(f"{month}-{days['full']}T23:00:00Z")
    api = serve(now=lambda: last)
    send(api, [{**row, "timestamp": format_instant(last)} for row in events_of(case)])

    invoice = api("POST", "/invoices/preview", {"subscriptions": {"external_ids": ["s"]}})[
        "invoice"
    ]

    expect = case["expect"]
    charges = [fee for fee in invoice["fees"] if fee["item"]["type"] == "charge"]
    used = [fee for fee in charges if not fee["description"]]
    total = sum(Fraction(fee["precise_amount"]) for fee in used)
    assert abs(total - Fraction(expect["amount"])) <= Fraction(expect.get("tolerance", SHOWN))
    if "amount_cents" in expect:
        assert sum(fee["amount_cents"] for fee in used) == int(expect["amount_cents"])
    for wanted in expect.get("groups", ()):
        (fee,) = [each for each in used if each["item"]["grouped_by"] == wanted["by"]]
        assert fee["precise_amount"].removesuffix(".0") == as_plain(Decimal(wanted["amount"]))
    if "period_days" in case:
        total_cents = sum(fee["amount_cents"] for fee in charges)
        assert str(total_cents) == expect["details"]["total_cents"]
