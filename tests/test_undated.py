"""Stored events without a timestamp of their own are counted."""

from __future__ import annotations

import pytest

from tests.engines import ENGINES


@pytest.fixture(params=ENGINES.values(), ids=ENGINES)
def engine(request):
    with request.param() as engine:
        yield engine


def event(name, timestamp=None, value=1):
    return {
        "transaction_id": name,
        "code": "gb",
        "external_customer_id": "acme",
        "timestamp": timestamp,
        "properties": {"v": value},
    }


def test_only_those_that_are_stored_count_as_undated(engine):
    dated = event("dated", "2026-11-10T00:00:00Z")
    done = [engine.ingest([event("a"), event("b"), dated, event("a")]), engine.ingest([event("b")])]

    assert [(each.new, each.undated) for each in done] == [(3, 2), (0, 0)]


def test_of_replacements_their_own_timestamp_tells(engine):
    """Though one without takes over the instant of what it replaces."""
    engine.ingest([event("a", "2026-11-10T00:00:00Z"), event("b")])
    again = [event("a", None, 2), event("b", "2026-11-10T00:00:00Z", 2), event("b", None, 3)]
    done = engine.ingest(again, on_duplicate="replace")

    assert (done.replaced, done.undated) == (3, 2)
