"""Properties are named by paths: what a metric reads, what usage is grouped and filtered by."""

from __future__ import annotations

import pytest

from tests.conftest import Lago

LABELS = '[{"key": "env", "value": "prod"}, {"key": "team", "value": "%s"}]'


@pytest.fixture
def seats(lago: Lago) -> Lago:
    lago("metrics", "create", "--code", "seats", "--aggregation-type", "unique_count",
         "--field-name", "user.id")  # fmt: skip
    lines = [
        f'{{"transaction_id": "{number}", "external_customer_id": "acme", "code": "seats",'
        f' "timestamp": "2026-11-01T10:00:00Z", "properties": {{"labels": {LABELS % team},'
        f' "user": {{"id": {user}, "org": "{org}"}}}}}}'
        for number, (user, org, team) in enumerate(
            [(7, "Big, Inc.", "red"), (7, "Other", "red"), (8, "Other", "blue")]
        )
    ]
    lago("ingest", lago.write("seats.ndjson", "\n".join(lines)))
    return lago


def units(answer):
    return [(row["group"], str(row["units"]), row["events_count"]) for row in answer.json()]


def test_a_metric_reads_a_nested_property(seats):
    assert units(seats("usage", "--period", "all", "-o", "json")) == [(None, "2", 3)]


def test_usage_is_grouped_by_the_element_that_has_a_key(seats):
    path = "labels[key=team].value"
    found = units(seats("usage", "--period", "all", "--group-by", path, "-o", "json"))

    assert found == [({path: "blue"}, "1", 1), ({path: "red"}, "1", 2)]


@pytest.mark.parametrize(
    ("condition", "events"),
    [
        ("labels[key=team].value=red", 2),
        ('user.org="Big, Inc.",None', 1),
        ("labels.*.value=prod", 3),
    ],
)
def test_usage_is_filtered_by_paths(seats, condition, events):
    found = units(seats("usage", "--period", "all", "--filter", condition, "-o", "json"))

    assert [count for *_, count in found] == [events]


def test_a_property_that_no_event_has_is_named_with_where_it_stands(seats):
    found = seats("usage", "--period", "all", "--group-by", "org", "--filter", "nothing=1")

    assert "--group-by org: no event has this property; there is user.org." in found.stderr
    assert "--filter nothing: no event has this property; there are labels, user." in found.stderr
