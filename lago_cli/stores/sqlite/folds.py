"""
Folding columns: the aggregations of `domain.aggregations` over many events at once.

A fold takes the events of one part after the other, each with the number of the figure that it
counts in, and gives the same states as taking them one by one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import numpy as np

from lago_cli.domain.aggregations import (
    Aggregation,
    Count,
    Latest,
    Max,
    Operation,
    Sum,
    UniqueCount,
    WeightedSum,
)
from lago_cli.domain.instants import Window
from lago_cli.domain.numbers import Units, from_scaled
from lago_cli.stores.sqlite.columns import Columns, Numbers
from lago_cli.stores.sqlite.exact_sums import ExactSums, grown
from lago_cli.stores.sqlite.operations import (
    ITEM_BITS,
    Operations,
    items_on,
    joined,
    last_operations,
)
from lago_cli.stores.sqlite.packed import Ints

_LONG_AGO = -(2**62)
_MOST_WAITING = 4_000_000  # operations


class Fold(ABC):
    """Of all aggregations: how many events each figure has, and what is folded one by one."""

    kind: type[Aggregation]

    def __init__(self) -> None:
        self._events = np.zeros(0, dtype=np.int64)
        self._apart: list[tuple[int, int, int, str]] = []  # figure, time, rank, number as text

    def add(self, columns: Columns, rows: Ints, figures: Ints, size: int) -> None:
        """
        Count in events.

        Args:
            rows: their positions, ascending; one may come several times.
            figures: to what each belongs, from 0 up to and without `size`.
        """
        self._events = grown(self._events, size)
        self._events[:size] += np.bincount(figures, minlength=size)
        self._fold(columns, rows, figures, size)

    @abstractmethod
    def _fold(self, columns: Columns, rows: Ints, figures: Ints, size: int) -> None:
        """Count in what is particular to the aggregation."""

    def _numbers(self, columns: Columns) -> Numbers:
        """What it folds, where that is numbers."""
        return columns.numbers

    def _ordinary(self, columns: Columns, rows: Ints, figures: Ints) -> tuple[Ints, Ints]:
        """Without numbers that are kept as texts, which are put apart."""
        texts = self._numbers(columns).texts
        if not texts:
            return rows, figures
        is_text = np.isin(rows, np.fromiter(texts, dtype=np.int64))
        for row, figure in zip(rows[is_text].tolist(), figures[is_text].tolist(), strict=True):
            moment = int(columns.at[row]), int(columns.ranks[row])
            self._apart.append((figure, *moment, texts[row]))
        return rows[~is_text], figures[~is_text]

    def states(self) -> Iterator[tuple[int, Aggregation]]:
        """(figure, its state) of all that have an event."""
        apart: dict[int, list[tuple[int, int, str]]] = {}
        for figure, *rest in self._apart:
            apart.setdefault(figure, []).append(tuple(rest))  # type: ignore[arg-type]
        for figure in np.flatnonzero(self._events).tolist():
            texts = apart.get(figure, ())
            state = self._state(figure, int(self._events[figure]) - len(texts))
            for at, rank, text in texts:
                state.take(at, rank, (text, None, None))
            yield figure, state

    @abstractmethod
    def _state(self, figure: int, events: int) -> Aggregation:
        """The state of a figure, of so many events."""


class CountFold(Fold):
    def _fold(self, columns: Columns, rows: Ints, figures: Ints, size: int) -> None:
        pass

    def _state(self, figure: int, events: int) -> Count:  # noqa: ARG002
        return Count(events)


class SumFold(Fold):
    def __init__(self) -> None:
        super().__init__()
        self._sums: dict[int, ExactSums] = {}  # by scale

    def _fold(self, columns: Columns, rows: Ints, figures: Ints, size: int) -> None:
        rows, figures = self._ordinary(columns, rows, figures)
        numbers = self._numbers(columns)
        sums = self._sums.setdefault(numbers.scale, ExactSums())
        sums.add(figures, size, numbers.values[rows])

    def _state(self, figure: int, events: int) -> Sum:
        state = Sum(events)
        for scale, sums in self._sums.items():
            state.add(sums.of(figure), scale)
        return state


class WeightedSumFold(SumFold):
    """Times are taken from an instant near them, so that products stay small."""

    def __init__(self) -> None:
        super().__init__()
        self._moments: dict[int, ExactSums] = {}
        self._origin: int | None = None

    def _fold(self, columns: Columns, rows: Ints, figures: Ints, size: int) -> None:
        if self._origin is None:
            self._origin = int(columns.at[0])
        rows, figures = self._ordinary(columns, rows, figures)
        numbers = columns.numbers
        values = numbers.values[rows]
        self._sums.setdefault(numbers.scale, ExactSums()).add(figures, size, values)
        since = columns.at[rows] - self._origin
        self._moments.setdefault(numbers.scale, ExactSums()).add(figures, size, values, since)

    def _state(self, figure: int, events: int) -> WeightedSum:  # type: ignore[override]
        total, moments = Sum(), Sum()
        for scale, sums in self._sums.items():
            level = sums.of(figure)
            total.add(level, scale)
            moments.add(self._moments[scale].of(figure) + level * (self._origin or 0), scale)
        return WeightedSum(events, total, moments)


class MaxFold(Fold):
    def __init__(self) -> None:
        super().__init__()
        self._largest: dict[int, tuple[Ints, Any]] = {}  # by scale; and whether there is any

    def _fold(self, columns: Columns, rows: Ints, figures: Ints, size: int) -> None:
        rows, figures = self._ordinary(columns, rows, figures)
        numbers = columns.numbers
        nothing = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool)
        largest, is_there = self._largest.get(numbers.scale, nothing)
        largest = grown(largest, size, np.iinfo(np.int64).min)
        is_there = grown(is_there, size)
        np.maximum.at(largest, figures, numbers.values[rows])
        is_there[figures] = True
        self._largest[numbers.scale] = largest, is_there

    def _state(self, figure: int, events: int) -> Max:
        found = [
            from_scaled(int(largest[figure]), scale)
            for scale, (largest, is_there) in self._largest.items()
            if figure < len(largest) and is_there[figure]
        ]
        return Max(events, max(found, default=None))


class LatestFold(Fold):
    def __init__(self) -> None:
        super().__init__()
        self._last = np.zeros((4, 0), dtype=np.int64)  # time, rank, value, scale

    def _fold(self, columns: Columns, rows: Ints, figures: Ints, size: int) -> None:
        rows, figures = self._ordinary(columns, rows, figures)
        if size > self._last.shape[1]:
            more = np.zeros((4, 2 * size - self._last.shape[1]), dtype=np.int64)
            more[0] = _LONG_AGO
            self._last = np.concatenate((self._last, more), axis=1)
        last = _last_places(figures, size)
        rows, figures = rows[last], figures[last]
        at, rank = columns.at[rows], columns.ranks[rows]
        known = self._last[:, figures]
        is_later = (at > known[0]) | ((at == known[0]) & (rank > known[1]))
        rows, figures = rows[is_later], figures[is_later]
        numbers = columns.numbers
        scales = np.full(len(rows), numbers.scale)
        self._last[:, figures] = at[is_later], rank[is_later], numbers.values[rows], scales

    def _state(self, figure: int, events: int) -> Latest:
        if not events:
            return Latest()
        at, rank, value, scale = self._last[:, figure].tolist()
        return Latest(events, (at, rank), from_scaled(value, scale))


class UniqueCountFold(Fold):
    """Collects the operations on items; the last one on each counts, of each figure."""

    def __init__(self, *, settled: bool) -> None:
        """With `settled` a state gives its figure and takes nothing more."""
        super().__init__()
        self._settled = settled
        self._index: dict[str, int] = {}
        self._found: list[Operations] = []
        self._waiting = 0  # operations since they were last reduced
        self._on: Ints | None = None
        self._items: dict[int, dict[str, Operation]] = {}

    def _fold(self, columns: Columns, rows: Ints, figures: Ints, size: int) -> None:  # noqa: ARG002
        items = columns.items
        number_of = self._index.setdefault
        numbers = np.array([number_of(text, len(self._index)) for text in items.texts])
        added = np.ones(len(rows), dtype=bool)
        if items.added is not None:
            added = items.added[rows].astype(bool)
        pairs = figures << ITEM_BITS | numbers[items.numbers[rows]]
        self._found.append(Operations(pairs, columns.at[rows], columns.ranks[rows], added, added))
        self._waiting += len(rows)
        if self._waiting > _MOST_WAITING:
            self._found = [last_operations(joined(self._found))]
            self._waiting = 0

    def states(self) -> Iterator[tuple[int, Aggregation]]:
        if self._found:
            found, self._found = self._found, []
            if self._settled:
                on = items_on(found) >> ITEM_BITS
                self._on = np.bincount(on, minlength=len(self._events))
            else:
                self._list(last_operations(joined(found)))
        yield from super().states()

    def _list(self, last: Operations) -> None:
        texts = list(self._index)
        for pair, *operation in zip(*(column.tolist() for column in last), strict=True):
            figure, number = divmod(pair, 1 << ITEM_BITS)
            self._items.setdefault(figure, {})[texts[number]] = Operation(*operation)

    def _state(self, figure: int, events: int) -> UniqueCount:
        if self._on is not None:
            return _Settled(events, Decimal(int(self._on[figure])))
        return UniqueCount(events, self._items.pop(figure, {}))


class _Settled(UniqueCount):
    """A figure that is known; its items are not."""

    __slots__ = ("_units",)

    def __init__(self, events: int, units: Units) -> None:
        super().__init__(events)
        self._units = units

    def units(self, window: Window) -> Units:  # noqa: ARG002
        return self._units


def fold_for(kind: type[Aggregation], *, settled: bool) -> Fold:
    """The fold of an aggregation; with `settled` its states need not be merged with others."""
    if kind is UniqueCount:
        return UniqueCountFold(settled=settled)
    return _FOLDS[kind]()


_FOLDS: dict[type[Aggregation], type[Fold]] = {
    Count: CountFold,
    Sum: SumFold,
    Max: MaxFold,
    Latest: LatestFold,
    WeightedSum: WeightedSumFold,
}


def _last_places(figures: Ints, size: int) -> Ints:
    """Of each figure, the last of the places where it stands."""
    last = np.zeros(size, dtype=np.int64)
    places = np.arange(len(figures))
    last[figures] = places
    return np.flatnonzero(last[figures] == places)
