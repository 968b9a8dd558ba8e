"""
Definitions one by one as objects of JSON, such as an API takes.

They are read as a definition file with a single one is, so that every fault is found at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from lago_cli.domain.definitions import Defined, Definition, Entry, Faulty, Path, fields_of
from lago_cli.domain.metrics import METRIC, Metric
from lago_cli.domain.objects import READ_ONLY, Faults, Nested, Row, decoded, encoded
from lago_cli.services.catalog import exists, refuse_to_break
from lago_cli.services.definitions import Definitions, Known, read_definitions
from lago_cli.services.wire import as_fields
from lago_cli.stores.base import DefinitionStore

T = TypeVar("T", bound=Defined)
Unkept = list[tuple[Path, str]]
"""Where something stands that is not kept, and why, as half a sentence."""

_NOT_KEPT = "this is not kept"


def kept(of: type[Defined], row: Row, path: Path = ()) -> tuple[dict[str, Any], Unkept]:
    """
    What of an object is read, and what it says beyond that.

    Where a file is refused for a key that nobody knows, an API takes it and says so.
    """
    known = {each.name: each.kind for each in fields_of(of)}
    found: dict[str, Any] = {}
    unkept: Unkept = []
    for key, value in row.items():
        kind = known.get(key)
        if isinstance(kind, Nested):
            found[key], more = _within(kind, value, (*path, key))
            unkept += more
        elif kind is not None:
            found[key] = value
        elif not (key in READ_ONLY or key in of.ignored or value in (None, [], {}, "", False)):
            unkept.append(((*path, key), of.unused.get(key, _NOT_KEPT)))
    return found, unkept


def _within(kind: Nested, value: object, path: Path) -> tuple[Any, Unkept]:
    if isinstance(value, Mapping):
        return kept(kind.of, value, path)
    if not isinstance(value, list):
        return value, []
    pairs = [_within(kind, each, (*path, number)) for number, each in enumerate(value)]
    return [each for each, _ in pairs], [one for _, several in pairs for one in several]


def save_object(
    store: DefinitionStore,
    of: Definition[T],
    row: Row,
    *,
    now: int,
    name: str | None = None,
    also: Faults | None = None,
) -> Entry[T]:
    """
    Define one, or change the one of that name: what the object does not say stays.

    Args:
        also: what else is wrong with it, told with its other faults.

    Raises:
        LagoError: not found, or refused where a plan could not charge for a metric any more.
        Faulty: with every fault.
    """
    with store.writing():
        table = store.table(of)
        before = None if name is None else table.get(name)
        if before is not None:
            row = {**as_written(of, before.value), **row, of.key: name}
        value = _read(store, of, row, now, is_new=before is None, also=also or [])
        if isinstance(value, Metric) and before is not None:
            refuse_to_break(store, store.table(METRIC).get(value.code).value, value)
        table.save(value, now)
        return table.get(of.name_of(value))


def as_written(of: Definition[T], value: T) -> dict[str, Any]:
    """A definition as a document gives it."""
    found: dict[str, Any] = decoded(encoded(as_fields(of, value)))
    return found


def _read(
    store: DefinitionStore, of: Definition[T], row: Row, now: int, *, is_new: bool, also: Faults
) -> T:
    metrics = {each.value.code: each.value for each in store.table(METRIC).entries()}
    known = Known(store.accounts.timezones(), {}, now, metrics, store.plans())
    into = Definitions()
    document = {of.section.removesuffix("s"): dict(row)}
    found = [
        (fault.path[1:], fault.error)
        for fault in read_definitions(document, into, known, (of.section,))
    ]
    name = row.get(of.key)
    if is_new and isinstance(name, str):
        there = store.table(of).find(str(name))
        if there is not None and there.registered:
            found.append(((of.key,), exists(of, str(name))))
    faults: Sequence[Any] = [*also, *found]
    if faults:
        raise Faulty(faults)
    return into.of(of)[str(name)]
