"""`/billable_metrics` over Lago's API."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from tests.conftest import Lago
from tests.server.conftest import Serve
from tests.server.requests import HOSTILE, METRIC, PLAN, at
from tests.servers import Api

MINIMAL = {"name": "Calls", "code": "calls", "aggregation_type": "count_agg"}


def create(api: Api, status: int = 200, **fields: Any) -> Any:
    answer = api("POST", "/billable_metrics", {"billable_metric": fields}, status=status)
    return answer["billable_metric"] if status == 200 else answer


def change(api: Api, status: int = 200, **fields: Any) -> Any:
    answer = api("PUT", "/billable_metrics/storage", {"billable_metric": fields}, status=status)
    return answer["billable_metric"] if status == 200 else answer


def details(answer: Any) -> Any:
    return answer["error_details"]


# What there is ----------------------------------------------------------------------------


def test_one_is_answered_with_all_that_was_said_of_it(api: Api):
    """And with what Lago's clients cannot do without."""
    found = create(api, **METRIC)

    assert {key: found.get(key) for key in METRIC} == METRIC
    assert UUID(found["lago_id"]).version == 5
    assert found["created_at"] == "2026-11-28T12:00:00Z"


def test_what_is_not_said_is_nothing(api: Api):
    """The filters are a list, also where there are none."""
    found = create(api, **MINIMAL)

    assert (found["filters"], found["recurring"], found["field_name"]) == ([], False, None)


def test_it_is_found_listed_changed_and_deleted(api: Api):
    """Each answer shows it whole."""
    created = create(api, **METRIC)
    got = api("GET", "/billable_metrics/storage")["billable_metric"]
    listed = api("GET", "/billable_metrics")["billable_metrics"]
    changed = change(api, name="Disk")

    deleted = api("DELETE", "/billable_metrics/storage")["billable_metric"]

    assert got == created == listed[0]
    assert deleted == changed == {**created, "name": "Disk"}
    assert api("GET", "/billable_metrics/storage", status=404)["code"] == (
        "billable_metric_not_found"
    )


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_one_that_nobody_defined_is_not_found(api: Api, method: str):
    body = {"billable_metric": {"name": "x"}} if method == "PUT" else None
    answer = api(method, "/billable_metrics/nothing", body, status=404)

    assert (answer["status"], answer["error"]) == (404, "Not Found")
    assert answer["code"] == "billable_metric_not_found"


def test_the_id_of_a_code_is_the_same_on_every_file(api: Api):
    """Also of one that was deleted in between."""
    first = create(api, **METRIC)["lago_id"]
    api("DELETE", "/billable_metrics/storage")

    assert create(api, **METRIC)["lago_id"] == first


@pytest.mark.parametrize(("method", "path"), [("PATCH", "/x"), ("POST", "/x"), ("DELETE", "")])
def test_a_method_that_is_not_there_is_told(api: Api, method: str, path: str):
    """As JSON, with those there are."""
    answer = api.http.request(method, f"/api/v1/billable_metrics{path}")

    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert "GET" in answer.headers["allow"]


# Lists ------------------------------------------------------------------------------------


def test_a_list_of_nothing_has_zeros(api: Api):
    found = api("GET", "/billable_metrics")

    assert found == {
        "billable_metrics": [],
        "meta": {
            "current_page": 0,
            "next_page": None,
            "prev_page": None,
            "total_pages": 0,
            "total_count": 0,
        },
    }


@pytest.mark.parametrize(
    ("query", "codes", "meta"),
    [
        ({}, "abcde", (1, None, None, 1)),
        ({"per_page": 2}, "ab", (1, 2, None, 3)),
        ({"page": 2, "per_page": 2}, "cd", (2, 3, 1, 3)),
        ({"page": 3, "per_page": 2}, "e", (3, None, 2, 3)),
        ({"page": 9, "per_page": 2}, "", (9, None, None, 3)),
        ({"page": 0, "per_page": 2}, "ab", (1, 2, None, 3)),
        ({"page": "x", "per_page": "-1"}, "abcde", (1, None, None, 1)),
        ({"page": "", "per_page": "1.5"}, "abcde", (1, None, None, 1)),
        ({"page": 10**30, "per_page": 10**30}, "", (999_999_999_999, None, None, 1)),
    ],
)
def test_lists_have_pages(api: Api, query: dict[str, Any], codes: str, meta: tuple[Any, ...]):
    """What is no number of a page is not asked for."""
    for code in "edcba":
        create(api, **{**MINIMAL, "code": code})

    found = api("GET", "/billable_metrics", **query)

    got = found["meta"]
    assert [each["code"] for each in found["billable_metrics"]] == list(codes)
    assert got["total_count"] == 5
    assert (got["next_page"], got["prev_page"], got["total_pages"]) == meta[1:]
    assert got["current_page"] == min(meta[0], 10**9)


def test_the_latest_come_first(lago: Lago, serve: Serve):
    for day, code in ((1, "old"), (2, "new")):
        now = ("--now", f"2026-11-0{day}T00:00:00Z")
        lago("metrics", "create", code, "--aggregation-type", "count", *now)

    found = serve()("GET", "/billable_metrics")["billable_metrics"]

    assert [each["code"] for each in found] == ["new", "old"]


# Rules ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"name": None}, {"name": ["value_is_mandatory"]}),
        ({"name": " "}, {"name": ["value_is_mandatory"]}),
        ({"code": None}, {"code": ["value_is_mandatory"]}),
        ({"code": ""}, {"code": ["value_is_mandatory"]}),
        ({"aggregation_type": None}, {"aggregation_type": ["value_is_mandatory"]}),
        ({"aggregation_type": "mean_agg"}, {"aggregation_type": ["value_is_invalid"]}),
        ({"field_name": None}, {"field_name": ["value_is_mandatory"]}),
        (
            {"aggregation_type": "max_agg", "recurring": True},
            {"recurring": ["not_compatible_with_aggregation_type"]},
        ),
        (
            {"aggregation_type": "latest_agg", "recurring": True},
            {"recurring": ["not_compatible_with_aggregation_type"]},
        ),
        (
            {"aggregation_type": "count_agg", "recurring": True},
            {"recurring": ["not_compatible_with_aggregation_type"]},
        ),
        ({"expression": "1 +"}, {"expression": ["invalid_expression"]}),
        ({"rounding_function": "up"}, {"rounding_function": ["value_is_invalid"]}),
        ({"rounding_precision": 101}, {"rounding_precision": ["value_is_out_of_range"]}),
        ({"weighted_interval": "seconds"}, {"weighted_interval": ["value_is_invalid"]}),
        ({"filters": [{"key": "a", "values": []}]}, {"filters": ["value_is_invalid"]}),
        ({"filters": [{"key": "a"}]}, {"filters": ["value_is_invalid"]}),
        ({"filters": {"key": "a", "values": ["b"]}}, {"filters": ["value_is_invalid"]}),
        ({"recurring": "yes"}, {"recurring": ["value_is_invalid"]}),
        ({"name": ["x"]}, {"name": ["value_is_invalid"]}),
    ],
)
def test_a_rule_that_is_broken_is_told_by_its_field(api: Api, fields: dict[str, Any], expected):
    """And nothing is defined."""
    answer = create(api, 422, **{**METRIC, **fields})

    assert (answer["code"], details(answer)) == ("validation_errors", expected)
    assert api("GET", "/billable_metrics")["meta"]["total_count"] == 0


def test_a_code_is_defined_once(api: Api):
    create(api, **METRIC)

    assert details(create(api, 422, **METRIC)) == {"code": ["value_already_exist"]}


def test_a_count_reads_no_property(api: Api):
    """What is given for one is left out, as in Lago."""
    assert create(api, **MINIMAL, field_name="x")["field_name"] is None


@pytest.mark.parametrize("kind", ["sum_agg", "unique_count_agg", "weighted_sum_agg"])
def test_these_may_be_recurring(api: Api, kind: str):
    found = create(api, **{**METRIC, "aggregation_type": kind, "recurring": True})

    assert found["recurring"] is True


def test_a_weighted_sum_is_by_the_second(api: Api):
    """Whether it is said or not."""
    fields = {**METRIC, "aggregation_type": "weighted_sum_agg"}

    assert create(api, **fields)["weighted_interval"] == "seconds"


@pytest.mark.parametrize("code", HOSTILE)
def test_any_code_can_be_found_again(api: Api, code: str):
    """A path has it percent-encoded, whatever it is."""
    created = create(api, **{**METRIC, "code": code, "name": code})
    path = at("/billable_metrics/{}", code)
    if code in ("evaluate_expression", ".", ".."):  # a route of its own; steps of a path
        path = "/billable_metrics?per_page=1"
        found = api("GET", path)["billable_metrics"][0]
    else:
        found = api("GET", path)["billable_metric"]

    assert found == created
    assert (found["code"], found["name"]) == (code, code)


def test_a_code_that_is_a_number_is_its_digits(api: Api):
    """All of them."""
    create(api, **{**METRIC, "code": 12345678901234567890})

    found = api("GET", "/billable_metrics/12345678901234567890")["billable_metric"]

    assert found["code"] == "12345678901234567890"


# Changes ----------------------------------------------------------------------------------


def test_filters_that_are_given_replace_all_there_are(api: Api):
    create(api, **METRIC)

    found = change(api, filters=[{"key": "zone", "values": ["a"]}])

    assert found["filters"] == [{"key": "zone", "values": ["a"]}]
    assert change(api, name="x")["filters"] == found["filters"]
    assert change(api, filters=[])["filters"] == []


@pytest.mark.parametrize("name", [None, "", " "])
def test_a_name_cannot_be_taken_away(api: Api, name: str | None):
    create(api, **METRIC)

    assert details(change(api, status=422, name=name)) == {"name": ["value_is_mandatory"]}


@pytest.mark.parametrize("kind", ["", False, [], "mean_agg"])
def test_an_aggregation_is_changed_to_another_one_alone(api: Api, kind: Any):
    create(api, **METRIC)

    answer = change(api, status=422, aggregation_type=kind)

    assert details(answer) == {"aggregation_type": ["value_is_invalid"]}


def test_the_code_stays(api: Api):
    """Events name it; the same one may be sent along."""
    create(api, **METRIC)
    assert change(api, code="storage", name="Disk")["name"] == "Disk"

    assert details(change(api, status=422, code="disk")) == {"code": ["value_is_invalid"]}


def test_what_is_read_only_is_sent_back_and_changes_nothing(api: Api):
    """Clients send what they were answered."""
    created = create(api, **METRIC)

    found = change(api, **{**created, "lago_id": "x", "created_at": "2020-01-01T00:00:00Z"})

    assert found == created


def test_a_metric_that_a_plan_uses_keeps_its_price(api: Api):
    """What a charge could not price is refused; a name, a description and filters are not."""
    create(api, **METRIC)
    api("POST", "/plans", {"plan": PLAN})
    assert change(api, description="Disk")["description"] == "Disk"

    answer = change(api, status=422, aggregation_type="latest_agg", filters=[])

    assert answer["code"] == "validation_errors"
    assert api("GET", "/billable_metrics/storage")["billable_metric"]["filters"]


def test_a_metric_that_a_plan_uses_is_not_deleted(api: Api):
    create(api, **METRIC)
    api("POST", "/plans", {"plan": PLAN})

    answer = api("DELETE", "/billable_metrics/storage", status=422)

    assert details(answer) == {"base": ["metric_has_charges"]}
    assert 'The plan "pro"' in answer["message"]


def test_what_nobody_knows_is_told(api: Api):
    """It is not kept, and nothing was refused for it."""
    body = {"billable_metric": {**METRIC, "colour": "red", "lago_id": "x"}}
    answer = api("POST", "/billable_metrics", body)

    assert answer["warnings"] == [{"field": "colour", "message": "this is not kept"}]


# Expressions ------------------------------------------------------------------------------


def evaluate(api: Api, status: int = 200, **body: Any) -> Any:
    return api("POST", "/billable_metrics/evaluate_expression", body, status=status)


def test_an_expression_is_tried_on_an_event(api: Api):
    """With every digit."""
    event = {"code": "c", "properties": {"a": "12345678901234567890.5", "b": 2}}
    found = evaluate(api, expression="event.properties.a + event.properties.b", event=event)

    assert found == {"expression_result": {"value": "12345678901234567892.5"}}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, {"expression": ["value_is_mandatory"]}),
        ({"expression": "", "event": {}}, {"expression": ["value_is_mandatory"]}),
        ({"expression": 1, "event": {}}, {"expression": ["invalid_expression"]}),
        ({"expression": "1 +", "event": {"code": "c"}}, {"expression": ["invalid_expression"]}),
        ({"expression": "event.properties.a", "event": {}}, {"event": ["invalid_event"]}),
        ({"expression": "event.properties.a", "event": []}, {"event": ["invalid_event"]}),
        ({"expression": "event.properties.a"}, {"event": ["invalid_event"]}),
    ],
)
def test_what_cannot_be_evaluated_is_told(api: Api, body: dict[str, Any], expected: Any):
    assert details(evaluate(api, 422, **body)) == expected
