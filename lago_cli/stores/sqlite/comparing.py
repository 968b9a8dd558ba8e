"""Whether the columns of two parts say the same, however they are packed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lago_cli.stores.sqlite.columns import Columns
from lago_cli.stores.sqlite.packed import Ints


def differing(one: Columns, other: Columns) -> Iterator[str]:
    """Names of the columns that do not say the same."""
    for name in ("at", "ids", "finer", "parties", "received", "usable"):
        if not np.array_equal(getattr(one, name), getattr(other, name)):
            yield name
    for name in ("measurements", "labels", "properties", "amounts"):
        if _said(one, name) != _said(other, name):
            yield name


def _said(columns: Columns, name: str) -> object:
    """What a column says, however it is packed."""
    if name in ("labels", "properties"):
        found = getattr(columns, name)
        return None if found is None else [found[0][number] for number in found[1].tolist()]
    if name == "measurements" and columns.kind == "items":
        texts, numbers, added = columns.items
        return [texts[number] for number in numbers.tolist()], _as_list(added)
    values, scale, texts_of = columns.numbers if name == "measurements" else columns.amounts
    return values.tolist(), scale, texts_of


def _as_list(column: Ints | None) -> list[int] | None:
    return None if column is None else column.tolist()
