"""One event's way from its reception to the figure that counts it, or to where it stops."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from lago_cli.domain.aggregations import AGGREGATIONS
from lago_cli.domain.attribution import Attribution
from lago_cli.domain.events import FIELDS, Event
from lago_cli.domain.instants import Window, format_instant
from lago_cli.domain.json_text import decode_object, same_json, text_of
from lago_cli.domain.measurements import OPERATION, measure
from lago_cli.domain.metrics import Metric
from lago_cli.domain.numbers import as_plain
from lago_cli.domain.properties import reason_of, text_at
from lago_cli.domain.stored import StoredEvent, told_of
from lago_cli.domain.subscriptions import EVER
from lago_cli.services.explain import Figure, Line, explain
from lago_cli.services.questions import Question
from lago_cli.services.requests import UsageRequest
from lago_cli.stores.base import UsageStore


class Step(NamedTuple):
    """One step; an event that does not pass it goes no further."""

    name: str
    passed: bool
    detail: str


@dataclass(slots=True)
class Trace:
    """The steps of one event, and its line in the figure of its own billing period."""

    event: StoredEvent
    steps: list[Step] = field(default_factory=list)
    figure: Figure | None = None
    line: Line | None = None

    @property
    def stopped_at(self) -> str | None:
        """The step that it does not pass."""
        return next((step.name for step in self.steps if not step.passed), None)


def trace(
    store: UsageStore,
    event: StoredEvent,
    source: str,
    *,
    now: int,
    replaced: StoredEvent | None = None,
) -> Trace:
    """
    Follow an event as far as it comes.

    `source` is what its run has read, `replaced` the version whose place it took.
    """
    found = Trace(event)
    for step in _steps(store, found, _stored(event, source, replaced), now):
        found.steps.append(step)
        if not step.passed:
            break
    return found


def _steps(store: UsageStore, trace: Trace, stored: str, now: int) -> Iterator[Step]:
    event = trace.event
    yield Step("stored", True, stored)
    for deletion in event.deletions:
        yield Step("deleted", deletion.undeleted_at is not None, told_of(deletion, until=False))
        if deletion.undeleted_at is not None:
            detail = f"brought back on {format_instant(deletion.undeleted_at)}"
            yield Step("undeleted", True, detail)
    metric = store.catalog.metrics().get(event.event.code)
    if metric is None:
        detail = f'no metric has the code "{event.event.code}": define one, and it counts'
        yield Step("metric", False, detail)
        return
    yield Step("metric", True, _metric(metric))
    claim = _claim(store, event, metric)
    yield Step("owner", True, _owner(event, claim))
    yield _value(event, metric)
    yield from _usage(store, trace, metric, claim, now)


def _stored(event: StoredEvent, source: str, replaced: StoredEvent | None) -> str:
    received = f"received {format_instant(event.received_at)} by run {event.run} ({source})"
    if replaced is None:
        return received
    names = " and ".join(_differing(event.event, replaced.event))
    was = f"differed in its {names}" if names else "said the same"
    return f"{received}; it replaced the version of run {replaced.run}, which {was}"


def _differing(one: Event, other: Event) -> Iterator[str]:
    for name in FIELDS:
        attribute = "at" if name == "timestamp" else name
        mine, theirs = getattr(one, attribute), getattr(other, attribute)
        if mine != theirs and not (name == "properties" and same_json(mine, theirs)):
            yield name


def _metric(metric: Metric) -> str:
    words = (
        [metric.aggregation_type, "recurring"] if metric.recurring else [metric.aggregation_type]
    )
    return f"{metric.code} ({', '.join(words)}) counts events of this code"


def _claim(store: UsageStore, event: StoredEvent, metric: Metric) -> Attribution:
    party = event.event.external_customer_id, event.event.external_subscription_id
    registry = store.registry(*([name] if name else [] for name in party))
    claims = registry.claims(party, recurring=metric.recurring)
    return next(claim for claim in claims if claim.span.start <= event.at < claim.span.end)


def _owner(event: StoredEvent, claim: Attribution) -> str:
    customer, subscription = event.event.external_customer_id, event.event.external_subscription_id
    if subscription is not None:
        whose = "nobody knows whose" if claim.customer is None else f"of customer {claim.customer}"
        return f"names the subscription {subscription}, {whose}"
    if claim.subscription is None:
        return f"names the customer {customer}, who had no active subscription then, or several"
    return f"names the customer {customer}, whose only active subscription is {claim.subscription}"


def _value(event: StoredEvent, metric: Metric) -> Step:
    reads = AGGREGATIONS[metric.aggregation_type].reads
    if reads == "nothing":
        return Step("value", True, "every event counts as one")
    properties = decode_object(event.event.properties.encode())
    try:
        value, step = measure(metric, properties, event.at)
    except ValueError as error:
        return Step("value", False, reason_of(error, properties))
    shown = value if isinstance(value, str) else as_plain(value)
    source = metric.expression or metric.field_name
    if reads == "item":
        operation = text_of(properties.get(OPERATION)) or "add, as it names none"
        return Step("value", True, f"{source} is {shown!r}; {OPERATION} is {operation}; {step:+d}")
    return Step("value", True, f"{source} is {shown}")


def _usage(
    store: UsageStore, trace: Trace, metric: Metric, claim: Attribution, now: int
) -> Iterator[Step]:
    event = trace.event
    by_subscription = claim.subscription is not None
    whole = UsageRequest(
        customers=[claim.customer] if claim.customer is not None else [],
        subscriptions=[claim.subscription] if claim.subscription is not None else [],
        metrics=[metric.code],
        by="subscription" if by_subscription else "customer",
        period="all",
    )
    owner = claim.customer, claim.subscription
    moment = max(event.at, claim.life.start) if metric.recurring else event.at
    period = Question(store, whole, now).billing_period(owner, moment)
    request = UsageRequest(
        customers=whole.customers,
        subscriptions=whole.subscriptions,
        metrics=whole.metrics,
        by=whole.by,
        start=format_instant(period.start),
        end=format_instant(period.end),
    )
    for figure in explain(store, request, now=now):
        for line in figure.lines:
            if figure.owner == owner and line.event.position == event.position:
                trace.figure, trace.line = figure, line
    yield from _outcome(trace, claim, period, metric)


def _outcome(trace: Trace, claim: Attribution, period: Window, metric: Metric) -> Iterator[Step]:
    if trace.line is None or trace.figure is None:
        yield Step("subscription", False, "its subscription ended as it started")
        return
    if trace.line.units is None:
        yield Step("subscription", False, trace.line.reason)
        return
    if claim.life != EVER:
        yield Step("subscription", True, _life(claim, trace.event.at))
    window = trace.figure.window
    cut = "" if window == period else ", cut to the life of the subscription"
    span = f"{format_instant(window.start)} to {format_instant(window.end)}"
    yield Step("period", True, f"{span}{cut}")
    keys = [f"{row.key}={_label(trace.event, row.key)}" for row in metric.filters]
    yield Step("filter", True, ", ".join(keys) or "the metric has none")
    later = "; it is carried into later periods" if metric.recurring else ""
    added, total = as_plain(trace.line.units), as_plain(trace.figure.units)
    yield Step("usage", True, f"{trace.line.reason}: {added} of {total} units{later}")


def _life(claim: Attribution, at: int) -> str:
    if at < claim.life.start:
        return f"came before its start, {format_instant(claim.life.start)}, and is carried into it"
    return f"{claim.subscription} was active then"


def _label(event: StoredEvent, key: str) -> str:
    return text_at(decode_object(event.event.properties.encode()), key) or "–"
