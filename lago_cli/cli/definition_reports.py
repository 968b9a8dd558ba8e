"""Definitions as reports: metrics, customers, subscriptions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from lago_cli.cli.reports import Row, whole
from lago_cli.domain.instants import format_instant
from lago_cli.renderers import Column, Report

if TYPE_CHECKING:  # each command needs but one of these
    from lago_cli.domain.customers import KnownCustomer
    from lago_cli.domain.subscriptions import KnownSubscription
    from lago_cli.services.catalog import Defined

_METRIC_COLUMNS = (
    Column("name", spare=3),
    Column("code", kind="id"),
    Column("description", spare=4),
    Column("aggregation_type", "aggregation"),
    Column("field_name", "field"),
    Column("recurring", kind="flag"),
    Column("expression", spare=1),
    Column("weighted_interval", "weighted by", spare=5),
    Column("rounding_function", "rounding"),
    Column("rounding_precision", "precision", kind="count"),
    Column("filters", kind="object", spare=2),
    Column("created_at", "created", kind="instant", spare=6),
)
_CUSTOMER_COLUMNS = (
    Column("external_id", kind="id"),
    Column("name"),
    Column("timezone", kind="flag"),
    Column("currency", kind="flag"),
    Column("created_at", "created", kind="instant"),
)
_SUBSCRIPTION_COLUMNS = (
    Column("external_id", kind="id"),
    Column("external_customer_id", "customer", kind="id"),
    Column("plan_code", "plan", kind="id"),
    Column("status", kind="flag"),
    Column("interval", kind="flag"),
    Column("billing_time", "billing", kind="flag"),
    Column("subscription_at", "anniversary of", kind="instant", spare=2),
    Column("started_at", "started", kind="instant"),
    Column("ending_at", "ending", kind="instant", spare=1),
    Column("terminated_at", "terminated", kind="instant", spare=4),
    Column("created_at", "created", kind="instant", spare=5),
)


def metrics_report(metrics: Iterable[Defined]) -> Report:
    return Report(
        None,
        _METRIC_COLUMNS,
        map(_metric_row, metrics),
        empty="No metrics yet. Define one with: lago metrics create",
    )


def metric_report(metric: Defined) -> Report:
    return Report(None, whole(_METRIC_COLUMNS), [_metric_row(metric)], single=True)


def _metric_row(defined: Defined) -> Row:
    metric = defined.metric
    row: dict[str, object] = {
        column.key: getattr(metric, column.key, None) for column in _METRIC_COLUMNS
    }
    row["filters"] = [{"key": rule.key, "values": list(rule.values)} for rule in metric.filters]
    row["created_at"] = format_instant(defined.created_at)
    return row


def customers_report(customers: Iterable[KnownCustomer]) -> Report:
    return Report(
        None,
        _CUSTOMER_COLUMNS,
        map(_customer_row, customers),
        empty="No customers yet. The first event of one creates it.",
    )


def customer_report(known: KnownCustomer) -> Report:
    return Report(None, whole(_CUSTOMER_COLUMNS), [_customer_row(known)], single=True)


def _customer_row(known: KnownCustomer) -> Row:
    customer = known.customer
    return {
        "external_id": customer.external_id,
        "name": customer.name,
        "timezone": customer.timezone,
        "currency": customer.currency,
        "created_at": format_instant(known.created_at),
    }


def subscriptions_report(subscriptions: Iterable[KnownSubscription], now: int) -> Report:
    return Report(
        None,
        _SUBSCRIPTION_COLUMNS,
        (_subscription_row(known, now) for known in subscriptions),
        empty="No subscriptions yet. Register one with: lago subscriptions create",
    )


def subscription_report(known: KnownSubscription, now: int) -> Report:
    row = _subscription_row(known, now)
    return Report(None, whole(_SUBSCRIPTION_COLUMNS), [row], single=True)


def _subscription_row(known: KnownSubscription, now: int) -> Row:
    subscription = known.subscription
    instants = {
        "subscription_at": subscription.subscription_at,
        "started_at": subscription.started_at,
        "ending_at": subscription.ending_at,
        "terminated_at": subscription.terminated_at,
        "created_at": known.created_at,
    }
    return {
        "external_id": subscription.external_id,
        "external_customer_id": subscription.external_customer_id,
        "plan_code": subscription.plan_code,
        "status": subscription.status(now),
        "interval": subscription.interval,
        "billing_time": subscription.billing_time,
    } | {name: None if at is None else format_instant(at) for name, at in instants.items()}
