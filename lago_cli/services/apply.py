"""Bringing the file to what definition files say, and writing down what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any, Literal, NamedTuple

from lago_cli.domain.instants import format_instant
from lago_cli.domain.metrics import Metric
from lago_cli.domain.subscriptions import Subscription
from lago_cli.services.accounts import INSTANTS
from lago_cli.services.definitions import Definitions
from lago_cli.stores.base import DefinedStore

Action = Literal["create", "change", "keep", "delete"]


class Change(NamedTuple):
    """What becomes of one definition; `changed` has the fields as (before, after)."""

    kind: str  # billable_metric, customer or subscription
    name: str  # its code or external id
    action: Action
    changed: Mapping[str, tuple[object, object]]
    wanted: Any = None


def current(store: DefinedStore) -> Definitions:
    """What is defined and registered now."""
    return Definitions(
        dict(store.catalog.metrics()),
        {
            known.customer.external_id: known.customer
            for known in store.accounts.customers()
            if known.registered
        },
        {each.external_id: each for each in store.accounts.subscriptions()},
    )


def changes(store: DefinedStore, wanted: Definitions, *, prune: bool) -> list[Change]:
    """What has to be done so that the file says what is wanted."""
    now = current(store)
    found = [
        *_compared("billable_metric", now.metrics, wanted.metrics, prune=prune),
        *_compared("customer", now.customers, wanted.customers, prune=prune),
        *_compared("subscription", now.subscriptions, wanted.subscriptions, prune=prune),
    ]
    deleted = [change for change in found if change.action == "delete"]
    kept = [change for change in found if change.action != "delete"]
    return [*kept, *reversed(deleted)]  # a subscription goes before its customer


def _compared(
    kind: str, now: Mapping[str, Any], wanted: Mapping[str, Any], *, prune: bool
) -> Iterator[Change]:
    for name, new in wanted.items():
        if name not in now:
            yield Change(kind, name, "create", {}, new)
            continue
        before, after = as_fields(now[name]), as_fields(new)
        changed = {key: (before[key], after[key]) for key in after if before[key] != after[key]}
        yield Change(kind, name, "change" if changed else "keep", changed, new)
    for name in now if prune else ():
        if name not in wanted:
            yield Change(kind, name, "delete", {})


def carry_out(store: DefinedStore, todo: Sequence[Change], *, now: int) -> None:
    """Inside a transaction."""
    for change in todo:
        if change.action != "keep":
            _CARRY_OUT[change.kind, change.action](store, change, now)


_CARRY_OUT: Mapping[tuple[str, str], Callable[[DefinedStore, Change, int], object]] = {
    ("billable_metric", "create"): lambda store, change, now: store.catalog.create_metric(
        change.wanted, now
    ),
    ("billable_metric", "change"): lambda store, change, _: store.catalog.change_metric(
        change.wanted
    ),
    ("billable_metric", "delete"): lambda store, change, _: store.catalog.delete_metric(
        change.name
    ),
    ("customer", "create"): lambda store, change, now: store.accounts.save_customer(
        change.wanted, now
    ),
    ("customer", "change"): lambda store, change, now: store.accounts.save_customer(
        change.wanted, now
    ),
    ("customer", "delete"): lambda store, change, _: store.accounts.delete_customer(change.name),
    ("subscription", "create"): lambda store, change, now: store.accounts.save_subscription(
        change.wanted, now
    ),
    ("subscription", "change"): lambda store, change, now: store.accounts.save_subscription(
        change.wanted, now
    ),
    ("subscription", "delete"): lambda store, change, _: store.accounts.delete_subscription(
        change.name
    ),
}


def exported(store: DefinedStore) -> dict[str, list[dict[str, Any]]]:
    """What `apply` takes back and finds nothing to do for; nulls that it assumes are left out."""
    now = current(store)
    return {
        section: [
            {key: value for key, value in row.items() if value is not None or _is_told(key, row)}
            for row in map(as_fields, rows.values())
        ]
        for section, rows in (
            ("billable_metrics", now.metrics),
            ("customers", now.customers),
            ("subscriptions", now.subscriptions),
        )
    }


def _is_told(key: str, row: Mapping[str, Any]) -> bool:
    """Whether a null has to be written: without it there would be a default."""
    return key == "rounding_precision" and row["rounding_function"] is not None


def as_fields(definition: Any) -> dict[str, Any]:
    """Fields by their JSON keys."""
    found = {row.name: getattr(definition, row.name) for row in fields(definition)}
    if isinstance(definition, Metric):
        found["filters"] = [
            {"key": row.key, "values": list(row.values)} for row in definition.filters
        ]
    if isinstance(definition, Subscription):
        for name in (*INSTANTS, "terminated_at"):
            found[name] = None if found[name] is None else format_instant(found[name])
    return found
