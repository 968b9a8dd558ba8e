"""Looking at events over Lago's API."""

from __future__ import annotations

from tests.conftest import Lago
from tests.servers import Api


def event(number: int, **more: object) -> dict[str, object]:
    return {
        "transaction_id": f"t{number}",
        "external_subscription_id": "s",
        "code": "calls",
        "timestamp": f"2026-11-0{number}T00:00:00Z",
        **more,
    }


def ids(answer) -> list[str]:
    return [row["transaction_id"] for row in answer["events"]]


def test_an_event_is_found_by_its_id(api: Api):
    api.send(event(1))

    assert api("GET", "/events/t1")["event"]["timestamp"] == "2026-11-01T00:00:00.000Z"


def test_a_deleted_event_is_not_found(lago: Lago, api: Api):
    api.send(event(1))
    lago("events", "delete", "t1", "--reason", "test")

    answer = api("GET", "/events/t1", status=404)

    assert answer["code"] == "event_not_found"


def test_events_are_listed_newest_first_in_pages(api: Api):
    api.send(*(event(number) for number in range(1, 6)))

    answer = api("GET", "/events", page=2, per_page=2)

    assert ids(answer) == ["t3", "t2"]
    assert answer["meta"] == {
        "current_page": 2,
        "next_page": 3,
        "prev_page": 1,
        "total_pages": 3,
        "total_count": 5,
    }


def test_events_of_one_instant_are_listed_by_their_ids(api: Api):
    same = "2026-11-01T00:00:00Z"
    api.send(event(2, timestamp=same), event(3, timestamp=same), event(1, timestamp=same))

    assert ids(api("GET", "/events")) == ["t1", "t2", "t3"]


def test_both_bounds_of_a_list_are_inclusive(api: Api):
    api.send(*(event(number) for number in range(1, 6)))

    answer = api("GET", "/events", timestamp_from="2026-11-02", timestamp_to="2026-11-03T00:00:00Z")

    assert ids(answer) == ["t3", "t2"]


def test_a_date_that_is_none_is_refused(api: Api):
    answer = api("GET", "/events", timestamp_from="soon", status=422)

    assert answer["error_details"] == {"timestamp_from": ["invalid_date"]}


def test_a_code_that_nobody_sent_lists_nothing(api: Api):
    api.send(event(1))

    assert api("GET", "/events", code="other")["meta"]["total_count"] == 0


def test_every_fault_of_a_batch_is_told_by_position_and_field(api: Api):
    answer = api.send(
        event(1, timestamp="soon"), event(2), event(3, transaction_id=None), status=422
    )

    assert answer["error_details"] == {
        "0": {"timestamp": ["invalid_format"]},
        "2": {"transaction_id": ["value_is_mandatory"]},
    }
    assert "--map" not in str(answer)
