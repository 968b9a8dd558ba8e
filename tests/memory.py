"""
The shortest correct engine: a dictionary of events, folded anew for every question.

It says what the other engines must answer, and is what the tests compare them with.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, replace
from decimal import Decimal
from fractions import Fraction

from lago_cli.domain.attribution import Registry
from lago_cli.domain.batches import EventBatch
from lago_cli.domain.conditions import holds
from lago_cli.domain.contributions import Reading
from lago_cli.domain.customers import Customer
from lago_cli.domain.events import FIELDS, Event, Subject
from lago_cli.domain.instants import Window
from lago_cli.domain.json_text import decode_object, same_json
from lago_cli.domain.measurements import measure
from lago_cli.domain.metrics import Metric
from lago_cli.domain.numbers import exact
from lago_cli.domain.plans import Plan
from lago_cli.domain.properties import text_at
from lago_cli.domain.steps import Steps
from lago_cli.domain.stored import Deletion, EventPage, EventSelection, Status, StoredEvent, Ties
from lago_cli.domain.subscriptions import Subscription
from lago_cli.domain.usage import Evidence, Group, PropertyFilter, Share, UsageQuery
from lago_cli.errors import LagoError, not_found
from lago_cli.stores.base import Appended, Duplicate, Holder, OnDuplicate, Word
from tests.folds import FOLDS, OF_A_DAY, count, total


@dataclass(eq=False)
class _Stored:
    event: Event
    at: int
    finer: int  # picoseconds after it
    position: int  # in the order of arrival
    received_at: int
    replaced: _Stored | None  # the version that it took the place of
    run: int
    deletions: tuple[Deletion, ...] = ()

    @property
    def is_deleted(self) -> bool:
        return any(each.undeleted_at is None for each in self.deletions)

    @property
    def order(self) -> tuple[int, int, int]:
        return self.at, self.finer, self.position


_Figure = tuple[int, Window, Group, int]
"""(owner, window, group, number of the bucket)."""


class Definitions:
    """Metrics by code."""

    def __init__(self) -> None:
        self._metrics: dict[str, Metric] = {}

    def metrics(self) -> dict[str, Metric]:
        return self._metrics

    def metric(self, code: str) -> Metric:
        """Raises `LagoError` (not found)."""
        if code not in self._metrics:
            raise not_found("metric", code)
        return self._metrics[code]


class Accounts:
    """Customers and subscriptions by external id."""

    def __init__(self) -> None:
        self._customers: dict[str, Customer] = {}
        self._subscriptions: dict[str, Subscription] = {}

    def customers(self) -> Iterable[str]:
        return self._customers

    def timezones(self) -> dict[str, str]:
        known = self._customers.values()
        return {each.external_id: each.timezone for each in known if each.timezone}

    def timezone(self, customer: str) -> str | None:
        return self.timezones().get(customer)

    def subscriptions(self) -> Iterable[Subscription]:
        return self._subscriptions.values()

    def save_customer(self, customer: Customer, created_at: int) -> None:
        del created_at
        self._customers[customer.external_id] = customer

    def save_subscription(self, subscription: Subscription, created_at: int) -> None:
        del created_at
        self._subscriptions[subscription.external_id] = subscription


class MemoryStore:
    """Events by identity: (is it a subscription's?, its or the customer's name, id)."""

    def __init__(self) -> None:
        self.catalog = Definitions()
        self.accounts = Accounts()
        self._metrics = self.catalog.metrics()
        self._plans: dict[str, Plan] = {}
        self._events: dict[tuple[bool, str, str], _Stored] = {}
        self._arrived = 0

    def plans(self) -> dict[str, Plan]:
        return self._plans

    def save_plan(self, plan: Plan) -> None:
        self._plans[plan.code] = plan

    def define(self, metric: Metric) -> None:
        self._metrics[metric.code] = metric

    def append(
        self, batch: EventBatch, *, run: int, received_at: int, on_duplicate: OnDuplicate
    ) -> Appended:
        new = replaced = 0
        duplicates: list[Duplicate] = []
        holders: dict[int, Holder] = {}
        stored: list[_Stored] = []
        refused: list[tuple[int, LagoError]] = []
        registry = Registry(self.accounts.subscriptions(), ())
        for index in range(len(batch)):
            event = batch.event(index)
            subscription = event.external_subscription_id
            name = subscription or event.external_customer_id or ""
            identity = (subscription is not None, name, event.transaction_id)
            earlier = self._events.get(identity)
            differs_in = _differences(event, earlier) if earlier else ()
            is_deleted = earlier is not None and earlier.is_deleted
            if earlier and (is_deleted or not (differs_in and on_duplicate == "replace")):
                duplicates.append(Duplicate(index, differs_in))
                if differs_in or is_deleted:
                    holders[index] = _holder(earlier)
                continue
            at, finer = received_at if event.at is None else event.at, event.finer
            if earlier and event.at is None:
                at, finer = earlier.at, earlier.finer
            party = event.external_customer_id, subscription
            if refusal := registry.refusal(party, at, received_at):
                refused.append((index, refusal))
                continue
            new, replaced = new + (earlier is None), replaced + (earlier is not None)
            self._arrived += 1
            self._events[identity] = _Stored(
                event, at, finer, self._arrived, received_at, earlier, run
            )
            stored.append(self._events[identity])
        unmatched = sum(row.event.code not in self._metrics for row in stored)
        usable = sum(self._reading(row) is not None for row in stored)
        unusable = len(stored) - unmatched - usable
        undated = sum(row.event.at is None for row in stored)
        return Appended(new, duplicates, replaced, unmatched, unusable, undated, refused, holders)

    def delete(self, event: StoredEvent, reason: str, now: int) -> None:
        row = next(row for row in self._events.values() if row.position == event.position)
        row.deletions += (Deletion(now, reason),)

    def undelete(self, event: StoredEvent, now: int) -> None:
        row = next(row for row in self._events.values() if row.position == event.position)
        *closed, last = row.deletions
        row.deletions = (*closed, last._replace(undeleted_at=now))

    def get(self, transaction_id: str) -> list[StoredEvent]:
        """Every event of that id, also deleted, in the order of arrival."""
        rows = [row for row in self._events.values() if row.event.transaction_id == transaction_id]
        return [self._stored(row) for row in sorted(rows, key=lambda row: row.position)]

    def revert(self, run: int) -> None:
        """Of every event, forget the versions of a run; those before them inherit deletions."""
        for identity, row in list(self._events.items()):
            left: _Stored | None = None
            for version in reversed(list(_versions(row))):
                if version.run != run:
                    version.replaced, left = left, version
                elif left is not None:
                    left.deletions += version.deletions
            if left is None:
                del self._events[identity]
            else:
                self._events[identity] = left

    def registry(self, customers: Sequence[str], subscriptions: Sequence[str]) -> Registry:
        return Registry(self.accounts.subscriptions(), self.parties())

    def parties(self) -> Iterable[Subject]:
        """Also of versions that were replaced: they count as of an earlier instant."""
        found: dict[Subject, None] = {}
        for row in self._events.values():
            found |= dict.fromkeys(map(_party, _versions(row)))
        return found

    def names(self, word: Word) -> Iterable[str]:
        parties = [_party(row) for row in self._events.values()]
        subscriptions = list(self.accounts.subscriptions())
        named: dict[Word, list[Iterable[str | None]]] = {
            "customer": [
                self.accounts.customers(),
                (customer for customer, _ in parties),
                (each.external_customer_id for each in subscriptions),
            ],
            "subscription": [
                (each.external_id for each in subscriptions),
                (subscription for _, subscription in parties),
            ],
            "metric": [self._metrics],
            "plan": [self._plans],
            "code": [self._metrics, (row.event.code for row in self._events.values())],
        }
        return sorted({name for names in named[word] for name in names if name})

    def known(self, word: Word, names: Sequence[str]) -> set[str]:
        return set(names) & set(self.names(word))

    def similar(self, word: Word, name: str) -> Iterable[str]:
        del name
        return self.names(word)

    def newest(
        self,
        codes: Iterable[str],
        limit: int,
        *,
        of: Subject | None = None,
        before: int | None = None,
    ) -> Iterator[StoredEvent]:
        customers, subscriptions = ((name,) if name else () for name in of or (None, None))
        wanted = EventSelection(customers, subscriptions, tuple(codes), end=before)
        return iter(self.page(wanted, 0, limit).events) if wanted.codes else iter(())

    def page(
        self, selection: EventSelection, skip: int, size: int, *, ties: Ties = "arrival"
    ) -> EventPage:
        rows = [row for row in self._events.values() if self._is_selected(row, selection)]
        rows.sort(key=lambda row: row.order, reverse=True)
        if ties == "transaction_id":
            rows.sort(key=lambda row: (-row.at, row.event.transaction_id))
        return EventPage(len(rows), [self._stored(row) for row in rows[skip : skip + size]])

    def _is_selected(self, row: _Stored, selection: EventSelection) -> bool:
        customers, subscriptions, codes, start, end, status, _ = astuple(selection)
        return (
            self._stored(row).status == (status or self._stored(row).status)
            and row.is_deleted == (status == "deleted")
            and (not codes or row.event.code in codes)
            and (start is None or row.at >= start)
            and (end is None or row.at < end)
            and any(
                claim.span.start <= row.at < claim.span.end
                and (not customers or claim.customer in customers)
                and (not subscriptions or claim.subscription in subscriptions)
                for claim in self.registry((), ()).claims(_party(row))
            )
        )

    def span(self, *, put_aside: bool = False) -> tuple[int, int] | None:
        versions = [each for row in self._events.values() for each in _versions(row)]
        times = [row.at for row in (versions if put_aside else self._known(None))]
        return (min(times), max(times)) if times else None

    def count(
        self, spans: Iterable[tuple[Subject, Window]], as_of: int | None = None, *, usable: bool
    ) -> Iterator[tuple[str, int]]:
        found: dict[str, int] = defaultdict(int)
        wanted = list(spans)
        for row in self._known(as_of):
            if (self._reading(row) is not None) == usable:
                found[row.event.code] += sum(
                    party == _party(row) and span.start <= row.at < span.end
                    for party, span in wanted
                )
        yield from ((code, count) for code, count in found.items() if count)

    def aggregate(self, query: UsageQuery) -> Iterator[Share]:
        found: dict[_Figure, list[tuple[_Stored, Reading]]] = defaultdict(list)
        for row in self._known(query.as_of):
            reading = self._reading(row) if row.event.code == query.metric.code else None
            if reading is None or not _is_asked_for(query, row):
                continue
            for party, owner, span in query.scope.members:
                if party != _party(row) or not span.start <= row.at < span.end:
                    continue
                for window in query.scope.windows[owner]:
                    starts = -(2**62) if query.metric.recurring else window.start
                    if starts <= row.at < window.end:
                        figure = owner, window, _group(query, row), _bucket(query, row)
                        found[figure].append((row, _priced(row) if query.of_amounts else reading))
        folds = OF_A_DAY if query.daily else FOLDS
        fold = total if query.of_amounts else folds[query.metric.aggregation_type]
        if query.in_steps:
            fold = count
        for (owner, window, group, bucket), rows in found.items():
            in_order = sorted(rows, key=lambda pair: pair[0].order)
            readings = [reading for _, reading in in_order]
            inside = sum(window.start <= reading.at for reading in readings)
            with exact():
                units = fold(readings, window)
            steps = _steps(query, readings) if query.in_steps else None
            before = len(rows) - inside
            yield Share(owner, window, group, units, inside, bucket, before, steps)

    def evidence(self, query: UsageQuery) -> Iterator[Evidence]:
        rows = dict.fromkeys([*self._events.values(), *self._versions_known(query.as_of)])
        in_order = sorted(rows, key=lambda row: row.order)
        for owner, windows in enumerate(query.scope.windows):
            if not windows:
                continue
            starts = -(2**62) if query.metric.recurring else windows[0].start
            for row in in_order:
                is_asked_for = row.event.code == query.metric.code and any(
                    each.party == _party(row) and each.span.start <= row.at < each.span.end
                    for each in query.scope.members
                    if each.owner == owner
                )
                if is_asked_for and starts <= row.at < windows[-1].end:
                    yield Evidence(owner, self._stored(row))

    def _stored(self, row: _Stored) -> StoredEvent:
        status: Status = "counted" if self._reading(row) else "unusable"
        if row.event.code not in self._metrics:
            status = "unmatched"
        if row.is_deleted:
            status = "deleted"
        known = row.at, row.received_at, row.run, status, row.position, row.deletions
        return StoredEvent(row.event, *known)

    def _known(self, as_of: int | None) -> Iterator[_Stored]:
        """Without those that were deleted then."""
        for row in self._versions_known(as_of):
            if not any(each.is_in_force(as_of) for each in row.deletions):
                yield row

    def _versions_known(self, as_of: int | None) -> Iterator[_Stored]:
        """The events as they were known then: of each, the last version received by then."""
        for row in self._events.values():
            version: _Stored | None = row
            while version and as_of is not None and version.received_at > as_of:
                version = version.replaced
            if version:
                yield version

    def _reading(self, row: _Stored) -> Reading | None:
        metric = self._metrics.get(row.event.code)
        if metric is None:
            return None
        properties = decode_object(row.event.properties.encode())
        try:
            return Reading(row.at, *measure(metric, properties, row.at))
        except ValueError:
            return None


def _versions(row: _Stored | None) -> Iterator[_Stored]:
    """The latest first."""
    while row is not None:
        yield row
        row = row.replaced


def _holder(row: _Stored) -> Holder:
    deletion = next((each for each in row.deletions if each.undeleted_at is None), None)
    return Holder(_fields(replace(row.event, at=row.at)), deletion)


def _priced(row: _Stored) -> Reading:
    return Reading(row.at, Decimal(row.event.precise_total_amount_cents or 0))


def _steps(query: UsageQuery, readings: Sequence[Reading]) -> Steps:
    """Of the scale 0: what is no integer is a fraction."""
    at = [reading.at for reading in readings]
    if query.metric.aggregation_type == "unique_count_agg" and not query.of_amounts:
        steps = [reading.step for reading in readings]
        return Steps(at, steps, 0, [str(reading.value) for reading in readings])
    return Steps(at, [Fraction(reading.value) for reading in readings])


def _party(row: _Stored) -> Subject:
    return row.event.external_customer_id, row.event.external_subscription_id


def _differences(event: Event, earlier: _Stored) -> tuple[str, ...]:
    stored = replace(earlier.event, at=earlier.at if event.at is not None else None)
    pairs = zip(FIELDS, _fields(event), _fields(stored), strict=True)
    return tuple(
        name
        for name, one, other in pairs
        if one != other and not (name == "properties" and same_json(str(one), str(other)))
    )


def _fields(event: Event) -> tuple[object, ...]:
    batch = EventBatch()
    batch.append(event, 0)
    return batch.fields(0)


def _is_asked_for(query: UsageQuery, row: _Stored) -> bool:
    return _matches(query.filters, row)


def _bucket(query: UsageQuery, row: _Stored) -> int:
    matching = (number for number, each in enumerate(query.buckets) if _matches(each, row))
    return next(matching, len(query.buckets))


def _matches(filters: PropertyFilter, row: _Stored) -> bool:
    properties = decode_object(row.event.properties.encode())
    return holds(filters, properties)


def _group(query: UsageQuery, row: _Stored) -> Group:
    properties = decode_object(row.event.properties.encode())
    return tuple(text_at(properties, key) for key in query.group_by)
