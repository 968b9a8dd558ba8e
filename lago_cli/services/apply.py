"""Bringing the file to what definition files say, and writing down what it says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeVar

from lago_cli.domain.definitions import Defined, Definition
from lago_cli.domain.objects import Nested
from lago_cli.services.definitions import DEFINITIONS, Definitions
from lago_cli.services.wire import Row, as_fields
from lago_cli.stores.base import DefinitionStore

T = TypeVar("T", bound=Defined)
Action = Literal["create", "change", "keep", "delete"]


class Change(NamedTuple):
    """What becomes of one definition; `changed` has the fields as (before, after)."""

    of: Definition[Any]
    name: str  # its code or external id
    action: Action
    changed: Mapping[str, tuple[object, object]]
    wanted: Any = None


def current(store: DefinitionStore) -> Definitions:
    """What is defined and registered now."""
    found = Definitions()
    for of in DEFINITIONS:
        entries = [entry for entry in store.table(of).entries() if entry.registered]
        found.of(of).update((of.name_of(entry.value), entry.value) for entry in entries)
    return found


def changes(store: DefinitionStore, wanted: Definitions, *, prune: bool) -> list[Change]:
    """What has to be done so that the file says what is wanted."""
    now = current(store)
    found = [
        change
        for of in DEFINITIONS
        for change in _compared(of, now.of(of), wanted.of(of), prune=prune)
    ]
    deleted = [change for change in found if change.action == "delete"]
    kept = [change for change in found if change.action != "delete"]
    return [*kept, *reversed(deleted)]  # a subscription goes before its plan and its customer


def _compared(
    of: Definition[T], now: Mapping[str, T], wanted: Mapping[str, T], *, prune: bool
) -> Iterator[Change]:
    for name, new in wanted.items():
        if name not in now:
            yield Change(of, name, "create", {}, new)
            continue
        before, after = as_fields(of, now[name]), as_fields(of, new)
        changed = {key: (before[key], after[key]) for key in after if before[key] != after[key]}
        yield Change(of, name, "change" if changed else "keep", changed, new)
    for name in now if prune else ():
        if name not in wanted:
            yield Change(of, name, "delete", {})


def carry_out(store: DefinitionStore, todo: Sequence[Change], *, now: int) -> None:
    """Inside a transaction."""
    for change in todo:
        table = store.table(change.of)
        if change.action == "delete":
            table.delete(change.name)
        elif change.action != "keep":
            table.save(change.wanted, now)


def exported(store: DefinitionStore) -> dict[str, list[Row]]:
    """What `apply` takes back and finds nothing to do for; nulls that it assumes are left out."""
    now = current(store)
    return {of.section: [as_file(of, value) for value in now.of(of).values()] for of in DEFINITIONS}


def as_file(of: Definition[T], value: T) -> Row:
    """A definition as files have it, without the nulls and empty lists that they assume."""
    row = as_fields(of, value)
    told = {key: getattr(value, key) for key in row if row[key] is not None}
    assumed = of.complete(told, 0, None)
    nothing = {each.name for each in of.fields if isinstance(each.kind, Nested)}
    nothing = {key for key in nothing if not row[key]}
    return {
        key: row[key]
        for key in row
        if key not in nothing and (key in told or assumed.get(key) is not None)
    }
