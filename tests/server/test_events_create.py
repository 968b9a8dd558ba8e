"""Sending events over Lago's API: what is answered with 200 is stored, and nothing else is."""

from __future__ import annotations

from tests.conftest import Lago
from tests.server.conftest import Serve
from tests.servers import Api

EVENT = {"transaction_id": "t1", "external_subscription_id": "s", "code": "calls"}


def test_an_event_that_was_answered_is_stored(lago: Lago, api: Api):
    """Another process sees it at once."""
    api("POST", "/events", {"event": EVENT})

    assert lago("events", "get", "t1", "-o", "json").json()["code"] == "calls"


def test_a_repeated_event_is_refused_as_lago_does(api: Api):
    """Clients know that it is there by this answer."""
    api("POST", "/events", {"event": EVENT})

    answer = api("POST", "/events", {"event": EVENT}, status=422)

    assert answer["error_details"] == {"transaction_id": ["value_already_exist"]}


def test_a_repeated_event_counts_once_where_it_may_come_again(lago: Lago, serve: Serve):
    """With `--on-duplicate skip` whoever sends again is told that all is well."""
    api = serve(on_duplicate="skip")
    api("POST", "/events", {"event": EVENT})

    api("POST", "/events", {"event": EVENT})

    assert len(lago("events", "list", "-o", "json").json()) == 1


def test_a_batch_with_a_repeated_event_is_refused_as_a_whole(lago: Lago, api: Api):
    """Its other events can be sent again without it."""
    api("POST", "/events", {"event": EVENT})

    answer = api.send({**EVENT, "transaction_id": "t2"}, EVENT, status=422)

    assert answer["error_details"] == {"1": {"transaction_id": ["value_already_exist"]}}
    assert [row["transaction_id"] for row in lago("events", "list", "-o", "json").json()] == ["t1"]
