"""What is wrong with a batch of events is told at once, by the position of each of them."""

from __future__ import annotations

import pytest

from tests.conftest import Lago
from tests.server.conftest import Serve
from tests.servers import Api

TAKEN = {"transaction_id": ["value_already_exist"]}
UNREADABLE = {"timestamp": ["invalid_format"]}
NO_EVENT = {"event": ["invalid_event"]}


def event(name: object, **more: object) -> dict[str, object]:
    return {
        "transaction_id": name,
        "external_subscription_id": "s",
        "code": "calls",
        "timestamp": "2026-11-01T00:00:00Z",
        **more,
    }


def stored(lago: Lago) -> list[str]:
    return sorted(row["transaction_id"] for row in lago("events", "list", "-o", "json").json())


def test_ids_that_are_taken_are_told_beside_events_that_cannot_be_read(lago: Lago, api: Api):
    api.send(event("t1"))

    answer = api.send(event("t2"), event("t3", timestamp="soon"), event("t1"), status=422)

    assert answer["error_details"] == {"1": UNREADABLE, "2": TAKEN}
    assert stored(lago) == ["t1"]


def test_ids_that_come_twice_are_told_beside_events_that_cannot_be_read(lago: Lago, api: Api):
    answer = api.send(event("t1", timestamp="soon"), event("t2"), event("t2"), status=422)

    assert answer["error_details"] == {"0": UNREADABLE, "2": TAKEN}
    assert stored(lago) == []


def test_an_id_is_taken_within_its_subscription(api: Api):
    api.send(event("t1"))
    other = event("t1", external_subscription_id="other")

    answer = api.send(other, event("t2", timestamp="soon"), status=422)

    assert answer["error_details"] == {"1": UNREADABLE}


def test_positions_are_told_in_their_order(api: Api):
    api.send(event("t1"))
    soon = event("t2", timestamp="soon")

    answer = api.send(soon, event("t1"), soon, event("t1"), soon, status=422)

    assert list(answer["error_details"]) == ["0", "1", "2", "3", "4"]


def test_what_may_come_again_is_no_fault_beside_events_that_cannot_be_read(serve: Serve):
    api = serve(on_duplicate="skip")
    api.send(event("t1"))

    answer = api.send(event("t1"), event("t2", timestamp="soon"), status=422)

    assert answer["error_details"] == {"1": UNREADABLE}


def test_a_subscription_of_somebody_else_is_told_beside_events_that_cannot_be_read(
    lago: Lago, api: Api
):
    lago("subscriptions", "create", "s", "--external-customer-id", "acme")

    foreign = event("t1", external_customer_id="globex")
    answer = api.send(foreign, event("t2", timestamp="soon"), status=422)

    assert answer["error_details"] == {
        "0": {"external_subscription_id": ["subscription_of_another_customer"]},
        "1": UNREADABLE,
    }


def test_the_events_without_a_fault_can_be_sent_again(lago: Lago, api: Api):
    api.send(event("t1"), event("t2", timestamp="soon"), status=422)

    api.send(event("t1"))

    assert stored(lago) == ["t1"]


def test_all_faults_of_a_batch_are_kept_for_people_who_look_for_them(api: Api):
    api.send(event("t1"))
    api.send(event("t1"), event("t2", timestamp="soon"), status=422)

    rows = api.http.get("/refused.json").json()

    assert {(row["transaction_id"], row["code"]) for row in rows} == {
        ("t1", "duplicate"),
        ("t2", "invalid_timestamp"),
    }


@pytest.mark.parametrize("value", [None, 5, "text", True, [], [event("t2")]])
def test_what_is_no_event_is_told_by_its_position(lago: Lago, api: Api, value: object):
    api.send(event("t1"))

    answer = api.send(value, event("t1"), event("t3"), status=422)  # type: ignore[arg-type]

    assert answer["error_details"] == {"0": NO_EVENT, "1": TAKEN}
    assert stored(lago) == ["t1"]


@pytest.mark.parametrize("value", [5, "text", True, [event("t1")]])
def test_one_that_is_no_event_is_a_value_that_is_refused(api: Api, value: object):
    answer = api("POST", "/events", {"event": value}, status=422)

    assert answer["error_details"] == NO_EVENT


@pytest.mark.parametrize("body", [{}, {"event": None}, {"event": {}}, {"events": []}])
def test_where_no_event_is_given_at_all_the_request_is_a_bad_one(api: Api, body: object):
    answer = api("POST", "/events", body, status=400)

    assert "event" in answer["error"]


def test_metrics_count_whatever_was_refused_with_an_event_that_cannot_be_read(api: Api):
    api.send(event("t1"), event("t2", timestamp="soon"), status=422)

    assert "lago_rejected_events_total 2\n" in api.http.get("/metrics").text
