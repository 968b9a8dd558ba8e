"""`/subscriptions` over Lago's API."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Lago
from tests.server.requests import HOSTILE, at
from tests.servers import Api

PLAN = {"interval": "monthly", "amount_currency": "EUR", "pay_in_advance": False}


@pytest.fixture(autouse=True)
def plans(api: Api) -> None:
    for code, cents in (("mini", 900), ("pro", 4900)):
        plan = {**PLAN, "code": code, "name": code, "amount_cents": cents}
        api("POST", "/plans", {"plan": plan})


def subscribe(api: Api, plan: str = "pro", status: int = 200, **more: object):
    row = {"external_id": "s", "external_customer_id": "acme", "plan_code": plan, **more}
    return api("POST", "/subscriptions", {"subscription": row}, status=status)


def test_one_that_begins_later_is_pending_and_can_be_called_off(api: Api):
    """It is then canceled, and was never begun."""
    begun = subscribe(api, subscription_at="2027-01-01T00:00:00Z")["subscription"]

    ended = api("DELETE", "/subscriptions/s?status=pending")["subscription"]

    assert (begun["status"], ended["status"], ended["started_at"]) == ("pending", "canceled", None)


def test_its_usage_period_ends_with_its_last_second(api: Api):
    """As Lago has it."""
    found = subscribe(api, subscription_at="2026-10-01T00:00:00Z")["subscription"]

    assert found["current_billing_period_started_at"] == "2026-11-01T00:00:00Z"
    assert found["current_billing_period_ending_at"] == "2026-11-30T23:59:59Z"


@pytest.mark.parametrize("at", ["yesterday", 1_795_867_200])
def test_a_start_that_is_no_date_is_refused(api: Api, at: object):
    """Also a number, which the command line takes."""
    answer = subscribe(api, status=422, subscription_at=at)

    assert answer["error_details"] == {"subscription_at": ["invalid_date"]}


def test_an_id_of_another_customer_is_taken(api: Api):
    """The subscription stays theirs."""
    subscribe(api)

    answer = subscribe(api, status=422, external_customer_id="other")

    assert answer["error_details"] == {"external_id": ["value_already_exist"]}


def test_prices_of_its_own_are_refused(api: Api):
    """They would be an amount that nobody is ever billed."""
    answer = subscribe(api, status=403, plan_overrides={"amount_cents": 1})

    assert answer["code"] == "feature_unavailable"


def test_its_end_is_changed_and_taken_away(api: Api):
    """What is not given stays."""
    subscribe(api)
    body = {"subscription": {"ending_at": "2027-05-01T00:00:00Z"}}
    changed = api("PUT", "/subscriptions/s", body)["subscription"]

    back = api("PUT", "/subscriptions/s", {"subscription": {"ending_at": None}})["subscription"]

    assert changed["ending_at"] == "2027-05-01T00:00:00Z"
    assert (back["ending_at"], back["plan_code"]) == (None, "pro")


def test_what_is_not_kept_is_told(api: Api):
    """Beside the answer, where no client stumbles over it."""
    answer = subscribe(api, name="Main")

    assert answer["warnings"] == [{"field": "name", "message": "this is not kept"}]


def change(api: Api, status: int = 200, **fields: object) -> Any:
    return api("PUT", "/subscriptions/s", {"subscription": fields}, status=status)


def listed(api: Api, path: str = "/subscriptions", **query: object) -> list[str]:
    return [each["external_id"] for each in api("GET", path, **query)["subscriptions"]]


# What there is ----------------------------------------------------------------------------


def test_a_subscription_is_answered_with_all_that_clients_ask_for(api: Api):
    """With its plan, but in lists."""
    found = subscribe(api, subscription_at="2026-11-01T00:00:00Z")["subscription"]

    expected = {
        "external_id": "s",
        "external_customer_id": "acme",
        "plan_code": "pro",
        "plan_amount_cents": 4900,
        "plan_amount_currency": "EUR",
        "status": "active",
        "billing_time": "calendar",
        "subscription_at": "2026-11-01T00:00:00Z",
        "started_at": "2026-11-01T00:00:00Z",
        "ending_at": None,
        "terminated_at": None,
        "previous_plan_code": None,
        "next_plan_code": None,
        "downgrade_plan_date": None,
    }
    assert {key: found[key] for key in expected} == expected
    assert found["plan"] == api("GET", "/plans/pro")["plan"]
    assert found == api("GET", "/subscriptions/s")["subscription"]
    assert api("GET", "/subscriptions")["subscriptions"] == [
        {key: value for key, value in found.items() if key != "plan"}
    ]


def test_a_subscription_makes_its_customer(api: Api):
    """Whom nobody had registered."""
    found = subscribe(api)["subscription"]

    customer = api("GET", "/customers/acme")["customer"]
    assert customer["lago_id"] == found["lago_customer_id"]


def test_a_list_of_no_subscriptions_has_zeros(api: Api):
    found = api("GET", "/subscriptions")

    meta = dict.fromkeys(("next_page", "prev_page"), None)
    meta |= dict.fromkeys(("current_page", "total_pages", "total_count"), 0)
    assert found == {"subscriptions": [], "meta": meta}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_subscription_that_nobody_knows_is_not_found(api: Api, method: str):
    body = {"subscription": {"name": "x"}} if method == "PUT" else None
    answer = api(method, "/subscriptions/s", body, status=404)

    assert answer["code"] == "subscription_not_found"


@pytest.mark.parametrize("name", HOSTILE)
def test_any_id_of_a_subscription_can_be_found_again(api: Api, name: str):
    """But the two that are steps of a path are found in lists alone."""
    created = subscribe(api, external_id=name)["subscription"]
    assert listed(api, external_id=name) == [name]

    if name not in (".", ".."):
        assert api("GET", at("/subscriptions/{}", name))["subscription"] == created


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["new", "old"]),
        ({"per_page": 1, "page": 2}, ["old"]),
        ({"plan_code": "mini"}, ["old"]),
        ({"external_id": "new"}, ["new"]),
        ({"external_customer_id": "acme"}, ["old"]),
        ({"external_customer_id": "nobody"}, []),
        ({"currency": "EUR"}, ["new", "old"]),
        ({"currency": "USD"}, []),
        ({"status[]": ["pending"]}, ["later"]),
        ({"status[]": ["pending", "active", "terminated"]}, ["later", "new", "gone", "old"]),
        ({"status[]": ["terminated"]}, ["gone"]),
        ({"status[]": ["canceled"]}, []),
    ],
)
def test_subscriptions_are_looked_for(api: Api, query: dict[str, Any], expected: list[str]):
    """Active ones, where no status is asked for; those that began last come first."""
    subscribe(api, "mini", external_id="old", subscription_at="2026-01-01")
    subscribe(api, external_id="new", external_customer_id="b", subscription_at="2026-11-20")
    subscribe(api, external_id="later", external_customer_id="b", subscription_at="2027-01-01")
    subscribe(api, external_id="gone", external_customer_id="b", subscription_at="2026-03-01")
    api("DELETE", "/subscriptions/gone")

    assert listed(api, **query) == expected


def test_those_of_a_customer_are_theirs(api: Api):
    """And of their statuses, too."""
    subscribe(api)
    subscribe(api, external_id="other", external_customer_id="b")
    path = "/customers/acme/subscriptions"
    before = listed(api, path)
    api("DELETE", "/subscriptions/s")

    assert (before, listed(api, path)) == (["s"], [])
    assert listed(api, path, **{"status[]": "terminated"}) == ["s"]


# Rules ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"external_customer_id": None}, {"external_customer_id": ["value_is_mandatory"]}),
        ({"external_customer_id": ""}, {"external_customer_id": ["value_is_mandatory"]}),
        ({"external_id": None}, {"external_id": ["value_is_mandatory"]}),
        ({"external_id": " "}, {"external_id": ["value_is_mandatory"]}),
        ({"external_id": ["s"]}, {"external_id": ["value_is_invalid"]}),
        ({"billing_time": "daily"}, {"billing_time": ["value_is_invalid"]}),
        ({"billing_time": 1}, {"billing_time": ["value_is_invalid"]}),
        ({"subscription_at": "now"}, {"subscription_at": ["invalid_date"]}),
        ({"subscription_at": True}, {"subscription_at": ["invalid_date"]}),
        ({"subscription_at": "2026-02-30"}, {"subscription_at": ["invalid_date"]}),
        ({"subscription_at": []}, {"subscription_at": ["invalid_date"]}),
        ({"ending_at": "later"}, {"ending_at": ["invalid_date"]}),
        ({"ending_at": 1_900_000_000}, {"ending_at": ["invalid_date"]}),
        ({"ending_at": "2026-11-28T23:00:00Z"}, {"ending_at": ["invalid_date"]}),
        ({"ending_at": "2026-11-29T00:30:00+01:00"}, {"ending_at": ["invalid_date"]}),
        (
            {"subscription_at": "2027-01-01T00:00:00Z", "ending_at": "2027-01-01T12:00:00Z"},
            {"ending_at": ["invalid_date"]},
        ),
        (
            {"subscription_at": "2027-01-02T00:00:00Z", "ending_at": "2027-01-01T12:00:00Z"},
            {"ending_at": ["invalid_date"]},
        ),
        (
            {"subscription_at": "x", "ending_at": "x", "billing_time": "x"},
            {
                "subscription_at": ["invalid_date"],
                "ending_at": ["invalid_date"],
                "billing_time": ["value_is_invalid"],
            },
        ),
    ],
)
def test_a_rule_of_subscriptions_that_is_broken_is_told(api: Api, fields: Any, expected: Any):
    """Once, and nothing is kept."""
    answer = subscribe(api, status=422, **fields)

    assert (answer["code"], answer["error_details"]) == ("validation_errors", expected)
    assert listed(api) == []


@pytest.mark.parametrize("plan", [None, "", "nothing", 1, ["pro"], {"code": "pro"}])
def test_a_plan_that_is_not_there_is_not_found(api: Api, plan: Any):
    assert subscribe(api, plan, status=404)["code"] == "plan_not_found"


def test_a_day_begins_where_the_customer_is(api: Api):
    """A date without an offset, and the day after today."""
    api("POST", "/customers", {"customer": {"external_id": "acme", "timezone": "Asia/Tokyo"}})

    found = subscribe(api, subscription_at="2026-11-01", ending_at="2026-11-29")["subscription"]

    assert found["subscription_at"] == "2026-10-31T15:00:00Z"
    assert found["ending_at"] == "2026-11-28T15:00:00Z"
    assert found["current_billing_period_started_at"] == "2026-10-31T15:00:00Z"


def test_the_last_day_there_is_can_be_an_end(api: Api):
    """Where it is the next day already, too."""
    zone = {"external_id": "acme", "timezone": "Pacific/Kiritimati"}
    api("POST", "/customers", {"customer": zone})

    found = subscribe(api, ending_at="9999-12-31T23:59:59Z")["subscription"]

    assert found["ending_at"] == "9999-12-31T23:59:59Z"


# Changes of plan --------------------------------------------------------------------------


def test_the_same_again_changes_nothing(api: Api):
    """Whatever else it says."""
    first = subscribe(api, subscription_at="2026-11-01T00:00:00Z")["subscription"]
    second = subscribe(api, subscription_at="2026-10-01", billing_time="anniversary")

    assert second["subscription"] == first


@pytest.mark.parametrize(
    ("interval", "cents", "is_at_once"),
    [
        ("monthly", 4901, True),
        ("monthly", 4900, True),
        ("monthly", 4899, False),
        ("yearly", 58800, True),
        ("yearly", 58799, False),
        ("weekly", 1131, True),  # 52 weeks
        ("weekly", 1130, False),
        ("quarterly", 14700, True),
        ("semiannual", 29399, False),
    ],
)
def test_what_costs_as_much_in_a_year_is_had_at_once(
    api: Api, interval: str, cents: int, is_at_once: bool
):
    """Else it waits for the end of the period."""
    plan = {**PLAN, "code": "other", "name": "x", "interval": interval, "amount_cents": cents}
    api("POST", "/plans", {"plan": plan})
    subscribe(api, subscription_at="2026-10-15T00:00:00Z")

    found = subscribe(api, "other")["subscription"]

    assert found["plan_code"] == ("other" if is_at_once else "pro")
    assert found["previous_plan_code"] == ("pro" if is_at_once else None)
    assert found["next_plan_code"] == (None if is_at_once else "other")
    assert found["downgrade_plan_date"] == (None if is_at_once else "2026-12-01")
    assert found["subscription_at"] == "2026-10-15T00:00:00Z"


def test_a_plan_that_waits_is_called_off_or_replaced(api: Api):
    """By `status=pending`, or by another change."""
    subscribe(api, subscription_at="2026-10-15T00:00:00Z")
    subscribe(api, "mini")
    called_off = api("DELETE", "/subscriptions/s?status=pending")["subscription"]
    subscribe(api, "mini")

    back = api("GET", "/subscriptions/s")["subscription"]

    assert (called_off["plan_code"], called_off["next_plan_code"]) == ("pro", None)
    assert (called_off["status"], back["next_plan_code"]) == ("active", "mini")


def test_one_that_has_not_begun_changes_its_plan_at_once(api: Api):
    """There is nothing to bill yet."""
    subscribe(api, subscription_at="2027-01-01T00:00:00Z")

    found = subscribe(api, "mini")["subscription"]

    assert (found["status"], found["plan_code"]) == ("pending", "mini")


# Ends -------------------------------------------------------------------------------------


def test_one_that_is_terminated_ends_now(api: Api):
    """And is asked for by its status."""
    subscribe(api, subscription_at="2026-11-01T00:00:00Z")

    ended = api("DELETE", "/subscriptions/s")["subscription"]

    assert (ended["status"], ended["terminated_at"]) == ("terminated", "2026-11-28T12:00:00Z")
    assert ended["current_billing_period_started_at"] is None
    again = api("GET", "/subscriptions/s", status=404)
    assert again["code"] == "subscription_not_found"
    answer = api.http.get("/api/v1/subscriptions/s?status=terminated")
    assert answer.json()["subscription"] == ended


@pytest.mark.parametrize(
    ("method", "query"), [("DELETE", ""), ("PUT", ""), ("DELETE", "?status=pending")]
)
def test_what_has_ended_is_not_ended_or_changed_again(api: Api, method: str, query: str):
    subscribe(api, subscription_at="2026-11-01T00:00:00Z")
    api("DELETE", "/subscriptions/s")

    body = {"subscription": {"ending_at": "2027-05-01"}} if method == "PUT" else None
    answer = api(method, f"/subscriptions/s{query}", body, status=404)

    assert answer["code"] == "subscription_not_found"


def test_an_id_that_ended_is_not_used_again(api: Api):
    """Its events are those of the former one."""
    subscribe(api, subscription_at="2026-11-01T00:00:00Z")
    api("DELETE", "/subscriptions/s")

    answer = subscribe(api, status=422)

    assert answer["error_details"] == {"external_id": ["value_already_exist"]}


def test_one_that_has_not_begun_is_not_ended_without_a_word(api: Api):
    """`status=pending` says that it is meant."""
    subscribe(api, subscription_at="2027-01-01T00:00:00Z")

    answer = api("DELETE", "/subscriptions/s", status=404)

    assert answer["code"] == "subscription_not_found"
    assert listed(api, **{"status[]": "pending"}) == ["s"]


def test_one_that_has_not_begun_can_be_moved(api: Api):
    """Without saying that it is pending; null says nothing."""
    subscribe(api, subscription_at="2027-01-01T00:00:00Z")

    moved = change(api, subscription_at="2027-02-01T00:00:00Z")["subscription"]
    same = change(api, subscription_at=None)["subscription"]

    assert (moved["status"], moved["subscription_at"]) == ("pending", "2027-02-01T00:00:00Z")
    assert same == moved


def test_one_that_is_moved_into_the_past_is_active(api: Api):
    subscribe(api, subscription_at="2027-01-01T00:00:00Z")

    moved = change(api, subscription_at="2026-11-01T00:00:00Z")["subscription"]

    assert (moved["status"], moved["started_at"]) == ("active", "2026-11-01T00:00:00Z")


def test_the_start_of_an_active_one_stays(api: Api):
    """And that is told."""
    subscribe(api, subscription_at="2026-11-01T00:00:00Z")

    answer = change(api, subscription_at="2026-10-01T00:00:00Z", plan_code="mini")

    assert answer["subscription"]["subscription_at"] == "2026-11-01T00:00:00Z"
    assert {each["field"] for each in answer["warnings"]} == {"plan_code", "subscription_at"}


@pytest.mark.parametrize("end", ["2026-11-28T18:00:00Z", "2026-01-01", "x", 1, [], False])
def test_an_end_that_is_changed_keeps_its_rules(api: Api, end: Any):
    subscribe(api, subscription_at="2026-11-01T00:00:00Z")

    answer = change(api, 422, ending_at=end)

    assert answer["error_details"] == {"ending_at": ["invalid_date"]}


def test_what_ended_as_agreed_is_terminated(lago: Lago, api: Api):
    """With nobody asking for it."""
    row = ("--external-customer-id", "acme", "--plan-code", "pro", "-q")
    dates = ("--started-at", "2026-10-01", "--ending-at", "2026-11-20")
    lago("subscriptions", "create", "s", *row, *dates)

    (found,) = api("GET", "/subscriptions", **{"status[]": "terminated"})["subscriptions"]

    assert (found["status"], found["terminated_at"]) == ("terminated", "2026-11-20T00:00:00Z")


def test_an_anniversary_is_that_of_the_start(api: Api):
    """The last day of a shorter month stands for the 31st."""
    found = subscribe(api, billing_time="anniversary", subscription_at="2026-08-31T00:00:00Z")

    period = found["subscription"]
    assert period["current_billing_period_started_at"] == "2026-10-31T00:00:00Z"
    assert period["current_billing_period_ending_at"] == "2026-11-29T23:59:59Z"


def test_a_termination_to_come_is_its_end(lago: Lago, api: Api):
    subscribe(api)
    lago("subscriptions", "terminate", "s", "--at", "2026-12-20")

    found = api("GET", "/subscriptions/s")["subscription"]

    assert (found["status"], found["terminated_at"]) == ("active", None)
    assert found["ending_at"] == "2026-12-20T00:00:00Z"
