"""Folding columns into what hangs on the prices or the order of events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from lago_cli.domain.aggregations import Aggregation
from lago_cli.domain.ordered import Ordered
from lago_cli.domain.usage import UsageQuery
from lago_cli.stores.sqlite.columns import Columns, Numbers
from lago_cli.stores.sqlite.folds import Fold, SumFold, fold_for
from lago_cli.stores.sqlite.packed import Ints

_LARGEST = 2**63 - 1
_SMALL = 2**16


def fold_of(query: UsageQuery, *, settled: bool) -> Fold:
    """The fold of a question; with `settled` its states need not be merged with others."""
    if query.in_steps:
        return StepFold(query.reads, settled=settled)
    return AmountFold() if query.of_amounts else fold_for(query.aggregation, settled=settled)


class AmountFold(SumFold):
    def _numbers(self, columns: Columns) -> Numbers:
        return columns.amounts


class _Sorted(NamedTuple):
    """Events by column, one figure after the other."""

    starts: Ints  # of each figure, and the end of the last
    at: Ints
    ranks: Ints | None  # where they may be asked for
    values: Any
    scale: int
    items: Any


class _Taken(NamedTuple):
    """Events by column, as they came."""

    figures: Ints
    at: Ints
    ranks: Ints
    values: Any
    scale: int
    items: Ints | None


class StepFold(Fold):
    """Collects events, and sorts them at the end."""

    def __init__(self, reads: str, *, settled: bool) -> None:
        """With `settled` nothing more is counted in to a state."""
        super().__init__()
        self._reads = reads
        self._settled = settled
        self._found: list[_Taken] = []
        self._index: dict[str, int] = {}
        self._sorted: _Sorted | None = None

    def _numbers(self, columns: Columns) -> Numbers:
        return columns.amounts if self._reads == "amount" else columns.numbers

    def _fold(self, columns: Columns, rows: Ints, figures: Ints, size: int) -> None:  # noqa: ARG002
        values, scale, items = np.ones(len(rows), dtype=np.int64), 0, None
        if self._reads == "item":
            texts, numbers, added = columns.items
            number_of = self._index.setdefault
            known = np.array([number_of(text, len(self._index)) for text in texts])
            items = known[numbers[rows]]
            if added is not None:
                values = 2 * added[rows] - 1
        elif self._reads != "nothing":
            rows, figures = self._ordinary(columns, rows, figures)
            all_values, scale, _ = self._numbers(columns)
            values = all_values[rows]
        at, ranks = columns.at[rows], columns.ranks[rows]
        self._found.append(_Taken(figures, at, ranks, values, scale, items))

    def states(self) -> Iterator[tuple[int, Aggregation]]:
        if self._found:
            found, self._found = self._found, []
            self._sorted = self._sort(_joined(found))
        yield from super().states()

    def _sort(self, taken: _Taken) -> _Sorted:
        lengths = np.bincount(taken.figures, minlength=len(self._events))
        order = _order(taken.figures, taken.at, taken.ranks)
        items = None
        if taken.items is not None:
            items = np.array(list(self._index), dtype=object)[taken.items[order]]
        is_all = self._settled and not self._apart
        return _Sorted(
            np.concatenate(([0], np.cumsum(lengths))),
            taken.at[order],
            None if is_all else taken.ranks[order],
            taken.values[order],
            taken.scale,
            items,
        )

    def _state(self, figure: int, events: int) -> Ordered:  # noqa: ARG002
        assert self._sorted is not None
        starts, at, ranks, values, scale, items = self._sorted
        own = slice(starts[figure], starts[figure + 1])
        return Ordered(
            at[own].tolist(),
            None if ranks is None else ranks[own].tolist(),
            values[own].tolist(),
            scale,
            None if items is None else items[own].tolist(),
        )


def _joined(found: list[_Taken]) -> _Taken:
    """All of them, in that order and of one scale."""
    scale = max(each.scale for each in found)
    values = np.concatenate([_times(each.values, scale - each.scale) for each in found])
    figures, at, ranks = (np.concatenate([each[column] for each in found]) for column in range(3))
    numbered = [each.items for each in found if each.items is not None]
    return _Taken(figures, at, ranks, values, scale, np.concatenate(numbered) if numbered else None)


def _times(values: Ints, places: int) -> Any:
    """Times `10**places`: where 64 bits are too few, objects."""
    if not places or not len(values):
        return values
    largest = max(abs(int(values.max())), abs(int(values.min())))
    if largest * 10**places > _LARGEST:
        return values.astype(object) * 10**places
    return values * 10**places


def _order(figures: Ints, at: Ints, ranks: Ints) -> Ints:
    """
    By figure, time and rank.

    Parts mostly follow each other in time. Where they overlap they are at least in order each,
    which a stable sort makes use of, and mostly came in the order of their ranks.
    """
    if not _descends(at, ranks):
        return _by(figures)
    order = np.argsort(at, kind="stable")
    if _descends(at[order], ranks[order]):
        order = np.lexsort((ranks, at))
    return order[_by(figures[order])]


def _descends(first: Ints, then: Ints) -> bool:
    """Whether pairs go down anywhere."""
    down = first[1:] < first[:-1]
    down |= (first[1:] == first[:-1]) & (then[1:] < then[:-1])
    return bool(down.any())


def _by(figures: Ints) -> Ints:
    """The order of figures; a sort of small integers is far quicker."""
    small = len(figures) and int(figures.max()) < _SMALL
    return np.argsort(figures.astype(np.uint16) if small else figures, kind="stable")
