"""`lago metrics evaluate`: what an expression says about one event."""

from __future__ import annotations

import json

import pytest

NOW = "2026-11-22T12:00:00Z"
EVENT = {
    "code": "calls",
    "timestamp": "2026-11-02T10:30:00.5Z",
    "properties": {
        "gb": "1.5",
        "n": 3,
        "big": 10**30,
        "text": "[/red]\n' --🙂",
        "none": None,
        "flag": True,
        "nested": {"n": 1},
    },
}


def evaluate(lago, expression, event=EVENT, *, exits=0):
    given = event if isinstance(event, str) else json.dumps(event)
    options = ("--expression", expression, "--event", given, "-o", "json", "--now", NOW)
    return lago("metrics", "evaluate", *options, exits=exits)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("event.properties.gb", "1.5"),
        ("event.properties.gb * event.properties.n", "4.5"),
        ("event.properties.n / 7", "0.428571428571"),
        ("event.properties.n / 7 * 7", "3"),
        ("0.1 + 0.2", "0.3"),
        ("event.properties.big + 0.1", "1" + "0" * 30 + ".1"),
        ("ceil(event.properties.gb)", "2"),
        ("round(event.properties.n / 7, 2)", "0.43"),
        ("floor(-1.5)", "-2"),
        ("event.timestamp", "1793615400"),
        ("event.code", "calls"),
        ("concat(event.code, '-', event.properties.n)", "calls-3"),
        ("event.properties.text", "[/red]\n' --🙂"),
    ],
)
def test_a_value_is_exact(lago, expression, value):
    assert evaluate(lago, expression).json() == {"value": value}
    assert list(lago.folder.iterdir()) == []


def test_it_is_the_value_that_a_metric_reads(lago):
    expression = "event.properties.gb / event.properties.n"
    named = ("--code", "calls", "--aggregation-type", "sum", "--field-name", "x")
    lago("metrics", "create", *named, "--expression", expression)
    lago(
        "ingest",
        "-q",
        stdin=json.dumps({"transaction_id": "1", "external_customer_id": "c", **EVENT}),
    )
    (row,) = lago("usage", "-o", "json", "--now", NOW).json()

    assert evaluate(lago, expression).json() == {"value": row["units"]}


@pytest.mark.parametrize("output", ["table", "ndjson", "csv", "markdown"])
def test_other_formats_show_it_too(lago, output):
    asked = ("--expression", "event.properties.n", "--event", json.dumps(EVENT))

    assert "3" in lago("metrics", "evaluate", *asked, "-o", output).stdout
    text = lago("metrics", "evaluate", "--expression", "event.properties.text", *asked[2:]).stdout
    assert "[/red]\\n" in text


def test_the_event_may_be_wrapped_as_it_is_sent(lago):
    wrapped = {"event": EVENT}

    assert evaluate(lago, "event.properties.n", wrapped).json() == {"value": "3"}
    beside = {"event": EVENT, "properties": {"n": 4}}
    assert evaluate(lago, "event.properties.n", beside).json() == {"value": "4"}


def test_the_event_may_be_in_a_file_or_on_standard_input(lago):
    text = json.dumps(EVENT, indent=1)
    lago.write("event.json", text)
    asked = ("metrics", "evaluate", "--expression", "event.properties.n", "-o", "json", "--event")

    assert lago(*asked, "@event.json").json() == {"value": "3"}
    assert lago(*asked, "-", stdin=text).json() == {"value": "3"}
    assert lago(*asked, "@-", stdin=text).json() == {"value": "3"}
    missing = lago(*asked, "@nowhere.json", exits=4)
    assert missing.error()["code"] == "file_not_found"
    assert lago(*asked, "-", stdin="", exits=2).error()["code"] == "invalid_event"


def test_what_the_event_does_not_say_is_now_and_nothing(lago):
    assert evaluate(lago, "event.timestamp", {}).json() == {"value": "1795348800"}
    assert evaluate(lago, "event.timestamp", {"timestamp": None}).json() == {"value": "1795348800"}
    assert evaluate(lago, "event.timestamp", {"timestamp": 1e9}).json() == {"value": "1000000000"}
    assert evaluate(lago, "1 + 1", {"properties": None}).json() == {"value": "2"}


@pytest.mark.parametrize(
    "event",
    [
        *("", "nonsense", "{", "[]", "1", "null", '"text"', '{"properties": 1}'),
        *('{"properties": []}', '{"properties": "{}"}', '{"timestamp": "soon"}'),
        *(
            '{"timestamp": 1e30}',
            '{"timestamp": 1793615400500}',
            '{"timestamp": {}}',
            '{"properties": {"n": NaN}}',
        ),
        '{"event": {"properties": 1}}',
        "[" * 5_000,
        '{"a":' * 5_000,
    ],
    ids=lambda event: event[:30],
)
def test_what_is_no_event_is_wrong_use(lago, event):
    refused = evaluate(lago, "event.properties.n", event, exits=2)

    assert refused.stdout == ""
    assert refused.error()["code"] == "invalid_event"
    assert refused.error()["message"].startswith("--event: ")


@pytest.mark.parametrize(
    "expression",
    [
        *("event.properties.missing", "event.properties.none", "event.properties.flag"),
        *("event.properties.nested + 1", "event.properties.text * 2", "event.properties.n / 0"),
        "event.properties.n / (event.properties.gb - 1.5)",
    ],
)
def test_an_expression_without_a_value_is_refused(lago, expression):
    refused = evaluate(lago, expression, exits=5)

    assert refused.stdout == ""
    assert refused.error()["code"] == "unevaluable"
    message = refused.error()["message"]
    assert message.startswith("The expression has no value: ")
    assert not message.endswith("..")


@pytest.mark.parametrize(
    "expression", ["1 +", "event.properties", "nope(1)", "(" * 5_000, "import os", "1; 2"]
)
def test_what_is_no_expression_is_refused(lago, expression):
    refused = evaluate(lago, expression, exits=5)

    assert refused.stdout == ""
    assert refused.error()["code"] == "invalid_expression"


def test_both_are_needed(lago):
    for empty in ("", " "):
        assert evaluate(lago, empty, exits=5).error()["code"] == "value_is_mandatory"
    lago("metrics", "evaluate", "--expression", "1", exits=2)
    lago("metrics", "evaluate", "--event", "{}", exits=2)
