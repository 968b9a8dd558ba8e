"""Lago's own Python client, unchanged, defines things on this server."""

from __future__ import annotations

import pytest
from lago_python_client.client import Client
from lago_python_client.exceptions import LagoApiError
from lago_python_client.models import (
    BillableMetric,
    BillableMetricFilter,
    BillableMetricFilters,
    Charge,
    ChargeFilter,
    ChargeFilters,
    Charges,
    Customer,
    Plan,
    Subscription,
)

from tests.servers import Api


@pytest.fixture
def client(api: Api) -> Client:
    return Client(api_key="any", api_url=api.url)


def metric(client: Client, code: str = "storage"):
    filters = BillableMetricFilters(__root__=[BillableMetricFilter(key="region", values=["eu"])])
    return client.billable_metrics.create(
        BillableMetric(
            name="Storage",
            code=code,
            aggregation_type="sum_agg",
            field_name="gb",
            filters=filters,
        )
    )


def plan(client: Client, code: str = "pro", amount_cents: int = 4900):
    found = metric(client, f"storage_{code}")
    ranges = [
        {"from_value": 0, "to_value": 10, "per_unit_amount": "0.1", "flat_amount": "1"},
        {"from_value": 11, "to_value": None, "per_unit_amount": "0.05", "flat_amount": "0"},
    ]
    charge = Charge(
        billable_metric_id=found.lago_id,
        charge_model="graduated",
        properties={"graduated_ranges": ranges},
        filters=ChargeFilters(
            __root__=[
                ChargeFilter(values={"region": ["eu"]}, properties={"graduated_ranges": ranges})
            ]
        ),
    )
    return client.plans.create(
        Plan(
            name="Pro",
            code=code,
            interval="monthly",
            amount_cents=amount_cents,
            amount_currency="EUR",
            pay_in_advance=False,
            charges=Charges(__root__=[charge, charge]),
        )
    )


def subscription(client: Client, plan_code: str = "pro"):
    return client.subscriptions.create(
        Subscription(external_customer_id="acme", external_id="s", plan_code=plan_code)
    )


def test_a_metric_is_found_as_it_was_created(client: Client):
    """Its id is the same at every start."""
    created = metric(client)

    assert client.billable_metrics.find("storage") == created


def test_charges_name_their_metric_by_its_id(client: Client):
    """Their codes are made of the metric's."""
    charges = plan(client).charges.__root__

    assert [each.code for each in charges] == ["storage_pro", "storage_pro_2"]
    assert charges[0].billable_metric_code == "storage_pro"


def test_lists_come_in_pages(client: Client):
    """The latest definitions come first, those of one moment by name."""
    for code in ("a", "b", "c"):
        metric(client, code)

    found = client.billable_metrics.find_all({"page": 2, "per_page": 2})

    assert [each.code for each in found["billable_metrics"]] == ["c"]
    assert found["meta"]["prev_page"] == 1


def test_a_customer_is_created_and_then_changed_by_the_same_call(client: Client):
    """What the second call does not say stays."""
    client.customers.create(Customer(external_id="acme", name="Acme", currency="EUR"))

    client.customers.create(Customer(external_id="acme", timezone="Europe/Paris"))

    found = client.customers.find("acme")
    assert (found.name, found.applicable_timezone) == ("Acme", "Europe/Paris")


def test_a_plan_that_costs_more_is_had_at_once(client: Client):
    """The former one is named."""
    plan(client)
    plan(client, "max", 9900)
    client.subscriptions.create(
        Subscription(
            external_customer_id="acme",
            external_id="s",
            plan_code="pro",
            subscription_at="2026-11-01T00:00:00Z",
        )
    )

    found = subscription(client, "max")

    assert (found.plan_code, found.previous_plan_code) == ("max", "pro")


def test_a_plan_that_costs_less_waits_for_the_end_of_the_period(client: Client):
    """Until then the subscription is billed as before."""
    plan(client)
    plan(client, "mini", 900)
    client.subscriptions.create(
        Subscription(
            external_customer_id="acme",
            external_id="s",
            plan_code="pro",
            subscription_at="2026-11-01T00:00:00Z",
        )
    )

    found = subscription(client, "mini")

    assert (found.plan_code, found.next_plan_code) == ("pro", "mini")
    assert found.downgrade_plan_date == "2026-12-01"


def test_a_destroyed_subscription_is_not_found_as_an_active_one(client: Client):
    """It is listed among the terminated ones."""
    plan(client)
    subscription(client)

    ended = client.subscriptions.destroy("s")

    assert ended.status == "terminated"
    listed = client.subscriptions.find_all({"status[]": "terminated"})["subscriptions"]
    assert [each.external_id for each in listed] == ["s"]
    with pytest.raises(LagoApiError) as refused:
        client.subscriptions.find("s")
    assert refused.value.response["code"] == "subscription_not_found"


def test_the_subscriptions_of_a_customer_need_no_key(client: Client):
    """The client sends none there."""
    plan(client)
    subscription(client)

    found = client.customer_subscriptions.find_all("acme")

    assert [each.status for each in found["subscriptions"]] == ["active"]


def test_every_fault_is_told_at_once(client: Client):
    """By field, in Lago's codes."""
    with pytest.raises(LagoApiError) as refused:
        client.billable_metrics.create(BillableMetric(code="x", aggregation_type="mean"))

    assert refused.value.status_code == 422
    assert refused.value.response["error_details"] == {
        "name": ["value_is_mandatory"],
        "aggregation_type": ["value_is_invalid"],
    }


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("timezone", "Moon/Base", "invalid_timezone"),
        ("currency", "ABC", "value_is_invalid"),
    ],
)
def test_a_customer_is_refused_in_words_of_lago(client: Client, field: str, value: str, code: str):
    """The body says which field it was."""
    with pytest.raises(LagoApiError) as refused:
        client.customers.create(Customer(external_id="acme", **{field: value}))

    assert refused.value.response["error_details"] == {field: [code]}


def test_a_charge_of_an_unknown_metric_is_not_found(client: Client):
    """Lago says so in the plural."""
    charge = Charge(billable_metric_id="1a901a90-1a90-1a90-1a90-1a901a901a90")

    with pytest.raises(LagoApiError) as refused:
        client.plans.create(Plan(code="p", name="P", charges=Charges(__root__=[charge])))

    assert refused.value.response["code"] == "billable_metrics_not_found"
