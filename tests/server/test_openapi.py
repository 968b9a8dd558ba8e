"""Answers have the shapes that Lago's own OpenAPI file promises; it is named by `$OPENAPI`."""

from __future__ import annotations

import json
import os
import shutil
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Lago
from tests.server.conftest import NOON, Serve
from tests.servers import SECONDS, Api, serving

FILE = os.environ.get("OPENAPI")
CORE = (
    r"^/(billable_metrics|plans|customers|subscriptions|events|organizations)(/\{\w+\})?$"
    r"|^/billable_metrics/evaluate_expression$|^/events/batch$"
    r"|^/plans/\{code\}/charges(/\{charge_code\})?$"
    r"|^/customers/\{\w+\}/(subscriptions|current_usage|past_usage|projected_usage)$"
    r"|^/events/(batch_)?estimate_\w+$|^/invoices/preview$"
)
EXAMPLES = int(os.environ.get("OPENAPI_EXAMPLES", "5"))
METRICS: tuple[dict[str, Any], ...] = (
    {"code": "calls", "aggregation_type": "count_agg"},
    {
        "code": "gb",
        "aggregation_type": "sum_agg",
        "field_name": "gb",
        "rounding_function": "ceil",
        "rounding_precision": 2,
        "expression": "event.properties.mb / 1000",
        "filters": [{"key": "region", "values": ["eu", "us"]}],
    },
    {
        "code": "seats",
        "aggregation_type": "unique_count_agg",
        "field_name": "id",
        "recurring": True,
    },
    {"code": "level", "aggregation_type": "weighted_sum_agg", "field_name": "gb"},
    {"code": "top", "aggregation_type": "max_agg", "field_name": "gb"},
    {"code": "last", "aggregation_type": "latest_agg", "field_name": "gb"},
)
FLAT = {"from_value": 0, "to_value": None, "flat_amount": "1", "per_unit_amount": "0.5"}
SHARE = {"from_value": 0, "to_value": None, "flat_amount": "1", "rate": "2.5"}
CHARGES: tuple[dict[str, Any], ...] = (
    {
        "billable_metric_code": "gb",
        "charge_model": "standard",
        "properties": {"amount": "0.1", "pricing_group_keys": ["team"]},
    },
    {
        "billable_metric_code": "last",
        "charge_model": "graduated",
        "min_amount_cents": 10,
        "properties": {"graduated_ranges": [FLAT]},
    },
    {
        "billable_metric_code": "level",
        "charge_model": "volume",
        "properties": {"volume_ranges": [FLAT]},
    },
    {
        "billable_metric_code": "calls",
        "charge_model": "package",
        "pay_in_advance": True,
        "properties": {"amount": "1", "package_size": 10, "free_units": 0},
    },
    {
        "billable_metric_code": "gb",
        "charge_model": "percentage",
        "properties": {"rate": "1", "fixed_amount": "0.5", "free_units_per_events": 3},
    },
    {
        "billable_metric_code": "seats",
        "charge_model": "standard",
        "prorated": True,
        "properties": {"amount": "30"},
    },
)
PLAN = {
    "name": "Everything",
    "interval": "yearly",
    "amount_cents": 100,
    "amount_currency": "EUR",
    "pay_in_advance": True,
    "bill_charges_monthly": True,
    "trial_period": 7,
    "description": "All there is",
    "taxes": [{"code": "vat", "name": "VAT", "rate": "20"}],
    "minimum_commitment": {"amount_cents": 1000, "invoice_display_name": "At least"},
}
KNOWN = {
    "/billable_metrics": "gb",
    "/plans": "all",
    "/customers": "acme",
    "/subscriptions": "s",
    "/events": "t1",
    "charge_code": "calls",
}
"""What stands in a path, where it is to be found."""


# In usage the file has neither all charge models nor what matches no filter; Lago answers both.


def texts(number: int) -> dict[str, str]:
    return dict.fromkeys(("gb", "mb", "id"), str(number))


def fill(api: Api) -> None:
    """Something of everything, so that answers have something in them."""
    for row in METRICS:
        api("POST", "/billable_metrics", {"billable_metric": {"name": "x", **row}})
    dynamic = {"billable_metric_code": "gb", "charge_model": "dynamic"}
    shares = {
        "billable_metric_code": "top",
        "charge_model": "graduated_percentage",
        "properties": {"graduated_percentage_ranges": [SHARE]},
    }
    filtered = {
        **CHARGES[0],
        "filters": [{"values": {"region": ["eu"]}, "properties": {"amount": "2"}}],
    }
    for code, cents, charges in (("all", 100, CHARGES), ("free", 0, [dynamic, shares, filtered])):
        plan = {**PLAN, "code": code, "amount_cents": cents, "charges": charges}
        api("POST", "/plans", {"plan": plan})
    for name, zone in (("acme", "America/New_York"), ("plain", None)):
        api("POST", "/customers", {"customer": {"external_id": name, "timezone": zone}})
    for name, begins in (("s", "2026-09-01"), ("over", "2026-09-01"), ("later", "2027-01-01")):
        row = {"external_id": name, "external_customer_id": "acme", "plan_code": "all"}
        api("POST", "/subscriptions", {"subscription": {**row, "subscription_at": begins}})
    api("DELETE", "/subscriptions/over")
    row = {"external_id": "s", "external_customer_id": "acme", "plan_code": "free"}
    api("POST", "/subscriptions", {"subscription": row})
    api.send(
        *(
            {
                "transaction_id": f"t{number}",
                "external_subscription_id": "s",
                "code": METRICS[number % len(METRICS)]["code"],
                "timestamp": f"2026-{9 + number // 6 % 3:02}-15T00:00:00Z",
                "precise_total_amount_cents": "1.5",
                # the file has no integers here, and no groups without a value
                "properties": {**texts(number), "region": "eu", "team": "red"},
            }
            for number in range(60)
        )
    )


@pytest.mark.skipif(not FILE, reason="$OPENAPI names no OpenAPI file of Lago")
def test_whatever_is_sent_the_answer_conforms(tmp_path: Path):
    """No failure of ours, JSON of the promised shape; the same requests at every run."""
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, seed, settings
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
    )

    with serving(tmp_path / "seeded.db", now=lambda: NOON) as (api, _):
        fill(api)
    schema = schemathesis.openapi.from_path(FILE).include(path_regex=CORE)
    found: dict[str, str] = {}
    met: set[str] = set()
    checks = [not_a_server_error, content_type_conformance, response_schema_conformance]
    is_known = cycle((True, False))
    for number, each in enumerate(schema.get_all_operations()):
        operation = each.ok()
        file = tmp_path / f"{number}.db"
        shutil.copy(tmp_path / "seeded.db", file)

        @seed(1)
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def ask(case):
            use_a_zone_of_answers(case)
            if next(is_known):
                point_to_what_is_there(case)
            try:
                answer = case.call_and_validate(base_url=f"{api.url}/api/v1", checks=checks)
            except BaseExceptionGroup as several:
                found.setdefault(case.operation.label, str(several.exceptions[0])[:600])
            else:
                if answer.status_code == 200:
                    met.add(case.operation.label)

        with serving(file, now=lambda: NOON) as (api, _):
            ask()

    assert not found, "\n".join(f"{label}: {fault}" for label, fault in found.items())
    assert {label for label in met if label.startswith("GET ")} >= GETS


GETS = {
    "GET /billable_metrics",
    "GET /billable_metrics/{code}",
    "GET /customers",
    "GET /customers/{external_customer_id}",
    "GET /customers/{external_customer_id}/current_usage",
    "GET /customers/{external_customer_id}/past_usage",
    "GET /customers/{external_customer_id}/subscriptions",
    "GET /events/{transaction_id}",
    "GET /plans",
    "GET /plans/{code}",
    "GET /plans/{code}/charges",
    "GET /plans/{code}/charges/{charge_code}",
    "GET /subscriptions",
    "GET /subscriptions/{external_id}",
}
"""What has to be answered with something now and then."""


def point_to_what_is_there(case: Any) -> None:
    """Of what a request asks for, and of no group or charge that nobody has."""
    if case.path.endswith("/projected_usage"):
        return  # the file wants keys there that Lago itself leaves out
    noun = "/" + case.path.split("/")[1]
    for name in case.path_parameters or ():
        case.path_parameters[name] = KNOWN.get(name, KNOWN.get(noun, "x"))
    if case.method == "GET" and case.query:
        allowed = ("page", "per_page", "apply_taxes")
        case.query = {name: case.query[name] for name in allowed if name in case.query}
    if case.path.endswith("_usage"):
        case.query = {**(case.query or {}), "external_subscription_id": "s"}


def use_a_zone_of_answers(case: Any) -> None:
    """Customers may be asked for in zones that the file does not let them be answered in."""
    customer = case.body.get("customer") if isinstance(case.body, dict) else None
    if isinstance(customer, dict) and isinstance(customer.get("timezone"), str):
        customer["timezone"] = "Europe/Paris"


def _figures(lago: Lago, api: Api) -> dict[tuple[str, str], dict[str, Any]]:
    """
    By path and method, requests whose answers have figures in them.

    Usage is not among them: there the file wants what Lago itself leaves out, or writes as null.
    """
    tiers = [{"from_value": 0, "to_value": None, "per_unit_amount": "1.005", "flat_amount": "0"}]
    grouped = {"graduated_ranges": tiers, "pricing_group_keys": ["team"]}
    charge = {"billable_metric_code": "gb", "charge_model": "standard"}
    plan = {"code": "p", "interval": "monthly", "amount_cents": 1000, "amount_currency": "EUR"}
    subscription = {"external_id": "s", "external_customer_id": "c", "plan_code": "p"}
    document = {
        "metrics": [
            {
                "code": "gb",
                "aggregation_type": "sum_agg",
                "field_name": "gb",
                "description": "of a month",
                "filters": [{"key": "region", "values": ["eu"]}],
            }
        ],
        "plans": [
            {
                **plan,
                "description": "for all",
                "taxes": [{"code": "vat", "rate": "20"}],
                "minimum_commitment": {"amount_cents": 5000},
                "charges": [
                    {
                        **charge,
                        "invoice_display_name": "Storage",
                        "pay_in_advance": True,
                        "properties": {"amount": "1"},
                        "filters": [
                            {
                                "values": {"region": ["eu"]},
                                "properties": {"amount": "2"},
                                "invoice_display_name": "Europe",
                            }
                        ],
                    },
                    {
                        **charge,
                        "invoice_display_name": "Tiers",
                        "charge_model": "graduated",
                        "min_amount_cents": 9000,
                        "properties": grouped,
                    },
                ],
            }
        ],
        "subscriptions": [{**subscription, "started_at": "2026-09-05T00:00:00Z"}],
    }
    lago("apply", lago.write("all.json", json.dumps(document)))
    event = {"external_subscription_id": "s", "code": "gb"}
    properties = {"gb": 2.5, "region": "eu", "team": "a"}
    api.send({**event, "transaction_id": "1", "properties": properties})
    one = {"event": {**event, "properties": properties}}
    return {
        ("/events/estimate_fees", "POST"): {"json": one},
        ("/invoices/preview", "POST"): {
            "json": {"customer": {"external_id": "c"}, "subscriptions": {"external_ids": ["s"]}}
        },
    }


@pytest.mark.skipif(not FILE, reason="$OPENAPI names no OpenAPI file of Lago")
def test_answers_with_figures_conform(lago: Lago, serve: Serve):
    import requests
    import schemathesis

    schema = schemathesis.openapi.from_path(FILE)
    api = serve()
    for (path, method), request in _figures(lago, api).items():
        url = f"{api.url}/api/v1{path}"
        answer = requests.request(method, url, timeout=SECONDS, **request)

        assert answer.status_code == 200, answer.text
        schema[path][method].validate_response(answer)
