"""From a transaction id to the way of each event that has it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from lago_cli.errors import Kind, LagoError
from lago_cli.services.event_trace import trace
from lago_cli.stores.base import KeptEvents, UsageStore

if TYPE_CHECKING:
    from lago_cli.domain.runs import Run
    from lago_cli.domain.stored import StoredEvent
    from lago_cli.services.event_trace import Trace


class _Events(KeptEvents, Protocol):
    def replaced_by(self, event: StoredEvent) -> StoredEvent | None: ...


class _Runs(Protocol):
    def list(self) -> Iterable[Run]: ...


class TracedStore(UsageStore, Protocol):
    """What the way of an event needs of an engine."""

    @property
    def events(self) -> _Events: ...

    @property
    def runs(self) -> _Runs: ...


def traces_of(store: TracedStore, transaction_id: str, *, now: int) -> list[Trace]:
    """
    To the figures that count them, or to where they stop.

    Raises:
        LagoError: not found.
    """
    try:
        transaction_id.encode()
    except UnicodeEncodeError:  # an argument may be any bytes
        found = []
    else:
        found = list(store.events.get(transaction_id))
    runs = {run.run: run for run in store.runs.list()}
    if not found:
        hint = "Was it rejected? lago ingest --rejects FILE tells why."
        if any(run.reverted_at is not None for run in runs.values()):
            hint += " Was its run taken back? lago ingest-runs list shows which were."
        message = f'There is no event "{transaction_id}" in this file.'
        raise LagoError(Kind.NOT_FOUND, "event_not_found", message, hint)
    return [
        trace(
            store,
            event,
            runs[event.run].source,
            now=now,
            replaced=store.events.replaced_by(event),
        )
        for event in found
    ]
