"""
What every engine promises.

An engine keeps events exactly once and answers usage questions; it knows no files, no
clock and no terminal. Its figures equal those of `domain.aggregations` over the same
events, whatever way it takes to them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypeVar

from lago_cli.domain.attribution import Registry
from lago_cli.domain.batches import EventBatch
from lago_cli.domain.customers import Customer
from lago_cli.domain.definitions import Defined, Definition, Entry
from lago_cli.domain.events import Subject
from lago_cli.domain.instants import Window
from lago_cli.domain.metrics import Metric
from lago_cli.domain.runs import Tally
from lago_cli.domain.stored import Deletion, EventPage, EventSelection, StoredEvent, Ties
from lago_cli.domain.subscriptions import Subscription
from lago_cli.domain.usage import Evidence, Share, UsageQuery
from lago_cli.errors import LagoError

if TYPE_CHECKING:  # only prices need them
    from lago_cli.domain.plans import Plan

T = TypeVar("T", bound=Defined)
OnDuplicate = Literal["skip", "replace", "error"]
Told = Callable[[int], object]
"""Told of so many events more that are done, of work that takes long."""
Telling = Callable[[str, Callable[[], float] | None], None]
"""Told what is done from now on and, where that is known, how much of it is done by now."""
Upgrading = Callable[[], AbstractContextManager[Told]]
Word = Literal["customer", "subscription", "metric", "plan", "code"]
"""What a name is of; a code is a metric's, or one that events carry."""


class Duplicate(NamedTuple):
    """An event of a batch whose identity was taken."""

    position: int  # in the batch
    differs_in: tuple[str, ...]  # field names; empty for a true repetition


class Holder(NamedTuple):
    """A stored event that another one differs from, or that is deleted."""

    fields: Sequence[Any]  # in the order of `events.FIELDS`
    deletion: Deletion | None = None


class Appended(NamedTuple):
    """What became of a batch: every event is new, a duplicate, a replacement, or refused."""

    new: int
    duplicates: Sequence[Duplicate]
    replaced: int
    unmatched: int  # of the stored ones, whose code is no metric
    unusable: int  # of the stored ones, whose value the metric cannot use
    undated: int  # of the stored ones, without a timestamp of their own
    refused: Sequence[tuple[int, LagoError]] = ()  # positions, and why they may not go in
    holders: Mapping[int, Holder] = {}  # of duplicates that a word is lost about, by position

    def plus_replacement(self, other: Appended) -> Appended:
        """This, and one event more that took the place of an earlier one."""
        return Appended(
            self.new,
            self.duplicates,
            self.replaced + 1,
            self.unmatched + other.unmatched,
            self.unusable + other.unusable,
            self.undated + other.undated,
            self.refused,
            self.holders,
        )


class Judged(NamedTuple):
    """Of a batch that is not appended: positions of events that could not go in as new ones."""

    taken: Set[int]  # whose identities stored events have
    refused: Mapping[int, LagoError]


class RunLog(Protocol):
    """The account of ingest runs."""

    def start(self, source: str, started_at: int, first_event_id: int) -> int:
        """The number of a new run."""

    def record(self, run: int, tally: Tally, last_event_id: int, finished_at: int | None) -> None:
        """Write the account so far."""


class KnownBlocks(Protocol):
    """Blocks of input whose events are all stored, just as they stand there; by digest."""

    def __contains__(self, digest: bytes) -> bool: ...

    def add(self, digests: Iterable[bytes]) -> None:
        """All of their events are stored."""


class IngestStore(Protocol):
    """What an ingest run needs of an engine: appending inside explicit transactions."""

    @property
    def runs(self) -> RunLog: ...

    @property
    def blocks(self) -> KnownBlocks:
        """It forgets them all where an event is replaced or taken back."""

    @property
    def in_transaction(self) -> bool: ...

    @property
    def next_event_id(self) -> int: ...

    @property
    def events_at_once(self) -> int:
        """How many events it likes to get in one batch, where there are many."""

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """By code, as they were at `begin`; another object once they have changed."""

    def begin(self) -> None: ...

    def commit(self) -> None: ...

    def rollback(self) -> None: ...

    def yield_to_others(self) -> None:
        """Between two transactions of a long run: let waiting writers in."""

    def append(
        self, batch: EventBatch, *, run: int, received_at: int, on_duplicate: OnDuplicate
    ) -> Appended:
        """
        Keep every event whose identity is free. `error` skips like `skip`.

        That of a deleted event is taken, and nothing replaces it while it is deleted.

        A new event is refused where `Registry.refusal` says so.
        """


class KeptEvents(Protocol):
    """Events by their ids."""

    def get(self, transaction_id: str) -> Sequence[StoredEvent]:
        """Every event of that id, in whatever stream, also deleted; in the order of arrival."""


class EventLists(Protocol):
    """What showing events in pages needs of an engine."""

    def page(
        self, selection: EventSelection, skip: int, size: int, *, ties: Ties = "arrival"
    ) -> EventPage:
        """
        Of the events selected, the newest first, those after the first `skip`.

        The limit of the selection plays no part.

        Args:
            ties: how events of the same microsecond are ordered. Where transaction ids are
                the same, too, the latest arrival comes first.
        """


class CorrectableStore(Protocol):
    """What correcting one event needs of an engine."""

    @property
    def events(self) -> KeptEvents: ...

    def registry(self, customers: Sequence[str], subscriptions: Sequence[str]) -> Registry:
        """What decides whose the events of these are."""

    def writing(self) -> AbstractContextManager[None]:
        """One transaction: all of it or, where it raises, nothing."""

    def delete(self, event: StoredEvent, reason: str, now: int) -> None:
        """Inside a transaction: take an event out of every figure, and keep it."""

    def undelete(self, event: StoredEvent, now: int) -> None:
        """Inside a transaction: bring a deleted event back."""


class Accounts(Protocol):
    """Customers and subscriptions, as far as usage needs them."""

    def timezones(self) -> dict[str, str]:
        """Time zone names of the customers who have one."""

    def timezone(self, customer: str) -> str | None:
        """The name of a customer's own time zone."""

    def subscriptions(self) -> Iterable[Subscription]:
        """The registered ones."""

    def save_customer(self, customer: Customer, created_at: int) -> None:
        """Register a customer, or change what is registered."""

    def save_subscription(self, subscription: Subscription, created_at: int) -> None:
        """The same; usage of events that came before is right at once."""


class Definitions(Protocol):
    """Metrics, as far as usage needs them."""

    def metrics(self) -> dict[str, Metric]: ...

    def metric(self, code: str) -> Metric:
        """Raises `LagoError` (not found)."""


class NameStore(Protocol):
    """Which names there are: registered ones, and those that stored events carry."""

    def names(self, word: Word) -> Iterable[str]:
        """All of them."""

    def known(self, word: Word, names: Sequence[str]) -> set[str]:
        """Those of the names that are known."""

    def similar(self, word: Word, name: str) -> Iterable[str]:
        """Names among which the nearest one is; none where there are no names."""


class UsageStore(NameStore, Protocol):
    """What usage needs of an engine."""

    @property
    def catalog(self) -> Definitions: ...

    @property
    def accounts(self) -> Accounts: ...

    def registry(self, customers: Sequence[str], subscriptions: Sequence[str]) -> Registry:
        """What decides whose the events of these are; of everybody where nobody is named."""

    def span(self, *, put_aside: bool = False) -> tuple[int, int] | None:
        """
        Instants of the first and the last event, in microseconds since 1970.

        With `put_aside` also of what was replaced or deleted, and once was known.
        """

    def newest(
        self,
        codes: Iterable[str],
        limit: int,
        *,
        of: Subject | None = None,
        before: int | None = None,
    ) -> Iterator[StoredEvent]:
        """
        The latest events of some codes, from the last one on, or from the last one `before`.

        Those of a customer, a subscription, or what is both; by default everybody's.
        """

    def aggregate(self, query: UsageQuery) -> Iterator[Share]: ...

    def evidence(self, query: UsageQuery) -> Iterator[Evidence]:
        """
        Every event of the members, by owner, then in the order of (timestamp, arrival),
        whose timestamps count with all their digits.

        That is from the start of the first window, or of all time where the metric
        recurs, to the end of the last, whatever the filters and `as_of` say, and whether or
        not it is deleted; of an event that was replaced after `as_of` there is the earlier
        version too.
        """

    def count(
        self, spans: Iterable[tuple[Subject, Window]], as_of: int | None = None, *, usable: bool
    ) -> Iterator[tuple[str, int]]:
        """
        By code, how many events there are of every party within its spans: of those that
        their metric can use, or of those that it cannot, or that have no metric.

        Those received after `as_of` are left out.
        """


class PricedStore(UsageStore, Protocol):
    """What prices need of an engine."""

    def plans(self) -> Mapping[str, Plan]:
        """By code."""


class DefinitionTable(Protocol[T]):
    """Everything of one class of definitions."""

    def entries(self) -> Iterable[Entry[T]]:
        """All of them, by name."""

    def find(self, name: str) -> Entry[T] | None: ...

    def get(self, name: str) -> Entry[T]:
        """Raises `LagoError` (not found)."""

    def save(self, value: T, created_at: int) -> None:
        """
        Add it, or change the one of its name, which keeps its `created_at`.

        Usage of the events that came before is right at once.
        """

    def delete(self, name: str) -> bool:
        """Events stay. Returns False where what they name cannot go."""


class DefinitionStore(Protocol):
    """What defining and registering need of an engine."""

    @property
    def accounts(self) -> Accounts: ...

    def table(self, of: Definition[T]) -> DefinitionTable[T]: ...

    def parties(self) -> Iterable[Subject]: ...

    def plans(self) -> Mapping[str, Plan]:
        """By code."""

    def writing(self) -> AbstractContextManager[None]:
        """One transaction: all of it or, where it raises, nothing."""


class BillingStore(PricedStore, DefinitionStore, Protocol):
    """What invoices and the names on them need of an engine."""
