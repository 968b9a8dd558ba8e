"""`/plans` over Lago's API."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lago_cli.errors import Kind, LagoError
from lago_cli.server.api import plans
from lago_cli.stores import open_store
from tests.conftest import Lago
from tests.server.conftest import Serve
from tests.server.requests import CHARGE, HOSTILE, METRIC, RANGES, at
from tests.server.requests import PLAN as FULL
from tests.servers import Api

PLAN = {"code": "pro", "name": "Pro", "interval": "monthly", "amount_cents": 100}
STANDARD = {"billable_metric_code": "storage", "charge_model": "standard"}
INVALID = "invalid_amount"
UNKNOWN = ("value_is_invalid", INVALID)  # and the one that is missing
EURO = {"amount_currency": "EUR", "pay_in_advance": False}


def test_nobody_changes_a_metric_while_a_plan_is_made_of_it(
    lago: Lago, serve: Serve, monkeypatch: pytest.MonkeyPatch
):
    """The ids of metrics are looked up, and then the plan is saved: between them is no gap."""
    api = serve()
    path = str(lago.folder / "lago.db")
    with_metrics, found = plans._with_metrics, []

    def while_another_writes(*given: Any) -> Any:
        with open_store(path, writable=True, busy_timeout=0) as other:
            try:
                other.begin()
            except LagoError as error:
                found.append(error.kind)
            except Exception as error:
                found.append(type(error).__name__)
            else:
                found.append("it writes")
                other.rollback()
        return with_metrics(*given)

    monkeypatch.setattr(plans, "_with_metrics", while_another_writes)
    api("POST", "/plans", {"plan": {**PLAN, **EURO, "charges": []}})

    assert found in ([Kind.LOCKED], ["OperationalError"])


@pytest.fixture
def metered(api: Api) -> Api:
    """A server that knows the metric of the plan."""
    api("POST", "/billable_metrics", {"billable_metric": METRIC})
    return api


def create(api: Api, status: int = 200, **fields: Any) -> Any:
    answer = api("POST", "/plans", {"plan": {**FULL, **fields}}, status=status)
    return answer["plan"] if status == 200 else answer


def change(api: Api, status: int = 200, **fields: Any) -> Any:
    answer = api("PUT", "/plans/pro", {"plan": fields}, status=status)
    return answer["plan"] if status == 200 else answer


def details(answer: Any) -> Any:
    return answer["error_details"]


def within(properties: dict[str, Any]) -> dict[str, Any]:
    """A charge with one price that differs by a filter."""
    differing = {"values": {"region": ["eu"]}, "properties": properties}
    return {**STANDARD, "properties": {"amount": "1"}, "filters": [differing]}


# What there is ----------------------------------------------------------------------------


def test_a_plan_is_answered_with_all_that_was_said_of_it(metered: Api):
    """Its charges have ids, and name their metric by id and code."""
    found = create(metered)
    metric = metered("GET", "/billable_metrics/storage")["billable_metric"]
    (charge,) = found["charges"]

    same = ("name", "code", "interval", "amount_cents", "amount_currency", "pay_in_advance")
    assert {key: found[key] for key in same} == {key: FULL[key] for key in same}
    assert (found["trial_period"], found["bill_charges_monthly"]) == (3, None)
    assert found["minimum_commitment"]["amount_cents"] == 10000
    assert charge["lago_billable_metric_id"] == metric["lago_id"]
    assert {key: charge[key] for key in CHARGE if key != "tax_codes"} == {
        key: value for key, value in CHARGE.items() if key != "tax_codes"
    }


def test_it_is_found_listed_changed_and_deleted(metered: Api):
    """Each answer shows it whole."""
    created = create(metered)
    got = metered("GET", "/plans/pro")["plan"]
    listed = metered("GET", "/plans")
    changed = change(metered, name="Professional")

    deleted = metered("DELETE", "/plans/pro")["plan"]

    assert got == created == listed["plans"][0]
    assert listed["meta"]["total_count"] == 1
    assert deleted == changed == {**created, "name": "Professional"}
    assert metered("GET", "/plans/pro", status=404)["code"] == "plan_not_found"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_plan_that_nobody_defined_is_not_found(api: Api, method: str):
    body = {"plan": {"name": "x"}} if method == "PUT" else None

    assert api(method, "/plans/nothing", body, status=404)["code"] == "plan_not_found"


def test_a_list_of_no_plans_has_zeros(api: Api):
    found = api("GET", "/plans")

    meta = dict.fromkeys(("next_page", "prev_page"), None)
    meta |= dict.fromkeys(("current_page", "total_pages", "total_count"), 0)
    assert found == {"plans": [], "meta": meta}


def test_its_charges_are_asked_for_one_by_one(metered: Api):
    """By their codes."""
    (charge,) = create(metered)["charges"]

    assert metered("GET", "/plans/pro/charges")["charges"] == [charge]
    assert metered("GET", "/plans/pro/charges")["meta"]["total_count"] == 1
    assert metered("GET", "/plans/pro/charges/stored")["charge"] == charge
    assert metered("GET", "/plans/pro/charges/x", status=404)["code"] == "charge_not_found"
    assert metered("GET", "/plans/x/charges", status=404)["code"] == "plan_not_found"


@pytest.mark.parametrize("code", HOSTILE)
def test_any_code_of_a_plan_can_be_found_again(api: Api, code: str):
    """But the two that are steps of a path are found in lists alone."""
    created = create(api, code=code, name=code, charges=[])
    path = at("/plans/{}", code)
    listed = api("GET", "/plans")["plans"]
    found = listed[0] if code in (".", "..") else api("GET", path)["plan"]

    assert found == created == listed[0]
    assert (found["code"], found["name"]) == (code, code)


# Amounts ----------------------------------------------------------------------------------


@pytest.mark.parametrize("amount", ["0.00000000000000000001", "98765432109876543210.123456789"])
def test_a_price_keeps_every_digit(metered: Api, amount: str):
    """Whether it is written as text or as a number."""
    body = json.dumps({"plan": {**FULL, "charges": [{**STANDARD, "properties": {"amount": 1}}]}})
    sent = body.replace('"amount": 1}', f'"amount": {amount}}}')
    headers = {"content-type": "application/json"}
    answer = metered.http.post("/api/v1/plans", content=sent, headers=headers)

    (charge,) = answer.json()["plan"]["charges"]
    assert charge["properties"]["amount"] == amount
    create(metered, code="text", charges=[{**STANDARD, "properties": {"amount": amount}}])
    (charge,) = metered("GET", "/plans/text")["plan"]["charges"]
    assert charge["properties"]["amount"] == amount


def test_the_rate_of_a_tax_keeps_every_digit(metered: Api):
    tax = {"code": "vat", "name": "VAT", "rate": "19.600000000000000000001"}
    (found,) = create(metered, taxes=[tax])["taxes"]

    assert str(found["rate"]) == "19.600000000000000000001"


@pytest.mark.parametrize("cents", [0, 999_999_999, 2**53 + 1])
def test_cents_are_whole_numbers(metered: Api, cents: int):
    """As large as anybody needs."""
    assert create(metered, amount_cents=cents)["amount_cents"] == cents


# Rules ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"name": None}, {"name": ["value_is_mandatory"]}),
        ({"name": " "}, {"name": ["value_is_mandatory"]}),
        ({"code": None}, {"code": ["value_is_mandatory"]}),
        ({"code": " "}, {"code": ["value_is_mandatory"]}),
        ({"interval": None}, {"interval": ["value_is_mandatory"]}),
        ({"interval": "daily"}, {"interval": ["value_is_invalid"]}),
        ({"amount_cents": None}, {"amount_cents": ["value_is_mandatory"]}),
        ({"amount_cents": -1}, {"amount_cents": ["value_is_invalid"]}),
        ({"amount_cents": 1.5}, {"amount_cents": ["value_is_invalid"]}),
        ({"amount_cents": 10**30}, {"amount_cents": ["value_is_invalid"]}),
        ({"amount_currency": None}, {"amount_currency": ["value_is_mandatory"]}),
        ({"amount_currency": "XXY"}, {"amount_currency": ["value_is_invalid"]}),
        ({"amount_currency": "eur"}, {"amount_currency": ["value_is_invalid"]}),
        ({"pay_in_advance": "yes"}, {"pay_in_advance": ["value_is_invalid"]}),
        ({"trial_period": -1}, {"trial_period": ["value_is_invalid"]}),
        ({"bill_charges_monthly": "yes"}, {"bill_charges_monthly": ["value_is_invalid"]}),
        ({"charges": {}}, {"charges": ["value_is_invalid"]}),
        ({"charges": [1]}, {"charges": ["value_is_invalid"]}),
        ({"charges": [{**CHARGE, "charge_model": "x"}]}, {"charge_model": ["value_is_invalid"]}),
        ({"charges": [CHARGE, CHARGE]}, {"code": ["value_already_exist"]}),
        (
            {"charges": [{**CHARGE, "properties": {"graduated_ranges": []}}]},
            {"properties": ["missing_graduated_ranges"]},
        ),
        ({"charges": [{**STANDARD, "properties": {"amount": "x"}}]}, {"properties": [INVALID]}),
        ({"charges": [{**STANDARD, "properties": RANGES}]}, {"properties": [*UNKNOWN]}),
        ({"charges": [within({"amount": "-1"})]}, {"properties": [INVALID]}),
        ({"charges": [within(RANGES)]}, {"properties": [*UNKNOWN]}),
        (
            {"charges": [{**CHARGE, "filters": [{"values": {"zone": ["a"]}}]}]},
            {"filters": ["value_is_invalid"]},
        ),
        (
            {"minimum_commitment": {"amount_cents": -1}},
            {"minimum_commitment": ["value_is_invalid"]},
        ),
    ],
)
def test_a_rule_of_plans_that_is_broken_is_told(metered: Api, fields: dict[str, Any], expected):
    """And nothing is defined."""
    answer = create(metered, 422, **fields)

    assert (answer["code"], details(answer)) == ("validation_errors", expected)
    assert metered("GET", "/plans")["plans"] == []


def test_a_code_of_a_plan_is_defined_once(metered: Api):
    create(metered)

    assert details(create(metered, 422)) == {"code": ["value_already_exist"]}


@pytest.mark.parametrize("ref", [{"billable_metric_id": "x"}, {"billable_metric_code": "x"}])
def test_a_charge_for_an_unknown_metric_is_not_found(metered: Api, ref: dict[str, str]):
    """Lago says so in the plural."""
    charge = {"charge_model": "standard", "properties": {"amount": "1"}, **ref}

    assert create(metered, 404, charges=[charge])["code"] == "billable_metrics_not_found"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"tax_codes": ["vat"]}, "tax_not_found"),
        ({"fixed_charges": [{"add_on_id": "x"}]}, "add_ons_not_found"),
        ({"charges": [{**CHARGE, "tax_codes": ["vat"]}]}, "tax_not_found"),
        ({"charges": [{**CHARGE, "applied_pricing_unit": {}}]}, None),
        (
            {"charges": [{**CHARGE, "applied_pricing_unit": {"code": "x"}}]},
            "pricing_unit_not_found",
        ),
        ({"minimum_commitment": {"amount_cents": 1, "tax_codes": ["x"]}}, "tax_not_found"),
    ],
)
def test_what_would_change_an_amount_and_is_nowhere_is_refused(metered: Api, fields, code):
    """Nothing is left out of a bill in silence."""
    found = create(metered, 404 if code else 200, **fields)

    assert found["code"] == (code or "pro")


def test_charges_of_one_metric_are_told_apart_by_number(metered: Api):
    """Where they have no codes, they have those of Lago."""
    charge = {**STANDARD, "properties": {"amount": "1"}}
    found = create(metered, charges=[charge, {**charge, "code": "storage_2"}, charge])

    assert [each["code"] for each in found["charges"]] == ["storage", "storage_2", "storage_3"]


@pytest.mark.parametrize(("interval", "kept"), [("yearly", True), ("semiannual", True)])
def test_charges_are_billed_monthly_where_the_plan_is_not(metered: Api, interval: str, kept: bool):
    """With other intervals Lago takes it and keeps nothing."""
    found = create(metered, interval=interval, bill_charges_monthly=True)
    other = create(metered, code="other", bill_charges_monthly=True)

    assert (found["bill_charges_monthly"], other["bill_charges_monthly"]) == (kept, None)


def test_what_is_not_kept_of_a_plan_is_told(metered: Api):
    """With its place."""
    charge = {**CHARGE, "colour": "red"}
    body = {"plan": {**FULL, "colour": "red", "metadata": {"a": "b"}, "charges": [charge]}}
    warnings = metered("POST", "/plans", body)["warnings"]

    assert {each["field"] for each in warnings} == {"colour", "metadata", "charges[0].colour"}


# Changes ----------------------------------------------------------------------------------


def test_what_is_not_given_stays(metered: Api):
    created = create(metered)

    assert change(metered, amount_cents=1) == {**created, "amount_cents": 1}


def test_charges_that_are_given_replace_all_there_are(metered: Api):
    """One that is known by its id keeps what is not given of it."""
    (first,) = create(metered)["charges"]
    new = {**STANDARD, "properties": {"amount": "1"}}

    found = change(metered, charges=[{"id": first["lago_id"], "min_amount_cents": 7}, new])

    assert found["charges"][0] == {**first, "min_amount_cents": 7}
    assert [each["code"] for each in found["charges"]] == ["stored", "storage"]
    assert change(metered, charges=[])["charges"] == []


def test_null_in_place_of_charges_takes_none_away(metered: Api):
    """As in Lago: a client that has nothing to say of them loses nothing."""
    created = create(metered, pay_in_advance=True)

    assert change(metered, charges=None, pay_in_advance=None) == created


@pytest.mark.parametrize("name", [None, "", " "])
def test_the_name_of_a_plan_cannot_be_taken_away(metered: Api, name: str | None):
    create(metered)

    assert details(change(metered, 422, name=name)) == {"name": ["value_is_mandatory"]}


def test_the_code_of_a_plan_stays(metered: Api):
    create(metered)
    assert change(metered, code="pro")["code"] == "pro"

    assert details(change(metered, 422, code="max")) == {"code": ["value_is_invalid"]}


def test_a_plan_as_it_was_answered_can_be_sent_back(metered: Api):
    """Nothing changes by it."""
    created = create(metered)

    assert change(metered, **created) == created


def test_a_plan_that_a_subscription_has_is_not_deleted(metered: Api):
    create(metered)
    row = {"external_id": "s", "external_customer_id": "acme", "plan_code": "pro"}
    metered("POST", "/subscriptions", {"subscription": row})

    answer = metered("DELETE", "/plans/pro", status=422)

    assert details(answer) == {"base": ["plan_has_subscriptions"]}
