"""
Price buckets: events told apart by their properties, each into exactly one bucket.

Filters are tried one after the other: those with the most keys first, of these each after all
whose values lie within its own, else as they are declared. Lago bills an event in each of
several filters where they overlap in part.
"""

from __future__ import annotations

from collections.abc import Sequence

from lago_cli.domain.usage import PropertyFilter


def in_order(declared: Sequence[PropertyFilter]) -> list[int]:
    """
    The numbers of declared filters, in the order in which an event tries them.

    That is the order of the `buckets` of a `UsageQuery`, whose rest is the default.
    """
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
    return ranked


def _is_narrower(one: PropertyFilter, other: PropertyFilter) -> bool:
    if one.keys() != other.keys():
        return False
    pairs = [(set(one[key]), set(other[key])) for key in one]
    return pairs != [(b, a) for a, b in pairs] and all(a <= b for a, b in pairs)
