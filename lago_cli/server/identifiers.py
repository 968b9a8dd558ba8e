"""
`lago_id`: what Lago's clients know things by.

It is made of what a thing is (its kind, and what names it for ever), so that it is the same at
every start, on every copy of the file, and needs no place in it.
"""

from __future__ import annotations

from uuid import UUID, uuid5

_NAMESPACE = UUID("6d8ff1a1-4bd5-5c7e-9c3e-4c41474f0001")


def lago_id(kind: str, *names: str) -> str:
    """
    The id of a thing: `lago_id("plan", "pro")`, `lago_id("charge", "pro", "storage")`.

    Names that look alike in other places are told apart: `("a", "bc")` is not `("ab", "c")`.
    """
    key = "\0".join([kind, *(f"{len(name)}:{name}" for name in names)])
    return str(uuid5(_NAMESPACE, key))
