"""Names that somebody else has chosen: shown as they are, and never obeyed."""

from __future__ import annotations

import json
import re
from urllib.parse import quote

import pytest

from lago_cli.server.pages.addresses import address_of
from tests.server.test_pages import DECEMBER, TODAY, page

NAMES = {
    "a tag": "<script>alert(1)</script>",
    "quotes": "\"><img src=x onerror='alert(1)'>",
    "markup": "[/x] {{ 7*7 }} {% raw %}",
    "lines": "two\nlines\ttab",
    "bidi": "user\u202egnp.exe",
    "a path": "../../etc/passwd?x=1#y",
    "dots": "..",
    "an ending": "report.json",
    "a reserved word": "explain",
    "long": "x" * 10_000,
    "percent": "100%2F%",
}


@pytest.fixture
def named(request, lago, serve):
    """A file in which everything is called so."""
    name = NAMES[request.param]
    event = {
        "transaction_id": name,
        "code": name,
        "external_customer_id": name,
        "timestamp": "2026-11-03T00:00:00Z",
        "properties": {name: name},
    }
    lago("ingest", "-q", stdin=json.dumps(event), env=TODAY)
    lago("metrics", "create", f"--code={name}", "--aggregation-type", "count_agg", "-q", env=TODAY)
    return serve(now=lambda: DECEMBER), name


@pytest.mark.parametrize("named", NAMES, indirect=True)
def test_a_hostile_name_is_shown_and_not_obeyed(named):
    api, name = named
    asked = quote(name, safe="")
    for path in (
        "/usage?period=all",
        f"/usage?period=all&customer={asked}",
        f"/usage/explain?period=all&metric={asked}",
        f"/events?customer={asked}",
        address_of("events", name),
        address_of("customers", name),
        address_of("billable-metrics", name),
        "/billable-metrics",
        f"/new/billable-metric?code={asked}",
        f"/new/customer?external_id={asked}",
        f"/new/subscription?external_customer_id={asked}",
        "/new/plan",
    ):
        shown = page(api, path)
        outside_fields = re.sub(r"<(?:input|option) [^>]*>", "", shown)  # which give back names

        assert "<script>alert" not in shown
        assert "<img" not in shown
        assert "\u202e" not in outside_fields


@pytest.mark.parametrize("named", NAMES, indirect=True)
def test_a_hostile_name_has_a_page_of_its_own_and_data(named):
    api, name = named
    place = address_of("customers", name)
    path, _, query = place.partition("?")

    answer = api.http.get(f"{path}.json?{query}")

    assert answer.json()["external_id"] == name


def test_pages_say_what_a_browser_may_do(serve):
    headers = serve().http.get("/").headers

    assert "script-src 'self'" in headers["content-security-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]


@pytest.mark.parametrize("named", NAMES, indirect=True)
def test_a_plan_of_a_hostile_name_is_tried_out_and_not_obeyed(named):
    api, name = named
    charge = {"billable_metric_code": name, "charge_model": "standard", "properties": {}}
    plan = {"code": name, "interval": name, "amount_cents": 1, "charges": [charge]}
    form = {"input": json.dumps({"plan": plan}), "subscription": name, "units": f"{name}=1"}

    answer = api.http.post("/try/plan", data=form)

    field = r"<(?:input|option) [^>]*>|<textarea.*?</textarea>"
    outside_fields = re.sub(field, "", answer.text, flags=re.DOTALL)
    assert answer.status_code == 200
    assert "What is wrong" in answer.text
    assert "<script>alert" not in answer.text
    assert "<img" not in answer.text
    assert "\u202e" not in outside_fields


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_refused_event_of_a_hostile_name_is_shown_and_not_obeyed(serve, name):
    api = serve()
    api.send({"transaction_id": name, "code": name}, status=422)

    shown = page(api, "/refused")

    assert "missing_field" in shown
    assert "<script>alert" not in shown
    assert "<img" not in shown
    assert "\u202e" not in shown
