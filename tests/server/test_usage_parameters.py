"""What can be asked of current and past usage: a part of it, by today's names and former ones."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Lago
from tests.server.conftest import Serve
from tests.servers import Api

TAX = [{"code": "vat", "name": "VAT", "rate": "20"}]
SUBSCRIPTION = {"external_subscription_id": "s"}


def event(name: str, code: str, day: str, **properties: object) -> dict[str, object]:
    at = f"{day}T00:00:00Z"
    given = {"transaction_id": name, "external_subscription_id": "s", "code": code, "timestamp": at}
    return {**given, "properties": properties}


@pytest.fixture
def api(lago: Lago, serve: Serve) -> Api:
    """Calls at 1.50, twice charged; storage at 2.00 by region. Two months ended before this one."""
    lago("metrics", "create", "calls", "--aggregation-type", "count")
    lago("metrics", "create", "storage", "--aggregation-type", "sum", "--field-name", "gb")
    lago.plan(
        "basic",
        {
            "billable_metric_code": "calls",
            "code": "all",
            "charge_model": "standard",
            "properties": {"amount": "1.5"},
        },
        {
            "billable_metric_code": "calls",
            "code": "support",
            "charge_model": "standard",
            "properties": {"amount": "0.5"},
        },
        {
            "billable_metric_code": "storage",
            "code": "gigabytes",
            "charge_model": "standard",
            "properties": {"amount": "2", "pricing_group_keys": ["region", "tier"]},
        },
        taxes=TAX,
    )
    started = ("--started-at", "2026-09-10T00:00:00Z", "--plan-code", "basic")
    lago("subscriptions", "create", "s", "--external-customer-id", "c", *started)
    api = serve()
    api.send(
        event("september", "calls", "2026-09-20"),
        event("october 1", "calls", "2026-10-20"),
        event("october 2", "storage", "2026-10-20", gb=1, region="eu", tier="hot"),
        event("november 1", "calls", "2026-11-02"),
        event("november 2", "storage", "2026-11-03", gb=1, region="eu", tier="hot"),
        event("november 3", "storage", "2026-11-04", gb=10, region="eu", tier="cold"),
        event("november 4", "storage", "2026-11-05", gb=100, region="us", tier="hot"),
    )
    return api


def current(api: Api, status: int = 200, **query: Any) -> Any:
    query = {**SUBSCRIPTION, **query}
    answer = api("GET", "/customers/c/current_usage", status=status, **query)
    return answer["customer_usage"] if status == 200 else answer


def past(api: Api, status: int = 200, **query: Any) -> Any:
    return api("GET", "/customers/c/past_usage", status=status, **{**SUBSCRIPTION, **query})


def charges(usage: Any) -> dict[str, int]:
    return {row["charge"]["code"]: row["amount_cents"] for row in usage["charges_usage"]}


def test_without_a_part_all_charges_are_told(api: Api):
    usage = current(api)

    assert charges(usage) == {"all": 150, "support": 50, "gigabytes": 22_200}
    assert (usage["amount_cents"], usage["total_amount_cents"]) == (22_400, 26_880)


@pytest.mark.parametrize("key", ["charge_code", "filter_by_charge_code"])
def test_one_charge_is_asked_for_by_its_code(api: Api, key: str):
    usage = current(api, **{key: "support"})

    assert charges(usage) == {"support": 50}
    assert (usage["amount_cents"], usage["total_amount_cents"]) == (50, 60)


@pytest.mark.parametrize("key", ["charge_id", "filter_by_charge_id"])
def test_one_charge_is_asked_for_by_its_id(api: Api, key: str):
    ids = {row["code"]: row["lago_id"] for row in api("GET", "/plans/basic")["plan"]["charges"]}

    assert charges(current(api, **{key: ids["support"]})) == {"support": 50}
    assert charges(current(api, charge_code="", **{key: ids["support"]})) == {"support": 50}


@pytest.mark.parametrize(
    "asked",
    [
        {"charge_code": "nothing"},
        {"charge_id": "1a901a90-1a90-1a90-1a90-1a901a901a90"},
        {"charge_code": "support", "charge_id": "1a901a90-1a90-1a90-1a90-1a901a901a90"},
        {"charge_code": "", "charge_id": "1a901a90-1a90-1a90-1a90-1a901a901a90"},
        {"charge_code": "support", "billable_metric_code": "storage"},
    ],
    ids=["code", "id", "id of another one", "id and no code", "of another metric"],
)
def test_a_charge_that_is_none_is_not_found(api: Api, asked: dict[str, str]):
    assert current(api, 404, **asked)["code"] == "charge_not_found"


def test_the_charges_of_one_metric_are_asked_for_by_its_code(api: Api):
    usage = current(api, billable_metric_code="calls")

    assert charges(usage) == {"all": 150, "support": 50}
    assert usage["amount_cents"] == 200


def test_a_metric_that_nobody_defined_is_not_found(api: Api):
    assert current(api, 404, billable_metric_code="none")["code"] == "billable_metric_not_found"
    assert past(api, 404, billable_metric_code="none")["code"] == "billable_metric_not_found"


@pytest.mark.parametrize(
    ("asked", "amount"),
    [
        ({"group[region]": "eu"}, 2_200),
        ({"group[region]": "eu", "group[tier]": "cold"}, 2_000),
        ({"filter_by_group[tier]": "hot"}, 20_200),
        ({"filter_by_group": '{"region": "eu", "tier": "hot"}'}, 200),
        ({"group[region]": "us", "charge_code": "gigabytes"}, 20_000),
    ],
    ids=str,
)
def test_usage_of_a_group_is_asked_for_by_its_values(api: Api, asked: dict[str, str], amount: int):
    """Charges that are not told apart by them have none of it."""
    usage = current(api, **asked)

    assert charges(usage) == {"gigabytes": amount}
    assert usage["amount_cents"] == amount
    assert all(
        asked.get("group[region]") in (None, row["grouped_by"]["region"])
        for row in usage["charges_usage"][0]["grouped_usage"]
    )


@pytest.mark.parametrize("asked", [{"group[region]": "asia"}, {"group[country]": "de"}], ids=str)
def test_of_a_group_that_is_none_nothing_is_used(api: Api, asked: dict[str, str]):
    usage = current(api, **asked)

    assert (usage["charges_usage"], usage["total_amount_cents"]) == ([], 0)


@pytest.mark.parametrize("written", ["eu", "[]", '{"region": 1}'])
def test_a_group_by_its_former_name_is_an_object_of_texts(api: Api, written: str):
    assert "filter_by_group" in current(api, 400, filter_by_group=written)["error"]


@pytest.mark.parametrize(
    ("word", "taxes"),
    [("true", 4_480), ("1", 4_480), ("", 4_480), ("false", 0), ("False", 0), ("0", 0)],
)
def test_taxes_are_left_out_where_that_is_asked_for(api: Api, word: str, taxes: int):
    """The official Python client writes its `False` so."""
    usage = current(api, apply_taxes=word)

    assert usage["taxes_amount_cents"] == taxes
    assert usage["total_amount_cents"] == 22_400 + taxes


@pytest.mark.parametrize("word", ["true", "True", "1"])
@pytest.mark.parametrize(
    ("part", "amounts"),
    [
        ({"charge_code": "all"}, {"all": 450}),
        ({"filter_by_charge_code": "support"}, {"support": 150}),
        ({"group[region]": "eu", "group[tier]": "hot"}, {"gigabytes": 400}),
    ],
    ids=str,
)
def test_usage_of_a_part_is_told_since_the_start_where_that_is_asked_for(
    api: Api, word: str, part: dict[str, str], amounts: dict[str, int]
):
    usage = current(api, full_usage=word, **part)

    assert charges(usage) == amounts
    assert usage["from_datetime"] == "2026-09-10T00:00:00Z"
    assert usage["to_datetime"] == "2026-11-30T23:59:59Z"


def test_usage_since_the_start_begins_with_the_plan(lago: Lago, api: Api):
    """A change of plan begins another subscription in Lago."""
    charge = {"billable_metric_code": "calls", "code": "all", "charge_model": "standard"}
    lago.plan("other", {**charge, "properties": {"amount": "1"}})
    at = ("--at", "2026-10-10T00:00:00Z")
    lago("subscriptions", "change-plan", "s", "other", *at)

    usage = current(api, full_usage="true", charge_code="all")

    assert charges(usage) == {"all": 200}
    assert usage["from_datetime"] == "2026-10-10T00:00:00Z"


def test_units_since_the_start_are_priced_together(lago: Lago, serve: Serve):
    """Not period by period: what is free is free once."""
    lago("metrics", "create", "calls", "--aggregation-type", "count")
    free_two = {"package_size": 1, "free_units": 2, "amount": "1"}
    package = {"billable_metric_code": "calls", "charge_model": "package", "properties": free_two}
    lago.plan("basic", {**package, "code": "all"})
    started = ("--started-at", "2026-09-10T00:00:00Z", "--plan-code", "basic")
    lago("subscriptions", "create", "s", "--external-customer-id", "c", *started)
    api = serve()
    api.send(*(event(f"t{month}", "calls", f"2026-{month:02}-20") for month in (9, 10, 11)))

    assert charges(current(api, charge_code="all")) == {"all": 0}
    assert charges(current(api, charge_code="all", full_usage="true")) == {"all": 100}


@pytest.mark.parametrize("part", [{}, {"billable_metric_code": "calls"}], ids=["all", "a metric"])
def test_usage_since_the_start_is_told_of_a_charge_or_a_group_only(api: Api, part: dict[str, str]):
    assert current(api, 405, full_usage="true", **part)["code"] == "full_usage_not_allowed"


@pytest.mark.parametrize("word", ["false", "False", ""])
def test_usage_of_the_period_is_what_is_told_where_no_more_is_asked_for(api: Api, word: str):
    assert current(api, full_usage=word)["from_datetime"] == "2026-11-01T00:00:00Z"


@pytest.mark.parametrize("query", [{}, {"external_subscription_id": ""}], ids=["none", "empty"])
def test_usage_wants_a_subscription(api: Api, query: dict[str, str]):
    now = api("GET", "/customers/c/current_usage", status=405, **query)
    then = api("GET", "/customers/c/past_usage", status=422, **query)

    assert now["code"] == "no_active_subscription"
    assert then["error_details"] == {"external_subscription_id": ["value_is_mandatory"]}


def begun(answer: Any) -> list[str]:
    return [row["from_datetime"][:10] for row in answer["usage_periods"]]


@pytest.mark.parametrize(
    ("count", "found"),
    [
        ("1", ["2026-10-01"]),
        ("2", ["2026-10-01", "2026-09-10"]),
        (str(10**20), ["2026-10-01", "2026-09-10"]),
        ("", ["2026-10-01", "2026-09-10"]),
        ("many", ["2026-10-01", "2026-09-10"]),
        ("-1", ["2026-10-01", "2026-09-10"]),
    ],
)
def test_so_many_past_periods_are_told_as_are_asked_for(api: Api, count: str, found: list[str]):
    answer = past(api, periods_count=count)

    assert begun(answer) == found
    assert answer["meta"]["total_count"] == len(found)


def test_past_periods_come_in_pages(api: Api):
    answer = past(api, page=2, per_page=1)

    assert begun(answer) == ["2026-09-10"]
    assert answer["meta"] == {
        "current_page": 2,
        "next_page": None,
        "prev_page": 1,
        "total_pages": 2,
        "total_count": 2,
    }


@pytest.mark.parametrize("page", ["3", str(10**20)])
def test_beyond_the_first_period_there_is_none(api: Api, page: str):
    answer = past(api, page=page, per_page=1)

    assert (begun(answer), answer["meta"]["total_count"]) == ([], 2)


def test_past_usage_of_one_metric_is_asked_for_by_its_code(api: Api):
    answer = past(api, billable_metric_code="storage")

    assert [charges(row) for row in answer["usage_periods"]] == [
        {"gigabytes": 200},
        {"gigabytes": 0},
    ]
    assert [row["total_amount_cents"] for row in answer["usage_periods"]] == [240, 0]
