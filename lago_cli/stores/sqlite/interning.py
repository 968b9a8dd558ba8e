"""Names that many events share, kept once: codes and parties become small integers."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from lago_cli.domain.batches import Party

_MAX_REMEMBERED = 500_000
_FIND_PARTY = """
SELECT id, stream_id FROM parties
 WHERE ifnull(external_subscription_id, '') = ifnull(?, '')
   AND ifnull(external_customer_id, '') = ifnull(?, '')
"""
_FIND_STREAM = {
    True: "SELECT min(stream_id) FROM parties WHERE ifnull(external_subscription_id, '') = ?",
    False: """
        SELECT min(stream_id) FROM parties
         WHERE ifnull(external_subscription_id, '') = '' AND ifnull(external_customer_id, '') = ?
    """,
}


class Interning:
    """Remembers what it has looked up; ids never change, so other writers do no harm."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._codes: dict[str, int] = {}
        self._parties: dict[Party, tuple[int, int]] = {}

    def forget(self) -> None:
        """After a rollback: what was interned in it is gone."""
        self._codes.clear()
        self._parties.clear()

    def codes(self, codes: Iterable[str]) -> dict[str, int]:
        """Ids of all of `codes` (and of others); unknown ones are added."""
        for code in set(codes).difference(self._codes):
            self._connection.execute("INSERT OR IGNORE INTO codes (code) VALUES (?)", (code,))
            row = self._connection.execute("SELECT id FROM codes WHERE code = ?", (code,))
            self._codes[code] = row.fetchone()[0]
        return self._codes

    def parties(self, parties: Iterable[Party], now: int) -> dict[Party, tuple[int, int]]:
        """(id, stream) of all of `parties` (and of others); unknown ones are added."""
        if len(self._parties) > _MAX_REMEMBERED:
            self._parties.clear()
        for party in set(parties).difference(self._parties):
            self._parties[party] = self._party(party, now)
        return self._parties

    def _party(self, party: Party, now: int) -> tuple[int, int]:
        customer, subscription = party
        found = self._connection.execute(_FIND_PARTY, (subscription, customer)).fetchone()
        if found is not None:
            return found[0], found[1]
        by_subscription = subscription is not None
        stream = self._connection.execute(
            _FIND_STREAM[by_subscription], (subscription if by_subscription else customer,)
        ).fetchone()[0]
        party_id = self._connection.execute(
            "INSERT INTO parties (external_customer_id, external_subscription_id, stream_id)"
            " VALUES (?, ?, ?)",
            (customer, subscription, stream or 0),
        ).lastrowid
        assert party_id is not None
        if stream is None:
            self._connection.execute("UPDATE parties SET stream_id = id WHERE id = ?", (party_id,))
        if customer is not None:
            self._connection.execute(
                "INSERT OR IGNORE INTO customers (external_id, created_at) VALUES (?, ?)",
                (customer, now),
            )
        return party_id, stream or party_id
