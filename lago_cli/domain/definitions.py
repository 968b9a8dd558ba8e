"""
Definitions and their fields: everything about a field stands in one line.

A definition (a metric, a customer, a subscription) is a frozen class whose attributes are
made with `spec`. Command-line options, updates, definition files, SQL rows, reports, JSON
and exports are all derived from those lines: to add a field, add a line and a migration.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, TypeVar, dataclass_transform

from lago_cli.domain.instants import format_instant, parse_moment
from lago_cli.errors import LagoError, refused, wrong_usage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import tzinfo

T = TypeVar("T", bound="Defined")
Values = dict[str, Any]

_WHOLE = re.compile(r"[+-]?[0-9]{1,9}")


Path = tuple[str | int, ...]
"""Where in a document something stands: keys and positions."""


class Faulty(Exception):  # noqa: N818 - the errors are in it
    """A value of a definition that breaks several rules: each fault, and where in the value."""

    def __init__(self, faults: Sequence[tuple[Path, LagoError]]) -> None:
        super().__init__(*(error.message for _, error in faults))
        self.faults = faults


class Kind:
    """How values of one kind are written, stored and shown. This one is text."""

    option_type: Any = str
    cell = "text"  # of a report
    nothing: Any = None  # what an empty text leaves of a value

    def parse(self, field: Field, given: Any, zone: tzinfo) -> Any:  # noqa: ARG002
        """The value of an option. Raises `LagoError` (wrong usage)."""
        return given

    def read(self, value: object, zone: tzinfo) -> Any:  # noqa: ARG002
        """
        The value in a definition file; numbers arrive as text, so that ids need no quotes.

        Raises:
            LagoError: refused.
        """
        if not isinstance(value, str):
            raise wrong_type(value, "text")
        return str(value)

    def as_json(self, value: Any) -> object:
        return value

    def to_column(self, value: Any) -> object:
        return value

    def from_column(self, stored: Any) -> Any:
        return stored


class _Flag(Kind):
    option_type = bool
    cell = "flag"

    def read(self, value: object, zone: tzinfo) -> bool:  # noqa: ARG002
        if not isinstance(value, bool):
            raise wrong_type(value, "true or false")
        return value

    def from_column(self, stored: Any) -> bool:
        return bool(stored)


class _Whole(Kind):
    cell = "count"

    def parse(self, field: Field, given: Any, zone: tzinfo) -> int:  # noqa: ARG002
        try:
            return int(given)
        except ValueError:
            message = f"{field.option}: {given!r} is not a whole number."
            raise wrong_usage("usage", message) from None

    def read(self, value: object, zone: tzinfo) -> int:  # noqa: ARG002
        if not isinstance(value, str) or not _WHOLE.fullmatch(value):
            raise wrong_type(value, "a whole number")
        return int(value)


class _Instant(Kind):
    """Microseconds since 1970; without an offset it is written in the customer's time zone."""

    cell = "instant"

    def parse(self, field: Field, given: Any, zone: tzinfo) -> int:
        try:
            return parse_moment(given, zone)
        except ValueError as error:
            message, hint = f"{field.name}: {error}.", "For example: 2026-11-22T00:00:00Z"
            raise wrong_usage("invalid_instant", message, hint) from None

    def read(self, value: object, zone: tzinfo) -> int:
        try:
            return parse_moment(super().read(value, zone), zone)
        except ValueError as error:
            raise refused("invalid_instant", str(error)) from None

    def as_json(self, value: Any) -> str:
        return format_instant(value)


TEXT, FLAG, WHOLE, INSTANT = Kind(), _Flag(), _Whole(), _Instant()


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a definition."""

    name: str  # of the attribute, the JSON key and the column of its table
    metavar: str | None = None
    help: str | None = None  # None: no option sets it
    kind: Kind = TEXT
    option: str = ""  # by default it is called like the field
    required: bool = False  # to create one
    fixed: bool = False  # it cannot be changed by an update
    removable: bool = False  # by an empty text; where a value may be absent it always is
    default: Any = ...  # of the attribute, where there is one
    choices: Collection[str] = ()
    stand_in: Any = None  # see `missing`; by default one of the choices, or a text
    heading: str | None = None  # in tables
    cell: str = ""  # the kind of its column in a report, where it is not that of its values
    spare: int = 0  # narrow tables leave it out, the largest first; 0: never

    def __post_init__(self) -> None:
        dashed = self.name.replace("_", "-")
        negation = f"/--no-{dashed}" if self.kind is FLAG else ""
        derive = object.__setattr__
        derive(self, "option", self.option or f"--{dashed}{negation}")
        derive(self, "removable", self.removable or self.default in (None, ()))
        derive(self, "cell", self.cell or self.kind.cell)

    @property
    def nullable(self) -> bool:
        """Whether null in a file is a value, and does not ask for a default."""
        return self.default is None

    @property
    def missing(self) -> Any:
        """A value that breaks no rule, to check the others where this one is missing."""
        return self.stand_in if self.stand_in is not None else next(iter(self.choices), "?")


def spec(
    metavar: str | None = None,
    help: str | None = None,  # noqa: A002
    *,
    default: Any = MISSING,
    **more: Any,
) -> Any:
    """An attribute of a definition; see `Field`."""
    told = {"metavar": metavar, "help": help, "default": default, **more}
    return field(default=default, metadata=told)


@dataclass_transform(frozen_default=True, field_specifiers=(spec,))
def definition(cls: type[T]) -> type[T]:
    """A class whose attributes are fields."""
    return dataclass(frozen=True, slots=True)(cls)


class Defined(ABC):
    """A definition. Creating one that breaks a rule raises `LagoError` (refused)."""

    __slots__ = ()
    ignored: ClassVar[frozenset[str]] = frozenset()  # keys of Lago's answers that set nothing
    unused: ClassVar[Mapping[str, str]] = {}  # keys that nothing is made of, and what that means
    missing: ClassVar[Mapping[str, str]] = {}  # what to do where a required field is not there

    def __post_init__(self) -> None:
        for fault in self.faults():
            raise fault

    @abstractmethod
    def faults(self) -> Iterator[LagoError]:
        """Every rule that it breaks."""

    @classmethod
    def completed(cls, values: Values) -> Values:
        """What an object within another definition says, with what follows from it."""
        return values


@cache
def fields_of(cls: type[Any]) -> tuple[Field, ...]:
    """The fields of a definition, in the order of its attributes."""
    return tuple(Field(row.name, **row.metadata) for row in fields(cls))


def values_of(value: Defined) -> Values:
    """The values of its fields."""
    return {row.name: getattr(value, row.name) for row in fields_of(type(value))}


def created_at(spare: int = 0) -> Field:
    """When it was defined or registered: shown with every definition, and set by nobody."""
    return Field("created_at", kind=INSTANT, heading="created", spare=spare)


@dataclass(frozen=True, slots=True, eq=False)
class Definition(Generic[T]):
    """What commands, files and stores have to know of a class of definitions."""

    of: type[T]
    word: str  # in messages; its plural is the name of the command and the table
    section: str  # of a definition file
    key: str  # the field that names one
    key_help: str
    derived: tuple[Field, ...]  # shown, and neither set nor stored with the rest
    columns_first: tuple[str, ...] = ()  # names; the others follow in their order
    options_last: tuple[str, ...] = ()
    is_made: str = "registered"
    complete: Callable[[Values, int, T | None], Values] = lambda values, _now, _earlier: values
    """Add the defaults, given the present instant and what was defined before."""
    merge: Callable[[T, Mapping[str, Any]], Values] = lambda value, changes: (
        values_of(value) | dict(changes)
    )

    @property
    def fields(self) -> tuple[Field, ...]:
        return fields_of(self.of)

    def field(self, name: str) -> Field:
        return next(row for row in self.fields if row.name == name)

    @property
    def plural(self) -> str:
        return f"{self.word}s"

    @property
    def columns(self) -> list[Field]:
        """All that is shown of one, in order."""
        rows = {row.name: row for row in (*self.fields, *self.derived)}
        return [rows.pop(name) for name in self.columns_first] + list(rows.values())

    def options(self, *, creating: bool) -> list[Field]:
        """What `create` or `update` can set, in order."""
        last = self.options_last
        rows = [row for row in self.columns if row.help and (creating or not row.fixed)]
        return sorted(
            rows,
            key=lambda row: (not row.required, last.index(row.name) + 1 if row.name in last else 0),
        )

    def define(self, values: Values, now: int) -> T:
        """A new one, with defaults for what `values` lacks. Raises `LagoError` (refused)."""
        return self.of(**self.complete(values, now, None))

    def change(self, value: T, changes: Mapping[str, Any]) -> T:
        """The same with changes. Raises `LagoError` (refused)."""
        return self.of(**self.merge(value, changes))

    def name_of(self, value: T) -> str:
        """Its code or external id."""
        return str(getattr(value, self.key))


class Entry(NamedTuple, Generic[T]):
    """A definition in a store."""

    value: T
    created_at: int  # microseconds since 1970
    registered: bool = True  # False: a customer created by its first event


def not_one_of(field: str, noun: str, value: str, choices: Collection[str]) -> LagoError:
    """A field's value is none of its choices."""
    message, hint = f'"{value[:40]}" is no {noun}.', "One of: " + ", ".join(choices)
    return refused(f"invalid_{field}", message, hint, field=field)


def wrong_type(value: object, wanted: str) -> LagoError:
    """What a definition file has in place of `wanted`."""
    kinds = {dict: "an object", list: "a list", bool: "true or false", type(None): "null"}
    kind = kinds.get(type(value), "text" if type(value) is str else "a number")
    return refused("wrong_type", f"this is {kind}, where {wanted} is expected")
