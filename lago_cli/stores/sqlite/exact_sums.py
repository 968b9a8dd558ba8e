"""
Exact sums of integers, of many figures at once.

They are added up as binary floats, only in limbs so small that every partial sum is a whole number
below 2**53, which a float holds exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lago_cli.stores.sqlite.packed import Ints

_LIMB = 17  # bits: the product of two, 2**16 times, is below 2**53
_EXACT = 2**53
_MOST_ROWS = 2**18  # so many products of limbs, below 2**34 each, are below that together
_MOST_ADDED = 512  # sums below that: together they are below 2**62
_HALF = 31  # bits


class ExactSums:
    """Sums of products of integers, as limbs: by shift, what is to be multiplied by 2**shift."""

    def __init__(self) -> None:
        self._limbs: dict[int, Ints] = {}
        self._added: dict[int, int] = {}  # how often, since the last carry

    def add(self, figures: Ints, size: int, values: Ints, factors: Ints | None = None) -> None:
        """Add products, or values, each to the sum of its figure, of which there are `size`."""
        for start in range(0, len(values), _MOST_ROWS):
            some = slice(start, start + _MOST_ROWS)
            self._add(figures[some], size, values[some], None if factors is None else factors[some])

    def _add(self, figures: Ints, size: int, values: Ints, factors: Ints | None) -> None:
        largest = _magnitude(values) * (1 if factors is None else _magnitude(factors))
        if largest * len(values) < _EXACT:
            self._put(0, figures, size, values if factors is None else values * factors)
            return
        for number, limb in _limbs(values):
            if factors is None:
                self._put(number * _LIMB, figures, size, limb)
                continue
            for other, factor in _limbs(factors):
                self._put((number + other) * _LIMB, figures, size, limb * factor)

    def _put(self, shift: int, figures: Ints, size: int, values: Ints) -> None:
        sums = grown(self._limbs.get(shift, np.zeros(0, dtype=np.int64)), size)
        added = np.bincount(figures, weights=values, minlength=size)
        sums[:size] += added.astype(np.int64)
        self._limbs[shift] = sums
        self._added[shift] = self._added.get(shift, 0) + 1
        if self._added[shift] == _MOST_ADDED:
            self._carry(shift)

    def _carry(self, shift: int) -> None:
        """Before 64 bits could overflow, pass the upper half of the sums on."""
        sums, self._added[shift] = self._limbs[shift], 0
        above = self._limbs.get(shift + _HALF, np.zeros(0, dtype=np.int64))
        above = grown(above, len(sums))
        above[: len(sums)] += sums >> _HALF
        self._limbs[shift + _HALF] = above
        self._limbs[shift] = sums & ((1 << _HALF) - 1)

    def of(self, figure: int) -> int:
        """The sum of a figure."""
        return sum(
            int(sums[figure]) << shift for shift, sums in self._limbs.items() if figure < len(sums)
        )


def grown(array: Any, size: int, fill: int = 0) -> Any:
    """With room for `size` figures, and for some more to come."""
    if size <= len(array):
        return array
    more = np.full(2 * size - len(array), fill, dtype=array.dtype)
    return np.concatenate((array, more))


def _magnitude(values: Ints) -> int:
    if not len(values):
        return 0
    return max(abs(int(values.max())), abs(int(values.min())))


def _limbs(values: Ints) -> Iterator[tuple[int, Ints]]:
    """(number, limb): the values are the sum of `limb * 2**(number * _LIMB)`."""
    number = 0
    while _magnitude(values) >= 1 << _LIMB:
        yield number, values & ((1 << _LIMB) - 1)
        values = values >> _LIMB
        number += 1
    yield number, values
