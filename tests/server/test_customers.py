"""`/customers` over Lago's API."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Lago
from tests.server.conftest import Serve
from tests.server.requests import CUSTOMER, HOSTILE, at
from tests.servers import Api


def save(api: Api, status: int = 200, **fields: Any) -> Any:
    answer = api("POST", "/customers", {"customer": fields}, status=status)
    return answer["customer"] if status == 200 else answer


def listed(api: Api, **query: Any) -> list[str]:
    return [each["external_id"] for each in api("GET", "/customers", **query)["customers"]]


# What there is ----------------------------------------------------------------------------


def test_a_customer_is_answered_with_all_that_was_said(api: Api):
    """And with what Lago's clients cannot do without."""
    found = save(api, **CUSTOMER)

    assert {key: found[key] for key in CUSTOMER} == CUSTOMER
    assert found["applicable_timezone"] == "Europe/Paris"
    assert found["created_at"] == found["updated_at"] == "2026-11-28T12:00:00Z"
    assert (found["metadata"], found["taxes"], found["integration_customers"]) == ([], [], [])


def test_without_a_time_zone_it_has_that_of_the_organization(api: Api):
    found = save(api, external_id="acme")

    assert (found["timezone"], found["applicable_timezone"]) == (None, "UTC")


def test_it_is_found_listed_and_deleted(api: Api):
    """Each answer shows it whole."""
    created = save(api, **CUSTOMER)
    got = api("GET", "/customers/acme")["customer"]
    found = api("GET", "/customers")

    deleted = api("DELETE", "/customers/acme")["customer"]

    assert created == got == found["customers"][0] == deleted
    assert found["meta"]["total_count"] == 1
    assert api("GET", "/customers/acme", status=404)["code"] == "customer_not_found"


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/x"), ("DELETE", "/x"), ("GET", "/x/subscriptions")],
)
def test_a_customer_that_nobody_knows_is_not_found(api: Api, method: str, path: str):
    assert api(method, f"/customers{path}", status=404)["code"] == "customer_not_found"


def test_a_customer_is_changed_by_the_call_that_creates(api: Api):
    """There is no PUT in Lago either."""
    answer = api.http.put("/api/v1/customers/acme", json={"customer": {"name": "x"}})

    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "DELETE, GET, HEAD"


def test_what_is_not_given_stays_and_null_takes_away(api: Api):
    """The id stays, and so does when it was created."""
    created = save(api, **CUSTOMER)

    named = save(api, external_id="acme", name="Acme Inc.")
    bare = save(api, external_id="acme", name=None, timezone=None, currency=None)

    assert named == {**created, "name": "Acme Inc."}
    assert (bare["name"], bare["currency"], bare["applicable_timezone"]) == (None, None, "UTC")
    assert api("GET", "/customers")["meta"]["total_count"] == 1


def test_a_customer_whom_an_event_named_is_there(api: Api):
    """Registering them later keeps their id."""
    event = {"transaction_id": "t", "code": "c", "external_customer_id": "acme"}
    api.send(event)
    found = api("GET", "/customers/acme")["customer"]

    assert save(api, **CUSTOMER)["lago_id"] == found["lago_id"]
    assert listed(api) == ["acme"]


def test_a_customer_whom_events_name_stays_when_deleted(api: Api):
    """Without what was registered; events are kept."""
    save(api, **CUSTOMER)
    api.send({"transaction_id": "t", "code": "c", "external_customer_id": "acme"})

    api("DELETE", "/customers/acme")

    assert api("GET", "/customers/acme")["customer"]["name"] is None


def test_a_customer_with_a_subscription_is_not_deleted(lago: Lago, api: Api):
    """Not even where it ended."""
    lago("subscriptions", "create", "s", "--external-customer-id", "acme", "-q")
    answer = api("DELETE", "/customers/acme", status=422)

    assert answer["error_details"] == {"base": ["customer_has_subscriptions"]}
    assert listed(api) == ["acme"]


@pytest.mark.parametrize("name", HOSTILE)
def test_any_id_of_a_customer_can_be_found_again(api: Api, name: str):
    """But the two that are steps of a path are found in lists alone."""
    created = save(api, external_id=name, name=name)
    found = api("GET", "/customers", external_id=name)["customers"]
    if name not in (".", ".."):
        found.append(api("GET", at("/customers/{}", name))["customer"])

    assert all(each == created for each in found)
    assert (created["external_id"], created["name"]) == (name, name)


# Lists ------------------------------------------------------------------------------------


def test_a_list_of_no_customers_has_zeros(api: Api):
    found = api("GET", "/customers")

    meta = dict.fromkeys(("next_page", "prev_page"), None)
    meta |= dict.fromkeys(("current_page", "total_pages", "total_count"), 0)
    assert found == {"customers": [], "meta": meta}


def test_customers_come_in_pages(api: Api):
    """Those of one moment by their ids."""
    for name in ("c", "a", "b"):
        save(api, external_id=name)

    assert listed(api, page=1, per_page=2) == ["a", "b"]
    assert listed(api, page=2, per_page=2) == ["c"]
    assert api("GET", "/customers", page=2, per_page=2)["meta"]["prev_page"] == 1


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"search_term": "ACM"}, ["acme"]),
        ({"search_term": "straße"}, ["b"]),
        ({"search_term": "STRASSE"}, ["b"]),
        ({"search_term": "%"}, []),
        ({"external_id": "b"}, ["b"]),
        ({"external_id": "ACME"}, []),
        ({"currencies[]": ["EUR"]}, ["acme"]),
        ({"currencies[]": ["EUR", "USD"]}, ["acme", "b"]),
        ({"account_type[]": "partner"}, []),
        ({"account_type[]": "customer"}, ["acme", "b"]),
        ({"countries[]": "FR"}, []),
        ({"unknown": "x"}, ["acme", "b"]),
    ],
)
def test_customers_are_looked_for(api: Api, query: dict[str, Any], expected: list[str]):
    """By what Lago's filters are called."""
    save(api, **CUSTOMER)
    save(api, external_id="b", name="Straße", currency="USD")

    assert listed(api, **query) == expected


def test_numbers_of_customers_stay_theirs(api: Api):
    """In the order in which they came."""
    first = save(api, external_id="b")
    second = save(api, external_id="a")

    assert (first["sequential_id"], second["sequential_id"]) == (1, 2)
    assert second["slug"].endswith("-002")


# Rules ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"external_id": None}, {"external_id": ["value_is_mandatory"]}),
        ({"external_id": ""}, {"external_id": ["value_is_mandatory"]}),
        ({"external_id": " "}, {"external_id": ["value_is_mandatory"]}),
        ({"external_id": ["a"]}, {"external_id": ["value_is_invalid"]}),
        ({"timezone": "Moon/Base"}, {"timezone": ["invalid_timezone"]}),
        ({"timezone": "../etc/passwd"}, {"timezone": ["invalid_timezone"]}),
        ({"timezone": 1}, {"timezone": ["invalid_timezone"]}),
        ({"currency": "ABC"}, {"currency": ["value_is_invalid"]}),
        ({"currency": "eur"}, {"currency": ["value_is_invalid"]}),
        ({"name": {"a": "b"}}, {"name": ["value_is_invalid"]}),
        (
            {"timezone": "x", "currency": "x"},
            {"timezone": ["invalid_timezone"], "currency": ["value_is_invalid"]},
        ),
    ],
)
def test_a_rule_of_customers_that_is_broken_is_told(api: Api, fields: dict[str, Any], expected):
    """All of them at once, and nothing is kept."""
    answer = save(api, 422, **{**CUSTOMER, **fields})

    assert (answer["code"], answer["error_details"]) == ("validation_errors", expected)
    assert listed(api) == []


def test_a_change_that_is_refused_changes_nothing(api: Api):
    created = save(api, **CUSTOMER)

    save(api, 422, external_id="acme", name="New", currency="ABC")

    assert api("GET", "/customers/acme")["customer"] == created


def test_an_unknown_tax_is_not_found(api: Api):
    """It would change an amount."""
    assert save(api, 404, external_id="a", tax_codes=["vat"])["code"] == "tax_not_found"


def test_what_is_not_kept_of_a_customer_is_told(api: Api):
    """But not where it says nothing."""
    body = {"customer": {**CUSTOMER, "email": "a@b.c", "phone": None, "metadata": []}}
    answer = api("POST", "/customers", body)

    assert answer["warnings"] == [{"field": "email", "message": "this is not kept"}]


def test_a_time_zone_moves_the_days_of_usage(lago: Lago, serve: Serve):
    """Registered over HTTP, it holds on the command line."""
    api = serve()
    lago("metrics", "create", "calls", "--aggregation-type", "count", "-q")
    row = {"code": "calls", "external_subscription_id": "s", "external_customer_id": "acme"}
    api.send({**row, "transaction_id": "t", "timestamp": "2026-10-31T23:30:00Z"})
    save(api, external_id="acme", timezone="Europe/Paris")

    period = ("--from", "2026-11-01", "--to", "2026-12-01", "-o", "json")
    (found,) = lago("usage", "--customer", "acme", *period).json()

    assert found["units"] == "1"
