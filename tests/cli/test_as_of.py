"""`--as-of`: a figure as it was known, whatever came, was replaced or taken back later."""

from __future__ import annotations

import json

import pytest

NOON, ONE, TWO, THREE = (f"2026-11-10T{hour}:00:00Z" for hour in (12, 13, 14, 15))


def units(lago, *asked):
    rows = lago("usage", "--period", "2026-11", *asked, "-o", "json").json()
    return [(row["units"], row["events_count"]) for row in rows]


def send(lago, gb, at, *options):
    event = {
        "transaction_id": "t1",
        "external_customer_id": "acme",
        "code": "storage",
        "timestamp": "2026-11-01T00:00:00Z",
        "properties": {"gb": gb, "region": f"r{gb}"},
    }
    lago("ingest", *options, "--now", at, stdin=json.dumps(event))


@pytest.fixture
def replaced(metrics):
    """One event, replaced twice: 1 GB at noon, 100 GB at one, 7 GB at two."""
    send(metrics, 1, NOON)
    send(metrics, 100, ONE, "--on-duplicate", "replace")
    send(metrics, 7, TWO, "--on-duplicate", "replace")
    return metrics


@pytest.mark.parametrize(
    ("instant", "known"),
    [
        pytest.param("2026-11-10T11:59:59Z", [], id="before it came"),
        pytest.param(NOON, [("1", 1)], id="when it came"),
        pytest.param("2026-11-10T13:30:00Z", [("100", 1)], id="after it was replaced"),
        pytest.param(THREE, [("7", 1)], id="after it was replaced again"),
    ],
)
def test_a_replaced_event_counts_as_it_was_known(replaced, instant, known):
    assert units(replaced, "--as-of", instant) == known


def test_groups_and_filters_see_the_version_that_was_known(replaced):
    [row] = replaced(
        "usage", "--period", "2026-11", "--as-of", NOON, "--group-by", "region", "-o", "json"
    ).json()

    assert (row["group"], row["units"]) == ({"region": "r1"}, "1")
    assert units(replaced, "--as-of", NOON, "--filter", "region=r7") == []


def test_taking_the_last_version_back_brings_the_one_before(replaced):
    replaced("ingest-runs", "revert", 3)

    assert units(replaced) == [("100", 1)]
    assert units(replaced, "--as-of", NOON) == [("1", 1)]
    replaced("db", "check")
