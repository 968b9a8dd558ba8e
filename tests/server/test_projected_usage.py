"""Projected usage: what the running period comes to, if it goes on as it began."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest
from lago_python_client.client import Client

from lago_cli.domain.instants import Window
from lago_cli.domain.metrics import define_metric
from lago_cli.domain.pricing import Used
from lago_cli.domain.projection import grown, growth_of
from lago_cli.domain.slices import Slice
from lago_cli.domain.steps import Steps
from tests.conftest import Lago
from tests.server.conftest import Serve
from tests.servers import Api

NOON_OF_THE_10TH = 1_794_312_000_000_000  # 2026-11-10T12:00:00Z: of 30 days a third
TIERS = [
    {"from_value": 0, "to_value": 10, "per_unit_amount": "2", "flat_amount": "1"},
    {"from_value": 10, "to_value": None, "per_unit_amount": "1", "flat_amount": "0"},
]
RATES = [{"from_value": 0, "to_value": None, "rate": "10", "flat_amount": "1"}]
FREE = {"rate": "10", "free_units_per_events": 3, "per_transaction_min_amount": "2"}


def defined(
    lago: Lago,
    charge_model: str,
    properties: dict[str, Any],
    *,
    metric: dict[str, Any] | None = None,
    zone: str = "UTC",
    **charge: Any,
) -> None:
    row = {"billable_metric_code": "gb", "charge_model": charge_model, "properties": properties}
    plan = {"code": "p", "interval": "monthly", "amount_cents": 0, "amount_currency": "EUR"}
    subscription = {"external_id": "s", "external_customer_id": "c", "plan_code": "p"}
    document = {
        "metrics": [
            {"code": "gb", "aggregation_type": "sum_agg", "field_name": "gb", **(metric or {})}
        ],
        "customers": [{"external_id": "c", "timezone": zone}],
        "plans": [{**plan, "charges": [{**row, **charge}]}],
        "subscriptions": [{**subscription, "started_at": "2026-11-01T05:00:00Z"}],
    }
    lago("apply", lago.write("all.json", json.dumps(document)))


@pytest.fixture
def api(serve: Serve) -> Api:
    return serve(now=lambda: NOON_OF_THE_10TH)


def send(api: Api, *values: Any, **properties: Any) -> None:
    api.send(
        *(
            {
                "transaction_id": f"{number}{properties}",
                "external_subscription_id": "s",
                "code": "gb",
                "timestamp": f"2026-11-09T12:00:0{number}Z",
                "properties": {"gb": value, **properties},
            }
            for number, value in enumerate(values)
        )
    )


def ask(api: Api, call: str = "projected_usage", **query: Any) -> Any:
    answer = api("GET", f"/customers/c/{call}", external_subscription_id="s", **query)
    (usage,) = answer.values()
    return usage


@pytest.mark.parametrize(
    ("charge_model", "properties", "cents"),
    [
        pytest.param("standard", {"amount": "1.5"}, 1350, id="standard"),
        pytest.param("graduated", {"graduated_ranges": TIERS}, 1900, id="not yet the next tier"),
        pytest.param("volume", {"volume_ranges": TIERS}, 1900, id="volume"),
        pytest.param(
            "package", {"amount": "5", "package_size": 4, "free_units": 2}, 1000, id="packages"
        ),
        pytest.param(
            "percentage", {"rate": "10", "fixed_amount": "1"}, 690, id="as many events more"
        ),
        pytest.param(
            "graduated_percentage", {"graduated_percentage_ranges": RATES}, 190, id="rates"
        ),
        pytest.param("percentage", FREE, 600, id="free events and a minimum of each"),
    ],
)
def test_what_is_used_by_then_is_priced_anew(
    lago: Lago, api: Api, charge_model: str, properties: dict[str, Any], cents: int
):
    """3 units of 2 events in 10 of 30 days are 9 units of 6 events, of 1.5 units each."""
    defined(lago, charge_model, properties)
    send(api, 1, 2)

    (charge,) = ask(api)["charges_usage"]

    assert (charge["units"], charge["projected_units"]) == ("3.0", "9.0")
    assert charge["projected_amount_cents"] == cents


def test_what_is_paid_in_advance_grows_as_well(lago: Lago, api: Api):
    defined(lago, "graduated", {"graduated_ranges": TIERS}, pay_in_advance=True)
    send(api, 2, 2)

    (charge,) = ask(api)["charges_usage"]

    assert (charge["amount_cents"], charge["projected_amount_cents"]) == (900, 2300)


def test_what_is_carried_over_does_not_grow(lago: Lago, api: Api):
    defined(lago, "standard", {"amount": "3"}, metric={"recurring": True}, prorated=True)
    send(api, 2)

    (charge,) = ask(api)["charges_usage"]

    assert charge["projected_units"] == charge["units"] == "2.0"
    assert charge["projected_amount_cents"] == charge["amount_cents"] == 440


def test_filters_and_groups_are_projected_one_by_one(lago: Lago, api: Api):
    tiers = {"graduated_ranges": TIERS, "pricing_group_keys": ["team"]}
    defined(
        lago,
        "graduated",
        tiers,
        metric={"filters": [{"key": "region", "values": ["eu"]}]},
        filters=[{"values": {"region": ["eu"]}, "properties": tiers}],
    )
    send(api, 4, region="eu", team="a")
    send(api, 1, team="b")

    usage = ask(api)

    (charge,) = usage["charges_usage"]
    assert [each["projected_units"] for each in charge["filters"]] == ["12.0", "3.0"]
    assert [each["projected_amount_cents"] for each in charge["grouped_usage"]] == [2300, 700]
    assert usage["projected_amount_cents"] == charge["projected_amount_cents"] == 3000


def test_the_official_client_reads_projected_usage(lago: Lago, api: Api):
    """Unchanged; the default price comes without values, but not with null."""
    eu = {"values": {"region": ["eu"]}, "properties": {"amount": "2"}}
    metric = {"filters": [{"key": "region", "values": ["eu"]}]}
    defined(lago, "standard", {"amount": "1"}, metric=metric, filters=[eu])
    send(api, 1, 2)
    client = Client(api_key="any", api_url=api.url)

    usage = client.customers.projected_usage("c", "s")

    assert usage.projected_amount_cents == 900
    assert [row.values for row in usage.charges_usage[0].filters] == [{"region": ["eu"]}, {}]


def test_without_the_projection_it_is_the_current_usage(lago: Lago, api: Api):
    defined(lago, "standard", {"amount": "1"})
    send(api, 1, 2)

    projected = ask(api)

    del projected["projected_amount_cents"]
    for charge in projected["charges_usage"]:
        del charge["projected_units"], charge["projected_amount_cents"]
    assert projected == ask(api, "current_usage")


def test_days_are_those_of_the_customer(lago: Lago, serve: Serve):
    """There it is the 9th, until the evening."""
    defined(lago, "standard", {"amount": "1"}, zone="America/New_York")
    api = serve(now=lambda: NOON_OF_THE_10TH - 9 * 3_600_000_000)
    send(api, 3)

    (charge,) = ask(api)["charges_usage"]

    assert charge["projected_units"] == "10.0"


def test_on_the_last_day_everything_is_known(lago: Lago, serve: Serve):
    defined(lago, "standard", {"amount": "1"})
    api = serve(now=lambda: 1_796_083_199_000_000)  # 2026-11-30T23:59:59Z
    send(api, 3)

    assert ask(api)["charges_usage"][0]["projected_units"] == "3.0"


def test_it_is_asked_for_and_refused_as_current_usage_is(lago: Lago, api: Api):
    defined(lago, "standard", {"amount": "1", "pricing_group_keys": ["team"]})
    send(api, 1, team="a")
    send(api, 2, team="b")
    path = "/customers/c/projected_usage"

    usage = ask(api, **{"group[team]": "b", "charge_code": "gb"})

    assert usage["projected_amount_cents"] == 600
    assert api("GET", path, external_subscription_id="x", status=405)["code"] == (
        "no_active_subscription"
    )
    missing = api("GET", path, external_subscription_id="s", charge_code="x", status=404)
    assert missing["code"] == "charge_not_found"


def test_an_average_over_the_period_is_told_for_its_end_already():
    window = Window(0, 1)
    part = Slice(window, window, None, first_day=1, last_day=30, full_days=30)
    metric = define_metric(code="m", aggregation_type="weighted_sum", field_name="v")

    assert growth_of(metric, part, day=10) == 1


def test_events_beyond_those_that_came_are_as_large_as_those_on_average():
    used = Used(Fraction(4), 3, steps=Steps((), [1, 1, 2]))

    found = grown(used, Fraction(3, 2))

    assert (found.units, found.events) == (6, 5)
    assert found.steps is not None
    assert list(found.steps.values) == [1, 1, 2, 1, 1]
