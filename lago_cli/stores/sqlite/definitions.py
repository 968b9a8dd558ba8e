"""Definitions in the file: a table for each class of them, a column for each field."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Generic, TypeVar

from lago_cli.domain.definitions import Defined, Definition, Entry, Kind
from lago_cli.stores.sqlite.damage import UNREADABLE, damaged

T = TypeVar("T", bound=Defined)


class Table(Generic[T]):
    """The definitions of one class, by code or external id."""

    of: ClassVar[Definition[Any]]
    registered: ClassVar[str] = "1"  # SQL: whether it is more than a name of events
    derived: ClassVar[Mapping[str, str]] = {}  # SQL of fields that hang on other tables

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._columns = [row.name for row in self.of.fields]
        self._selected = [self.derived.get(name, name) for name in self._columns]
        self._converted = [  # most columns hold their values as they are
            (position, row.kind)
            for position, row in enumerate(self.of.fields)
            if type(row.kind).from_column is not Kind.from_column
        ]

    def entries(self) -> Iterator[Entry[T]]:
        """All of them, by name."""
        return map(self._entry, self._select(f"ORDER BY {self.of.key}"))

    def find(self, name: str) -> Entry[T] | None:
        row = self._select(f"WHERE {self.of.key} = ?", name).fetchone()
        return None if row is None else self._entry(row)

    def get(self, name: str) -> Entry[T]:
        """Raises `LagoError` (not found)."""
        entry = self.find(name)
        if entry is None:
            from lago_cli.domain.nearest import no_such
            from lago_cli.stores.sqlite.names import Names

            word: Any = self.of.word
            raise no_such(word, name, Names(self._connection).similar(word, name))
        return entry

    def save(self, value: T, created_at: int) -> None:
        """Add it, or change the one of its name, which keeps its `created_at`."""
        columns = self._columns
        changes = ", ".join(f"{name} = excluded.{name}" for name in columns)
        self._connection.execute(
            f"INSERT INTO {self.of.plural} ({', '.join(columns)}, created_at)"  # noqa: S608
            f" VALUES ({'?, ' * len(columns)}?)"
            f" ON CONFLICT ({self.of.key}) DO UPDATE SET {changes}",
            (
                *(row.kind.to_column(getattr(value, row.name)) for row in self.of.fields),
                created_at,
            ),
        )

    def delete(self, name: str) -> bool:
        """Events stay. Returns False where what they name cannot go."""
        sql = f"DELETE FROM {self.of.plural} WHERE {self.of.key} = ?"  # noqa: S608
        self._connection.execute(sql, (name,))
        return True

    def _select(self, clause: str, *names: str) -> sqlite3.Cursor:
        return self._connection.execute(
            f"SELECT {', '.join(self._selected)}, created_at, {self.registered}"  # noqa: S608
            f" FROM {self.of.plural} {clause}",
            names,
        )

    def _entry(self, row: tuple[Any, ...]) -> Entry[T]:
        *values, created_at, registered = row
        try:
            for position, kind in self._converted:
                values[position] = kind.from_column(values[position])
            return Entry(self.of.of(*values), created_at, bool(registered))
        except UNREADABLE:
            name = values[self._columns.index(self.of.key)]
            raise damaged(f'the {self.of.word} "{name}"') from None
