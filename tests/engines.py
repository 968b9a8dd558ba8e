"""Every engine behind one face, for the tests that all of them have to pass."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest

from lago_cli.domain.batches import EventBatch
from lago_cli.domain.customers import Customer
from lago_cli.domain.events import parse_event
from lago_cli.domain.instants import parse_instant
from lago_cli.domain.invoices import Invoice
from lago_cli.domain.json_text import decode_object
from lago_cli.domain.metrics import Metric, define_metric
from lago_cli.domain.objects import decoded, encoded
from lago_cli.domain.plans import PLAN, Plan
from lago_cli.domain.runs import Tally
from lago_cli.domain.stored import StoredEvent
from lago_cli.domain.subscriptions import Subscription
from lago_cli.services.invoicing import Invoicing
from lago_cli.services.plans import read_plan
from lago_cli.services.requests import UsageRequest
from lago_cli.services.usage import UsageRow, usage_for
from lago_cli.stores import open_store
from lago_cli.stores.base import Appended, OnDuplicate
from lago_cli.stores.sqlite import derivation, keys
from tests.memory import MemoryStore

NOON = parse_instant("2026-11-22T12:00:00Z")


class Engine:
    """A store that takes events as they are written."""

    def __init__(self, store: Any) -> None:
        self.store = store
        self.runs = 0

    def define(self, metric: Metric | None = None, **keys: object) -> None:
        """Create or change a metric, given as one or by its keys."""
        self.store.define(metric or define_metric(**keys))  # type: ignore[arg-type]

    def register(self, record: Customer | Subscription) -> None:
        """Register a customer or a subscription, or change it."""
        accounts = self.store.accounts
        is_customer = isinstance(record, Customer)
        save = accounts.save_customer if is_customer else accounts.save_subscription
        with self._writing():
            save(record, NOON)

    def plan(self, row: Mapping[str, object]) -> Plan:
        """Define a plan, given as in a definition file."""
        plan = read_plan(decoded(encoded(row)), self.store.catalog.metrics())
        self._save_plan(plan)
        return plan

    def _save_plan(self, plan: Plan) -> None:
        self.store.save_plan(plan)

    def invoices(self, *, now: int = NOON, **asked: Any) -> list[Invoice]:
        """What subscriptions cost, asked as on the command line."""
        request = UsageRequest(**asked, by="subscription")
        return list(Invoicing(self.store, request, now).invoices())

    def _writing(self) -> Any:
        return nullcontext()

    def ingest(
        self,
        events: Iterable[Mapping[str, object] | str],
        *,
        received_at: int = NOON,
        on_duplicate: OnDuplicate = "skip",
    ) -> Appended:
        """Append events, objects or JSON texts, in one batch."""
        batch = EventBatch()
        for line, event in enumerate(events, 1):
            text = event if isinstance(event, str) else json.dumps(event, ensure_ascii=False)
            batch.append(parse_event(decode_object(text.encode())), line)
        return self._append(batch, received_at=received_at, on_duplicate=on_duplicate)

    def _append(self, batch: EventBatch, **how: Any) -> Appended:
        self.runs += 1
        return self.store.append(batch, run=self.runs, **how)

    def get(self, transaction_id: str) -> list[StoredEvent]:
        """Every event of that id, also deleted, in the order of arrival."""
        return self.store.get(transaction_id)

    def delete(self, event: StoredEvent, reason: str = "wrong", now: int = NOON) -> None:
        """Take one event out of every figure."""
        with self._writing():
            self.store.delete(event, reason, now)

    def undelete(self, event: StoredEvent, now: int = NOON) -> None:
        """Bring a deleted one back."""
        with self._writing():
            self.store.undelete(event, now)

    def revert(self, run: int) -> None:
        """Take back what an `ingest` brought, by its number."""
        self.store.revert(run)

    def usage(self, *, now: int = NOON, **asked: Any) -> list[UsageRow]:
        """The answer to a question that is put as on the command line."""
        return list(usage_for(self.store, UsageRequest(**asked), now=now))


class _Transactional(Engine):
    def _writing(self) -> Any:
        return self.store.writing()

    def _save_plan(self, plan: Plan) -> None:
        with self.store.writing():
            self.store.table(PLAN).save(plan, NOON)

    def get(self, transaction_id: str) -> list[StoredEvent]:
        return self.store.events.get(transaction_id)

    def revert(self, run: int) -> None:
        self.store.revert(run, NOON)

    def _append(self, batch: EventBatch, **how: Any) -> Appended:
        with self.store.writing():
            run = self.store.runs.start("test", NOON, self.store.next_event_id)
            done = self.store.append(batch, run=run, **how)
            self.store.runs.record(run, Tally(), self.store.next_event_id - 1, NOON)
            return done


@contextmanager
def memory() -> Iterator[Engine]:
    yield Engine(MemoryStore())


@contextmanager
def sqlite(path: str = ":memory:") -> Iterator[Engine]:
    with open_store(path, writable=True, busy_timeout=1) as store:
        yield _Transactional(store)


@contextmanager
def keys_of_a_large_file(
    large: int = 2, recent: int = 3, share: int = 5, many: int = 1
) -> Iterator[None]:
    """So few keys make the file large; so many in the small table settle in the large one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "_LARGE", large)
        patch.setattr(keys, "_RECENT", recent)
        patch.setattr(keys, "_SHARE", share)
        patch.setattr(keys, "_MANY", many)
        yield


@contextmanager
def large_sqlite() -> Iterator[Engine]:
    """Identities go through both tables."""
    with keys_of_a_large_file(), sqlite() as engine:
        yield engine


@contextmanager
def parts_of_few_events(
    enough: int = 1, at_once: int = 4, small: int = 3, many: int = 3
) -> Iterator[None]:
    """So few events are enough for parts; small ones are merged early."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(derivation, "ENOUGH", enough)
        patch.setattr(derivation, "AT_ONCE", at_once)
        patch.setattr(derivation, "SMALL", small)
        patch.setattr(derivation, "MANY", many)
        yield


@contextmanager
def in_parts() -> Iterator[Engine]:
    """Questions are answered from parts."""
    with parts_of_few_events(), sqlite() as engine:
        yield engine


@contextmanager
def partly_in_parts() -> Iterator[Engine]:
    """Questions are answered from parts, and rows after them."""
    with parts_of_few_events(enough=3), sqlite() as engine:
        yield engine


ENGINES: dict[str, Callable[[], Any]] = {
    "memory": memory,
    "sqlite": sqlite,
    "in parts": in_parts,
    "partly in parts": partly_in_parts,
}
