"""`lago events explain`: one event's way to the figure that counts it, or to where it stops."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.conftest import Lago

NOW = "2026-11-22T12:00:00Z"
EVENT_KEYS = [
    *("transaction_id", "external_customer_id", "external_subscription_id", "code", "timestamp"),
    *("properties", "precise_total_amount_cents", "received_at", "run"),
]
DEFINITIONS = """
billable_metrics:
- code: gb
  aggregation_type: sum
  field_name: gb
  rounding_function: ceil
  filters: [{key: region, values: [eu, us]}]
- {code: calls, aggregation_type: count}
- {code: seats, aggregation_type: unique_count, field_name: user, recurring: true}
- {code: cpu, aggregation_type: sum, field_name: cpu, expression: event.properties.ms / 3}
subscriptions:
- {external_id: s1, external_customer_id: acme, started_at: 2026-11-04, terminated_at: 2026-11-20}
- {external_id: b1, external_customer_id: bolt, started_at: 2026-11-10}
- {external_id: b2, external_customer_id: bolt, started_at: 2026-11-15}
- {external_id: void, external_customer_id: zoe, started_at: 2026-11-10, ending_at: 2026-11-10}
"""


def event(transaction_id, code, day, customer=None, subscription=None, **properties):
    return {
        "transaction_id": transaction_id,
        "code": code,
        "external_customer_id": customer,
        "external_subscription_id": subscription,
        "timestamp": f"2026-{day}T00:00:00Z",
        "properties": properties,
    }


EARLY = [  # before anybody has a subscription
    event("several", "calls", "11-16", "bolt"),
    event("none", "calls", "11-01", "bolt"),
]
EVENTS = [
    event("counted", "gb", "11-05", "acme", "s1", gb="0.1", region="eu"),
    event("before", "gb", "11-03", None, "s1", gb=1),
    event("at the end", "gb", "11-20", None, "s1", gb=1),
    event("unmatched", "gbb", "11-05", None, "s1", gb=1),
    event("unusable", "gb", "11-05", None, "s1", gb="much"),
    event("missing", "gb", "11-05", None, "s1"),
    event("text", "cpu", "11-05", None, "s1", ms="x"),
    event("third", "cpu", "11-05", None, "s1", ms=1),
    event("item", "seats", "11-05", None, "s1", user="ana", operation_type="delete"),
    event("history", "seats", "10-05", None, "s1", user="bo"),
    event("removal", "seats", "11-06", None, "s1", user="bo", operation_type="remove"),
    event("one", "calls", "11-12", "bolt"),
    event("stranger", "calls", "11-01", "nobody"),
    event("unknown", "calls", "11-01", None, "s9"),
    event("void", "calls", "11-10", None, "void"),
    event("void history", "seats", "11-01", None, "void", user="x"),
    event("void old history", "seats", "10-01", None, "void", user="x"),
    event("twice", "calls", "11-05", None, "s1"),
    event("twice", "gb", "11-03", None, "s1x", gb=2),
    event("twice", "calls", "11-06", "acme"),
]


@pytest.fixture(scope="module")
def used_file(tmp_path_factory):
    lago = Lago(tmp_path_factory.mktemp("used"))
    lago.write("early.ndjson", EARLY)
    lago("ingest", "-q", "early.ndjson", "--now", NOW)
    lago("apply", lago.write("definitions.yml", DEFINITIONS), "--now", NOW)
    lago.write("events.ndjson", EVENTS)
    lago("ingest", "-q", "events.ndjson", "--now", NOW)
    return lago.folder / "lago.db"


@pytest.fixture
def used(lago, used_file):
    """Usage of customers with none, one and several subscriptions."""
    shutil.copy(used_file, lago.folder)
    return lago


def explained(lago, transaction_id):
    return lago("events", "explain", transaction_id, "-o", "json", "--now", NOW).json()


def details(answer):
    return {step["step"]: step["detail"] for step in answer["steps"]}


def test_a_counted_event_goes_through_every_step(used):
    answer = explained(used, "counted")

    assert list(answer) == [*EVENT_KEYS, "counted", "stopped_at", "steps", "usage"]
    assert (answer["counted"], answer["stopped_at"]) == (True, None)
    assert [(step["step"], step["passed"]) for step in answer["steps"]] == [
        (name, True)
        for name in (
            *("stored", "metric", "owner", "value", "subscription", "period", "filter"),
            "usage",
        )
    ]
    told = details(answer)
    assert told["stored"] == f"received {NOW} by run 2 (events.ndjson)"
    assert told["metric"] == "gb (sum_agg) counts events of this code"
    assert told["owner"] == "names the subscription s1, of customer acme"
    assert told["value"] == "gb is 0.1"
    assert told["subscription"] == "s1 was active then"
    assert told["period"] == (
        "2026-11-04T00:00:00Z to 2026-11-20T00:00:00Z, cut to the life of the subscription"
    )
    assert told["filter"] == "region=eu"
    assert told["usage"].startswith("adds its value: 0.1 of 1 units")
    assert answer["usage"] == {
        "external_customer_id": "acme",
        "external_subscription_id": "s1",
        "billable_metric_code": "gb",
        "from_datetime": "2026-11-04T00:00:00Z",
        "to_datetime": "2026-11-20T00:00:00Z",
        "group": None,
        "units": "1",
        "contribution": "0.1",
        "contribution_exact": "0.1",
    }


@pytest.mark.parametrize(
    ("transaction_id", "step", "detail"),
    [
        ("unmatched", "metric", 'no metric has the code "gbb": define one, and it counts'),
        ("unusable", "value", "property 'gb' is unusable: 'much' is not a number"),
        ("missing", "value", "property 'gb' is unusable: it is missing"),
        ("item", "value", "operation_type is 'delete', neither add nor remove"),
        (
            "before",
            "subscription",
            "comes before the subscription's start, 2026-11-04T00:00:00Z",
        ),
        (
            "at the end",
            "subscription",
            "comes after the subscription's end, 2026-11-20T00:00:00Z",
        ),
        ("void", "subscription", "comes after the subscription's end, 2026-11-10T00:00:00Z"),
        ("void history", "subscription", "comes before the subscription's start, 2026-11-10"),
        ("void old history", "subscription", "its subscription ended as it started"),
    ],
)
def test_the_step_at_which_an_event_stops(used, transaction_id, step, detail):
    answer = explained(used, transaction_id)

    assert (answer["counted"], answer["stopped_at"], answer["usage"]) == (False, step, None)
    *earlier, last = answer["steps"]
    assert {each["passed"] for each in earlier} == {True}
    assert (last["step"], last["passed"]) == (step, False)
    assert last["detail"].startswith(detail)


def test_an_expression_that_has_no_value_says_why(used):
    answer = explained(used, "text")

    assert answer["stopped_at"] == "value"
    assert "ms" in answer["steps"][-1]["detail"]
    assert details(explained(used, "third"))["value"] == (
        "event.properties.ms / 3 is 0.333333333333"
    )


@pytest.mark.parametrize(
    ("transaction_id", "owner", "subscription"),
    [
        ("one", "names the customer bolt, whose only active subscription is b1", "b1"),
        (
            "none",
            "names the customer bolt, who had no active subscription then, or several",
            None,
        ),
        (
            "several",
            "names the customer bolt, who had no active subscription then, or several",
            None,
        ),
        (
            "stranger",
            "names the customer nobody, who had no active subscription then, or several",
            None,
        ),
        ("unknown", "names the subscription s9, nobody knows whose", "s9"),
    ],
)
def test_whose_an_event_is(used, transaction_id, owner, subscription):
    answer = explained(used, transaction_id)

    assert details(answer)["owner"] == owner
    assert answer["usage"]["external_subscription_id"] == subscription
    assert (answer["counted"], answer["usage"]["contribution"]) == (True, "1")


def test_history_is_carried_into_the_first_period(used):
    answer = explained(used, "history")

    assert details(answer)["subscription"] == (
        "came before its start, 2026-11-04T00:00:00Z, and is carried into it"
    )
    assert details(answer)["usage"].endswith("it is carried into later periods")
    assert answer["usage"]["from_datetime"] == "2026-11-04T00:00:00Z"
    assert answer["usage"]["contribution"] == "1"
    removal = explained(used, "removal")
    assert details(removal)["value"] == "user is 'bo'; operation_type is remove; -1"
    assert (removal["counted"], removal["usage"]["contribution"]) == (True, "-1")


def test_several_events_of_one_id_are_all_explained(used):
    answers = explained(used, "twice")

    assert [
        (row["external_subscription_id"], row["code"], row["stopped_at"]) for row in answers
    ] == [("s1", "calls", None), ("s1x", "gb", None), (None, "calls", None)]
    assert used("events", "explain", "twice", "-o", "ndjson", "--now", NOW).ndjson() == answers
    table = used("events", "explain", "twice", "--now", NOW).stdout
    assert table.count(" · twice\n") == 3


def test_what_counts_is_part_of_usage(used):
    """The figure that is named is the one that usage gives for its period."""
    for name in ("counted", "third", "one", "history"):
        told = explained(used, name)["usage"]
        asked = ("--from", told["from_datetime"], "--to", told["to_datetime"])
        owner = ("--subscription", told["external_subscription_id"])
        rows = used("usage", *owner, *asked, "-o", "json").json()

        wanted = {key: told[key] for key in list(told)[:7]}
        assert wanted in [{key: row.get(key) for key in wanted} for row in rows]


@pytest.mark.parametrize("name", ["counted", "before", "unusable", "history"])
def test_the_table_looks_like_this(used, golden, name):
    golden(f"events_explain_{name}.txt", used("events", "explain", name, "--now", NOW))


def test_csv_has_the_steps_in_a_cell(used):
    (row,) = used("events", "explain", "counted", "-o", "csv", "--now", NOW).csv()

    assert list(row) == [*EVENT_KEYS, "counted", "stopped_at", "steps", "usage"]
    assert [step["step"] for step in json.loads(row["steps"])][-1] == "usage"


def test_an_event_that_was_never_stored_is_not_found(used):
    refused = used("events", "explain", "nowhere", "-o", "json", exits=4)

    assert refused.stdout == ""
    assert refused.error()["code"] == "event_not_found"
    assert refused.error()["message"] == 'There is no event "nowhere" in this file.'
    assert refused.error()["hint"] == ("Was it rejected? lago ingest --rejects FILE tells why.")
    used("events", "explain", exits=2)
    used("events", "explain", "counted", "--db", "nowhere.db", exits=4)


def test_an_event_that_was_taken_back_may_have_been(used):
    used("ingest-runs", "revert", 2, "-q")
    refused = used("events", "explain", "counted", exits=4)

    assert "never" not in refused.stderr
    assert "lago ingest-runs list" in refused.stderr


def test_a_definition_that_comes_later_lets_it_count(used):
    named = ("--code", "gbb", "--aggregation-type", "count")
    used("metrics", "create", *named)

    assert explained(used, "unmatched")["counted"] is True


def test_the_version_that_took_the_place_of_another_is_explained(used):
    again = {**EVENTS[0], "properties": {"gb": "7", "region": "us"}}
    asked = ("--on-duplicate", "replace", "--now", "2026-11-23T00:00:00Z")
    used("ingest", "-q", *asked, stdin=json.dumps(again))
    answer = explained(used, "counted")

    assert answer["usage"]["contribution"] == "7"
    assert details(answer)["stored"] == (
        "received 2026-11-23T00:00:00Z by run 3 (<stdin>);"
        " it replaced the version of run 2, which differed in its properties"
    )
    used("ingest", "-q", *asked, stdin=json.dumps({**again, "code": "other", "properties": {}}))
    assert details(explained(used, "counted"))["stored"].endswith(
        "it replaced the version of run 3, which differed in its code and properties"
    )
    used("ingest", "-q", *asked, stdin=json.dumps(again))
    used("ingest-runs", "revert", 4, "-q")
    assert details(explained(used, "counted"))["stored"].endswith(
        "it replaced the version of run 3, which said the same"
    )


HOSTILE = "[/red]\x1b[31m\n' OR 1=1 --🙂"


def test_hostile_text_is_shown_escaped(lago):
    lago("metrics", "create", "--code", HOSTILE, "--aggregation-type", "max", "--field-name", "x")
    lines = [event(HOSTILE, HOSTILE, "11-02", HOSTILE, HOSTILE, x=x) for x in (1,)]
    lines.append(event("2", HOSTILE, "11-02", HOSTILE, None, x=HOSTILE))
    lago("ingest", "-q", stdin="\n".join(map(json.dumps, lines)))

    for name in (HOSTILE, "2"):
        shown = lago("events", "explain", name).stdout
        assert "\x1b" not in shown
        assert "[/red]" in shown
    assert explained(lago, HOSTILE)["transaction_id"] == HOSTILE
