"""Previews of invoices over the API: the invoices that the command line shows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from lago_python_client.client import Client
from lago_python_client.models import Customer, InvoicePreview
from lago_python_client.models.subscription import Subscriptions

from tests.conftest import Lago
from tests.server.conftest import Serve
from tests.servers import Api

TIERS = [
    {"from_value": 0, "to_value": 10, "per_unit_amount": "1.005", "flat_amount": "3"},
    {"from_value": 10, "to_value": None, "per_unit_amount": "0.5", "flat_amount": "0"},
]
METRICS = [
    {"code": "gb", "name": "Storage", "aggregation_type": "sum_agg", "field_name": "gb"},
    {"code": "calls", "aggregation_type": "count_agg"},
]
METRIC = {"filters": [{"key": "region", "values": ["eu", "us"]}]}
CHARGES = [
    {
        "billable_metric_code": "gb",
        "charge_model": "graduated",
        "properties": {"graduated_ranges": TIERS, "pricing_group_keys": ["team"]},
    },
    {
        "billable_metric_code": "calls",
        "charge_model": "standard",
        "pay_in_advance": True,
        "properties": {"amount": "0.333"},
        "filters": [{"values": {"region": ["eu"]}, "properties": {"amount": "0.5"}}],
        "taxes": [{"code": "reduced", "rate": "7"}],
    },
    {
        "billable_metric_code": "calls",
        "charge_model": "package",
        "min_amount_cents": 5000,
        "properties": {"amount": "5", "package_size": 2, "free_units": 1},
    },
]


def plan(code: str, amount_cents: int, **more: Any) -> dict[str, Any]:
    row = {"code": code, "interval": "monthly", "amount_cents": amount_cents}
    return {**row, "amount_currency": "EUR", **more}


@pytest.fixture
def api(lago: Lago, serve: Serve) -> Api:
    """Of a customer `c` with two subscriptions, `s` with usage and `t`."""
    document = {
        "metrics": [METRICS[0], {**METRICS[1], **METRIC}],
        "customers": [{"external_id": "c", "name": "Acme", "timezone": "Europe/Paris"}],
        "plans": [
            plan(
                "basic",
                1000,
                charges=CHARGES,
                taxes=[{"code": "vat", "name": "VAT", "rate": "20"}],
                minimum_commitment={"amount_cents": 20000},
            ),
            plan("large", 9000),
            plan("small", 100),
            plan("dollars", 9000, amount_currency="USD"),
            plan("weekly", 100, interval="weekly"),
        ],
        "subscriptions": [
            {
                "external_id": name,
                "external_customer_id": "c",
                "plan_code": "basic",
                "started_at": f"2026-11-{day}T09:30:00Z",
            }
            for name, day in (("s", 10), ("t", 20))
        ],
    }
    lago("apply", lago.write("all.json", json.dumps(document)))
    api = serve()
    row = {"external_subscription_id": "s", "timestamp": "2026-11-21T00:00:00Z"}
    api.send(
        {**row, "transaction_id": "1", "code": "gb", "properties": {"gb": 12.5, "team": "a"}},
        {**row, "transaction_id": "2", "code": "gb", "properties": {"gb": 1}},
        {**row, "transaction_id": "3", "code": "calls", "properties": {"region": "eu"}},
        {**row, "transaction_id": "4", "code": "calls"},
    )
    return api


def ask(api: Api, status: int = 200, **body: Any) -> Any:
    return api("POST", "/invoices/preview", body, status=status)


def preview(api: Api, *names: str, **more: Any) -> Any:
    subscriptions = {"external_ids": list(names), **more}
    return ask(api, customer={"external_id": "c"}, subscriptions=subscriptions)["invoice"]


def printed(lago: Lago, name: str = "s", *options: object) -> Any:
    asked = options or ("--at", "2026-11-28T12:00:00Z")
    return lago("invoices", "preview", "--subscription", name, *asked, "-o", "json").json()


def assert_same(invoice: Any, shown: Any) -> None:
    """An invoice of the API and one of the command line agree to the cent, fee by fee."""
    sums = {
        "fees_amount_cents": "sub_total_cents",
        "taxes_amount_cents": "taxes_cents",
        "total_amount_cents": "total_amount_cents",
    }
    assert {key: str(invoice[key]) for key in sums} == {
        key: shown[other] for key, other in sums.items()
    }
    assert [_fee(each) for each in invoice["fees"]] == [_row(each) for each in shown["fees"]]
    assert [(tax["tax_code"], str(tax["amount_cents"])) for tax in invoice["applied_taxes"]] == [
        (tax["code"], tax["amount_cents"]) for tax in shown["taxes"]
    ]


def _fee(each: Any) -> tuple[Any, ...]:
    is_charge = each["item"]["item_type"] == "BillableMetric"
    return (
        each["item"]["code"] if is_charge else None,
        each["item"].get("filters"),
        str(each["amount_cents"]),
        each["precise_amount"].removesuffix(".0"),
        each["units"].removesuffix(".0"),
        each["events_count"],
        each["from_date"],
    )


def _row(each: Any) -> tuple[Any, ...]:
    return (
        each["billable_metric_code"],
        each["filter"],
        each["amount_cents"],
        each["precise_amount"],
        each["units"],
        each["events_count"],
        each["from_datetime"],
    )


def test_it_is_the_invoice_of_the_command_line(lago: Lago, api: Api):
    invoice = preview(api, "s")

    assert_same(invoice, printed(lago))
    kinds = {each["item"]["type"] for each in invoice["fees"]}
    assert kinds == {"subscription", "charge", "commitment"}
    assert invoice["total_amount_cents"] > 0


def test_several_subscriptions_are_one_invoice(lago: Lago, api: Api):
    invoice = preview(api, "s", "t")

    alone = [printed(lago, name) for name in ("s", "t")]
    assert invoice["fees_amount_cents"] == sum(int(each["sub_total_cents"]) for each in alone)
    assert [each["external_id"] for each in invoice["subscriptions"]] == ["s", "t"]


def test_it_says_whose_it_is_and_of_which_days(api: Api):
    invoice = preview(api, "s")

    (period,) = invoice["billing_periods"]
    assert period["subscription_from_datetime"] == "2026-11-10T09:30:00Z"
    assert period["charges_to_datetime"] == "2026-11-30T22:59:59Z"
    assert (invoice["issuing_date"], invoice["currency"]) == ("2026-12-01", "EUR")
    assert invoice["customer"]["name"] == "Acme"
    assert (invoice["status"], invoice["invoice_type"]) == ("draft", "subscription")


def test_a_termination_to_come_is_supposed(lago: Lago, api: Api):
    invoice = preview(api, "s", terminated_at="2026-12-10T00:00:00Z")

    lago("subscriptions", "terminate", "s", "--at", "2026-12-10T00:00:00Z")
    assert_same(invoice, printed(lago, "s", "--at", "2026-12-09T00:00:00Z"))
    assert invoice["billing_periods"][0]["invoicing_reason"] == "subscription_terminating"


@pytest.mark.parametrize("code", ["large", "small"], ids=["upgrade", "downgrade"])
def test_a_change_of_plan_is_supposed(lago: Lago, api: Api, code: str):
    """An upgrade holds at once, a downgrade from the next period on."""
    invoice = preview(api, "s", plan_code=code)

    change = {
        "external_id": "s",
        "external_customer_id": "c",
        "plan_code": code,
    }
    assert api("GET", "/subscriptions/s")["subscription"]["next_plan_code"] is None
    api("POST", "/subscriptions", {"subscription": change})
    assert_same(invoice, printed(lago))


def test_the_plan_that_a_subscription_has_is_no_change(api: Api):
    assert preview(api, "s", plan_code="basic") == preview(api, "s")


def test_a_customer_who_is_only_described_may_have_a_plan(api: Api):
    """For the days from its start to the end of the month there; what has to be paid anyway."""
    customer = {"name": "New", "timezone": "America/New_York", "currency": "EUR", "city": "Utica"}
    answer = ask(api, customer=customer, plan_code="small", subscription_at="2026-12-22T03:00:00Z")

    invoice = answer["invoice"]
    (fee,) = invoice["fees"]
    assert fee["precise_amount"] == "0.354838709677"  # 11 of 31 days: from the 21st on
    assert (invoice["total_amount_cents"], invoice["issuing_date"]) == (35, "2027-01-01")
    assert invoice["customer"]["name"] == "New"
    assert [each["field"] for each in answer["warnings"]] == ["customer.city"]
    assert [each["external_id"] for each in api("GET", "/customers")["customers"]] == ["c"]


def test_a_plan_from_an_anniversary_on_is_billed_in_full(api: Api):
    body = {"customer": {"external_id": "c"}, "plan_code": "small", "billing_time": "anniversary"}

    assert ask(api, **body)["invoice"]["total_amount_cents"] == 100


def test_a_plan_for_a_known_customer_has_no_usage_yet(api: Api):
    """But the minimums of its charges, flat amounts, and what is committed."""
    invoice = ask(api, customer={"external_id": "c"}, plan_code="basic")["invoice"]

    assert all(each["events_count"] == 0 for each in invoice["fees"])
    assert invoice["fees_amount_cents"] == 2000  # 3 of 30 days of the commitment


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"customer": {"external_id": "x"}, "plan_code": "basic"}, 404, "customer_not_found"),
        ({"customer": {}, "plan_code": "x"}, 404, "plan_not_found"),
        ({"customer": {"external_id": "c"}}, 404, "plan_not_found"),
        ({"subscriptions": {"external_ids": ["x"]}}, 404, "subscription_not_found"),
        ({"subscriptions": {"external_ids": ["s", "x"]}}, 404, "subscription_not_found"),
        ({"subscriptions": {"external_ids": "s"}}, 422, "subscriptions value_is_invalid"),
        (
            {"subscriptions": {"external_ids": ["s"], "plan_code": "x"}},
            404,
            "plan_not_found",
        ),
        (
            {"subscriptions": {"external_ids": ["s"], "terminated_at": "soon"}},
            422,
            "terminated_at invalid_timestamp",
        ),
        (
            {"subscriptions": {"external_ids": ["s"], "terminated_at": "2026-11-27T00:00:00Z"}},
            422,
            "terminated_at cannot_be_in_past",
        ),
        (
            {"subscriptions": {"external_ids": ["s", "t"], "plan_code": "large"}},
            422,
            "subscriptions only_one_subscription_allowed_for_plan_change",
        ),
        (
            {"subscriptions": {"external_ids": ["s"], "plan_code": "dollars"}},
            422,
            "base subscription_currencies_does_not_match",
        ),
        (
            {"customer": {"currency": "USD"}, "plan_code": "basic"},
            422,
            "base customer_currency_does_not_match",
        ),
        (
            {"customer": {"timezone": "Mars/Base"}, "plan_code": "basic"},
            422,
            "timezone invalid_timezone",
        ),
        (
            {"customer": {}, "plan_code": "basic", "subscription_at": "soon"},
            422,
            "subscription_at invalid_date",
        ),
        (
            {"customer": {}, "plan_code": "basic", "billing_time": "never"},
            422,
            "billing_time value_is_invalid",
        ),
        (
            {"customer": {}, "plan_code": "basic", "coupons": [{"code": "half"}]},
            404,
            "coupon_not_found",
        ),
        (
            {
                "customer": {"integration_customers": [{"integration_type": "anrok"}]},
                "plan_code": "basic",
            },
            404,
            "integration_not_found",
        ),
        (["customer"], 400, None),
    ],
)
def test_what_cannot_be_previewed_is_refused(api: Api, body: Any, status: int, code: str | None):
    answer = api("POST", "/invoices/preview", body, status=status)

    details = [f"{key} {why}" for key, (why,) in answer.get("error_details", {}).items()]
    assert (details or [answer.get("code")]) == [code]


def test_what_changes_nothing_is_named(api: Api):
    answer = ask(
        api,
        customer={"external_id": "c", "name": "Other"},
        subscriptions={"external_ids": ["s"]},
        plan_code="small",
        billing_entity_code="eu",
    )

    named = [each["field"] for each in answer["warnings"]]
    assert named == ["plan_code", "billing_entity_code", "customer.name"]


def test_a_subscription_does_not_end_before_it_began(lago: Lago, api: Api):
    lago(
        *("subscriptions", "create", "--external-id", "n", "--external-customer-id", "c"),
        *("--plan-code", "small", "--started-at", "2026-11-28T10:00:00Z"),
    )
    early = {"external_ids": ["n"], "terminated_at": "2026-11-28T09:00:00Z"}

    answer = ask(api, 422, subscriptions=early)

    assert answer["error_details"] == {"terminated_at": ["value_is_out_of_range"]}


def test_periods_that_end_on_different_days_are_no_one_invoice(lago: Lago, api: Api):
    lago(
        *("subscriptions", "create", "--external-id", "w", "--external-customer-id", "c"),
        *("--plan-code", "weekly", "--started-at", "2026-11-10T00:00:00Z"),
    )
    both = {"external_ids": ["s", "w"]}

    answer = ask(api, 422, customer={"external_id": "c"}, subscriptions=both)

    assert answer["error_details"] == {"base": ["billing_periods_does_not_match"]}


def test_the_official_client_previews_an_invoice(lago: Lago, api: Api):
    """Unchanged: with nulls for all that is not said, and its models of invoices."""
    client = Client(api_key="any", api_url=api.url)
    asked = InvoicePreview(
        customer=Customer(external_id="c"), subscriptions=Subscriptions(external_ids=["s"])
    )
    supposed = InvoicePreview(customer=Customer(external_id="c"), plan_code="small")

    invoice, other = client.invoices.preview(asked), client.invoices.preview(supposed)

    assert str(invoice.total_due_amount_cents) == printed(lago)["total_amount_cents"]
    assert len(invoice.fees.__root__) == len(printed(lago)["fees"])
    assert (other.customer.name, other.total_amount_cents) == ("Acme", 10)
