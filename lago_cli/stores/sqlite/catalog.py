"""Metrics in the file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from lago_cli.domain.metrics import METRIC, Metric
from lago_cli.domain.properties import are_plain
from lago_cli.domain.ranks import unranked
from lago_cli.domain.readings import Reader, reader_for, unmatched
from lago_cli.stores.sqlite.definitions import Table
from lago_cli.stores.sqlite.ranks import EVENT_ID
from lago_cli.stores.sqlite.rollups import Rollups

_REFILL = """
UPDATE readings SET value = ?, scale = ?, step = ?
 WHERE code_id = ? AND at = ? AND event_id = ?
"""
_EVENTS_OF_CODE = f"""
SELECT r.at, r.event_id, e.properties
  FROM readings AS r JOIN events AS e ON e.id = {EVENT_ID}
 WHERE r.code_id = ? AND (r.at, r.event_id) > (?, ?)
 ORDER BY r.at, r.event_id
 LIMIT 10000
"""  # noqa: S608


class Catalog(Table[Metric]):
    """Metrics by code. Changing one refills the readings of its events in the same transaction."""

    of = METRIC

    def metrics(self) -> dict[str, Metric]:
        return {entry.value.code: entry.value for entry in self.entries()}

    def metric(self, code: str) -> Metric:
        """Raises `LagoError` (not found)."""
        return self.get(code).value

    def readers(self) -> dict[str, Reader]:
        """How events of each metric's code are read."""
        return {code: reader_for(metric) for code, metric in self.metrics().items()}

    def save(self, value: Metric, created_at: int) -> None:
        super().save(value, created_at)
        self.refill(value.code, value)

    def delete(self, name: str) -> bool:
        """Its events stay, and are unmatched from now on."""
        super().delete(name)
        self.refill(name, None)
        return True

    def refill(self, code: str, metric: Metric | None) -> None:
        """Read the events of a code anew, and sum up their days."""
        found = self._connection.execute("SELECT id FROM codes WHERE code = ?", (code,)).fetchone()
        if found is None:
            return
        read = reader_for(metric) if metric else unmatched
        last = (-1, -1)
        while rows := self._connection.execute(_EVENTS_OF_CODE, (*found, *last)).fetchall():
            self._connection.executemany(
                _REFILL,
                ((*read(properties, at), *found, at, rank) for at, rank, properties in rows),
            )
            last = rows[-1][:2]
        Rollups(self._connection).rebuild(*found)


def refill_paths(connection: sqlite3.Connection) -> None:
    """
    Read the events anew of every metric that names a property by what is also a path.

    For a file of a program that took each name for a key. Run it once, in a transaction.
    """
    catalog = Catalog(connection)
    for code, metric in catalog.metrics().items():
        names = [row.key for row in metric.filters]
        if metric.expression is None and metric.field_name:
            names.append(metric.field_name)
        if not are_plain(names):
            catalog.refill(code, metric)


def readings_that_differ(connection: sqlite3.Connection) -> Iterator[tuple[str, int]]:
    """(code, event id) of every reading that is not what its event says to its metric."""
    metrics = Catalog(connection).metrics()
    for code_id, code in connection.execute("SELECT id, code FROM codes").fetchall():
        metric = metrics.get(code)
        read = reader_for(metric) if metric else unmatched
        rows = connection.execute(
            "SELECT r.event_id, e.properties, r.at, r.value, r.scale, r.step"  # noqa: S608
            f"  FROM readings AS r JOIN events AS e ON e.id = {EVENT_ID} WHERE r.code_id = ?",
            (code_id,),
        )
        for rank, properties, at, *stored in rows:
            if tuple(stored) != read(properties, at):
                yield code, unranked(rank)[1]
