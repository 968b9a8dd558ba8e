"""What else may happen to the file while it is served."""

from __future__ import annotations

import shutil

from tests.conftest import Lago
from tests.servers import Api

EVENT = {"transaction_id": "t1", "external_subscription_id": "s", "code": "calls"}


def test_a_file_that_was_replaced_is_left_as_it_is(lago: Lago, api: Api, tmp_path):
    """It may be a copy of last week: somebody has to look."""
    api.send(EVENT)
    shutil.move(tmp_path / "lago.db", tmp_path / "served.db")
    lago("metrics", "create", "--code", "calls", "--aggregation-type", "count")

    first = api.send({**EVENT, "transaction_id": "t2"}, status=503)
    second = api.send({**EVENT, "transaction_id": "t3"}, status=503)

    assert {first["error"], second["error"]} == {"database_replaced"}
    assert api.http.get("/health").status_code == 503
    assert lago("events", "list", "-o", "json").json() == []


def test_a_file_that_was_deleted_is_not_made_anew(api: Api, tmp_path):
    api.send(EVENT)
    for file in tmp_path.glob("lago.db*"):
        file.unlink()

    api.send({**EVENT, "transaction_id": "t2"}, status=503)
    api.send({**EVENT, "transaction_id": "t3"}, status=503)

    assert api.http.get("/health").status_code == 503
    assert not (tmp_path / "lago.db").exists()


def test_a_run_that_was_taken_back_is_followed_by_another(lago: Lago, api: Api):
    """What it had brought is gone, and can be sent again."""
    api.send(EVENT)
    lago("ingest-runs", "revert", "1")

    api.send(EVENT, {**EVENT, "transaction_id": "t2"})

    runs = lago("ingest-runs", "list", "-o", "json").json()
    assert [run["ingested"] for run in runs if run["run"] == 2] == [2]


def test_what_others_define_in_between_counts_at_once(lago: Lago, api: Api):
    """The server remembers metrics only as long as nobody has changed the file."""
    api.send(EVENT)
    lago("subscriptions", "create", "--external-id", "s", "--external-customer-id", "acme")

    answer = api.send(
        {**EVENT, "transaction_id": "t2", "external_customer_id": "other"}, status=422
    )

    assert "0" in answer["error_details"]


def test_events_of_an_ingest_beside_it_are_known_to_the_server(lago: Lago, api: Api):
    api.send(EVENT)
    line = '{"transaction_id": "t2", "external_subscription_id": "s", "code": "calls"}'
    lago("ingest", "-", stdin=line)

    api.send({**EVENT, "transaction_id": "t2"}, status=422)
    api.send({**EVENT, "transaction_id": "t3"})

    found = lago("events", "list", "-o", "json").json()
    assert sorted(row["transaction_id"] for row in found) == ["t1", "t2", "t3"]
