"""Answers have the shapes that Lago's own OpenAPI file promises; it is named by `$OPENAPI`."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from tests.conftest import Lago
from tests.server.conftest import Serve
from tests.servers import SECONDS, Api

FILE = os.environ.get("OPENAPI")
CORE = (
    r"^/((billable_metrics|plans|customers|subscriptions)(/\{\w+\})?"
    r"|customers/\{\w+\}/(current|projected|past)_usage"
    r"|events/(batch_)?estimate_\w+|invoices/preview)$"
)
EXAMPLES = int(os.environ.get("OPENAPI_EXAMPLES", "5"))


@pytest.mark.skipif(not FILE, reason="$OPENAPI names no OpenAPI file of Lago")
def test_whatever_is_sent_the_answer_conforms(api: Api):
    """No failure of ours, JSON of the promised shape; the same requests at every run."""
    import schemathesis
    from hypothesis import HealthCheck, given, seed, settings
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
    )

    schema = schemathesis.openapi.from_path(FILE).include(path_regex=CORE)
    found: dict[str, str] = {}
    checks = [not_a_server_error, content_type_conformance, response_schema_conformance]
    for each in schema.get_all_operations():
        operation = each.ok()

        @seed(1)
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def ask(case):
            try:
                case.call_and_validate(base_url=f"{api.url}/api/v1", checks=checks)
            except BaseExceptionGroup as several:
                found.setdefault(case.operation.label, str(several.exceptions[0])[:600])

        ask()

    assert found == {}


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
