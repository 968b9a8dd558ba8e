"""A name that nobody knows is exit code 4 with the nearest known one, in whatever names it."""

from __future__ import annotations

import pytest

from tests.conftest import Lago

NOW = "2026-11-22T12:00:00Z"
DEFINITIONS = """
billable_metrics:
- {code: gb_used, aggregation_type: sum, field_name: gb}
customers:
- {external_id: idle}
subscriptions:
- {external_id: sub-1, external_customer_id: acme, started_at: 2026-11-04, plan_code: basic}
plans:
- {code: basic, interval: monthly, amount_cents: 0, amount_currency: EUR}
"""
EVENTS = [
    {
        "transaction_id": "1",
        "code": "gb_used",
        "external_subscription_id": "sub-1",
        "timestamp": "2026-11-05T00:00:00Z",
        "properties": {"gb": 1},
    },
    {
        "transaction_id": "2",
        "code": "unpriced",
        "external_customer_id": "bolt",
        "external_subscription_id": "by-event",
        "timestamp": "2026-11-06T00:00:00Z",
    },
    {
        "transaction_id": "3",
        "code": "unpriced",
        "external_subscription_id": "orphan",
        "timestamp": "2026-11-06T00:00:00Z",
    },
]


@pytest.fixture(scope="module")
def known_file(tmp_path_factory):
    lago = Lago(tmp_path_factory.mktemp("known"))
    lago("apply", lago.write("definitions.yml", DEFINITIONS), "--now", NOW)
    lago("ingest", "-q", lago.write("events.ndjson", EVENTS), "--now", NOW)
    return lago.folder / "lago.db"


@pytest.fixture
def known(lago, known_file):
    """One registered subscription, two that only events name, and a customer without any."""
    (lago.folder / "lago.db").write_bytes(known_file.read_bytes())
    return lago


def refusal(lago, *args):
    refused = lago(*args, "-o", "json", "--now", NOW, exits=4)

    assert refused.stdout == ""
    return refused.error()


BY_CUSTOMER = "customer", "acmee", "acme"
BY_SUBSCRIPTION = "subscription", "sub1", "sub-1"
BY_METRIC = "metric", "gb-used", "gb_used"
BY_PLAN = "plan", "baisc", "basic"
MAX = ("--max", "gb_used=1")
OPTIONS = [
    (command, option, row)
    for option, row in (("--customer", BY_CUSTOMER), ("--subscription", BY_SUBSCRIPTION))
    for command in (
        ("usage",),
        ("usage", "explain"),
        ("usage", "check", *MAX),
        ("usage", "check", "--max-age", "1h"),
        ("events", "list"),
        ("events", "export"),
        ("invoices", "preview"),
        ("plans", "simulate", "basic"),
    )
]
OPTIONS += [
    (("usage",), "--metric", BY_METRIC),
    (("usage", "explain"), "--metric", BY_METRIC),
    (("usage", "check", *MAX), "--metric", BY_METRIC),
    (("usage", "check", "--max-age", "1h"), "--metric", BY_METRIC),
    (("invoices", "explain", "--subscription", "sub-1"), "--metric", BY_METRIC),
    (("invoices", "explain"), "--subscription", BY_SUBSCRIPTION),
    (("events", "list"), "--code", ("code", "unpirced", "unpriced")),
    (("events", "export"), "--code", ("code", "GB_USED", "gb_used")),
    (("subscriptions", "update", "sub-1"), "--plan-code", BY_PLAN),
]


@pytest.mark.parametrize(("command", "option", "row"), OPTIONS)
def test_an_option_refuses_an_unknown_name_with_the_nearest(known, command, option, row):
    word, name, near = row

    error = refusal(known, *command, option, name)

    assert error["code"] == f"{word}_not_found"
    assert error["message"] == f'There is no {word} "{name}". Did you mean "{near}"?'


ARGUMENTS = [
    (("customers", "get"), (), BY_CUSTOMER),
    (("customers", "update"), ("--name", "x"), BY_CUSTOMER),
    (("customers", "delete"), (), BY_CUSTOMER),
    (("metrics", "get"), (), BY_METRIC),
    (("metrics", "update"), ("--name", "x"), BY_METRIC),
    (("metrics", "delete"), (), BY_METRIC),
    (("plans", "get"), (), BY_PLAN),
    (("plans", "delete"), (), BY_PLAN),
    (("plans", "estimate"), (), BY_PLAN),
    (("plans", "simulate"), (), BY_PLAN),
    (("subscriptions", "get"), (), BY_SUBSCRIPTION),
    (("subscriptions", "update"), ("--plan-code", "basic"), BY_SUBSCRIPTION),
    (("subscriptions", "terminate"), (), BY_SUBSCRIPTION),
    (("subscriptions", "change-plan"), ("basic",), BY_SUBSCRIPTION),
    (("subscriptions", "change-plan", "sub-1"), (), BY_PLAN),
    (("ingest-runs", "get"), (), ("ingest run", "7", "1")),
    (("ingest-runs", "revert"), (), ("ingest run", "7", "1")),
    (("mappings", "get"), (), ("mapping", "cady", "caddy")),
]


@pytest.mark.parametrize(("command", "more", "row"), ARGUMENTS)
def test_an_argument_that_is_unknown_is_refused_with_the_nearest(known, command, more, row):
    word, name, near = row

    error = refusal(known, *command, name, *more)

    assert error["code"] == f"{word.replace(' ', '_')}_not_found"
    assert error["message"] == f'There is no {word} "{name}". Did you mean "{near}"?'


def test_several_unknown_names_are_told_in_one_error(known):
    asked = ("--customer", "acmee", "--customer", "nobody", "--metric", "gb-used")

    error = refusal(known, "usage", *asked)

    assert error["message"] == (
        'There is no customer "acmee". Did you mean "acme"?'
        ' There is no customer "nobody".'
        ' There is no metric "gb-used". Did you mean "gb_used"?'
    )
    assert error["code"] == "customer_not_found"


def test_of_very_many_unknown_names_some_are_told(known):
    names = [text for number in range(9) for text in ("--customer", f"nobody{number}")]

    error = refusal(known, "usage", *names)

    assert error["message"].count("There is no customer") == 5
    assert error["message"].endswith("4 more are unknown.")


@pytest.mark.parametrize("name", ["acme", "bolt", "idle"])
def test_a_customer_is_known_by_registration_or_by_an_event(known, name):
    (row,) = known("usage", "--customer", name, "-o", "json", "--now", NOW).json()

    assert row["external_customer_id"] == name


@pytest.mark.parametrize("name", ["sub-1", "by-event", "orphan"])
def test_a_subscription_is_known_by_registration_or_by_an_event(known, name):
    (row,) = known("usage", "--subscription", name, "-o", "json", "--now", NOW).json()

    assert row["external_subscription_id"] == name


@pytest.mark.parametrize("command", [["usage"], ["usage", "explain"], ["events", "list"]])
def test_a_subscription_of_somebody_else_is_no_silent_zero(known, command):
    error = refusal(known, *command, "--customer", "bolt", "--subscription", "sub-1")

    assert error["message"] == 'The subscription "sub-1" belongs to the customer "acme".'
    assert error["code"] == "subscription_of_another_customer"


def test_a_subscription_whose_customer_nobody_knows_is_nobodys(known):
    error = refusal(known, "usage", "--customer", "bolt", "--subscription", "orphan")

    assert error["message"] == ('Nobody knows which customer the subscription "orphan" belongs to.')


def test_a_subscription_that_only_events_name_can_be_registered(known):
    error = refusal(known, "subscriptions", "get", "by-event")

    assert error["message"] == (
        'The subscription "by-event" is not registered: only events name it.'
    )
    assert "subscriptions create --external-id by-event" in error["hint"]


def test_a_metric_that_only_events_name_can_be_defined(known):
    error = refusal(known, "usage", "--metric", "unpriced")

    assert "metrics create --code unpriced" in error["hint"]


def test_names_of_reverted_events_are_unknown_again(known):
    known("ingest-runs", "revert", "1", "--now", NOW)

    for option, name in (("--customer", "bolt"), ("--subscription", "by-event")):
        assert name in refusal(known, "usage", option, name)["message"]
    assert refusal(known, "events", "list", "--code", "unpriced")["code"] == "code_not_found"
    known("usage", "--customer", "acme", "--now", NOW)


def test_a_file_without_names_says_how_to_come_by_one(lago):
    lago("metrics", "create", "--code", "gb", "--aggregation-type", "count")

    assert "lago customers create" in refusal(lago, "usage", "--customer", "acme")["hint"]


def test_a_name_that_is_like_none_has_no_suggestion(known):
    message = refusal(known, "usage", "--customer", "zebra")["message"]

    assert message == 'There is no customer "zebra".'


def test_a_name_among_very_many_is_found_too(lago):
    rows = [
        {
            "transaction_id": str(number),
            "code": "c",
            "external_customer_id": f"cust_{number:05}",
            "timestamp": "2026-11-05T00:00:00Z",
        }
        for number in range(6_000)
    ]
    lago("ingest", "-q", lago.write("events.ndjson", rows), "--now", NOW)

    message = refusal(lago, "usage", "--customer", "Cust-05999")["message"]

    assert message.endswith('Did you mean "cust_05999"?')
    assert "customers list" in refusal(lago, "usage", "--customer", "nobody")["hint"]
    assert refusal(lago, "usage", "--customer", "cusst_05999")["message"].endswith('"cust_05999"?')
