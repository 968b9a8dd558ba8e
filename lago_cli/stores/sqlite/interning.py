"""Names that many events share, kept once: codes and parties become small integers."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from lago_cli.domain.events import Subject

_MAX_REMEMBERED = 500_000
_FIND_PARTY = """
SELECT id, stream_id FROM parties
 WHERE ifnull(external_subscription_id, '') = ifnull(?, '')
   AND ifnull(external_customer_id, '') = ifnull(?, '')
"""
_CREATE_CUSTOMER = """
INSERT OR IGNORE INTO customers (external_id, created_at)
SELECT external_customer_id, ? FROM parties WHERE id = ? AND external_customer_id IS NOT NULL
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
        self._parties: dict[Subject, tuple[int, int]] = {}
        self._used: set[int] = set()

    def forget(self) -> None:
        """After a rollback: what was interned in it is gone."""
        self._codes.clear()
        self._parties.clear()
        self._used.clear()

    def look_again(self) -> None:
        """In a new transaction: a run may have been taken back, and its parties with it."""
        self._used.clear()

    def codes(self, codes: Sequence[str]) -> list[int]:
        """The id of each of `codes`; unknown ones are added."""
        known = self._codes
        try:
            return [known[code] for code in codes]
        except KeyError:
            if len(known) > _MAX_REMEMBERED:
                known.clear()
            self._add_codes(set(codes).difference(known))
            return [known[code] for code in codes]

    def parties(self, parties: Sequence[Subject]) -> tuple[list[int], list[int]]:
        """The id of each of `parties`, and its stream; unknown ones are added."""
        known = self._parties
        try:
            found = [known[party] for party in parties]
        except KeyError:
            if len(known) > _MAX_REMEMBERED:
                known.clear()
                self._used.clear()
            for party in set(parties).difference(known):
                known[party] = self._party(party)
            found = [known[party] for party in parties]
        return [party for party, _ in found], [stream for _, stream in found]

    def use(self, party_ids: Sequence[int], now: int) -> None:
        """Stored events name these parties: they tell whose subscriptions are whose."""
        for party_id in set(party_ids).difference(self._used):
            self._connection.execute(
                "UPDATE parties SET used = 1 WHERE id = ? AND used = 0", (party_id,)
            )
            self._connection.execute(_CREATE_CUSTOMER, (now, party_id))
            self._used.add(party_id)

    def _add_codes(self, codes: Iterable[str]) -> None:
        for code in codes:
            self._connection.execute("INSERT OR IGNORE INTO codes (code) VALUES (?)", (code,))
            row = self._connection.execute("SELECT id FROM codes WHERE code = ?", (code,))
            self._codes[code] = row.fetchone()[0]

    def _party(self, party: Subject) -> tuple[int, int]:
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
        return party_id, stream or party_id
