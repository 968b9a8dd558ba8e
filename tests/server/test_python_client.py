"""Lago's own Python client, unchanged: its whole story of definitions on this server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from lago_python_client.client import Client
from lago_python_client.exceptions import LagoApiError
from lago_python_client.models import (
    BatchEvent,
    BillableMetric,
    BillableMetricEvaluateExpression,
    BillableMetricEvaluateExpressionEvent,
    BillableMetricFilter,
    BillableMetricFilters,
    Charge,
    ChargeFilter,
    ChargeFilters,
    Charges,
    Customer,
    Event,
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


# From the beginning to the end --------------------------------------------------------------


def refused(call: Callable[..., object], *given: object) -> tuple[int, Any]:
    """The status of a call that fails, and Lago's code or the details beside it."""
    with pytest.raises(LagoApiError) as error:
        call(*given)
    body = error.value.response
    assert (body["status"], body["error"]) == (error.value.status_code, error.value.detail)
    return error.value.status_code, body.get("error_details") or body.get("code")


def test_a_metric_is_changed_and_destroyed(client: Client):
    """What the change does not say stays."""
    created = metric(client)
    changed = client.billable_metrics.update(
        BillableMetric(name="Disk", rounding_function="ceil", rounding_precision=1), "storage"
    )

    destroyed = client.billable_metrics.destroy("storage")

    assert (changed.name, changed.rounding_function) == ("Disk", "ceil")
    assert (changed.lago_id, changed.field_name) == (created.lago_id, "gb")
    assert changed.filters == created.filters
    assert destroyed == changed
    assert refused(client.billable_metrics.find, "storage") == (404, "billable_metric_not_found")


def test_filters_of_a_metric_are_replaced_by_those_of_the_change(client: Client):
    metric(client)
    filters = BillableMetricFilters(__root__=[BillableMetricFilter(key="zone", values=["a", "b"])])

    changed = client.billable_metrics.update(BillableMetric(filters=filters), "storage")

    assert [(each.key, each.values) for each in changed.filters.__root__] == [("zone", ["a", "b"])]


def test_a_plan_is_changed_and_destroyed(client: Client):
    """Its charges keep their ids; those that are given replace all."""
    created = plan(client)
    first = created.charges.__root__[0]
    named = client.plans.update(Plan(name="Professional", amount_cents=5000), "pro")
    charge = Charge(
        id=first.lago_id,
        billable_metric_id=first.lago_billable_metric_id,
        charge_model="standard",
        properties={"amount": "0.000000000000000000001"},
        filters=ChargeFilters(__root__=[]),
    )
    one = client.plans.update(Plan(charges=Charges(__root__=[charge])), "pro")

    destroyed = client.plans.destroy("pro")

    assert (named.name, named.amount_cents, named.charges) == (
        "Professional",
        5000,
        created.charges,
    )
    assert [each.lago_id for each in one.charges.__root__] == [first.lago_id]
    assert one.charges.__root__[0].properties == {"amount": "0.000000000000000000001"}
    assert destroyed == one
    assert refused(client.plans.find, "pro") == (404, "plan_not_found")


def test_a_customer_is_destroyed(client: Client):
    """And found no more."""
    created = client.customers.create(Customer(external_id="acme", name="Acme"))
    listed = client.customers.find_all()["customers"]

    destroyed = client.customers.destroy("acme")

    assert created == destroyed == listed[0]
    assert client.customers.find_all()["meta"]["total_count"] == 0
    assert refused(client.customers.find, "acme") == (404, "customer_not_found")


def test_a_terminated_subscription_leaves_the_list_of_its_customer(client: Client):
    """Where no other status is asked for."""
    plan(client)
    subscription(client)

    client.subscriptions.destroy("s")

    listed = client.customer_subscriptions.find_all
    assert listed("acme")["subscriptions"] == []
    ended = listed("acme", {"status[]": "terminated"})["subscriptions"]
    assert [(each.external_id, each.status) for each in ended] == [("s", "terminated")]


def test_the_end_of_a_subscription_is_changed(client: Client):
    plan(client)
    subscription(client)

    changed = client.subscriptions.update(Subscription(ending_at="2027-05-01T00:00:00Z"), "s")

    assert (changed.ending_at, changed.plan_code) == ("2027-05-01T00:00:00Z", "pro")


def test_a_subscription_that_begins_later_is_moved(client: Client):
    """The client cannot say that it is pending."""
    plan(client)
    later = {"external_customer_id": "acme", "external_id": "s", "plan_code": "pro"}
    client.subscriptions.create(Subscription(subscription_at="2027-01-01T00:00:00Z", **later))

    moved = client.subscriptions.update(Subscription(subscription_at="2027-02-01T00:00:00Z"), "s")

    assert (moved.status, moved.subscription_at) == ("pending", "2027-02-01T00:00:00Z")


def test_usage_of_what_was_defined_is_billed_by_it(client: Client):
    """From the definition to the amount in one sitting."""
    plan(client)
    subscription(client)
    names = {"external_subscription_id": "s", "code": "storage_pro"}
    events = [
        Event(transaction_id=f"t{number}", properties={"gb": "2.5", "region": region}, **names)
        for number, region in enumerate(("eu", "eu", "us", "eu"))
    ]
    client.events.batch_create(BatchEvent(events=events))

    usage = client.customers.current_usage("acme", "s")

    first, second = usage.charges_usage
    assert [first.units, second.units] == ["10.0", "10.0"]
    assert [each.units for each in first.filters] == ["7.5", "2.5"]
    assert (usage.currency, usage.amount_cents) == ("EUR", 2 * (175 + 125))


def test_an_expression_fails_as_the_client_sends_none(client: Client):
    """It sends no body at all; other clients do."""
    asked = BillableMetricEvaluateExpression(
        expression="1 + 1",
        event=BillableMetricEvaluateExpressionEvent(code="c", timestamp=1, properties={}),
    )

    answer = refused(client.billable_metrics.evaluate_expression, asked)

    assert answer == (422, {"expression": ["value_is_mandatory"]})


@pytest.mark.parametrize(
    ("noun", "call", "expected"),
    [
        ("billable_metrics", "find", "billable_metric_not_found"),
        ("billable_metrics", "destroy", "billable_metric_not_found"),
        ("plans", "find", "plan_not_found"),
        ("plans", "destroy", "plan_not_found"),
        ("customers", "find", "customer_not_found"),
        ("customers", "destroy", "customer_not_found"),
        ("subscriptions", "find", "subscription_not_found"),
        ("subscriptions", "destroy", "subscription_not_found"),
        ("customer_subscriptions", "find_all", "customer_not_found"),
        ("events", "find", "event_not_found"),
    ],
)
def test_what_is_not_there_is_not_found(client: Client, noun: str, call: str, expected: str):
    """The client shows status and body."""
    assert refused(getattr(getattr(client, noun), call), "nothing") == (404, expected)


def test_what_is_not_there_cannot_be_changed(client: Client):
    assert refused(client.plans.update, Plan(name="x"), "x") == (404, "plan_not_found")
    unknown = (404, "billable_metric_not_found")
    assert refused(client.billable_metrics.update, BillableMetric(name="x"), "x") == unknown
    gone = (404, "subscription_not_found")
    assert refused(client.subscriptions.update, Subscription(name="x"), "x") == gone


def test_what_is_there_already_is_refused(client: Client):
    """Metrics and plans; a customer is changed instead."""
    plan(client)
    taken = (422, {"code": ["value_already_exist"]})
    again = Plan(
        code="pro",
        name="x",
        interval="weekly",
        amount_cents=1,
        amount_currency="EUR",
        pay_in_advance=False,
    )

    assert refused(metric, client, "storage_pro") == taken
    assert refused(client.plans.create, again) == taken


def test_what_is_in_use_stays(client: Client):
    """Unlike in Lago, which deletes what uses it, too."""
    plan(client)
    subscription(client)

    base = [
        refused(client.billable_metrics.destroy, "storage_pro"),
        refused(client.plans.destroy, "pro"),
        refused(client.customers.destroy, "acme"),
    ]

    assert base == [
        (422, {"base": ["metric_has_charges"]}),
        (422, {"base": ["plan_has_subscriptions"]}),
        (422, {"base": ["customer_has_subscriptions"]}),
    ]


@pytest.mark.parametrize("name", ["a b", "é😀", "a.b", "%41", '"<script>"', "a&b=c", "x" * 1000])
def test_names_that_the_client_can_send_are_found(client: Client, name: str):
    """It writes them into paths almost as they are."""
    created = client.customers.create(Customer(external_id=name))

    assert client.customers.find(name.replace("%", "%25")) == created


def test_usage_of_nobody_is_refused_in_words_of_lago(client: Client):
    plan(client)
    subscription(client)
    client.customers.create(Customer(external_id="other"))

    usage = client.customers.current_usage
    assert refused(usage, "nobody", "s") == (404, "customer_not_found")
    assert refused(usage, "acme", "x") == (405, "no_active_subscription")
    assert refused(usage, "other", "s") == (405, "no_active_subscription")
