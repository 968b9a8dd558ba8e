"""
The events of one code as columns, in the order of time, and how a column becomes bytes.

This is the only place that knows the form of `parts`; it and its callers are loaded only where
there are parts to read or to make.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, wraps
from typing import Any, NamedTuple, TypeVar

import numpy as np
from msgspec import msgpack

from lago_cli.domain.dimensions import Label
from lago_cli.domain.measurements import Measurements, Reader, measurement_of_amount
from lago_cli.domain.ranks import ID_BITS
from lago_cli.stores.sqlite.damage import UNREADABLE, damaged, intact
from lago_cli.stores.sqlite.packed import Ints, compress, decompress, ints_in, packed
from lago_cli.stores.sqlite.parts import EventRow

BLOBS = ("parties", "times", "ids", "measurements", "labels", "received", "properties", "amounts")
"""The columns of `parts` that `Columns` makes and reads; what is read least stands last."""
_KINDS = ("numbers", "ones", "items")


class Numbers(NamedTuple):
    """Of each event `values / 10**scale`, but for those in `texts`, by position."""

    values: Ints
    scale: int
    texts: dict[int, str]


class Items(NamedTuple):
    """Of each event the number of an item, and whether it is added."""

    texts: list[str]
    numbers: Ints
    added: Ints | None  # None: all are


class Rows(NamedTuple):
    """Events of one code, by column, in any order."""

    at: Sequence[int]  # microseconds since 1970
    finer: Sequence[int] | None  # picoseconds beyond; None: all are 0
    ids: Sequence[int]
    parties: Sequence[int]
    measurements: Measurements
    properties: Sequence[str]
    received: Sequence[int]
    amounts: Sequence[str | None] | None = None  # None: no event has one


T = TypeVar("T")


def _column(decode: Callable[[Columns], T]) -> cached_property[T]:
    """A column that is decoded once; what cannot be is damage, and no bug of who asks for it."""

    @wraps(decode)
    def decoded(columns: Columns) -> T:
        try:
            return decode(columns)
        except UNREADABLE:
            raise damaged(columns.name) from None

    return cached_property(decoded)


class Columns:
    """Columns of one code's events; each is decoded, and checked, when it is asked for."""

    def __init__(
        self, name: str, events: int, span: tuple[int, int], blobs: Callable[[str], Any]
    ) -> None:
        self.name = name
        self.events = events
        self.first_at, self.last_at = span
        self._blob = blobs

    def _ints(self, blob: bytes) -> Ints:
        found = ints_in(blob)
        if len(found) != self.events:
            raise ValueError("another number of events")
        return found

    def _numbers(self, blob: bytes, things: Sequence[object]) -> Ints:
        """The number of one of some things for each event."""
        found = self._ints(blob)
        if found.min() < 0 or found.max() >= len(things):
            raise ValueError("a number of nothing")
        return found

    def _dictionary(self, blob: bytes, kind: Any) -> tuple[Any, Ints]:
        texts, numbers = msgpack.decode(decompress(blob), type=tuple[kind, bytes | None])
        if numbers is not None:
            return texts, self._numbers(numbers, texts)
        if len(texts) != self.events:
            raise ValueError("another number of events")
        return texts, np.arange(self.events)

    @_column
    def parties(self) -> Ints:
        return self._ints(self._blob("parties"))

    @_column
    def at(self) -> Ints:
        """Ascending."""
        return self._ints(self._blob("times"))

    @_column
    def _ids(self) -> tuple[Ints, Ints | None]:
        ids, finer = msgpack.decode(self._blob("ids"))
        return self._ints(ids), None if finer is None else self._ints(finer)

    @property
    def ids(self) -> Ints:
        return self._ids[0]

    @property
    def finer(self) -> Ints | None:
        return self._ids[1]

    @cached_property
    def ranks(self) -> Ints:
        """Ascending where `at` is the same; see `domain.ranks`."""
        return self.ids if self.finer is None else self.finer << ID_BITS | self.ids

    @_column
    def received(self) -> Ints:
        return self._ints(self._blob("received"))

    @_column
    def _measured(self) -> tuple[bytes | None, str, Any]:
        unusable, kind, content = msgpack.decode(self._blob("measurements"))
        if kind not in _KINDS:
            raise ValueError("measurements of no kind")
        return unusable, kind, content

    @_column
    def usable(self) -> Any:
        """Which events their metric can use; None: all."""
        unusable = self._measured[0]
        if unusable is None:
            return None
        usable = np.ones(self.events, dtype=bool)
        usable[ints_in(unusable)] = False
        return usable

    @property
    def are_usable(self) -> Any:
        """The same, of every event."""
        return np.ones(self.events, dtype=bool) if self.usable is None else self.usable

    @property
    def kind(self) -> str:
        """What its measurements are: numbers, ones or items."""
        return self._measured[1]

    @_column
    def numbers(self) -> Numbers:
        """Of a metric that reads numbers."""
        _, kind, content = self._measured
        if kind != "numbers":  # all that count are one
            return Numbers(np.ones(self.events, dtype=np.int64), 0, {})
        scale, values, texts = content
        return Numbers(self._ints(values), int(scale), dict(texts))

    @_column
    def amounts(self) -> Numbers:
        """The prices that events carry, 0 where one has none."""
        blob = self._blob("amounts")
        if blob is None:
            return Numbers(np.zeros(self.events, dtype=np.int64), 0, {})
        scale, values, texts = msgpack.decode(blob)
        return Numbers(self._ints(values), int(scale), dict(texts))

    @_column
    def items(self) -> Items:
        """Of a metric that reads items."""
        _, kind, content = self._measured
        if kind != "items":  # none of them counts
            return Items([""], np.zeros(self.events, dtype=np.int64), None)
        texts, numbers, added = content
        items = msgpack.decode(decompress(texts), type=list[str])
        are_added = None if added is None else self._ints(added)
        return Items(items, self._numbers(numbers, items), are_added)

    @_column
    def labels(self) -> tuple[list[Label], Ints] | None:
        """The different labels, and the number of each event's; None where there are none."""
        blob = self._blob("labels")
        return self._dictionary(blob, list[tuple[str | None, ...]]) if blob else None

    @_column
    def properties(self) -> tuple[list[str], Ints]:
        """The different texts, and the number of each event's."""
        return self._dictionary(self._blob("properties"), list[str])


def rows_of(events: Iterable[EventRow], read: Reader) -> Rows:
    """Rows as columns; an empty list of each where there is none."""
    found = list(events)
    measured = [read(event.properties, event.at) for event in found]
    columns = map(list, zip(*measured, strict=True)) if measured else ([], [], [])
    return Rows(
        [event.at for event in found],
        [event.finer for event in found],
        [event.id for event in found],
        [event.party for event in found],
        Measurements(*columns),
        [event.properties for event in found],
        [event.received_at for event in found],
        [event.amount for event in found],
    )


def pack(rows: Rows, label_of: Callable[[str], Label] | None) -> dict[str, Any]:
    """
    A row of `parts` without its code: what it is found by, and `BLOBS`.

    `label_of` is what the metric tells usage apart by, None where it does not.
    """
    at = np.array(rows.at, dtype=np.int64)
    ids = np.array(rows.ids, dtype=np.int64)
    finer = None if rows.finer is None else np.array(rows.finer, dtype=np.int64)
    if finer is not None and not finer.any():
        finer = None
    measurements, properties = rows.measurements, rows.properties
    amounts = rows.amounts if rows.amounts and any(rows.amounts) else None
    parties = np.array(rows.parties, dtype=np.int64)
    received = np.array(rows.received, dtype=np.int64)
    order = _order(at, finer, ids)
    if order is not None:
        at, ids, parties, received = at[order], ids[order], parties[order], received[order]
        finer = finer if finer is None else finer[order]
        places = order.tolist()
        measurements = Measurements(
            *([column[place] for place in places] for column in measurements)
        )
        properties = [properties[place] for place in places]
        amounts = amounts and [amounts[place] for place in places]
    unusable, measured = _measured(measurements)
    return {
        "events": len(at),
        "unusable": unusable,
        "first_at": int(at[0]),
        "last_at": int(at[-1]),
        "first_id": int(ids.min()),
        "last_id": int(ids.max()),
        "parties": packed(parties),
        "times": packed(at, differences=True),
        "ids": msgpack.encode(
            (packed(ids, differences=True), None if finer is None else packed(finer))
        ),
        "measurements": measured,
        "labels": _packed_texts(list(map(label_of, properties))) if label_of else None,
        "received": packed(received, differences=True),
        "properties": _packed_texts(properties),
        "amounts": _packed_amounts(amounts) if amounts else None,
    }


def unpacked(row: Mapping[str, Any]) -> Columns:
    """Of what `pack` made."""
    return Columns("a part", row["events"], (row["first_at"], row["last_at"]), row.__getitem__)


def _order(at: Ints, finer: Ints | None, ids: Ints) -> Ints | None:
    """By time and rank; None where they come so."""
    if finer is None and (np.diff(at) >= 0).all() and (np.diff(ids) > 0).all():
        return None
    keys = (ids, at) if finer is None else (ids, finer, at)
    return np.lexsort(keys)


def _measured(measurements: Measurements) -> tuple[int, bytes]:
    """How many are unusable, and all of them packed."""
    values, scales, steps = measurements
    unusable: list[int] = []
    if None in values:
        unusable = [place for place, value in enumerate(values) if value is None]
    if any(steps):
        kind, content = "items", _packed_items(values, steps)
    elif values.count(1) + len(unusable) == len(values) and not any(scales):
        kind, content = "ones", None
    else:
        kind, content = "numbers", _packed_numbers(values, scales)
    places = packed(np.array(unusable, dtype=np.int64)) if unusable else None
    return len(unusable), msgpack.encode((places, kind, content))


def _packed_numbers(values: Sequence[Any], scales: Sequence[int | None]) -> tuple[Any, ...]:
    """All with one scale; what has no scale, or does not fit into it, stays text."""
    texts: list[tuple[int, str]] = []
    if None in scales:
        for place, (value, scale) in enumerate(zip(values, scales, strict=True)):
            if scale is None and value is not None:
                texts.append((place, value))
        values = [0 if s is None else v for v, s in zip(values, scales, strict=True)]
        scales = [0 if s is None else s for s in scales]
    scale = max(scales)  # type: ignore[type-var]
    numbers = np.array(values, dtype=np.int64)
    if min(scales) != scale:  # type: ignore[type-var]
        shift = scale - np.array(scales, dtype=np.int64)  # type: ignore[operator]
        fits = np.abs(numbers.astype(np.float64)) * 10.0**shift < 2.0**62
        for place in np.flatnonzero(~fits).tolist():
            texts.append((place, f"{values[place]}e-{scales[place]}"))
        numbers = np.where(fits, numbers, 0) * np.where(fits, 10 ** np.minimum(shift, 18), 1)
    return scale, packed(numbers), texts


def _packed_amounts(amounts: Sequence[str | None]) -> bytes:
    with intact("an amount"):
        values, scales, _ = zip(*map(measurement_of_amount, amounts), strict=True)
    return msgpack.encode(_packed_numbers(values, scales))


def _packed_items(values: Sequence[Any], steps: Sequence[int | None]) -> tuple[Any, ...]:
    index: dict[Any, int] = {}
    number_of = index.setdefault
    numbers = [number_of(value, len(index)) for value in values]
    texts = [value or "" for value in index]  # unusable ones have none
    added = None
    if -1 in steps:
        added = packed(np.array([step == 1 for step in steps], dtype=np.int64))
    return compress(msgpack.encode(texts)), packed(np.array(numbers, dtype=np.int64)), added


def _packed_texts(texts: Sequence[Any]) -> bytes:
    """With each only once, where that saves something."""
    index: dict[Any, int] = {}
    number_of = index.setdefault
    numbers = [number_of(text, len(index)) for text in texts]
    if len(index) * 2 > len(texts):
        return compress(msgpack.encode((texts, None)))
    return compress(msgpack.encode((list(index), packed(np.array(numbers, dtype=np.int64)))))
