"""Which events of a part count where, all at once: under which keys, and in which groups."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from lago_cli.domain.dimensions import Dimensions, Place
from lago_cli.stores.sqlite.columns import Columns
from lago_cli.stores.sqlite.packed import Ints
from lago_cli.stores.sqlite.pieces import Pieces


class Placing:
    """Finds the pieces of events."""

    def __init__(self, pieces: Pieces) -> None:
        rows = [(party, *piece) for party in sorted(pieces.of) for piece in pieces.of[party]]
        columns = np.array(rows, dtype=np.int64).reshape(-1, 4).T
        self._party, self._start, self._end, self._key = columns
        largest = int(self._party[-1]) if rows else 0
        # of party p, the pieces from `_first[p]` up to `_first[p + 1]`; beyond the last, none
        self._first = np.searchsorted(self._party, np.arange(largest + 3))
        self._beyond = largest + 1

    def of(self, columns: Columns) -> tuple[Ints, Ints]:
        """(positions, keys), by position; one that counts under several keys comes again."""
        parties = np.minimum(columns.parties, self._beyond)
        first = self._first[parties]
        how_many = self._first[parties + 1] - first
        if not how_many.any():
            return first[:0], first[:0]
        if how_many.max() > 1:
            return self._of_several(columns, parties)
        rows = np.flatnonzero(how_many)
        pieces = first[rows]
        start, end = self._start[pieces], self._end[pieces]
        if start.max() > columns.first_at or end.min() <= columns.last_at:
            at = columns.at[rows]
            inside = (start <= at) & (at < end)
            rows, pieces = rows[inside], pieces[inside]
        return rows, self._key[pieces]

    def _of_several(self, columns: Columns, parties: Ints) -> tuple[Ints, Ints]:
        """Where a party has several: events by party and time, and in them each piece a range."""
        at, events = columns.at, columns.events
        is_there = np.zeros(self._beyond + 1, dtype=bool)
        is_there[parties] = True
        order = np.argsort(parties, kind="stable")
        places = parties[order] * events + order
        pieces = np.flatnonzero(
            is_there[self._party]
            & (self._start <= columns.last_at)
            & (self._end > columns.first_at)
        )
        of_party = self._party[pieces] * events
        low = np.searchsorted(places, of_party + np.searchsorted(at, self._start[pieces]))
        high = np.searchsorted(places, of_party + np.searchsorted(at, self._end[pieces]))
        lengths = high - low
        ends = np.cumsum(lengths)
        if not len(ends) or not ends[-1]:
            return order[:0], order[:0]
        within = np.arange(ends[-1]) - np.repeat(ends - lengths, lengths)
        rows = order[np.repeat(low, lengths) + within]
        keys = np.repeat(self._key[pieces], lengths)
        by_position = np.argsort(rows, kind="stable")
        return rows[by_position], keys[by_position]


class Sorting:
    """
    Sorts the events of a question by key, bucket and group.

    `figures` has (number of the key, bucket and group) by the numbers that it gives.
    """

    def __init__(self, dimensions: Dimensions, keys: int) -> None:
        self._dimensions = dimensions
        self._keys = keys
        self.by_label = dimensions.are_labels
        self.matters = dimensions.matter
        self._places: dict[Place, int] = {}
        self._in_order: list[Place] = []
        self._numbers: dict[int, int] = {}
        self.figures: list[tuple[int, Place]] = []
        if not self.matters:
            self.figures = [(key, (0, ())) for key in range(keys)]

    @property
    def size(self) -> int:
        """How many numbers there are by now."""
        return len(self.figures)

    def of(self, columns: Columns, places: Ints, keys: Ints) -> tuple[Ints, Ints]:
        """(positions, numbers of figures) of the events that are asked for."""
        if not self.matters or not len(places):
            return places, keys
        place_of = self._places_of(columns)[places]
        wanted = place_of >= 0
        places, keys, place_of = places[wanted], keys[wanted], place_of[wanted]
        both, which = np.unique(place_of * self._keys + keys, return_inverse=True)
        numbers = np.array([self._number(pair) for pair in both.tolist()], dtype=np.int64)
        return places, numbers[which] if len(numbers) else keys

    def _number(self, pair: int) -> int:
        number = self._numbers.get(pair)
        if number is None:
            number = self._numbers[pair] = len(self.figures)
            place, key = divmod(pair, self._keys)
            self.figures.append((key, self._in_order[place]))
        return number

    def _places_of(self, columns: Columns) -> Ints:
        """The number of the bucket and group of every event; -1: it is not asked for."""
        if self.by_label:
            labels = columns.labels
            assert labels is not None
            different, numbers = labels
            found = [self._dimensions.of_label(label) for label in different]
        else:
            texts, numbers = columns.properties
            found = self._dimensions.of_all(texts)
        known = self._places
        of_different = [
            -1 if place is None else known.setdefault(place, len(known)) for place in found
        ]
        self._in_order = list(known)
        return np.array(of_different, dtype=np.int64)[numbers]


def are_among(ids: Ints, some: Collection[int]) -> Any:
    """Of each id, whether it is one of these few."""
    return np.isin(ids, np.array(sorted(some), dtype=np.int64))
