"""Two exports make the same file again, in the order that the documentation tells."""

from __future__ import annotations

import json

import pytest

AT = ("2026-11-02", "2026-11-12", "2026-11-22")
SUBSCRIPTIONS = [
    {"external_id": "first", "external_customer_id": "acme", "started_at": "2026-11-01"},
    {"external_id": "second", "external_customer_id": "acme", "started_at": "2026-11-10"},
]
SEATS = {
    "code": "seats",
    "name": "Seats",
    "aggregation_type": "sum_agg",
    "field_name": "n",
    "recurring": True,
}
NOVEMBER = ("--from", "2026-11-01", "--to", "2026-12-01", "-o", "json")


def event(number, at, subscription=None):
    return {
        "transaction_id": f"t{number}",
        "external_customer_id": "acme",
        "external_subscription_id": subscription,
        "code": "seats",
        "timestamp": at,
        "properties": {"n": 10**number},
    }


@pytest.fixture
def filled(lago):
    """Events that name only a customer, who has two subscriptions since."""
    define(lago, {"billable_metrics": [SEATS]})
    lago.write("events", [event(number, at) for number, at in enumerate(AT)])
    lago("ingest", "events")
    define(lago, {"subscriptions": SUBSCRIPTIONS})
    lago("ingest", stdin=json.dumps(event(5, AT[2], "second")))
    return lago


def define(lago, definitions, *options):
    lago("apply", lago.write("definitions.json", json.dumps(definitions)), *options)


def answers(lago, *options):
    for by in ("customer", "subscription"):
        yield lago("usage", *NOVEMBER, "--by", by, *options).json()
    yield sorted(lago("events", "export", *options).stdout.splitlines())
    yield lago("export", *options).stdout


def test_events_and_then_definitions_make_the_same_file_again(filled):
    filled.write("events", filled("events", "export").stdout)
    filled.write("definitions.yml", filled("export").stdout)
    new = ("--db", "new.db")
    filled("ingest", "events", *new)
    filled("apply", "definitions.yml", *new)

    assert list(answers(filled, *new)) == list(answers(filled))
    filled("db", "check", *new)


def test_definitions_first_refuse_what_does_not_say_whose_it_is(filled):
    """As any new event; what could be taken in is, and the rest goes in once they are gone."""
    filled.write("events", filled("events", "export").stdout)
    filled.write("definitions.yml", filled("export").stdout)
    new = ("--db", "new.db")
    filled("apply", "definitions.yml", *new)
    report = filled("ingest", "events", *new, "-o", "json", exits=5).json()

    assert {row["code"] for row in report["rejections"]} == {"subscription_required"}


@pytest.mark.parametrize("registered", [1, 2])
def test_history_is_that_of_the_only_subscription_a_customer_ever_had(lago, registered):
    """What came before two of them is the customer's, whose figure it is in either case."""
    define(lago, {"billable_metrics": [SEATS]})
    lago("ingest", stdin=json.dumps(event(0, "2026-10-05")))
    define(lago, {"subscriptions": SUBSCRIPTIONS[:registered]})
    rows = lago("usage", *NOVEMBER, "--by", "subscription").json()
    units = {row["external_subscription_id"]: row["units"] for row in rows}

    assert units.get("first", "0") == ("1" if registered == 1 else "0")
    assert sum(int(row["units"]) for row in rows) == 1
    (row,) = lago("usage", *NOVEMBER).json()
    assert row["units"] == "1"
