"""Whether what is derived is what would be derived now."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping

from lago_cli.domain.metrics import Metric
from lago_cli.stores.base import Told
from lago_cli.stores.sqlite.damage import UNREADABLE
from lago_cli.stores.sqlite.parts import How, PartKey, Parts, how_of


class DerivedCheck:
    """Makes it again, and compares."""

    def __init__(
        self, connection: sqlite3.Connection, metrics: Mapping[str, Metric], told: Told
    ) -> None:
        self._connection = connection
        self._told = told
        self._parts = Parts(connection)
        self._metrics = metrics
        self._codes = connection.execute("SELECT id, code FROM codes").fetchall()

    def differing_parts(self) -> Iterator[str]:
        """Where parts are not what they would be if they were made now."""
        kept = 0
        for code, name in self._codes:
            how = how_of(self._metrics.get(name))
            last = 0
            for key in self._parts.keys(code):
                kept += key.events
                if key.first_id <= last:
                    yield f"part {key.part} has events that are in another one, too"
                last = key.last_id
                for found in self._differences_of(code, key, how):
                    yield f'part {key.part}, of "{name}": {found}'
                self._told(key.events)
        events = self._connection.execute("SELECT count(*) FROM events").fetchone()[0]
        beyond = self._parts.count_beyond()
        if kept + beyond != events:
            yield f"{events} events are stored, {kept} of them in parts and {beyond} after them"

    def _differences_of(self, code: int, key: PartKey, how: How) -> Iterator[str]:
        from lago_cli.stores.sqlite.columns import pack, rows_of, unpacked
        from lago_cli.stores.sqlite.comparing import differing

        try:
            stored = self._parts.get(key.part)
            events = list(self._parts.rows_of(stored.ids.tolist()))
            if len(events) != stored.events:
                yield f"{stored.events} events, of which {len(events)} are stored"
                return
            if any(event.code != code for event in events):
                yield "it has events of another code"
            row = pack(rows_of(events, how.read), how.label)
            bounds = self._parts.bounds_of(key.part)
            if any(row[name] != value for name, value in bounds.items()):
                yield "its bounds are not those of its events"
            for name in differing(stored, unpacked(row)):
                yield f"its {name} are not what its events say"
        except (*UNREADABLE, sqlite3.DatabaseError):
            yield "it cannot be read"

    def wrongly_noted(self) -> Iterator[int]:
        """Events that are noted as unusable and are not, or the other way round."""
        query = "SELECT event_id FROM unusable_events"
        noted = {event_id for (event_id,) in self._connection.execute(query)}
        found: set[int] = set()
        hows = {
            code: how_of(self._metrics[name]) for code, name in self._codes if name in self._metrics
        }
        for code in hows:
            for key in self._parts.keys(code):
                columns = self._parts.get(key.part)
                if columns.usable is not None:
                    found.update(columns.ids[~columns.usable].tolist())
        for row in self._parts.rows_beyond():
            how = hows.get(row.code)
            if how is not None and how.read(row.properties, row.at)[0] is None:
                found.add(row.id)
        yield from sorted(noted ^ found)
