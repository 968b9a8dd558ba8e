"""
Summaries of items that are added and removed: the last operation on each one counts.

When it happened is looked at only where it matters. Of days that follow each other, which
items are on and which are off at the end of each is enough.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import Decimal
from itertools import chain
from typing import Any

from msgspec import Raw, msgpack

from lago_cli.domain.aggregations import Units, Window
from lago_cli.domain.readings import Kept
from lago_cli.domain.summary import Summary

Operation = tuple[int, int, bool]
"""(microseconds since 1970, rank within the microsecond, whether the item was added)."""

_items = msgpack.Decoder(tuple[list[str], list[str]]).decode
_packed = msgpack.Decoder(bytes).decode
_operations = msgpack.Decoder(list[Operation]).decode


class Items(Summary):
    """
    Of every item, the last operation.

    Its row has the items that are on, those that are off, and the operations on both in
    their order, packed by themselves so that it costs nothing to pass over them.
    """

    __slots__ = ("last",)

    def __init__(self, unusable: int = 0, usable: int = 0) -> None:
        super().__init__(unusable, usable)
        self.last: dict[Any, Operation] = {}

    def units(self, window: Window) -> Units:  # noqa: ARG002
        return Decimal(sum(on for _, _, on in self.last.values()))

    def row(self) -> tuple[Any, ...]:
        on, off = [], []
        added, removed = [], []
        for item, operation in self.last.items():
            if operation[2]:
                on.append(item)
                added.append(operation)
            else:
                off.append(item)
                removed.append(operation)
        return self.unusable, self.usable, (on, off), msgpack.encode(added + removed)

    def absorb(self, row: Sequence[Any]) -> None:
        unusable, usable, (on, off), operations = row
        self.unusable += unusable
        self.usable += usable
        last = self.last
        for item, operation in zip(chain(on, off), _operations(operations), strict=True):
            known = last.get(item)
            if known is None or operation > known:
                last[item] = operation

    def said(self) -> object:
        return self.unusable, self.usable, self.last

    def take(self, at: int, rank: int, reading: Kept) -> None:
        item, _, step = reading
        if item is None:
            self.unusable += 1
            return
        self.usable += 1
        known = self.last.get(item)
        operation = at, rank, step == 1
        if known is None or operation > known:
            self.last[item] = operation


class Standing(Summary):
    """
    Which items are on, out of rows of `Items` that come by day, in any order.

    They stay packed until they are asked for, one party after the other: so only its items
    are in memory, and near.
    """

    __slots__ = ("days", "on")
    form = tuple[int, int, Raw, Raw]

    def __init__(self, unusable: int = 0, usable: int = 0) -> None:
        super().__init__(unusable, usable)
        self.days: dict[int, list[Sequence[Any]]] = {}
        self.on: set[str] = set()  # after all days before these

    def absorb_day(self, day: int, row: Sequence[Any]) -> None:
        self.unusable += row[0]
        self.usable += row[1]
        self.days.setdefault(day, []).append(row)

    def merge(self, other: Summary) -> None:
        """Count in what comes later than all that was asked for; nobody asked `other`."""
        assert isinstance(other, Standing)
        self.unusable += other.unusable
        self.usable += other.usable
        for day, rows in other.days.items():
            self.days.setdefault(day, []).extend(rows)

    def units(self, window: Window) -> Units:  # noqa: ARG002
        on = self.on
        for day in sorted(self.days):
            added, removed = _changes(self.days[day])
            on.update(added)
            on.difference_update(removed)
        self.days.clear()
        return Decimal(len(on))


def _changes(rows: Sequence[Sequence[Any]]) -> tuple[list[str], Collection[str]]:
    """What rows of the same day add, and then remove."""
    added, removed = _items(rows[0][2])
    if len(rows) == 1:
        return added, removed
    for row in rows[1:]:
        more, less = _items(row[2])
        added += more
        removed += less
    off = set(removed)
    if not off.isdisjoint(added):
        off -= _on_at_last(off.intersection(added), rows)
    return added, off


def _on_at_last(contested: set[str], rows: Sequence[Sequence[Any]]) -> set[str]:
    """Those that are on, of items that are on in one row of a day and off in another."""
    last: dict[str, Operation] = {}
    for row in rows:
        operations = _operations(_packed(row[3]))
        for item, operation in zip(chain(*_items(row[2])), operations, strict=True):
            if item in contested and (item not in last or operation > last[item]):
                last[item] = operation
    return {item for item, operation in last.items() if operation[2]}
