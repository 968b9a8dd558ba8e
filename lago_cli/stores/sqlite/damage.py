"""What is stored in a form that this program never writes: damage, like a torn page."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from lago_cli.errors import LagoError

UNREADABLE = (
    msgspec.MsgspecError,
    LagoError,
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)
"""What comes of reading nonsense."""


def damaged(what: str) -> sqlite3.DatabaseError:
    """As SQLite says it of a page, so that every command and check treats both alike."""
    error = sqlite3.DatabaseError(f"{what} cannot be read")
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


@contextmanager
def intact(what: str) -> Iterator[None]:
    """Only around what reads stored values; a question can fail for other reasons."""
    try:
        yield
    except UNREADABLE as error:
        raise damaged(what) from error
