"""
Definition files: from plain data to metrics, customers and subscriptions.

Every fault is found at once and named with its path in the document. What a file does not
say has its default; only when a subscription started, or was terminated, stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Any, NamedTuple, TypeVar

from lago_cli.domain.customers import CUSTOMER
from lago_cli.domain.definitions import Defined, Definition, wrong_type
from lago_cli.domain.metrics import METRIC
from lago_cli.domain.subscriptions import SUBSCRIPTION, Subscription
from lago_cli.domain.zones import zone_for
from lago_cli.errors import LagoError, refused

T = TypeVar("T", bound=Defined)
Path = tuple[str | int, ...]
Row = Mapping[str, Any]

DEFINITIONS: tuple[Definition[Any], ...] = (METRIC, CUSTOMER, SUBSCRIPTION)
SECTIONS = ("billable_metrics", "customers", "plans", "subscriptions")
_TOLD_ANYWAY = ("created_at", "status")  # in what `get` and `list` show, and no definition


class Fault(NamedTuple):
    """What is wrong, and where in the document."""

    path: Path
    error: LagoError


@dataclass(slots=True)
class Definitions:
    """What files ask for, by section and then by code or external id."""

    sections: dict[str, dict[str, Any]] = field(default_factory=dict)
    named: set[tuple[str, str]] = field(default_factory=set)  # also by what is faulty

    def of(self, of: Definition[T]) -> dict[str, T]:
        return self.sections.setdefault(of.section, {})


class Known(NamedTuple):
    """What is there already, as far as it decides what is meant."""

    timezones: Mapping[str, str]
    subscriptions: Mapping[str, Subscription]
    now: int


def read_definitions(
    value: object, into: Definitions, known: Known, sections: Sequence[str] = SECTIONS
) -> Iterator[Fault]:
    """
    Add what some sections of a document define; give its faults.

    Subscriptions come last, also of several documents: their times are read in the time
    zones of the customers. What is wrong with a document as a whole is told with the first.

    Args:
        value: None, or an object whose keys are `SECTIONS`, each a list of objects with
            the JSON keys of `lago … get -o json`.
    """
    if value is None:
        return
    is_first = sections[0] == SECTIONS[0]
    if not isinstance(value, dict):
        if is_first:
            wanted = "an object with the keys " + ", ".join(SECTIONS)
            yield Fault((), wrong_type(value, wanted))
        return
    for key in value if is_first else ():
        if key not in SECTIONS:
            yield Fault((key,), _unknown(key, SECTIONS))
    for section in sections:
        rows = value.get(section)
        if rows is not None and not isinstance(rows, list):
            yield Fault((section,), wrong_type(rows, "a list"))
            continue
        for number, row in enumerate(rows or ()):
            path = (section, number)
            if section == "plans":
                yield Fault(path, refused("plans_unsupported", "plans cannot be applied yet"))
            elif not isinstance(row, dict):
                yield Fault(path, wrong_type(row, "an object"))
            else:
                of = next(each for each in DEFINITIONS if each.section == section)
                for steps, error in _read(of, row, into, known):
                    yield Fault((*path, *steps), error)


def _read(of: Definition[T], row: Row, into: Definitions, known: Known) -> Iterator[Fault]:
    """Keep what an object defines under its name; give every rule that it breaks."""
    values, faults = _fields(of, row, _zone(row.get("external_customer_id"), into, known))
    yield from faults
    name = row.get(of.key)
    identity = (of.section, name if isinstance(name, str) else "")
    earlier: Any = known.subscriptions.get(identity[1]) if of.of is Subscription else None
    values = of.complete(values, known.now, earlier)
    draft = object.__new__(of.of)
    for each in of.fields:
        object.__setattr__(draft, each.name, values.get(each.name, each.default))
    broken = list(draft.faults())
    if identity in into.named:
        broken.append(refused("defined_twice", f'"{name}" is defined twice'))
    elif identity[1].strip():
        into.named.add(identity)
    for error in broken:
        place = error.field if row.get(error.field or "") is not None else None
        yield Fault((place,) if place else (), error)
    if not faults and not broken:
        into.of(of)[identity[1]] = of.of(**values)


def _fields(of: Definition[T], row: Row, zone: tzinfo) -> tuple[dict[str, Any], list[Fault]]:
    """
    The values that an object has, and what is wrong with them.

    In place of a required one that is missing there is one that breaks no rule, so that
    all other rules can be looked at.
    """
    values: dict[str, Any] = {}
    faults = []
    known = {each.name: each for each in of.fields}
    for each in of.fields:
        if each.required:
            values[each.name] = each.stand_in
            if row.get(each.name) is None:
                faults.append(Fault((), refused("missing_field", f"{each.name} is missing")))
    for key, value in row.items():
        if key not in known:
            if key not in _TOLD_ANYWAY:
                faults.append(Fault((key,), _unknown(key, known)))
            continue
        if known[key].nullable:
            values[key] = None
        if value is not None:
            try:
                values[key] = known[key].kind.read(value, zone)
            except LagoError as error:
                faults.append(Fault((key,), error))
    return values, faults


def _zone(customer: object, into: Definitions, known: Known) -> tzinfo:
    """Where the days of a customer begin."""
    if not isinstance(customer, str):
        return UTC
    named = into.of(CUSTOMER).get(customer)
    name = named.timezone if named else known.timezones.get(customer)
    return zone_for(name) if name else UTC


def _unknown(key: str, known: Iterable[str]) -> LagoError:
    return refused("unknown_key", f'"{key}" is no key here: {", ".join(known)}')
