"""`/organizations` over Lago's API: whom a client talks to."""

from __future__ import annotations

from tests.server.conftest import Serve
from tests.servers import Api


def test_there_is_one_and_it_is_this_file(api: Api):
    """With what Lago's command line shows of it."""
    found = api("GET", "/organizations")["organization"]

    assert (found["name"], found["timezone"]) == ("lago", "UTC")
    assert found["document_number_prefix"] == f"LAG-{found['lago_id'][:4].upper()}"


def test_it_is_the_same_at_every_start(serve: Serve):
    first, second = (serve()("GET", "/organizations") for _ in range(2))

    assert first == second


def test_it_is_asked_for_and_not_changed(api: Api):
    """There is nothing to change."""
    answer = api.http.put("/api/v1/organizations", json={"organization": {"name": "x"}})

    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD"
