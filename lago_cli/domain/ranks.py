"""
The rank of an event: its place among those of the same microsecond.

Instants are whole microseconds, but sources often write more digits. Where events tie, the
digits beyond come first, and then the order of arrival: a rank is both in one integer of 63
bits. Of an event without such digits it is just the event's id.
"""

from __future__ import annotations

from collections.abc import Sequence

ID_BITS = 43  # what 20 bits for whole picoseconds leave
ID_MASK = (1 << ID_BITS) - 1


def ranked(finer: Sequence[int] | None, ids: Sequence[int]) -> Sequence[int]:
    """The ranks of events, given their picoseconds beyond the microsecond; None: all are 0."""
    if finer is None:
        return ids
    return [beyond << ID_BITS | event_id for beyond, event_id in zip(finer, ids, strict=True)]


def unranked(rank: int) -> tuple[int, int]:
    """(picoseconds beyond the microsecond, event id)."""
    return rank >> ID_BITS, rank & ID_MASK
