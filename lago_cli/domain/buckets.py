"""
Price buckets: events told apart by their properties, each into exactly one bucket.

An event that matches several goes to the one with the most keys, then to the one whose
values lie within the other's, then to the one declared first. Lago bills it in each of
them where they overlap in part.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from lago_cli.domain.usage import PropertyFilter


class Bucket(NamedTuple):
    """What an event must match, and what it must not (all keys of any one filter)."""

    filters: PropertyFilter
    excluded: Sequence[PropertyFilter]


def buckets_of(declared: Sequence[PropertyFilter]) -> list[Bucket]:
    """In the order of declaration; the last is the default, for what matches none."""
    ranked: list[int] = []
    while waiting := [n for n in range(len(declared)) if n not in ranked]:
        most = max(len(declared[n]) for n in waiting)
        widest = [n for n in waiting if len(declared[n]) == most]
        ranked.append(
            next(
                n
                for n in widest
                if not any(_is_narrower(declared[other], declared[n]) for other in widest)
            )
        )
    ahead = {n: [declared[other] for other in ranked[:rank]] for rank, n in enumerate(ranked)}
    return [
        *(Bucket(filters, ahead[n]) for n, filters in enumerate(declared)),
        Bucket({}, [filters for filters in declared if filters]),
    ]


def _is_narrower(one: PropertyFilter, other: PropertyFilter) -> bool:
    if one.keys() != other.keys():
        return False
    pairs = [(set(one[key]), set(other[key])) for key in one]
    return pairs != [(b, a) for a, b in pairs] and all(a <= b for a, b in pairs)
