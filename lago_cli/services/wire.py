"""The shapes of JSON: plain objects, which the command line and a server show alike."""

from __future__ import annotations

from typing import Any, TypeVar

from lago_cli.domain.definitions import Defined, Definition, Entry
from lago_cli.domain.instants import format_instant

T = TypeVar("T", bound=Defined)
Row = dict[str, Any]


def as_fields(of: Definition[T], value: T) -> Row:
    """The fields of a definition, as files write them."""
    found = {row.name: getattr(value, row.name) for row in of.fields}
    return {
        row.name: None if found[row.name] is None else row.kind.as_json(found[row.name])
        for row in of.fields
    }


def definition(of: Definition[T], entry: Entry[T], now: int) -> Row:
    """A definition as it is shown, with what follows from its fields and the present instant."""
    row = as_fields(of, entry.value) | {"created_at": format_instant(entry.created_at)}
    for each in of.derived:
        row[each.name] = row.get(each.name) or getattr(entry.value, each.name)(now)
    return {column.name: row[column.name] for column in of.columns}
