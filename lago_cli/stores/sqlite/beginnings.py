"""What a file has, for a shell that completes what is typed: few rows of indexes, no figure."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any

from lago_cli.stores.sqlite.connection import connect, tidy

_COLUMNS = {
    "customers": (("customers", "external_id"),),
    "metrics": (("metrics", "code"), ("codes", "code")),
    "defined metrics": (("metrics", "code"),),
    "plans": (("plans", "code"),),
    "subscriptions": (
        ("subscriptions", "external_id"),
        ("parties", "ifnull(external_subscription_id, '')"),  # as it is indexed
    ),
    "registered subscriptions": (("subscriptions", "external_id"),),
    "runs": (("ingest_runs", "CAST(id AS TEXT)"),),
}
_LAST = "\U0010ffff"  # no name goes on with it
_SPAN = """
SELECT min(first_at), max(last_at) FROM parts
 UNION ALL
SELECT min(at), max(at) FROM events WHERE id > (SELECT event_id FROM watermark)
"""


def names_beginning(path: str, what: str, beginning: str, most: int) -> list[str]:
    """
    Names of customers, metrics, plans, subscriptions or runs, at most so many, in order.

    Those of metrics and subscriptions are also the ones that only events name.

    Raises:
        LagoError: there is no such file.
        sqlite3.Error: it is none of ours.
    """
    found = {
        name
        for table, column in _COLUMNS[what]
        for (name,) in _rows(
            path,
            f"SELECT DISTINCT {column} FROM {table}"  # noqa: S608 - our own names
            f" WHERE {column} >= ? AND {column} < ? ORDER BY 1 LIMIT ?",
            (beginning, beginning + _LAST, most),
        )
        if name
    }
    return sorted(found)[:most]


def span_of_events(path: str) -> tuple[int, int] | None:
    """Instants of the first and the last event, in microseconds since 1970. Raises as above."""
    bounds = [row for row in _rows(path, _SPAN, ()) if row[0] is not None]
    return (min(row[0] for row in bounds), max(row[1] for row in bounds)) if bounds else None


def _rows(path: str, sql: str, values: Sequence[object]) -> list[Any]:
    with closing(connect(path, writable=False, create=False, busy_timeout=0)) as connection:
        found = connection.execute(sql, values).fetchall()
    tidy(path)
    return found
