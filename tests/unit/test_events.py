"""What a good event is, and why another is refused."""

from __future__ import annotations

import json

import pytest

from lago_cli.domain.events import Event, parse_event
from lago_cli.domain.json_text import decode_object
from lago_cli.errors import Kind, LagoError

LEAST = {"transaction_id": "t", "code": "c", "external_customer_id": "a"}


def parsed(**changes):
    fields = {key: value for key, value in {**LEAST, **changes}.items() if value is not ...}
    return parse_event(decode_object(json.dumps(fields)))


def refusal(**changes):
    with pytest.raises(LagoError) as caught:
        parsed(**changes)
    assert caught.value.kind is Kind.REFUSED
    return caught.value


def test_the_least_there_is():
    assert parsed() == Event("t", "c", "a", None, None, "{}", None)


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        pytest.param({"transaction_id": 7}, "transaction_id", "7", id="a number as id"),
        pytest.param({"transaction_id": 1.50}, "transaction_id", "1.5", id="a decimal as id"),
        pytest.param({"transaction_id": " t "}, "transaction_id", " t ", id="blanks in an id"),
        pytest.param({"properties": None}, "properties", "{}", id="null properties"),
        pytest.param({"timestamp": None}, "at", None, id="a null timestamp"),
        pytest.param({"precise_total_amount_cents": "1.50"}, "precise_total_amount_cents", "1.5"),
        pytest.param({"precise_total_amount_cents": 12}, "precise_total_amount_cents", "12"),
        pytest.param({"external_subscription_id": ""}, "external_subscription_id", None),
        pytest.param(
            {"external_subscription_id": "s", "external_customer_id": ...},
            "external_customer_id",
            None,
            id="a subscription alone",
        ),
        pytest.param({"unknown": [1]}, "code", "c", id="an unknown key"),
    ],
)
def test_accepted(changes, field, value):
    assert getattr(parsed(**changes), field) == value


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"transaction_id": ...}, "missing_field", "transaction_id is missing"),
        ({"transaction_id": None}, "missing_field", "transaction_id is missing"),
        ({"transaction_id": ""}, "empty_field", "transaction_id is empty"),
        ({"transaction_id": " \n"}, "empty_field", "transaction_id is empty"),
        ({"transaction_id": True}, "wrong_type", "transaction_id is a boolean"),
        ({"transaction_id": ["t"]}, "wrong_type", "transaction_id is an array"),
        ({"code": ...}, "missing_field", "code is missing"),
        ({"code": ""}, "empty_field", "code is empty"),
        ({"code": 5}, "wrong_type", "code is a number"),
        ({"code": {}}, "wrong_type", "code is an object"),
        ({"external_customer_id": ...}, "missing_field", "external_customer_id or external_"),
        ({"external_customer_id": ""}, "missing_field", "external_customer_id or external_"),
        ({"external_customer_id": 7}, "wrong_type", "external_customer_id is a number"),
        ({"external_subscription_id": []}, "wrong_type", "external_subscription_id is an array"),
        ({"timestamp": ""}, "invalid_timestamp", "neither ISO 8601 nor UNIX seconds"),
        ({"timestamp": "yesterday"}, "invalid_timestamp", "'yesterday'"),
        ({"timestamp": "2023-09-04 15:45:12 CET"}, "invalid_timestamp", "neither"),
        ({"timestamp": True}, "invalid_timestamp", "timestamp is a boolean"),
        ({"timestamp": {}}, "invalid_timestamp", "timestamp is an object"),
        ({"timestamp": -1}, "timestamp_out_of_range", "before 2001"),
        ({"timestamp": "20261122"}, "timestamp_out_of_range", "before 2001"),
        ({"timestamp": 10**30}, "timestamp_out_of_range", "more than the ten digits"),
        ({"properties": "gb=10"}, "invalid_properties", "properties is text"),
        ({"properties": [1]}, "invalid_properties", "properties is an array"),
        ({"properties": 0}, "invalid_properties", "properties is a number"),
        ({"precise_total_amount_cents": "asdfa"}, "invalid_amount", "'asdfa' is not a number"),
        ({"precise_total_amount_cents": []}, "invalid_amount", "it is an array"),
    ],
)
def test_refused(changes, code, words):
    error = refusal(**changes)

    assert (error.code, words in error.message) == (code, True), error.message


def test_properties_and_ids_are_as_written():
    event = parse_event(
        decode_object(
            b'{"transaction_id":1e3,"code":"c","external_customer_id":"a","properties":{"a": 1.10}}'
        )
    )

    assert (event.transaction_id, event.properties) == ("1e3", '{"a": 1.10}')


def test_of_repeated_keys_the_last_counts():
    event = parse_event(
        decode_object(
            b'{"code":"x","transaction_id":"t","external_customer_id":"a","code":"y","code":"z"}'
        )
    )

    assert event.code == "z"
