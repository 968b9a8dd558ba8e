"""Operations on items, many at once: which is the last on each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from lago_cli.stores.sqlite.packed import Ints

_BITS = 63  # of an integer, without its sign
_MILLISECOND = 1000
ITEM_BITS = 32
ITEMS = (1 << ITEM_BITS) - 1


class Operations(NamedTuple):
    """By column: on which item of which figure, when, and what it did."""

    pairs: Ints  # figure and item in one number
    at: Ints
    ranks: Ints
    is_on: Any
    was_added: Any  # whether this or an earlier one added it


def joined(found: Sequence[Operations]) -> Operations:
    """All of them, in that order."""
    return Operations(*(np.concatenate(column) for column in zip(*found, strict=True)))


def last_operations(found: Operations) -> Operations:
    """One for each pair: the last, and whether any had added the item."""
    pairs, at, ranks, is_on, was_added = found
    order = np.argsort(pairs)
    in_order = pairs[order]
    starts = np.flatnonzero(np.concatenate(([True], in_order[1:] != in_order[:-1])))
    lengths = np.diff(np.append(starts, len(order)))
    times = at[order]
    is_last = times == np.repeat(np.maximum.reduceat(times, starts), lengths)
    if np.count_nonzero(is_last) > len(starts):  # several of one instant
        of_last = np.where(is_last, ranks[order], -1)
        is_last &= of_last == np.repeat(np.maximum.reduceat(of_last, starts), lengths)
    last = order[is_last]
    ever = np.logical_or.reduceat(was_added[order], starts)
    return Operations(pairs[last], at[last], ranks[last], is_on[last], ever)


def items_on(found: Sequence[Operations]) -> Ints:
    """
    The pairs whose last operation added the item.

    Where item, instant and operation fit into one integer it is enough to sort those, unless
    two operations on one item are of the same instant.
    """
    pairs = np.concatenate([each.pairs for each in found])
    items = int((pairs & ITEMS).max()) + 1
    largest = (int(pairs.max()) >> ITEM_BITS) + 1
    at = np.concatenate([each.at for each in found])
    since = at - at.min()
    if not (since % _MILLISECOND).any():
        since //= _MILLISECOND
    bits = int(since.max()).bit_length()
    if (largest * items).bit_length() + bits + 1 <= _BITS:
        is_on = np.concatenate([each.is_on for each in found])
        dense = (pairs >> ITEM_BITS) * items + (pairs & ITEMS)
        keys = np.sort((dense << bits | since) << 1 | is_on)
        if not (keys[1:] >> 1 == keys[:-1] >> 1).any():
            of_item = keys >> (bits + 1)
            is_last = np.append(of_item[1:] != of_item[:-1], True)
            on = of_item[is_last & (keys & 1 == 1)]
            standing: Ints = on // items << ITEM_BITS | on % items
            return standing
    last = last_operations(joined(found))
    on_at_last: Ints = last.pairs[last.is_on]
    return on_at_last
