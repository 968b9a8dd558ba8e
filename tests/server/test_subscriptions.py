"""Subscriptions over Lago's API, beyond what its Python client can say."""

from __future__ import annotations

import pytest

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
