"""Earlier versions of events, which `--on-duplicate replace` put aside: what was known then."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from lago_cli.stores.sqlite.parts import EventRow

_REPLACED_LATER = """
SELECT e.code_id, e.id, e.at, e.finer, e.party_id, e.properties, e.received_at,
       e.precise_total_amount_cents
  FROM replaced_events AS e
 WHERE e.code_id = :code
   AND e.received_at <= :as_of
   AND NOT EXISTS (
       WITH RECURSIVE later (id) AS (
           SELECT e.replaced_by
            UNION ALL
           SELECT x.replaced_by FROM replaced_events AS x JOIN later ON x.id = later.id
       )
       SELECT 1 FROM later
        WHERE EXISTS (SELECT 1 FROM events WHERE id = later.id AND received_at <= :as_of)
           OR EXISTS (SELECT 1 FROM replaced_events WHERE id = later.id AND received_at <= :as_of))
"""


def replaced_later(connection: sqlite3.Connection, code: int, as_of: int) -> Iterator[EventRow]:
    """The versions of a code's events that stood at that instant and were replaced after it."""
    values = {"code": code, "as_of": as_of}
    return map(EventRow._make, connection.execute(_REPLACED_LATER, values))
