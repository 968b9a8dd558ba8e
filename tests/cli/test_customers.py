"""Customers: registered or created by their first event, and where their days begin."""

from __future__ import annotations

import json

import pytest

KEYS = ["external_id", "name", "timezone", "currency", "created_at"]
NOW = "2026-11-22T10:20:30.5Z"
HOSTILE = ["a' OR 1=1 --", "[/red]", '"', "🙂", "two\nlines", "\x1b[31m", "a/../b", "%00", "é"]


def create(lago, external_id, *more, **how):
    named = ("--external-id", external_id)
    return lago("customers", "create", *named, *more, "--now", NOW, "-o", "json", **how)


def send(lago, customer, transaction_id="t1", at="2026-11-10", **more):
    event = {
        "transaction_id": transaction_id,
        "external_customer_id": customer,
        "code": "calls",
        "timestamp": at,
        **more,
    }
    lago("ingest", "-q", "--now", "2026-11-11", stdin=json.dumps(event))


def listed(lago):
    return {row["external_id"]: row for row in lago("customers", "list", "-o", "json").json()}


def names(lago):
    return sorted(path.name for path in lago.folder.iterdir())


# Registering ------------------------------------------------------------------------------


def test_a_customer_has_all_its_keys_in_order(lago):
    given = ("--name", "Acme Inc.", "--timezone", "Europe/Paris", "--currency", "EUR")
    created = create(lago, "acme", *given)
    expected = {
        "external_id": "acme",
        "name": "Acme Inc.",
        "timezone": "Europe/Paris",
        "currency": "EUR",
        "created_at": NOW,
    }

    assert created.json() == expected
    assert list(created.json()) == KEYS
    assert created.stderr == "Created ./lago.db\n"
    assert lago("customers", "get", "acme", "-o", "json").json() == expected
    assert lago("customers", "list", "-o", "json").json() == [expected]
    assert lago("customers", "list", "-o", "ndjson").ndjson() == [expected]
    assert lago("customers", "list", "-o", "csv").csv() == [expected]


def test_only_the_external_id_is_needed(lago):
    assert create(lago, "acme").json() == {
        **dict.fromkeys(KEYS),
        "external_id": "acme",
        "created_at": NOW,
    }
    assert create(lago, "bolt", "--name", "", "--timezone", "", "--currency", "").json() == {
        **dict.fromkeys(KEYS),
        "external_id": "bolt",
        "created_at": NOW,
    }


def test_customers_are_listed_by_their_external_id(lago):
    for name in ("b", "a", "C", "ä"):
        create(lago, name)

    assert list(listed(lago)) == ["C", "a", "b", "ä"]


@pytest.mark.parametrize("name", HOSTILE)
def test_an_external_id_may_hold_anything(lago, name):
    create(lago, name, "--name", name)

    assert lago("customers", "get", name, "-o", "json").json()["name"] == name
    assert "\x1b" not in lago("customers", "list").stdout
    lago("customers", "update", name, "--name", "other")
    lago("customers", "delete", name)
    assert listed(lago) == {}


@pytest.mark.parametrize(
    ("external_id", "options", "code", "said"),
    [
        ("", [], "invalid_external_id", "A customer needs an external id."),
        (" \t", [], "invalid_external_id", "A customer needs an external id."),
        ("a", ["--timezone", "Mars/Olympus"], "unknown_timezone", '"Mars/Olympus" is no time'),
        ("a", ["--timezone", "../../etc/passwd"], "unknown_timezone", "is no time zone"),
        ("a", ["--timezone", "localtime"], "unknown_timezone", '"localtime" is no time zone'),
        ("a", ["--currency", "euro"], "invalid_currency", '"euro" is no currency'),
        ("a", ["--currency", "eur"], "invalid_currency", '"eur" is no currency'),
        ("a", ["--currency", "EUR\n"], "invalid_currency", "is no currency"),
    ],
)
def test_what_breaks_a_rule_is_refused(lago, external_id, options, code, said):
    error = create(lago, external_id, *options, exits=5).error()

    assert error["code"] == code
    assert said in error["message"]
    assert names(lago) == []


def test_a_time_zone_that_is_almost_right_is_suggested(lago):
    error = create(lago, "a", "--timezone", "europe/paris", exits=5).error()

    assert error["hint"] == 'Did you mean "Europe/Paris"?'


def test_a_customer_is_registered_once(lago):
    create(lago, "acme", "--name", "first")
    error = create(lago, "acme", "--name", "second", exits=5).error()

    assert error == {
        "code": "customer_exists",
        "message": 'The customer "acme" is already registered.',
        "hint": "Change it with: lago customers update ID",
    }
    assert listed(lago)["acme"]["name"] == "first"


@pytest.mark.parametrize(
    "command",
    [
        ("customers", "create"),
        ("customers", "create", "a", "b"),
        ("customers", "get"),
        ("customers", "update"),
        ("customers", "delete"),
        ("customers", "list", "surplus"),
        ("customers", "create", "--external-id", "a", "--colour", "red"),
        ("customers", "rename", "a"),
    ],
    ids=" ".join,
)
def test_wrong_use_is_told(lago, command):
    assert lago(*command, "-o", "json", exits=2).stdout == ""
    assert names(lago) == []


# Customers of events ----------------------------------------------------------------------


def test_the_first_event_of_a_customer_creates_it(lago):
    send(lago, "acme")
    send(lago, "acme", "t2")

    assert listed(lago) == {
        "acme": {
            **dict.fromkeys(KEYS),
            "external_id": "acme",
            "created_at": "2026-11-11T00:00:00Z",
        }
    }


def test_a_customer_of_events_is_registered_like_a_new_one(lago):
    send(lago, "acme")
    created = create(lago, "acme", "--name", "Acme", "--timezone", "Asia/Tokyo").json()

    assert (created["name"], created["timezone"]) == ("Acme", "Asia/Tokyo")
    assert created["created_at"] == "2026-11-11T00:00:00Z"
    assert create(lago, "acme", exits=5).error()["code"] == "customer_exists"


def test_a_customer_of_events_may_be_changed_too(lago):
    send(lago, "acme")
    lago("customers", "update", "acme", "--timezone", "Asia/Tokyo")

    assert listed(lago)["acme"]["timezone"] == "Asia/Tokyo"


def test_the_time_zone_holds_for_events_that_came_before_it(lago):
    """Midnight of 10 November in Tokyo is 15:00 of the day before."""
    lago("metrics", "create", "--code", "calls", "--aggregation-type", "count")
    send(lago, "acme", at="2026-11-09T15:00:00Z")
    asked = ("usage", "--period", "2026-11-10", "-o", "json")
    assert lago(*asked).json() == []
    create(lago, "acme", "--timezone", "Asia/Tokyo")
    (row,) = lago(*asked).json()
    assert (row["from_datetime"], row["units"]) == ("2026-11-09T15:00:00Z", "1")

    lago("customers", "update", "acme", "--timezone", "")
    assert lago(*asked).json() == []


# Changing ---------------------------------------------------------------------------------


def test_an_update_changes_what_is_given_and_nothing_else(lago):
    before = create(lago, "acme", "--name", "Acme", "--timezone", "Asia/Tokyo").json()
    changed = lago("customers", "update", "acme", "--currency", "USD", "-o", "json").json()

    assert changed == {**before, "currency": "USD"}
    assert lago("customers", "update", "acme", "-o", "json").json() == changed


def test_an_empty_text_takes_a_value_away(lago):
    create(lago, "acme", "--name", "Acme", "--timezone", "Asia/Tokyo", "--currency", "EUR")
    empty = ("--name", "", "--timezone", "", "--currency", "")
    changed = lago("customers", "update", "acme", *empty, "-o", "json").json()

    assert changed == {**dict.fromkeys(KEYS), "external_id": "acme", "created_at": NOW}


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--timezone", "Mars/Olympus"], "unknown_timezone"),
        (["--currency", "euro"], "invalid_currency"),
        (["--name", "x", "--currency", "€"], "invalid_currency"),
    ],
)
def test_an_update_that_breaks_a_rule_changes_nothing(lago, options, code):
    before = create(lago, "acme", "--name", "Acme").json()
    error = lago("customers", "update", "acme", *options, "-o", "json", exits=5).error()

    assert error["code"] == code
    assert listed(lago)["acme"] == before


# Deleting ---------------------------------------------------------------------------------


def test_a_customer_nobody_names_is_gone(lago):
    created = create(lago, "acme", "--name", "Acme").json()
    deleted = lago("customers", "delete", "acme", "-o", "json")

    assert deleted.json() == created
    assert deleted.stderr == ""
    assert listed(lago) == {}
    lago("customers", "get", "acme", exits=4)


def test_the_events_of_a_deleted_customer_stay(lago):
    """And so does the customer, as if its events alone had created it."""
    lago("metrics", "create", "--code", "calls", "--aggregation-type", "count")
    create(lago, "acme", "--name", "Acme", "--timezone", "Asia/Tokyo")
    send(lago, "acme")
    deleted = lago("customers", "delete", "acme", "-o", "json")

    assert deleted.json()["name"] == "Acme"
    assert "events are kept" in deleted.stderr
    assert listed(lago)["acme"] == {**dict.fromkeys(KEYS), "external_id": "acme", "created_at": NOW}
    assert [row["transaction_id"] for row in lago("events", "list", "-o", "json").json()] == ["t1"]
    (row,) = lago("usage", "--period", "2026-11", "-o", "json").json()
    assert (row["external_customer_id"], row["units"]) == ("acme", "1")
    assert create(lago, "acme", "--name", "again").json()["name"] == "again"


def test_a_customer_with_a_subscription_is_not_deleted(lago):
    named = ("--external-id", "s1", "--external-customer-id", "acme")
    lago("subscriptions", "create", *named)
    error = lago("customers", "delete", "acme", "-o", "json", exits=5).error()

    assert error["code"] == "customer_has_subscriptions"
    assert '"s1"' in error["message"]
    assert "acme" in listed(lago)


# What is not there ------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["get", "update", "delete"])
def test_an_unknown_customer_is_not_found(lago, command):
    create(lago, "acme")
    error = lago("customers", command, "other", "-o", "json", exits=4).error()

    assert error == {
        "code": "customer_not_found",
        "message": 'There is no customer "other".',
        "hint": "List them with: lago customers list",
    }


@pytest.mark.parametrize(
    "command", [("list",), ("get", "a"), ("update", "a", "--name", "x"), ("delete", "a")]
)
def test_a_missing_file_is_not_created(lago, command):
    error = lago("customers", *command, "-o", "json", exits=4)

    assert error.error()["code"] in ("database_not_found", "customer_not_found")
    assert names(lago) == []


def test_no_customers_are_an_empty_list(lago):
    lago("metrics", "create", "--code", "calls", "--aggregation-type", "count")

    assert lago("customers", "list", "-o", "json").json() == []
    assert "No customers yet" in lago("customers", "list").stdout
