"""Defining metrics: create, change, delete, look up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from lago_cli.domain.metrics import Metric, changed_metric
from lago_cli.stores.base import DefinitionStore


class Defined(NamedTuple):
    """A metric and when it was defined, in microseconds since 1970."""

    metric: Metric
    created_at: int


def create_metric(store: DefinitionStore, metric: Metric, *, now: int) -> Defined:
    """
    Define a metric; events of its code that are already stored count at once.

    Raises:
        LagoError: refused, where the code is taken.
    """
    with store.writing():
        store.catalog.create_metric(metric, now)
    return Defined(metric, now)


def update_metric(store: DefinitionStore, code: str, changes: Mapping[str, object]) -> Defined:
    """
    Change what is named in `changes`; its events are read anew.

    Raises:
        LagoError: not found, or refused for the first rule that is broken.
    """
    with store.writing():
        metric = changed_metric(store.catalog.metric(code), changes)
        store.catalog.change_metric(metric)
    return find_metric(store, code)


def delete_metric(store: DefinitionStore, code: str) -> Defined:
    """Delete a metric and keep its events. Raises `LagoError` (not found)."""
    with store.writing():
        metric = find_metric(store, code)
        store.catalog.delete_metric(code)
    return metric


def find_metric(store: DefinitionStore, code: str) -> Defined:
    """Raises `LagoError` (not found)."""
    return Defined(store.catalog.metric(code), store.catalog.created_at()[code])


def list_metrics(store: DefinitionStore) -> list[Defined]:
    """Every metric, by code."""
    created_at = store.catalog.created_at()
    return [Defined(metric, created_at[code]) for code, metric in store.catalog.metrics().items()]
