"""Which names are known: those that are registered, and those that stored events carry."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import json

from lago_cli.domain.nearest import bare, one_slip_away
from lago_cli.stores.base import Word

_MANY = 5_000  # names; of more than that only some are compared with a mistyped one
_EVENTS_OF_CODE = """
SELECT code AS name FROM codes AS c
 WHERE EXISTS (SELECT 1 FROM parts WHERE parts.code_id = c.id)
    OR EXISTS (SELECT 1 FROM events AS e
                WHERE e.id > (SELECT event_id FROM watermark) AND e.code_id = c.id)
"""
_NAMES: Mapping[Word, tuple[str, ...]] = {
    "customer": ("SELECT external_id AS name FROM customers",),
    "subscription": (
        "SELECT external_id AS name FROM subscriptions",
        "SELECT ifnull(external_subscription_id, '') AS name FROM parties WHERE used = 1",
    ),
    "metric": ("SELECT code AS name FROM metrics",),
    "plan": ("SELECT code AS name FROM plans",),
    "code": ("SELECT code AS name FROM metrics", _EVENTS_OF_CODE),
}
_AMONG = "SELECT name FROM ({0}) WHERE name IN (SELECT value FROM json_each(?))"
_BARE = """
SELECT name FROM ({0})
 WHERE replace(replace(replace(replace(lower(name), '-', ''), '_', ''), '.', ''), ' ', '') = ?
"""


class Names:
    """Looks them up."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def all(self, word: Word) -> Iterator[str]:
        """Every name once, in order."""
        query = " UNION ".join(_NAMES[word])
        rows = self._connection.execute(f"SELECT name FROM ({query}) WHERE name != '' ORDER BY 1")  # noqa: S608
        return (name for (name,) in rows)

    def known(self, word: Word, names: Sequence[str]) -> set[str]:
        """Those of the names that are known."""
        return self._found(_AMONG, word, json.encode(list(names)).decode())

    def similar(self, word: Word, name: str) -> Iterable[str]:
        """Names among which the nearest one is; of many names at least some."""
        query = " UNION ALL ".join(_NAMES[word])
        rows = self._connection.execute(f"SELECT name FROM ({query}) LIMIT {_MANY + 1}")  # noqa: S608
        found = {each for (each,) in rows if each}
        if len(found) <= _MANY:
            return sorted(found)
        slips = json.encode(list(one_slip_away(name[:100]))).decode()
        near = self._found(_BARE, word, bare(name)) | self._found(_AMONG, word, slips)
        return sorted(near) or [min(found)]

    def _found(self, query: str, word: Word, asked: str) -> set[str]:
        return {
            name
            for source in _NAMES[word]
            for (name,) in self._connection.execute(query.format(source), (asked,))
            if name
        }
