"""
Many rows in one statement.

A statement that inserts a hundred rows takes two thirds of the time of a hundred that insert
one. It must say `OR IGNORE` or `OR ROLLBACK`: with neither, SQLite would journal every page it
touches, so as to take back half a statement, and that costs more than is won.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from functools import cache
from itertools import chain, repeat
from typing import Any

_TIERS = (100, 10, 1)


def insert_rows(
    connection: sqlite3.Connection,
    insert: str,
    *columns: Collection[Any],
    shared: Sequence[Any] = (),
) -> None:
    """
    Insert rows that are given by columns of one length; `shared` are the last values of all.

    Args:
        insert: the statement as far as its VALUES.
    """
    same = [repeat(value) for value in shared]
    values = list(chain.from_iterable(zip(*columns, *same, strict=False)))
    width = len(columns) + len(shared)
    start = 0
    for rows in _TIERS:
        size = rows * width
        stop = len(values) - (len(values) - start) % size
        if start < stop:
            connection.executemany(
                _statement(insert, rows, width),
                [values[at : at + size] for at in range(start, stop, size)],
            )
        start = stop


@cache
def _statement(insert: str, rows: int, width: int) -> str:
    row = f"({', '.join('?' * width)})"
    return f"{insert} VALUES {', '.join([row] * rows)}"
