"""Forms of plans, customers and subscriptions: tried out, faults all at once, then saved."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest

from tests.server.test_pages import DECEMBER, SAMPLES, TODAY, links, page, token


@pytest.fixture
def harbor(lago, serve):
    """Metrics, events of a month, a plan, and one who is billed by it."""
    lago("apply", SAMPLES / "metrics.yml", "-q", env=TODAY)
    lago("ingest", SAMPLES / "events.ndjson", "-q", env=TODAY)
    lago("plans", "create", "--input", SAMPLES / "plan.yml", "-q", env=TODAY)
    lago(
        *("subscriptions", "create", "harbor-pro", "--external-customer-id", "harbor"),
        *("--plan-code", "basic", "--started-at", "2026-11-01", "-q"),
        env=TODAY,
    )
    return serve(now=lambda: DECEMBER)


def send(api, path, *, to=None, **fields):
    """Submit the form of a page."""
    return api.http.post(to or path, data={"token": token(page(api, path)), **fields})


def text_in(shown):
    """What stands in the field of the plan."""
    return unescape(re.search(r'<textarea id="f-input"[^>]*>\n(.*?)</textarea>', shown, re.S)[1])


def plan(**fields):
    row = {"code": "pro", "interval": "monthly", "amount_cents": 4900, "amount_currency": "EUR"}
    return json.dumps({"plan": {**row, **fields}}, indent=2)


def test_the_example_of_a_new_plan_can_be_saved_as_it_stands(lago, harbor):
    example = text_in(page(harbor, "/new/plan"))

    answer = send(harbor, "/new/plan", input=example)

    assert answer.status_code == 303
    assert "The plan is defined." in page(harbor, answer.headers["location"])
    found = lago("plans", "get", "starter", "-o", "json").json()
    assert [each["charge_model"] for each in found["charges"]] == ["standard", "graduated"]


def test_the_example_of_a_file_without_metrics_is_a_plan_too(serve):
    api = serve()
    example = text_in(page(api, "/new/plan"))

    answer = send(api, "/new/plan", input=example)

    assert answer.status_code == 303


def test_all_faults_of_a_plan_are_told_at_once_with_their_lines(lago, harbor):
    charges = [{"billable_metric_code": "storag", "charge_model": "standard", "properties": {}}]
    text = plan(interval="dayly", charges=charges)

    answer = send(harbor, "/new/plan", input=text)

    assert answer.status_code == 422
    assert "things are wrong; nothing was saved" in answer.text
    assert "line 4: <code>plan.interval</code></span> &#34;dayly&#34; is no" in answer.text
    assert "plan.charges[0].billable_metric_code" in answer.text
    assert text_in(answer.text) == text
    assert [row["code"] for row in lago("plans", "list", "-o", "json").json()] == ["basic"]


def test_a_text_that_is_no_json_is_told_with_its_line(harbor):
    answer = send(harbor, "/new/plan", input='{\n"plan": {\n"code" "pro"}}')

    assert answer.status_code == 422
    assert "line 3, column" in answer.text


def test_a_plan_is_tried_out_without_being_saved(lago, harbor):
    charges = [
        {
            "billable_metric_code": "storage",
            "charge_model": "standard",
            "properties": {"amount": "0.10"},
        }
    ]
    tried = send(
        harbor,
        "/new/plan",
        to="/try/plan",
        input=plan(charges=charges),
        units="storage=200",
        fragment="1",
    ).text

    assert "200 × 0.1 = 20" in tried
    assert "69.00" in tried
    assert [row["code"] for row in lago("plans", "list", "-o", "json").json()] == ["basic"]


def test_a_change_is_tried_on_the_usage_of_a_subscription_beside_what_it_costs_now(lago, harbor):
    text = text_in(page(harbor, "/plans/basic")).replace("1900", "2900")
    form = {"input": text, "changes": "basic", "subscription": "harbor-pro", "period": "2026-11"}

    tried = send(harbor, "/plans/basic", to="/try/plan", fragment="1", **form).text

    assert "basic (as typed)" in tried
    assert '<td class="n">12.00</td>' in tried  # ten more, and 20 % VAT


def test_what_is_hardly_meant_is_found_before_it_is_saved(harbor):
    ranges = [
        {"from_value": 0, "to_value": 10, "per_unit_amount": "2", "flat_amount": "0"},
        {"from_value": 11, "to_value": None, "per_unit_amount": "1", "flat_amount": "0"},
    ]
    charge = {
        "billable_metric_code": "api_calls",
        "charge_model": "volume",
        "properties": {"volume_ranges": ranges},
    }

    tried = send(harbor, "/new/plan", to="/try/plan", input=plan(charges=[charge])).text

    assert "Hardly meant" in tried
    assert "With graduated_ranges more usage never costs less." in tried


def test_a_plan_is_changed_by_the_text_that_its_page_has(lago, harbor):
    text = text_in(page(harbor, "/plans/basic"))

    same = send(harbor, "/plans/basic", input=text)
    before = lago("plans", "get", "basic", "-o", "json").json()
    send(harbor, "/plans/basic", input=text.replace("1900", "2500"))

    assert same.status_code == 303
    assert before["amount_cents"] == 1900
    assert lago("plans", "get", "basic", "-o", "json").json() == before | {"amount_cents": 2500}


def test_the_command_beside_the_form_defines_the_same_plan(lago, tmp_path, harbor):
    shown = send(harbor, "/new/plan", to="/try/plan", input=plan(name="It's pro")).text
    command = unescape(re.search(r'<pre class="command"><code>(.*?)</code>', shown, re.S)[1])
    first, _, rest = command.partition("\n")
    assert first == "lago plans create --input - <<'PLAN'"
    body, _, last = rest.rpartition("\n")
    assert last == "PLAN"
    lago("plans", "create", "--input", "-", "-q", stdin=body, env=TODAY)

    assert lago("plans", "get", "pro", "-o", "json").json()["name"] == "It's pro"


def test_a_copy_of_a_plan_is_another_one(lago, harbor):
    shown = page(harbor, links(page(harbor, "/plans/basic"))["Copy it"])

    answer = send(harbor, "/new/plan", input=text_in(shown))

    assert answer.headers["location"].startswith("/plans/basic-copy")


def test_a_customer_is_registered_and_changed(lago, harbor):
    answer = send(
        harbor, "/new/customer", external_id="new", name="New & co", timezone="Europe/Paris"
    )
    changed = send(harbor, "/customers/new", name="", timezone="UTC", currency="EUR")

    assert answer.headers["location"] == "/customers/new?done=registered"
    assert changed.status_code == 303
    found = lago("customers", "get", "new", "-o", "json").json()
    assert (found["name"], found["timezone"], found["currency"]) == (None, "UTC", "EUR")


def test_all_faults_of_a_customer_are_told_at_once(harbor):
    answer = send(harbor, "/customers/harbor", timezone="Europe/Pari", currency="euros")

    assert answer.status_code == 422
    assert "2 things are wrong" in answer.text
    assert 'id="e-timezone"' in answer.text
    assert 'id="e-currency"' in answer.text


def test_a_subscription_is_registered_by_a_form(lago, harbor):
    answer = send(
        harbor,
        "/new/subscription",
        external_customer_id="lumen",
        external_id="lumen-1",
        plan_code="basic",
        started_at="2026-11-01",
        billing_time="calendar",
    )

    assert answer.headers["location"] == "/subscriptions/lumen-1?done=registered"
    assert "19.00" in page(harbor, "/invoices/lumen-1?period=2026-11")


def test_all_faults_of_a_subscription_are_told_at_once(harbor):
    answer = send(harbor, "/new/subscription", plan_code="basi", started_at="soon")

    assert answer.status_code == 422
    for name in ("external_customer_id", "external_id", "plan_code", "started_at"):
        assert f'id="e-{name}"' in answer.text


def test_a_subscription_is_billed_by_another_plan_from_a_day_on(lago, harbor):
    send(harbor, "/new/plan", input=plan())

    answer = send(harbor, "/subscriptions/harbor-pro", do="plan", plan_code="pro", at="2026-11-16")

    assert answer.status_code == 303
    found = lago("subscriptions", "get", "harbor-pro", "-o", "json").json()
    assert found["plan_code"] == "pro"
    assert found["previous_plans"] == [{"plan_code": "basic", "until": "2026-11-16T00:00:00Z"}]


def test_a_change_of_plan_before_the_plan_began_is_refused_beside_its_field(harbor):
    send(harbor, "/new/plan", input=plan())

    answer = send(harbor, "/subscriptions/harbor-pro", do="plan", plan_code="pro", at="2026-10-01")

    assert answer.status_code == 422
    assert 'id="e-at-plan"' in answer.text
    assert 'value="2026-10-01"' in answer.text


def test_a_subscription_ends_where_it_is_confirmed(lago, harbor):
    unsure = send(harbor, "/subscriptions/harbor-pro", do="end", at="2026-11-30")
    before = lago("subscriptions", "get", "harbor-pro", "-o", "json").json()
    send(harbor, "/subscriptions/harbor-pro", do="end", at="2026-11-30", confirmed="1")

    assert "Tick the box" in unsure.text
    assert before["terminated_at"] is None
    found = lago("subscriptions", "get", "harbor-pro", "-o", "json").json()
    assert found["terminated_at"] == "2026-11-30T00:00:00Z"


@pytest.mark.parametrize(
    "path",
    [
        *("/new/plan", "/plans/basic", "/new/customer", "/customers/harbor"),
        *("/new/subscription", "/subscriptions/harbor-pro"),
    ],
)
def test_a_server_that_only_answers_has_no_such_forms(harbor, serve, path):
    api = serve(now=lambda: DECEMBER, read_only=True)

    shown = page(api, path)

    assert 'method="post"' not in shown
