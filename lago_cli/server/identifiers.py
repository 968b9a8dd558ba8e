"""
`lago_id`: what Lago's clients know things by.

It is made of what a thing is (its kind, and what names it for ever), so that it is the same at
every start, on every copy of the file, and needs no place in it.
"""

from __future__ import annotations

from hashlib import sha1
from uuid import UUID

_NAMESPACE = UUID("6d8ff1a1-4bd5-5c7e-9c3e-4c41474f0001").bytes


def lago_id(kind: str, *names: str) -> str:
    """
    The id of a thing: `lago_id("plan", "pro")`, `lago_id("charge", "pro", "storage")`.

    Names that look alike in other places are told apart: `("a", "bc")` is not `("ab", "c")`.
    """
    key = "\0".join([kind, *[f"{len(name)}:{name}" for name in names]])
    # a UUID of version 5, made by hand because there is one for each event that is answered
    hexed = sha1(_NAMESPACE + key.encode(), usedforsecurity=False).hexdigest()
    variant = "89ab"[int(hexed[16], 16) & 3]
    return f"{hexed[:8]}-{hexed[8:12]}-5{hexed[13:16]}-{variant}{hexed[17:20]}-{hexed[20:32]}"
