"""
Definition files: from plain data to metrics, customers and subscriptions.

Every fault is found at once and named with its path in the document. What a file does not
say has its default; only when a subscription started, or was terminated, stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, tzinfo
from typing import Any, NamedTuple

from lago_cli.domain.customers import Customer
from lago_cli.domain.instants import parse_moment
from lago_cli.domain.metrics import Filter, Metric, with_defaults
from lago_cli.domain.subscriptions import Subscription
from lago_cli.domain.zones import zone_for
from lago_cli.errors import LagoError, refused
from lago_cli.services.accounts import INSTANTS

Path = tuple[str | int, ...]
Fields = dict[str, Any]

SECTIONS = ("billable_metrics", "customers", "plans", "subscriptions")
_WHOLE = re.compile(r"[+-]?[0-9]{1,9}")


class Fault(NamedTuple):
    """What is wrong, and where in the document."""

    path: Path
    error: LagoError


@dataclass(slots=True)
class Definitions:
    """What files ask for, by code or external id."""

    metrics: dict[str, Metric] = field(default_factory=dict)
    customers: dict[str, Customer] = field(default_factory=dict)
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    named: set[tuple[str, str]] = field(default_factory=set)  # also by what is faulty


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
            yield Fault((), _wrong_type(value, wanted))
        return
    for key in value if is_first else ():
        if key not in SECTIONS:
            yield Fault((key,), _unknown(key, SECTIONS))
    for section in sections:
        rows = value.get(section)
        if rows is not None and not isinstance(rows, list):
            yield Fault((section,), _wrong_type(rows, "a list"))
            continue
        for number, row in enumerate(rows or ()):
            path = (section, number)
            if section == "plans":
                yield Fault(path, refused("plans_unsupported", "plans cannot be applied yet"))
            elif not isinstance(row, dict):
                yield Fault(path, _wrong_type(row, "an object"))
            else:
                for steps, error in _READERS[section](row, into, known):
                    yield Fault((*path, *steps), error)


def _metric(row: Fields, into: Definitions, known: Known) -> Iterator[Fault]:  # noqa: ARG001
    values, is_whole = yield from _checked(
        row, _METRIC, required={"code": "?", "aggregation_type": "count_agg"}
    )
    values = with_defaults(values)
    if row.get("rounding_precision", "") is None:  # which is not the same as its default
        values["rounding_precision"] = None
    yield from _kept(Metric, row, values, into, is_whole)


def _customer(row: Fields, into: Definitions, known: Known) -> Iterator[Fault]:  # noqa: ARG001
    values, is_whole = yield from _checked(row, _CUSTOMER, required={"external_id": "?"})
    yield from _kept(Customer, row, values, into, is_whole)


def _subscription(row: Fields, into: Definitions, known: Known) -> Iterator[Fault]:
    required = {"external_id": "?", "external_customer_id": "?"}
    values, is_whole = yield from _checked(row, _SUBSCRIPTION, required=required)
    zone = _zone(values["external_customer_id"], into, known)
    for name in {*INSTANTS, "terminated_at"} & values.keys():
        try:
            values[name] = parse_moment(values[name], zone)
        except ValueError as error:
            yield Fault((name,), refused("invalid_instant", str(error)))
            del values[name]
            is_whole = False
    earlier = known.subscriptions.get(values["external_id"])
    start, anchor = values.get("started_at"), values.get("subscription_at")
    if start is None and anchor is None:
        start = earlier.started_at if earlier else known.now - known.now % 1_000_000
        anchor = earlier.subscription_at if earlier else known.now - known.now % 1_000_000
    values["started_at"] = anchor if start is None else start
    values["subscription_at"] = start if anchor is None else anchor
    if "terminated_at" not in row and earlier:
        values["terminated_at"] = earlier.terminated_at
    yield from _kept(Subscription, row, values, into, is_whole)


def _zone(customer: str, into: Definitions, known: Known) -> tzinfo:
    named = into.customers.get(customer)
    name = named.timezone if named else known.timezones.get(customer)
    return zone_for(name) if name else UTC


def _kept(
    kind: type[Any], row: Fields, values: Fields, into: Definitions, is_whole: bool
) -> Iterator[Fault]:
    """Keep a definition under its name; give every rule that it breaks."""
    kept, key = _KEPT[kind]
    name = row.get(key)
    identity = (kept, name if isinstance(name, str) else "")
    draft = object.__new__(kind)
    for each in fields(kind):
        object.__setattr__(draft, each.name, values.get(each.name, each.default))
    faults = list(draft.faults())
    if identity in into.named:
        faults.append(refused("defined_twice", f'"{name}" is defined twice'))
    elif identity[1].strip():
        into.named.add(identity)
    for error in faults:
        stands_there = error.field is not None and row.get(error.field) is not None
        yield Fault((error.field,) if stands_there else (), error)
    if is_whole and not faults:
        getattr(into, kept)[name] = kind(**values)


def _checked(
    row: Fields, readers: Mapping[str, Callable[[object], Any]], required: Mapping[str, str]
) -> Generator[Fault, None, tuple[Fields, bool]]:
    """
    The fields of an object that are not null, and whether none is faulty.

    For a required one that is missing there is a stand-in that breaks no rule, so that
    all other rules can be looked at.
    """
    values: Fields = {}
    faults = []
    for key, value in row.items():
        if key in _TOLD_ANYWAY:
            continue
        if key not in readers:
            faults.append(Fault((key,), _unknown(key, readers)))
        elif value is not None:
            try:
                values[key] = readers[key](value)
            except LagoError as error:
                faults.append(Fault((key,), error))
    for key, stand_in in required.items():
        if row.get(key) is None:
            faults.append(Fault((), refused("missing_field", f"{key} is missing")))
        values.setdefault(key, stand_in)
    yield from faults
    return values, not faults


def _text(value: object) -> str:
    """A number counts as text as it was written, so that ids need no quotes."""
    if not isinstance(value, str):
        raise _wrong_type(value, "text")
    return str(value)


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise _wrong_type(value, "true or false")
    return value


def _whole(value: object) -> int:
    if not isinstance(value, str) or not _WHOLE.fullmatch(value):
        raise _wrong_type(value, "a whole number")
    return int(value)


def _filters(value: object) -> tuple[Filter, ...]:
    if not isinstance(value, list):
        raise _wrong_type(value, "a list")
    found = []
    for row in value:
        if not isinstance(row, dict) or row.keys() != {"key", "values"}:
            raise _wrong_type(row, "an object with key and values")
        if not isinstance(row["values"], list):
            raise _wrong_type(row["values"], "a list")
        found.append(Filter(_text(row["key"]), tuple(map(_text, row["values"]))))
    return tuple(found)


def _wrong_type(value: object, wanted: str) -> LagoError:
    kinds = {dict: "an object", list: "a list", bool: "true or false", type(None): "null"}
    kind = kinds.get(type(value), "text")
    return refused("wrong_type", f"this is {kind}, where {wanted} is expected")


def _unknown(key: str, known: Mapping[str, object] | Sequence[str]) -> LagoError:
    return refused("unknown_key", f'"{key}" is no key here: {", ".join(known)}')


_TOLD_ANYWAY = ("created_at", "status")  # in what `get` and `list` show, and no definition
_METRIC: Mapping[str, Callable[[object], Any]] = {
    "code": _text,
    "name": _text,
    "description": _text,
    "aggregation_type": _text,
    "field_name": _text,
    "recurring": _flag,
    "expression": _text,
    "weighted_interval": _text,
    "rounding_function": _text,
    "rounding_precision": _whole,
    "filters": _filters,
}
_CUSTOMER: Mapping[str, Callable[[object], Any]] = dict.fromkeys(
    ("external_id", "name", "timezone", "currency"), _text
)
_SUBSCRIPTION: Mapping[str, Callable[[object], Any]] = dict.fromkeys(
    (
        *("external_id", "external_customer_id", "plan_code", "interval", "billing_time"),
        *("subscription_at", "started_at", "ending_at", "terminated_at"),
    ),
    _text,
)
_READERS = {"billable_metrics": _metric, "customers": _customer, "subscriptions": _subscription}
_KEPT: Mapping[type[Any], tuple[str, str]] = {
    Metric: ("metrics", "code"),
    Customer: ("customers", "external_id"),
    Subscription: ("subscriptions", "external_id"),
}
