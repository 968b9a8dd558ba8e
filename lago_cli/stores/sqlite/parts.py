"""
Parts: what is derived from events, by code and as columns, so that questions need not read rows.

`events` is the truth. Parts hold every event up to the watermark, an event id; what comes after
it is read from its row. A transaction that brings enough new events makes parts of them and moves
the watermark. Replaced and reverted events, and changed metrics, make their parts anew, from rows
and in the same transaction. The parts of a code have ranges of ids that do not overlap.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from msgspec import json

from lago_cli.domain.aggregations import Measurement
from lago_cli.domain.dimensions import Label, label_reader
from lago_cli.domain.instants import Window
from lago_cli.domain.measurements import (
    Reader,
    measurement_of_amount,
    reader_for,
    unmatched,
)
from lago_cli.domain.metrics import Metric
from lago_cli.domain.ranks import ranked
from lago_cli.stores.sqlite.damage import UNREADABLE, damaged

if TYPE_CHECKING:
    from lago_cli.stores.sqlite.columns import Columns

_WATERMARK = "SELECT event_id FROM watermark"
_BEYOND = """
SELECT e.code_id, e.id, e.at, e.finer, e.party_id, e.properties, e.received_at,
       e.precise_total_amount_cents
  FROM events AS e
 WHERE e.id > ? AND e.id <= ?
 ORDER BY e.id
"""
_OF_IDS = """
SELECT e.code_id, e.id, e.at, e.finer, e.party_id, e.properties, e.received_at,
       e.precise_total_amount_cents
  FROM json_each(?) AS wanted CROSS JOIN events AS e ON e.id = wanted.value
"""
_EVER = 2**62


class EventRow(NamedTuple):
    """An event, as far as figures hang on it."""

    code: int
    id: int
    at: int
    finer: int
    party: int
    properties: str
    received_at: int
    amount: str | None  # `precise_total_amount_cents`

    @property
    def rank(self) -> int:
        """See `domain.ranks`."""
        return ranked([self.finer], [self.id])[0]

    @property
    def price(self) -> Measurement:
        """What its amount says."""
        try:
            return measurement_of_amount(self.amount)
        except UNREADABLE:
            raise damaged(f"the amount of event {self.id}") from None


class PartKey(NamedTuple):
    """Which part, and the ids between which its events are."""

    first_id: int
    last_id: int
    part: int
    events: int


class PartBounds(NamedTuple):
    """Which part, its first and last instant, and how many events it has."""

    part: int
    first_at: int
    last_at: int
    events: int


class Parts:
    """Reads them."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @property
    def watermark(self) -> int:
        return int(self._connection.execute(_WATERMARK).fetchone()[0])

    def overlapping(
        self, code: int, span: Window, wanted: Sequence[str], *, unusable: bool = False
    ) -> Iterator[Columns]:
        """
        The parts of a code that may have events within `span`.

        Args:
            wanted: the blobs that will be asked for; any other takes a look of its own.
            unusable: only parts that have unusable events.
        """
        rows = self._connection.execute(
            f"SELECT id, events, first_at, last_at, {', '.join(wanted)} FROM parts"  # noqa: S608
            " WHERE code_id = ? AND last_at >= ? AND first_at < ? AND unusable >= ?"
            " ORDER BY first_id",
            (code, *span, int(unusable)),
        )
        for part, events, first, last, *blobs in rows:
            known = dict(zip(wanted, blobs, strict=True))
            yield self._columns(part, events, (first, last), known)

    def keys(self, code: int) -> list[PartKey]:
        """All of a code, by id."""
        rows = self._connection.execute(
            "SELECT first_id, last_id, id, events FROM parts WHERE code_id = ? ORDER BY first_id",
            (code,),
        )
        return [PartKey(*row) for row in rows]

    def bounds(
        self, codes: Iterable[int], span: Window, *, unusable: bool = False
    ) -> list[PartBounds]:
        """Those that may have events within `span`."""
        query = (
            "SELECT id, first_at, last_at, events FROM parts"
            " WHERE code_id = ? AND last_at >= ? AND first_at < ? AND unusable >= ?"
        )
        found: list[PartBounds] = []
        for code in codes:
            rows = self._connection.execute(query, (code, *span, int(unusable)))
            found += map(PartBounds._make, rows)
        return found

    def get(self, part: int) -> Columns:
        query = "SELECT events, first_at, last_at FROM parts WHERE id = ?"
        row = self._connection.execute(query, (part,)).fetchone()
        if row is None:  # an index knew of it
            raise damaged(f"part {part}")
        events, *span = row
        return self._columns(part, events, (span[0], span[1]), {})

    def _columns(
        self, part: int, events: int, span: tuple[int, int], blobs: Mapping[str, bytes]
    ) -> Columns:
        from lago_cli.stores.sqlite.columns import Columns

        def blob(name: str) -> bytes:
            if name in blobs:
                return blobs[name]
            query = f"SELECT {name} FROM parts WHERE id = ?"  # noqa: S608
            found: bytes = self._connection.execute(query, (part,)).fetchone()[0]
            return found

        return Columns(f"part {part}", events, span, blob)

    def bounds_of(self, part: int) -> dict[str, int]:
        """What a part is found by, as `columns.pack` names it."""
        names = ("events", "unusable", "first_at", "last_at", "first_id", "last_id")
        query = f"SELECT {', '.join(names)} FROM parts WHERE id = ?"  # noqa: S608
        return dict(zip(names, self._connection.execute(query, (part,)).fetchone(), strict=True))

    def spans(self) -> dict[int, tuple[int, int]]:
        """By code, the instants of the first and the last event in parts."""
        rows = self._connection.execute(
            "SELECT code_id, min(first_at), max(last_at) FROM parts GROUP BY code_id"
        )
        return {code: (first, last) for code, first, last in rows}

    def rows_beyond(self, last_id: int = _EVER) -> Iterator[EventRow]:
        """The events that are in no part, by id, up to one of them."""
        return map(EventRow._make, self._connection.execute(_BEYOND, (self.watermark, last_id)))

    def unusable_beyond(self) -> set[int]:
        """The ids of those that their metric cannot use."""
        query = "SELECT event_id FROM unusable_events WHERE event_id > ?"
        return {event_id for (event_id,) in self._connection.execute(query, (self.watermark,))}

    def count_beyond(self) -> int:
        """How many events are in no part."""
        query = "SELECT count(*) FROM events WHERE id > (SELECT event_id FROM watermark)"
        return int(self._connection.execute(query).fetchone()[0])

    def are_beyond(self, enough: int, watermark: int) -> bool:
        """Whether so many events are in no part; ids tell at once where they are not."""
        ((last,),) = self._connection.execute("SELECT max(id) FROM events")
        return last is not None and last - watermark >= enough and self.count_beyond() >= enough

    def rows_of(self, ids: Iterable[int]) -> Iterator[EventRow]:
        """Events by their ids, in that order."""
        wanted = json.encode(list(ids)).decode()
        return map(EventRow._make, self._connection.execute(_OF_IDS, (wanted,)))


class How(NamedTuple):
    """How the events of a code are read."""

    read: Reader = unmatched
    label: Callable[[str], Label] | None = None

    @property
    def is_matched(self) -> bool:
        return self.read is not unmatched


def how_of(metric: Metric | None) -> How:
    """By the metric of the code, where there is one."""
    if metric is None:
        return How()
    keys = [row.key for row in metric.filters]
    return How(reader_for(metric), label_reader(keys) if keys else None)
