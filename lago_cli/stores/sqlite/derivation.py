"""Keeping parts true: the side of `parts` that writes, inside the transactions of its callers."""

from __future__ import annotations

import sqlite3
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from lago_cli.domain.measurements import Measurements
from lago_cli.domain.metrics import Metric
from lago_cli.stores.base import Told
from lago_cli.stores.sqlite.parts import EventRow, How, PartKey, Parts, how_of

if TYPE_CHECKING:
    from lago_cli.stores.sqlite.columns import Rows

ENOUGH = 16_384  # events: as long as fewer are beyond the watermark, their rows are read
AT_ONCE = 80_000  # events that are held in memory until parts are made of them; fewer long ones
EVENT = 1_000  # characters of properties that count as one more
SMALL = 4_096  # events: a part with fewer is merged with others like it
MANY = 8  # small parts

_UNUSABLE = "INSERT OR IGNORE INTO unusable_events VALUES (?)"
_WITH_AMOUNTS = """
SELECT code_id, id FROM events WHERE precise_total_amount_cents IS NOT NULL AND id <= ?
"""
_USABLE = "DELETE FROM unusable_events WHERE event_id = ?"


class Appended(NamedTuple):
    """Events that were appended, by column."""

    codes: Sequence[int]
    at: Sequence[int]
    finer: Sequence[int] | None
    ids: Sequence[int]
    parties: Sequence[int]
    measurements: Measurements
    properties: Sequence[str]
    received: Sequence[int]
    amounts: Sequence[str | None]


class Derivation:
    """What a transaction derives: `flush` comes before its commit."""

    def __init__(self, connection: sqlite3.Connection, told: Told | None = None) -> None:
        """`told` hears of the events that are put into parts out of their rows."""
        self._connection = connection
        self._told = told or (lambda _: None)
        self._parts = Parts(connection)
        self._metrics: Mapping[str, Metric] = {}
        self._hows: dict[int, How] = {}
        self._held: list[Appended] = []
        self._held_size = 0
        self._is_held = True  # False: what was appended is read from its rows
        self._has_more = False  # whether anything was appended
        self._keys: dict[int, list[PartKey]] = {}
        # by code and part, the events that come back to it; of no part: a new one
        self._touched: dict[int, dict[int | None, set[int]]] = {}
        self._watermark = 0

    def begin(self, metrics: Mapping[str, Metric]) -> None:
        """In a new transaction, with the metrics of its time."""
        self.forget()
        self._metrics = metrics

    def forget(self) -> None:
        """What was not flushed is not stored after all."""
        self._hows.clear()
        self._held.clear()
        self._held_size = 0
        self._is_held = True
        self._has_more = False
        self._keys.clear()
        self._touched.clear()
        self._watermark = self._parts.watermark

    def add(self, appended: Appended) -> None:
        """Events that were appended."""
        if not appended.ids:
            return
        self._has_more = True
        codes, values = appended.codes, appended.measurements.values
        if None in values:
            matched = {code for code in set(codes) if self._how(code).is_matched}
            rows = zip(appended.ids, codes, values, strict=True)
            unusable = [(row,) for row, code, value in rows if value is None and code in matched]
            self._connection.executemany(_UNUSABLE, unusable)
        if self._is_held:
            self._held.append(appended)
            self._held_size += len(appended.ids) + sum(map(len, appended.properties)) // EVENT

    def relieve(self) -> None:
        """Between two batches: hold not too many."""
        if self._held_size >= AT_ONCE:
            self._catch_up()

    def removed(self, code: int, event_id: int) -> None:
        """The row of an event is gone."""
        self._connection.execute(_USABLE, (event_id,))
        if event_id > self._watermark:
            self._held.clear()
            self._held_size = 0
            self._is_held = False
        else:
            self._touched_near(code, event_id)

    def restored(self, code: int, event_id: int) -> None:
        """The row of an event that was replaced is back."""
        self._note_unusable(code, self._parts.rows_of([event_id]))
        if event_id <= self._watermark:
            self._touched_near(code, event_id).add(event_id)

    def flush(self, *, keep: bool = False) -> None:
        """
        Before a commit: nothing after it is to be made from memory.

        Args:
            keep: it may be, in transactions that follow; somebody sees that nobody else writes.
        """
        self._mend()
        if self._has_more and self._parts.are_beyond(ENOUGH, self._watermark):
            self._catch_up()
        if keep:
            self._has_more = False
        else:
            self.forget()

    def derive_all(self, enough: int = 0) -> None:
        """Everything beyond the watermark, also where nothing is known of it but its rows."""
        for found in _pieces(self._parts.rows_beyond()):
            for code, of_code in _by_code(found).items():
                self._note_unusable(code, of_code)
        if self._parts.count_beyond() >= (enough or ENOUGH):
            self._catch_up()

    def derive_amounts(self) -> None:
        """Parts whose events carry amounts, where they were made without."""
        for code, event_id in self._connection.execute(_WITH_AMOUNTS, (self._watermark,)):
            self._touched_near(code, event_id)
        self._mend()

    def rebuild(self, code: int, metric: Metric | None) -> None:
        """Read all events of a code anew, by what its metric says from now on."""
        self._hows[code] = how = how_of(metric)
        for key in self._parts.keys(code):
            from lago_cli.stores.sqlite.columns import rows_of

            columns = self._parts.get(key.part)
            noted = columns.ids[~columns.are_usable].tolist()
            self._connection.executemany(_USABLE, [(event_id,) for event_id in noted])
            rows = rows_of(self._parts.rows_of(columns.ids.tolist()), how.read)
            self._write(code, rows, key.part)
            if how.is_matched:
                pairs = zip(rows.ids, rows.measurements.values, strict=True)
                unusable = [(event_id,) for event_id, value in pairs if value is None]
                self._connection.executemany(_UNUSABLE, unusable)
        beyond = [row for row in self._parts.rows_beyond() if row.code == code]
        self._connection.executemany(_USABLE, [(row.id,) for row in beyond])
        self._note_unusable(code, beyond)

    # How parts are made -------------------------------------------------------------------

    def _catch_up(self) -> None:
        """Make parts of all events."""
        self._mend()  # before parts are merged, of which some may be known to be wrong
        from lago_cli.stores.sqlite.columns import rows_of

        ((last_id,),) = self._connection.execute("SELECT max(id) FROM events")
        # what replaces an event has a lower id than what was appended just before it
        first_held = min((each.ids[0] for each in self._held), default=last_id + 1)
        for found in _pieces(self._parts.rows_beyond(first_held - 1)):
            for code, of_code in _by_code(found).items():
                self._write(code, rows_of(of_code, self._how(code).read))
            self._told(len(found))
        self._write_held()
        self._connection.execute("UPDATE watermark SET event_id = ?", (last_id,))
        self._watermark = last_id
        self._keys.clear()

    def _write_held(self) -> None:
        from lago_cli.stores.sqlite.columns import Rows

        held, self._held, self._held_size = self._held, [], 0
        places: dict[int, list[int]] = defaultdict(list)
        for place, code in enumerate(chain.from_iterable(each.codes for each in held)):
            places[code].append(place)
        if not places:
            return
        finer: list[int] | None = None
        if any(each.finer is not None for each in held):
            finer = list(chain.from_iterable(each.finer or [0] * len(each.ids) for each in held))
        amounts: list[str | None] | None = None
        if any(any(each.amounts) for each in held):
            amounts = list(chain.from_iterable(each.amounts for each in held))
        of_all = [
            list(chain.from_iterable(map(attrgetter(name), held)))
            for name in ("at", "ids", "parties", "properties", "received")
        ]
        measured = [
            list(chain.from_iterable(each.measurements[number] for each in held))
            for number in range(3)
        ]
        for code, of_code in places.items():

            def only(column: Sequence[Any], of_code: list[int] = of_code) -> list[Any]:
                return [column[place] for place in of_code]

            at, ids, parties, properties, received = map(only, of_all)
            measurements = Measurements(*map(only, measured))
            own, prices = (None if column is None else only(column) for column in (finer, amounts))
            self._write(
                code, Rows(at, own, ids, parties, measurements, properties, received, prices)
            )

    def _write(self, code: int, rows: Rows, part: int | None = None) -> None:
        """A new part, or another content for one; none where there are no events."""
        from lago_cli.stores.sqlite.columns import pack

        if not rows.ids:
            self._connection.execute("DELETE FROM parts WHERE id = ?", (part,))
            return
        row = pack(rows, self._how(code).label)
        names, values = list(row), list(row.values())
        if part is not None:
            assigned = ", ".join(f"{name} = ?" for name in names)
            self._connection.execute(f"UPDATE parts SET {assigned} WHERE id = ?", (*values, part))  # noqa: S608
            return
        self._connection.execute(
            f"INSERT INTO parts (code_id, {', '.join(names)})"  # noqa: S608
            f" VALUES (?{', ?' * len(names)})",
            (code, *values),
        )
        if len(rows.ids) < SMALL:
            self._merge_small(code)

    def _merge_small(self, code: int) -> None:
        """The last parts of a code, where many of them are small."""
        keys: list[PartKey] = []
        for key in reversed(self._parts.keys(code)):
            if key.events >= SMALL:
                break
            keys.append(key)
        if len(keys) < MANY:
            return
        from lago_cli.stores.sqlite.columns import rows_of

        ids = chain.from_iterable(self._parts.get(key.part).ids.tolist() for key in keys)
        rows = rows_of(self._parts.rows_of(ids), self._how(code).read)
        self._connection.executemany(
            "DELETE FROM parts WHERE id = ?", [(key.part,) for key in keys[1:]]
        )
        self._write(code, rows, keys[0].part)

    def _mend(self) -> None:
        """Make the parts anew of which events are gone, or to which some have come back."""
        if not self._touched:
            return
        from lago_cli.stores.sqlite.columns import rows_of

        touched, self._touched = self._touched, {}
        for code, by_part in touched.items():
            how = self._how(code)
            for part, ids in by_part.items():
                if part is not None:
                    ids.update(self._parts.get(part).ids.tolist())
                there = self._parts.rows_of(sorted(ids))  # without those that are gone
                for some in _pieces(there):
                    self._write(code, rows_of(some, how.read), part)
                    part = None
                if part is not None:
                    self._write(code, rows_of((), how.read), part)
        self._keys.clear()

    # What is found out along the way ---------------------------------------------------------

    def _how(self, code: int) -> How:
        if code not in self._hows:
            query = "SELECT code FROM codes WHERE id = ?"
            ((name,),) = self._connection.execute(query, (code,))
            self._hows[code] = how_of(self._metrics.get(name))
        return self._hows[code]

    def _note_unusable(self, code: int, rows: Iterable[EventRow]) -> None:
        how = self._how(code)
        if how.is_matched:
            read = how.read
            unusable = [(row.id,) for row in rows if read(row.properties, row.at)[0] is None]
            self._connection.executemany(_UNUSABLE, unusable)

    def _touched_near(self, code: int, event_id: int) -> set[int]:
        """
        Of the part that has an event, or can take it in: the events that come back to it.

        That part is to be made anew.
        """
        if code not in self._keys:
            self._keys[code] = self._parts.keys(code)
        keys = self._keys[code]
        place = bisect_right(keys, event_id, key=attrgetter("first_id")) - 1
        part = keys[max(place, 0)].part if keys else None
        return self._touched.setdefault(code, {}).setdefault(part, set())


def _by_code(rows: Iterable[EventRow]) -> dict[int, list[EventRow]]:
    found: dict[int, list[EventRow]] = defaultdict(list)
    for row in rows:
        found[row.code].append(row)
    return found


def _pieces(rows: Iterable[EventRow]) -> Iterator[list[EventRow]]:
    """Rows, as many at a time as may be in memory."""
    found: list[EventRow] = []
    size = 0
    for row in rows:
        found.append(row)
        size += 1 + len(row.properties) // EVENT
        if size >= AT_ONCE:
            yield found
            found, size = [], 0
    if found:
        yield found
