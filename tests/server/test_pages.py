"""The page: what it shows, what it lets be done, and that it says the same as the terminal."""

from __future__ import annotations

import re
from html import unescape

import pytest

from tests.conftest import REPOSITORY

SAMPLES = REPOSITORY / "sample_events"
DECEMBER = 1_796_112_000_000_000  # 2026-12-01T08:00:00Z
TODAY = {"LAGO_NOW": "2026-12-01T08:00:00Z"}


@pytest.fixture
def orchard(lago, serve):
    """The page on the data of docs/why-four.md, a month after."""
    lago("apply", SAMPLES / "seats.yml", "-q", env=TODAY)
    lago("ingest", SAMPLES / "seats.ndjson", "-q", env=TODAY)
    return serve(now=lambda: DECEMBER)


@pytest.fixture
def harbor(lago, serve):
    """Several customers and metrics, and one who is billed."""
    lago("apply", SAMPLES / "metrics.yml", "-q", env=TODAY)
    lago("ingest", SAMPLES / "events.ndjson", "-q", env=TODAY)
    lago("plans", "create", "--input", SAMPLES / "plan.yml", "-q", env=TODAY)
    lago(
        *("subscriptions", "create", "harbor-pro", "--external-customer-id", "harbor"),
        *("--plan-code", "basic", "--started-at", "2026-11-01", "-q"),
        env=TODAY,
    )
    return serve(now=lambda: DECEMBER)


def page(api, path, status=200):
    answer = api.http.get(path)
    assert answer.status_code == status, answer.text
    return answer.text


def links(text):
    """What each link says, and where it leads to."""
    found = re.findall(r'<a [^>]*href="([^"]*)"[^>]*>(.*?)</a>', text, re.S)
    return {re.sub(r"<[^>]+>", "", words).strip(): unescape(href) for href, words in found}


def token(text):
    return re.search(r'name="token" value="([^"]+)"', text)[1]


def test_a_figure_leads_to_its_events(orchard):
    shown = page(orchard, "/usage?period=previous")

    explained = page(orchard, links(shown)["4"])

    assert "removes what was not there" in explained
    assert links(explained)["hr-1007"] == "/events/hr-1007"


def test_an_event_shows_how_far_it_came(orchard):
    shown = page(orchard, "/events/hr-1010")

    assert "It does not count: see value." in shown


def test_what_is_left_out_of_figures_leads_to_why(orchard):
    shown = page(orchard, "/usage?period=previous")

    why = links(shown)["See which, and why"]

    assert why == "/usage/explain?period=previous"
    assert "unusable" in page(orchard, why)


def test_events_that_no_metric_counts_lead_to_those_of_the_period(harbor):
    shown = page(harbor, "/usage?period=2026-11")
    earlier = page(harbor, "/usage?period=2026-10")

    left_out = links(shown)["See these events"]

    assert left_out == (
        "/events?status=unmatched&from=2026-11-01T00%3A00%3A00Z&to=2026-12-01T00%3A00%3A00Z"
    )
    assert page(harbor, left_out).count('href="/events/') == 1
    assert "See these events" not in earlier


def test_customers_stand_below_each_other_and_metrics_beside(harbor):
    shown = page(harbor, "/usage?period=2026-11")

    headings = re.findall(r'<th scope="col" class="n"><a [^>]*title="([^"]+)"', shown)
    assert headings == sorted(headings)
    assert "api_calls" in headings


@pytest.mark.parametrize(
    ("path", "command"),
    [
        ("/usage?period=2026-11", "usage --period 2026-11"),
        ("/usage?period=2026-11&window=week", "usage --period 2026-11 --window week"),
        (
            "/usage?period=2026-11&compare=previous&amounts=1",
            "usage --period 2026-11 --compare previous --amounts",
        ),
        (
            "/usage/explain?metric=storage&period=2026-11",
            "usage explain --metric storage --period 2026-11",
        ),
        ("/events/harbor-007", "events explain harbor-007"),
        ("/invoices?period=2026-11", "invoices preview --period 2026-11"),
        (
            "/invoices/harbor-pro?period=2026-11",
            "invoices preview --subscription harbor-pro --period 2026-11",
        ),
        (
            "/invoices/explain?subscription=harbor-pro&period=2026-11",
            "invoices explain --subscription harbor-pro --period 2026-11",
        ),
        ("/billable-metrics", "metrics list"),
        ("/billable-metrics/storage", "metrics get storage"),
        ("/plans/basic", "plans get basic"),
        (
            "/estimate?plan=basic&units.storage=10",
            "plans estimate basic --units storage=10",
        ),
        ("/simulation?plan=basic&period=2026-11", "plans simulate basic --period 2026-11"),
        ("/customers", "customers list"),
        ("/subscriptions", "subscriptions list"),
        ("/ingest-runs", "ingest-runs list"),
        ("/ingest-runs/1", "ingest-runs get 1"),
    ],
)
@pytest.mark.parametrize("output", ["json", "csv"])
def test_the_data_of_a_page_is_what_the_command_line_writes(lago, harbor, path, command, output):
    place, _, query = path.partition("?")
    page(harbor, path)
    answer = harbor.http.get(f"{place}.{output}?{query}")

    assert answer.content == lago(*command.split(), "-o", output, env=TODAY).stdout_bytes


def test_every_amount_of_an_invoice_leads_to_how_it_comes_about(harbor):
    shown = page(harbor, "/invoices/harbor-pro?period=2026-11")

    explained = page(harbor, links(shown)["5.38"])

    assert "21.5 × 0.25 = 5.375 → 538 cents" in explained
    assert links(explained)["harbor-007"] == "/events/harbor-007"


def test_windows_have_sparklines(harbor):
    shown = page(harbor, "/usage?period=2026-11&window=day&metric=api_calls")

    assert '<svg class="spark"' in shown
    assert "<title>2026-11-19: 2</title>" in shown


def test_a_name_that_nobody_knows_is_answered_with_the_nearest(orchard):
    shown = page(orchard, "/usage?customer=orchrd", status=404)

    assert "Did you mean &#34;orchard&#34;?" in shown


def test_an_unknown_parameter_is_refused(orchard):
    shown = page(orchard, "/usage?custmer=orchard", status=422)

    assert "Did you mean &#34;customer&#34;?" in shown


def test_a_page_that_is_not_there_is_a_page(orchard):
    answer = orchard.http.get("/nothing")

    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")


def test_a_long_list_is_paged_and_its_csv_is_whole(lago, serve):
    lines = "".join(
        f'{{"transaction_id":"t{n}","code":"c","external_customer_id":"a","timestamp":"2026-11-01"}}\n'
        for n in range(501)
    )
    lago("ingest", "-q", stdin=lines, env=TODAY)
    api = serve(now=lambda: DECEMBER)

    first = page(api, "/events")
    second = page(api, links(first)["Next ones"])

    assert first.count('href="/events/t') == 500
    assert second.count('href="/events/t') == 1
    assert api.http.get("/events.csv").text.count("\n") == 502


def define(api, **fields):
    shown = page(api, "/new/billable-metric")
    return api.http.post("/new/billable-metric", data={"token": token(shown), **fields})


def test_a_metric_is_defined_by_a_form(lago, orchard):
    answer = define(
        orchard,
        code="people",
        aggregation_type="sum_agg",
        field_name="n",
        filters="region=eu,us\r\ntier=a",
    )

    assert answer.status_code == 303
    assert "The metric is defined." in page(orchard, answer.headers["location"])
    found = lago("metrics", "get", "people", "-o", "json").json()
    assert found["filters"] == [
        {"key": "region", "values": ["eu", "us"]},
        {"key": "tier", "values": ["a"]},
    ]


def test_every_fault_is_told_at_once_beside_its_field_and_what_was_typed_is_kept(lago, orchard):
    answer = define(
        orchard,
        aggregation_type="sum_agg",
        name="People & co",
        rounding_precision="many",
    )

    assert answer.status_code == 422
    assert "3 things are wrong; nothing was saved" in answer.text
    for name, fault in (
        ("code", "Code is needed."),
        ("field_name", "sum_agg needs the name of the property it reads."),
        ("rounding_precision", "&#39;many&#39; is not a whole number."),
    ):
        assert f'<a href="#f-{name}">{fault}</a>' in answer.text
        assert f'id="e-{name}"><p>{fault}</p>' in answer.text
    assert 'value="People &amp; co"' in answer.text
    assert [row["code"] for row in lago("metrics", "list", "-o", "json").json()] == ["seats"]


def test_a_fault_that_only_the_store_knows_is_told_beside_its_field_too(orchard):
    answer = define(orchard, code="seats", aggregation_type="count_agg")

    assert 'id="e-code"><p>The metric &#34;seats&#34; is already defined.</p>' in answer.text


def test_a_metric_is_changed_and_an_empty_field_takes_a_value_away(lago, orchard):
    shown = page(orchard, "/billable-metrics/seats")

    orchard.http.post(
        "/billable-metrics/seats",
        data={
            "token": token(shown),
            "name": "Seats",
            "aggregation_type": "unique_count_agg",
            "field_name": "user",
        },
    )

    found = lago("metrics", "get", "seats", "-o", "json").json()
    assert (found["recurring"], found["description"]) == (False, None)


def test_a_metric_is_tried_out_without_being_saved(lago, orchard):
    form = {"code": "seats", "aggregation_type": "count_agg", "fragment": "1"}
    shown = page(orchard, "/new/billable-metric")

    tried = orchard.http.post("/try/billable-metric", data={"token": token(shown), **form}).text

    assert "All 10 events of this code" in tried
    assert "lago metrics create seats --aggregation-type count_agg" in tried
    found = lago("metrics", "get", "seats", "-o", "json").json()
    assert found["aggregation_type"] == "unique_count_agg"


def test_a_form_without_its_token_does_nothing(lago, orchard):
    page(orchard, "/new/billable-metric")

    answer = orchard.http.post(
        "/new/billable-metric", data={"code": "x", "aggregation_type": "count_agg"}
    )

    assert answer.status_code == 403
    assert len(lago("metrics", "list", "-o", "json").json()) == 1


def test_a_run_is_taken_back_where_it_is_confirmed(lago, orchard):
    form = {"token": token(page(orchard, "/ingest-runs/1"))}

    unsure = orchard.http.post("/ingest-runs/1", data=form)
    kept = lago("events", "list", "-o", "json").json()
    orchard.http.post("/ingest-runs/1", data={**form, "confirmed": "1"})

    assert "Tick the box" in unsure.text
    assert len(kept) == 10
    assert lago("events", "list", "-o", "json").json() == []


@pytest.mark.parametrize(
    "path", ["/new/billable-metric", "/ingest-runs/1", "/billable-metrics/seats"]
)
def test_a_server_that_only_answers_shows_no_forms_that_change(lago, orchard, serve, path):
    api = serve(now=lambda: DECEMBER, read_only=True)

    shown = page(api, path)

    assert 'method="post"' not in shown
    assert "--read-only" in shown


def test_the_key_opens_the_page(orchard, serve):
    api = serve(now=lambda: DECEMBER, key="secret")
    del api.http.headers["authorization"]
    api.http.headers["accept"] = "text/html"

    sent_away = api.http.get("/usage?period=previous")
    form = {"token": token(page(api, sent_away.headers["location"])), "next": "/usage"}
    wrong = api.http.post("/login", data={**form, "key": "guess"})
    right = api.http.post("/login", data={**form, "key": "secret"})

    assert sent_away.status_code == 303
    assert wrong.status_code == 403
    assert right.headers["location"] == "/usage"
    assert page(api, "/usage")


@pytest.mark.parametrize("elsewhere", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_signing_in_leads_nowhere_else(serve, elsewhere):
    api = serve(key="secret")
    del api.http.headers["authorization"]
    form = {"token": token(page(api, "/login")), "next": elsewhere, "key": "secret"}

    answer = api.http.post("/login", data=form)

    assert answer.headers["location"] == "/"


def test_an_empty_file_says_how_to_begin(serve):
    shown = page(serve(), "/")

    assert "lago events send" in shown
    assert "/new/billable-metric?code=api_calls" in shown


def test_a_period_without_usage_leads_to_one_that_has_some(orchard):
    shown = page(orchard, "/usage?period=2025-01")

    assert links(shown)["Show 2026-11"] == "/usage?period=2026-11"
    assert "lago events send" not in shown


def test_who_has_shown_the_key_signs_out_with_a_button(orchard, serve):
    api = serve(now=lambda: DECEMBER, key="secret")
    del api.http.headers["authorization"]
    form = {"token": token(page(api, "/login")), "key": "secret"}
    api.http.post("/login", data=form)

    shown = page(api, "/usage")
    answer = api.http.post("/logout", data={"token": token(shown)})

    assert '<form method="post" action="/logout"' in shown
    assert answer.headers["location"] == "/login"
    assert api.http.get("/usage").status_code == 401


def test_without_a_key_there_is_nothing_to_sign_out_of(orchard):
    shown = page(orchard, "/usage")

    assert "/logout" not in shown


def test_refused_events_are_shown_with_what_was_answered(orchard):
    event = {"transaction_id": "hr-1001", "external_customer_id": "orchard", "code": "seats"}
    orchard("POST", "/events", {"event": event}, status=422)
    orchard.send({**event, "transaction_id": "new-1"}, {"transaction_id": "<b>"}, status=422)

    shown = page(orchard, "/refused")
    rows = orchard.http.get("/refused.json").json()

    assert [(row["transaction_id"], row["code"]) for row in rows] == [
        ("<b>", "missing_field"),
        ("hr-1001", "duplicate"),
    ]
    assert links(shown)["hr-1001"] == "/events/hr-1001"
    assert "&lt;b&gt;" in shown
    assert orchard.http.get("/refused.csv").text.count("\n") == 3


def test_an_id_that_came_twice_in_a_refused_batch_leads_nowhere(orchard):
    event = {"transaction_id": "twice-1", "external_customer_id": "orchard", "code": "seats"}
    orchard.send(event, event, status=422)
    shown = page(orchard, "/refused")

    assert "twice-1" in shown
    assert "twice-1" not in links(shown)


def test_what_is_not_kept_of_rejected_records_is_said(lago, serve):
    lago("ingest", SAMPLES / "broken.ndjson", "-q", env=TODAY, exits=None)

    shown = page(serve(), "/ingest-runs/1")

    assert "6 records were rejected" in shown
    assert "not what was wrong with each" in shown
    assert "--rejects FILE" in shown
