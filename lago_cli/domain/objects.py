"""
Objects of a definition: from the JSON of a file to fields, with every fault and its place.

A definition may hold others: a plan has charges, and a charge has filters. They are read by
the same lines of fields, whatever they stand in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, tzinfo
from typing import Any, TypeVar

from lago_cli.domain.definitions import (
    Defined,
    Faulty,
    Kind,
    Path,
    Values,
    fields_of,
    wrong_type,
)
from lago_cli.errors import LagoError, refused

Faults = list[tuple[Path, LagoError]]
Row = Mapping[str, Any]
T = TypeVar("T", bound=Defined)

READ_ONLY = frozenset({"created_at", "updated_at", "status", "lago_id"})
"""What `get`, `list` and Lago's answers show of a definition, and nobody sets."""


class Written(str):
    """A number as it was written; to a definition any subclass of `str` is one."""

    __slots__ = ()


def is_number(value: object) -> bool:
    """Whether it was written as a number, without quotes."""
    return isinstance(value, str) and type(value) is not str


def read_fields(of: type[Defined], row: Row, zone: tzinfo) -> tuple[Values, Faults]:
    """
    The values that an object has, and what is wrong with them.

    In place of a required one that is missing there is one that breaks no rule, so that
    all other rules can be looked at.
    """
    values: Values = {}
    faults: Faults = []
    known = {each.name: each for each in fields_of(of)}
    for each in known.values():
        if each.required:
            values[each.name] = each.missing
            if row.get(each.name) is None:
                hint = of.missing.get(each.name)
                message = f"{each.name} is missing"
                faults.append(((), refused("missing_field", message, hint, field=each.name)))
    for key, value in row.items():
        if key not in known:
            if key not in READ_ONLY and key not in of.ignored and key not in of.unused:
                faults.append(((key,), unknown_key(key, known)))
            continue
        if known[key].nullable:
            values[key] = None
        if value is None:
            continue
        try:
            values[key] = known[key].kind.read(value, zone)
        except LagoError as error:
            faults.append(((key,), error))
        except Faulty as several:
            faults += [((key, *path), error) for path, error in several.faults]
    return values, faults


def broken_rules(of: type[Defined], values: Values, row: Row) -> Faults:
    """Of the values of an object, every rule that they break, with its place in the object."""
    return [(_place(error, row), error) for error in draft_of(of, values).faults()]


def draft_of(of: type[T], values: Values) -> T:
    """A definition that may break rules."""
    draft = object.__new__(of)
    for each in fields_of(of):
        object.__setattr__(draft, each.name, values.get(each.name, each.default))
    return draft


def _place(error: LagoError, row: object) -> Path:
    """As far as the document has it."""
    path: list[str | int] = []
    for step in error.path or ((error.field,) if error.field else ()):
        try:
            row = row[step]  # type: ignore[index]
        except (LookupError, TypeError):
            break
        if row is None:
            break
        path.append(step)
    return tuple(path)


def read_object(of: type[Defined], row: object, zone: tzinfo) -> Any:
    """
    A definition that stands within another one.

    Raises:
        Faulty: with everything that is wrong.
    """
    if not isinstance(row, Mapping):
        raise Faulty([((), wrong_type(row, "an object"))])
    values, faults = read_fields(of, row, zone)
    values = of.completed(values)
    faults += broken_rules(of, values, row)
    if faults:
        raise Faulty(faults)
    return of(**values)


def unknown_key(key: str, known: Iterable[str]) -> LagoError:
    return refused("unknown_key", f'"{key}" is no key here: {", ".join(known)}')


def unused_in(of: type[Defined], row: Row) -> Iterator[tuple[Path, str]]:
    """What an object says and nothing is made of: where, and half a sentence."""
    for key, reason in of.unused.items():
        if row.get(key) not in (None, [], {}, "", False):
            yield (key,), reason
    for each in fields_of(of):
        if isinstance(each.kind, Nested):
            found = row.get(each.name)
            for step, inner in enumerate(found if isinstance(found, list) else [found]):
                if isinstance(inner, Mapping):
                    where = (each.name, step) if isinstance(found, list) else (each.name,)
                    for path, reason in unused_in(each.kind.of, inner):
                        yield (*where, *path), reason


class Nested(Kind):
    """Definitions within a definition: a list of them or, with `single`, one or none."""

    cell = "object"

    def __init__(self, of: type[Defined], *, single: bool = False, is_long: bool = False) -> None:
        """With `is_long`, tables of many definitions leave them out."""
        self.of = of
        self.is_long = is_long
        self.single = single
        self.nothing = None if single else ()

    def read(self, value: object, zone: tzinfo) -> Any:
        if self.single:
            return read_object(self.of, value, zone)
        if not isinstance(value, list):
            raise wrong_type(value, "a list")
        found, faults = [], []
        for number, row in enumerate(value):
            try:
                found.append(read_object(self.of, row, zone))
            except Faulty as several:
                faults += [((number, *path), error) for path, error in several.faults]
        if faults:
            raise Faulty(faults)
        return tuple(found)

    def as_json(self, value: Any) -> object:
        if self.single:
            return object_as_json(value)
        return [object_as_json(each) for each in value]

    def to_column(self, value: Any) -> str | None:
        return None if value is None else encoded(self.as_json(value))

    def from_column(self, stored: Any) -> Any:
        try:
            return None if stored is None else self.read(decoded(stored), UTC)
        except Faulty as several:
            raise several.faults[0][1] from None


def object_as_json(value: Defined) -> dict[str, object]:
    """Its fields, without those that are not there."""
    found = {row.name: (row, getattr(value, row.name)) for row in fields_of(type(value))}
    return {name: row.kind.as_json(each) for name, (row, each) in found.items() if each is not None}


def encoded(value: object) -> str:
    """As JSON text, numbers with every digit."""
    import json  # late: usage needs none of it
    from decimal import Decimal

    if isinstance(value, Decimal) or is_number(value):
        return format(value, "f") if isinstance(value, Decimal) else str(value)
    if isinstance(value, Mapping):
        pairs = (f"{json.dumps(key)}: {encoded(each)}" for key, each in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(encoded, value)) + "]"
    return json.dumps(value)


def decoded(text: str) -> Any:
    """What `encoded` wrote, as a document gives it: numbers as they were written."""
    import json

    return json.loads(text, parse_int=Written, parse_float=Written)
