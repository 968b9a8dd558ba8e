"""The events behind a figure, whether or not they count."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from lago_cli.domain.events import Event
from lago_cli.domain.ranks import unranked
from lago_cli.domain.stored import Status, StoredEvent
from lago_cli.domain.usage import Evidence, UsageQuery
from lago_cli.stores.sqlite.scope import Scope

_EVIDENCE = """
SELECT m.owner, r.at, r.event_id, e.transaction_id, p.external_customer_id,
       p.external_subscription_id, e.properties, e.precise_total_amount_cents, e.received_at,
       e.run_id, r.value IS NOT NULL
  FROM {readings} AS r
 CROSS JOIN temp.members AS m ON m.party_id = r.party_id
  {events}
  JOIN parties AS p ON p.id = e.party_id
 WHERE r.code_id = (SELECT id FROM codes WHERE code = :metric)
   AND r.at >= m.start AND r.at < m.end
 ORDER BY m.owner, r.at, r.event_id
"""


def evidence(connection: sqlite3.Connection, scope: Scope, query: UsageQuery) -> Iterator[Evidence]:
    """See `stores.base.UsageStore`."""
    scope.lay_out(query)
    sql = _EVIDENCE.format(readings=scope.readings, events=scope.of_event)
    for row in connection.execute(sql, {"metric": query.metric.code}):
        owner, at, rank, name, customer, subscription, properties, amount, *rest = row
        received_at, run, usable = rest
        finer, position = unranked(rank)
        code = query.metric.code
        event = Event(name, code, customer, subscription, at, properties, amount, finer)
        status: Status = "counted" if usable else "unusable"
        yield Evidence(owner, StoredEvent(event, at, received_at, run, status, position))
