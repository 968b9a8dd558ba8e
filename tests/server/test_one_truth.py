"""The API and the command line are two ways to the same definitions and figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Lago
from tests.server.conftest import NOON
from tests.server.requests import CHARGE, CUSTOMER, METRIC, PLAN, SUBSCRIPTION
from tests.servers import Api, serving

NOW = ("--now", "2026-11-28T12:00:00Z")
CALLS = {
    "code": "calls",
    "name": "Calls",
    "aggregation_type": "count_agg",
    "filters": [{"key": "tier", "values": ["a", "b"]}],
}
PACKAGES = {
    "billable_metric_code": "calls",
    "code": "calls",  # the API gives charges without a code that of their metric, as Lago does
    "charge_model": "package",
    "properties": {"amount": "3.000000000000000000007", "package_size": 2, "free_units": 1},
    "filters": [{"values": {"tier": ["a"]}, "properties": {"amount": 1, "package_size": 1}}],
}
GROUPED = {
    "billable_metric_code": "storage",
    "code": "grouped",
    "charge_model": "standard",
    "min_amount_cents": 900,
    "properties": {"amount": "0.12345678901234567890", "pricing_group_keys": ["region"]},
}
TAX = {"code": "vat", "name": "VAT", "rate": "19.6"}
PRO = {**PLAN, "charges": [CHARGE, GROUPED, PACKAGES], "taxes": [TAX]}
DOCUMENT: dict[str, list[dict[str, Any]]] = {
    "billable_metrics": [METRIC, CALLS],
    "customers": [CUSTOMER, {"external_id": "other"}],
    "plans": [PRO, {**PLAN, "code": "max", "amount_cents": 9900, "charges": []}],
    "subscriptions": [
        SUBSCRIPTION,
        {
            "external_id": "later",
            "external_customer_id": "other",
            "plan_code": "max",
            "billing_time": "anniversary",
            "subscription_at": "2027-01-31T00:00:00Z",
        },
    ],
}
EVENTS = [
    {
        "transaction_id": f"t{number}",
        "external_subscription_id": "s",
        "code": ("storage", "calls")[number % 2],
        "timestamp": f"2026-11-{number % 27 + 1:02}T00:00:00.000001Z",
        "properties": {
            "gb": f"{number}.000000000000000000{number}",
            "region": ("eu", "us", "ap")[number % 3],
            "tier": ("a", "b", "c", "")[number % 4],
        },
    }
    for number in range(60)
]
QUESTIONS = [
    ("export",),
    ("metrics", "list"),
    ("metrics", "get", "storage"),
    ("plans", "list"),
    ("plans", "get", "pro"),
    ("customers", "list"),
    ("customers", "get", "acme"),
    ("subscriptions", "list"),
    ("subscriptions", "get", "s"),
    ("usage", "--subscription", "s", "--amounts"),
    ("usage", "--from", "2026-11-01", "--to", "2026-12-01", "--by", "subscription"),
    ("invoices", "preview", "--subscription", "s"),
]
ANSWERS = [
    "/billable_metrics",
    "/billable_metrics/storage",
    "/plans",
    "/plans/pro",
    "/plans/pro/charges",
    "/customers",
    "/customers/acme",
    "/subscriptions",
    "/subscriptions?status[]=pending&status[]=active",
    "/subscriptions/s",
    "/customers/acme/subscriptions",
    "/customers/acme/current_usage?external_subscription_id=s",
    "/customers/acme/past_usage?external_subscription_id=s",
    "/events/t7",
]


def over_http(api: Api) -> None:
    for section, rows in DOCUMENT.items():
        for row in rows:
            api("POST", f"/{section}", {section.removesuffix("s"): row})
    api.send(*EVENTS)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lago, Lago]:
    """The same, once defined and sent over HTTP, and once by commands."""
    first, second = (Lago(tmp_path_factory.mktemp(name)) for name in ("http", "commands"))
    with serving(first.folder / "lago.db", now=lambda: NOON) as (api, _):
        over_http(api)
    second.write("definitions.json", json.dumps(DOCUMENT))
    second("apply", "definitions.json", "-q", *NOW)
    second("ingest", "-q", *NOW, stdin="".join(json.dumps(each) + "\n" for each in EVENTS))
    return first, second


@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
def test_commands_tell_the_same_of_what_came_over_http(
    files: tuple[Lago, Lago], question: tuple[str, ...]
):
    """To the last digit."""
    output = () if question == ("export",) else ("-o", "json")
    first, second = (lago(*question, *output, *NOW).stdout for lago in files)

    assert first == second
    assert first.strip() not in ("", "[]")


@pytest.mark.parametrize("path", ANSWERS)
def test_the_api_tells_the_same_of_what_commands_defined(files: tuple[Lago, Lago], path: str):
    """Ids are the same, too: they are made of codes."""
    answers = []
    for lago in files:
        with serving(lago.folder / "lago.db", now=lambda: NOON) as (api, _):
            answers.append(api("GET", path))

    assert answers[0] == answers[1]


def test_an_export_is_what_the_api_takes(files: tuple[Lago, Lago], tmp_path: Path):
    """Each of its definitions can be sent as it is."""
    document = files[0]("export", "-o", "json", *NOW).json()
    again = Lago(tmp_path)
    with serving(tmp_path / "lago.db", now=lambda: NOON) as (api, _):
        for section in DOCUMENT:
            for row in document[section]:
                api("POST", f"/{section}", {section.removesuffix("s"): row})

    assert again("export", *NOW).stdout == files[0]("export", *NOW).stdout
