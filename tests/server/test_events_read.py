"""Looking at events over Lago's API."""

from __future__ import annotations

import pytest

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


@pytest.mark.parametrize(
    ("bounds", "found"),
    [
        ({"timestamp_from": "2026-11-02", "timestamp_to": "2026-11-03T00:00:00Z"}, ["t3", "t2"]),
        ({"timestamp_from": "2026-11-04T00:00:00Z"}, ["t5", "t4"]),
        ({"timestamp_from": "2026-11-04T00:00:00.000001Z"}, ["t5"]),
        ({"timestamp_to": "2026-11-02T00:00:00Z"}, ["t2", "t1"]),
        ({"timestamp_to": "2026-11-01T23:59:59.999999Z"}, ["t1"]),
        ({"timestamp_from": "2026-11-05T02:00:00+02:00"}, ["t5"]),
        ({"timestamp_from": "2026-11-03", "timestamp_to": "2026-11-02"}, []),
        ({"timestamp_from": "", "timestamp_to": "2026-11-01"}, ["t1"]),
    ],
    ids=str,
)
def test_both_bounds_of_a_list_are_inclusive(api: Api, bounds: dict[str, str], found: list[str]):
    """A bare date is its midnight in UTC."""
    api.send(*(event(number) for number in range(1, 6)))

    assert ids(api("GET", "/events", **bounds)) == found


def test_an_event_a_fraction_of_a_microsecond_after_a_bound_is_within_it(api: Api):
    api.send(event(1, timestamp="2026-11-01T00:00:00.0000005Z"))

    assert ids(api("GET", "/events", timestamp_to="2026-11-01T00:00:00Z")) == ["t1"]


@pytest.mark.parametrize("key", ["timestamp_from", "timestamp_to"])
@pytest.mark.parametrize("text", ["soon", "2026-13-01", "2026-11-31", "1e30", "2026-11-01T25:00Z"])
def test_a_date_that_is_none_is_refused(api: Api, key: str, text: str):
    answer = api("GET", "/events", status=422, **{key: text})

    assert answer["error_details"] == {key: ["invalid_date"]}


@pytest.fixture
def begun(lago: Lago, api: Api) -> Api:
    """A subscription that began after its first two events, and another one."""
    api.send(*(event(number) for number in range(1, 6)))
    api.send(event(6, external_subscription_id="other"))
    start = ("--started-at", "2026-11-03T00:00:00Z")
    lago("subscriptions", "create", "s", "--external-customer-id", "acme", *start)
    return api


@pytest.mark.parametrize("flag", ["true", "True", "1"])
def test_events_are_listed_from_the_start_of_their_subscription_on(begun: Api, flag: str):
    asked = {"external_subscription_id": "s", "timestamp_from_started_at": flag}

    assert ids(begun("GET", "/events", **asked)) == ["t5", "t4", "t3"]
    assert ids(begun("GET", "/events", **asked, timestamp_to="2026-11-04")) == ["t4", "t3"]


@pytest.mark.parametrize("flag", ["false", "False", "0", ""])
def test_they_are_all_listed_where_that_is_not_asked_for(begun: Api, flag: str):
    asked = {"external_subscription_id": "s", "timestamp_from_started_at": flag}

    assert ids(begun("GET", "/events", **asked)) == ["t5", "t4", "t3", "t2", "t1"]
    assert ids(begun("GET", "/events", **asked, timestamp_from="2026-11-05")) == ["t5"]


def test_without_a_start_a_subscription_has_all_its_events(begun: Api):
    asked = {"external_subscription_id": "other", "timestamp_from_started_at": "true"}

    assert ids(begun("GET", "/events", **asked)) == ["t6"]


@pytest.mark.parametrize(
    "more",
    [{}, {"external_subscription_id": "s", "timestamp_from": "2026-11-01"}],
    ids=["no subscription", "another start"],
)
def test_the_start_of_a_subscription_wants_one_and_no_other_start(begun: Api, more: dict[str, str]):
    answer = begun("GET", "/events", status=422, timestamp_from_started_at="true", **more)

    assert answer["error_details"] == {"timestamp_from_started_at": ["value_is_invalid"]}


@pytest.mark.parametrize("key", ["page", "per_page"])
@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", "", "²"])
def test_what_is_no_number_from_one_on_counts_as_not_said(api: Api, key: str, text: str):
    api.send(*(event(number) for number in range(1, 6)))

    answer = api("GET", "/events", **{key: text})

    assert ids(answer) == ["t5", "t4", "t3", "t2", "t1"]
    assert (answer["meta"]["current_page"], answer["meta"]["total_pages"]) == (1, 1)


def test_a_page_has_a_thousand_events_at_most(api: Api):
    for start in range(0, 1_100, 100):
        api.send(*(event(1, transaction_id=f"t{n}") for n in range(start, start + 100)))

    answer = api("GET", "/events", per_page=10**20)

    assert (len(answer["events"]), answer["meta"]["total_pages"]) == (1_000, 2)


def test_a_page_far_beyond_the_last_one_is_empty(api: Api):
    api.send(event(1))

    answer = api("GET", "/events", page=10**20, per_page=10**20)

    assert answer["events"] == []
    assert answer["meta"]["next_page"] is answer["meta"]["prev_page"] is None


def test_a_list_of_nothing_has_no_pages(api: Api):
    answer = api("GET", "/events", page=3)

    assert answer["meta"] == {
        "current_page": 0,
        "next_page": None,
        "prev_page": None,
        "total_pages": 0,
        "total_count": 0,
    }


def test_a_deleted_event_is_listed_no_more(lago: Lago, api: Api):
    api.send(event(1), event(2))
    lago("events", "delete", "t1", "--reason", "test")

    answer = api("GET", "/events")

    assert (ids(answer), answer["meta"]["total_count"]) == (["t2"], 1)


def test_events_are_listed_of_one_subscription_and_code(api: Api):
    api.send(event(1), event(2, code="other"), event(3, external_subscription_id="other"))

    asked = {"external_subscription_id": "s", "code": "calls"}

    assert ids(api("GET", "/events", **asked)) == ["t1"]
    assert ids(api("GET", "/events", external_subscription_id="nobody")) == []


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


def test_the_page_of_events_says_how_many_there_are(api: Api):
    for start in range(0, 1_100, 100):
        api.send(*(event(1, transaction_id=f"t{n:04}") for n in range(start, start + 100)))

    page = api.http.get("/events", params={"page": 3}).text

    assert "1,001 to 1,100 of 1,100" in page
    assert ("t0099" in page, "t0100" in page) == (True, False)
