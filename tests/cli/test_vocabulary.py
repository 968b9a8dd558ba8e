"""One vocabulary: a thing has the same names everywhere; those of others are understood."""

from __future__ import annotations

import json

import pytest

CALLS = ("--aggregation-type", "count")
NOVEMBER = ("--period", "2026-11")


# What is created is named by an argument or an option ---------------------------------------


@pytest.mark.parametrize(
    "named", [("calls",), ("--code", "calls"), ("--metric", "calls"), ("calls", "--code", "calls")]
)
def test_a_metric_is_named_by_an_argument_or_an_option(lago, named):
    assert lago("metrics", "create", *named, *CALLS, "-o", "json").json()["code"] == "calls"


@pytest.mark.parametrize("option", ["--external-id", "--customer", "--external-customer-id"])
def test_a_customer_is_named_by_an_argument_or_an_option(lago, option):
    assert lago("customers", "create", "acme", "-o", "json").json()["external_id"] == "acme"
    created = lago("customers", "create", option, "globex", "-o", "json").json()
    assert created["external_id"] == "globex"


@pytest.mark.parametrize("owner", ["--customer", "--external-customer-id"])
def test_a_subscription_is_named_by_an_argument_or_an_option(lago, owner):
    for named in (("s1",), ("--external-id", "s2"), ("--subscription", "s3")):
        created = lago("subscriptions", "create", *named, owner, "acme", "-o", "json").json()
        assert created["external_id"] == named[-1]
        assert created["external_customer_id"] == "acme"


def test_two_names_for_one_thing_are_wrong_use(lago):
    refused = lago("metrics", "create", "a", "--code", "b", *CALLS, exits=2)

    assert 'It is called "a" and, by --code, "b".' in refused.stderr
    assert list(lago.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "missing"),
    [
        (("metrics", "create", *CALLS), "Missing argument 'CODE', or --code."),
        (("customers", "create"), "Missing argument 'ID', or --external-id."),
        (
            ("subscriptions", "create", "--customer", "c"),
            "Missing argument 'ID', or --external-id.",
        ),
    ],
)
def test_what_has_no_name_is_wrong_use(lago, command, missing):
    refused = lago(*command, exits=2)

    assert refused.stderr == f"Error: {missing}\n  See: lago {command[0]} create --help\n"
    assert list(lago.folder.iterdir()) == []


def test_the_plan_of_a_subscription_has_both_spellings(lago):
    for option in ("--plan", "--plan-code"):
        refused = lago(
            "subscriptions", "create", "s", "--customer", "c", option, "gold", exits=None
        )
        assert "gold" in refused.stderr
        assert refused.code in (4, 5)


# Both spellings, in every command -----------------------------------------------------------

SPELLINGS = (
    ("--customer", "--external-customer-id", "harbor"),
    ("--subscription", "--external-subscription-id", "harbor-pro"),
    ("--metric", "--code", "storage"),
)
BY_USAGE = (("usage",), ("usage", "explain"))
BY_EVENTS = (("events", "list"), ("events", "export"))
BY_BILLS = (("invoices", "preview"), ("plans", "simulate", "basic"))


@pytest.mark.parametrize("command", [*BY_USAGE, *BY_EVENTS, *BY_BILLS], ids=" ".join)
def test_both_spellings_ask_for_the_same(ingested, command):
    for first, second, value in SPELLINGS[: 2 if command in BY_BILLS else 3]:
        answers = [
            ingested(*command, option, value, "-o", "json", exits=None)
            for option in (first, second)
        ]
        assert answers[0].stdout == answers[1].stdout
        assert answers[0].stderr == answers[1].stderr
        assert "No such option" not in answers[0].stderr


def test_an_event_is_sent_by_either_spelling(metrics):
    long = ("--external-customer-id", "c", "--external-subscription-id", "s", "--code", "api_calls")
    short = ("--customer", "c", "--subscription", "s", "--metric", "api_calls")
    for number, options in enumerate((long, short)):
        metrics("events", "send", *options, "--transaction-id", str(number), "-q")
    events = metrics("events", "list", "-o", "json").json()

    keys = ("external_customer_id", "external_subscription_id", "code")
    assert [[event[key] for key in keys] for event in events] == [["c", "s", "api_calls"]] * 2


def test_help_shows_one_spelling_and_names_the_other(lago):
    shown = " ".join(lago("usage", "--help").stdout.split())

    assert (
        "--customer ID Only this customer; may be repeated. [also: --external-customer-id]" in shown
    )


# Lago's own names ---------------------------------------------------------------------------


def test_lagos_names_of_commands_work(ingested):
    usage = ("-o", "json", *NOVEMBER)
    of_harbor = ingested("usage", "--customer", "harbor", *usage).stdout

    for words in (
        ("current-usage", "harbor", *usage),
        ("current-usage", *usage, "harbor"),
        ("current-usage", "-ojson", *NOVEMBER, "--prorated", "harbor"),
    ):
        shown = ingested("customers", *words)
        assert json.loads(shown.stdout) == json.loads(of_harbor)
    past = ingested("customers", "past-usage", "harbor", "-o", "json", "--now", "2026-12-05").stdout
    assert past == of_harbor


def test_an_event_can_be_created_and_a_batch_of_them(metrics):
    sent = ("--code", "api_calls", "--external-customer-id", "c", "--transaction-id", "1")
    metrics("events", "create", *sent, "-q")
    batch = metrics.write(
        "batch.json",
        [{"transaction_id": "2", "code": "api_calls", "external_customer_id": "c"}],
    )
    metrics("events", "batch", batch, "-q")

    found = metrics("events", "list", "-o", "json").json()
    assert {event["transaction_id"] for event in found} == {"1", "2"}


@pytest.mark.parametrize("group", ["metrics", "billable-metrics"])
def test_an_expression_is_evaluated_under_lagos_name(lago, group):
    words = ("--expression", "event.properties.gb * 2", "--event", '{"properties": {"gb": 2}}')

    assert lago(group, "evaluate-expression", *words, "-o", "json").json() == {"value": "4"}


def test_lagos_names_have_help_and_stand_in_no_list(lago):
    shown = lago("help", "events", "create").stdout

    assert shown == lago("events", "send", "--help").stdout
    assert "create" not in lago("events", "--help").stdout.partition("Examples:")[0]
    assert "customers current-usage ID" in " ".join(lago("help").stdout.split())


@pytest.mark.parametrize(
    ("words", "instead"),
    [
        (("wallets", "list"), "lago invoices preview"),
        (("coupons",), "lago plans --help"),
        (("invoices", "create"), "lago invoices preview"),
        (("taxes", "create", "--rate", "20"), "taxes: [{name: VAT, rate: 20}]"),
        (("webhook-endpoints",), "lago usage check"),
        (("events", "estimate-fees"), "lago plans estimate"),
        (("customers", "portal-url", "acme"), "lago invoices preview"),
        (("help", "add-ons"), "lago plans --help"),
        (("organizations", "update"), "--db"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_what_is_not_part_of_this_is_said_with_what_to_use(lago, words, instead):
    refused = lago(*words, exits=2)

    first, second = refused.stderr.splitlines()
    named = " ".join(word for word in words if word != "help")
    assert first.startswith("Error: lago ")
    assert named.startswith(first.removeprefix("Error: lago ").partition(" is no part of this")[0])
    assert instead in second
    in_json = lago(*words, env={"LAGO_OUTPUT": "json"}, exits=2)
    assert in_json.error()["code"] == "not_part_of_this"


# Definition files ---------------------------------------------------------------------------


def test_a_file_may_call_them_metrics(lago):
    lago.write("m.yml", "metrics:\n  - {code: a, aggregation_type: count}\n")
    lago("apply", "m.yml", "-q")

    assert [each["code"] for each in lago("metrics", "list", "-o", "json").json()] == ["a"]
    assert lago("apply", "m.yml", "--dry-run").stdout != ""
    assert lago("export").stdout.startswith("billable_metrics:")


def test_both_names_in_one_file_are_joined(lago):
    lago.write(
        "m.yml",
        "metrics:\n  - {code: a, aggregation_type: count}\n"
        "billable_metrics:\n  - {code: b, aggregation_type: count}\n",
    )
    lago("apply", "m.yml", "-q")

    assert [each["code"] for each in lago("metrics", "list", "-o", "json").json()] == ["a", "b"]


def test_a_fault_is_told_with_the_name_as_it_is_written(lago):
    lago.write(
        "m.yml",
        "metrics:\n  - {code: a, aggregation_type: sum}\n"
        "billable_metrics:\n  - {code: b, aggregation_type: count}\n"
        "  - {code: a, aggregation_type: count}\n",
    )
    refused = lago("apply", "m.yml", exits=5)

    assert "m.yml:2: metrics[0]: " in refused.stderr
    assert 'm.yml:5: billable_metrics[1]: "a" is defined twice' in refused.stderr
    lago.write("m.yml", "metrics: {code: a}\n")
    assert (
        "metrics: this is an object, where a list is expected"
        in lago("apply", "m.yml", exits=5).stderr
    )
