"""
Lists of events, the newest first: how many there are, and between which instants a page lies.

Parts know their instants, not the order of the ids that stand in rows. So a page is found by
counting: which instants its first and last row have, however far down they are. Only then are rows
read, of these instants. No more is held than some parts at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from lago_cli.domain.ranks import ID_MASK
from lago_cli.stores.sqlite.ordering import Wanted, references
from lago_cli.stores.sqlite.packed import Ints
from lago_cli.stores.sqlite.parts import PartBounds
from lago_cli.stores.sqlite.placing import Placing
from lago_cli.stores.sqlite.query import Snapshot

_BINS = 1_024
_FEW = 10_000  # instants that are rather sorted than counted
_MOST_HELD = 500_000  # events
_BEYOND = 0  # number of the part that rows beyond the watermark are


class Stretch(NamedTuple):
    """From the newest to the oldest instant of some rows of a list, both inclusive."""

    newest: int
    oldest: int
    before: int  # rows of newer events
    rows: int  # of these instants


class _Place(NamedTuple):
    """Where in time one row of a list is."""

    at: int
    before: int  # rows of newer events
    rows: int  # of this instant


class Listing:
    """The events that are wanted, in a file with parts."""

    def __init__(
        self,
        snapshot: Snapshot,
        wanted: Wanted,
        parts: Sequence[PartBounds],
        beyond: Sequence[tuple[int, int]],
    ) -> None:
        """`beyond` has time and rank of what is wanted and in no part."""
        self._snapshot = snapshot
        self._wanted = wanted
        self._placing = None if wanted.pieces is None else Placing(wanted.pieces)
        self._beyond = np.array(sorted(beyond), dtype=np.int64).reshape(-1, 2).T
        self._held: dict[int, Any] = {_BEYOND: self._beyond}
        self._holds = 0  # events
        self._parts = list(self._counted(parts))
        self.count = sum(part.events for part in self._parts)

    def stretch(self, skip: int, size: int) -> Stretch | None:
        """Of the rows after the first `skip`; None where there are none."""
        last = min(skip + size, self.count) - 1
        if skip > last:
            return None
        newest, oldest = self._place_of(skip), self._place_of(last)
        rows = oldest.before + oldest.rows - newest.before
        return Stretch(newest.at, oldest.at, newest.before, rows)

    def ids(self, stretch: Stretch) -> list[int]:
        """Of its events, in no order."""
        found = []
        for part in self._within(stretch.oldest, stretch.newest):
            at, ranks = self._of(part.part)
            low, high = np.searchsorted(at, (stretch.oldest, stretch.newest + 1))
            found += (ranks[low:high] & ID_MASK).tolist()
        return found

    def _counted(self, parts: Sequence[PartBounds]) -> Iterator[PartBounds]:
        """Each part as if it had nothing but what is wanted; most need not be read for that."""
        span = self._wanted.span
        takes_all = self._placing is None and self._wanted.usable is None
        for part in parts:
            if takes_all and span.start <= part.first_at and part.last_at < span.end:
                yield part
            elif len(at := self._of(part.part)[0]):
                yield PartBounds(part.part, int(at[0]), int(at[-1]), len(at))
        if len(at := self._beyond[0]):
            yield PartBounds(_BEYOND, int(at[0]), int(at[-1]), len(at))

    def _of(self, part: int) -> Any:
        """Times, ascending, and ranks of what is wanted of a part."""
        if part in self._held:
            return self._held[part]
        found = references(self._snapshot.parts.get(part), self._wanted, self._placing)
        self._holds += found.shape[1]
        if self._holds > _MOST_HELD:
            self._held = {_BEYOND: self._beyond}
            self._holds = found.shape[1]
        self._held[part] = found
        return found

    def _within(self, low: int, high: int) -> list[PartBounds]:
        return [part for part in self._parts if part.first_at <= high and part.last_at >= low]

    def _place_of(self, row: int) -> _Place:
        """Narrow down its instant, by counting events in ever shorter stretches of time."""
        low, high = self._bounds_of(row)
        before, events = self._newer_than(high), self.count
        while low < high and events > _FEW:
            edges = _edges(low, high)
            counts = np.zeros(len(edges) - 1, dtype=np.int64)
            for at in self._times(low, high):
                counts += np.diff(np.searchsorted(at, edges))
            upto = np.cumsum(counts[::-1])
            newer = int(np.searchsorted(upto, row - before, side="right"))  # stretches
            place = len(counts) - 1 - newer
            events = int(counts[place])
            before += int(upto[newer]) - events
            low, high = int(edges[place]), int(edges[place + 1]) - 1
        if low == high:
            return _Place(low, before, sum(map(len, self._times(low, high))))
        return _among(np.sort(np.concatenate(list(self._times(low, high)))), row - before, before)

    def _times(self, low: int, high: int) -> Iterator[Ints]:
        """The instants between two, both inclusive, part by part."""
        for part in self._within(low, high):
            at = self._of(part.part)[0]
            start, end = np.searchsorted(at, (low, high + 1))
            yield at[start:end]

    def _bounds_of(self, row: int) -> tuple[int, int]:
        """Instants between which a row is, as far as the bounds of parts tell."""
        low = high = 0
        newer = 0
        for part in sorted(self._parts, key=lambda part: -part.last_at):
            if newer > row:
                break
            high = part.last_at  # of later ones there are at most `newer` events
            newer += part.events
        newer = 0
        for part in sorted(self._parts, key=lambda part: -part.first_at):
            low = part.first_at  # from here on there are at least `newer` events
            newer += part.events
            if newer > row:
                break
        return low, high

    def _newer_than(self, instant: int) -> int:
        """How many events are later; only parts that it falls into are read."""
        newer = 0
        for part in self._parts:
            if part.first_at > instant:
                newer += part.events
            elif part.last_at > instant:
                at = self._of(part.part)[0]
                newer += len(at) - int(np.searchsorted(at, instant, side="right"))
        return newer


def _edges(low: int, high: int) -> Ints:
    """The first instants of equally long stretches between these, and the one after the last."""
    step = -(-(high + 1 - low) // _BINS)
    edges = np.arange(low, high + 1, step, dtype=np.int64)
    return np.append(edges, high + 1)


def _among(times: Ints, row: int, before: int) -> _Place:
    """The place of a row, of the latest ones, among a few instants."""
    at = int(times[len(times) - 1 - row])
    first, end = np.searchsorted(times, (at, at + 1))
    return _Place(at, before + len(times) - int(end), int(end - first))
