"""Bodies of requests that say everything that a noun may say, and what can be done to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

RANGES = {
    "graduated_ranges": [
        {"from_value": 0, "to_value": 10, "per_unit_amount": "0.1", "flat_amount": "1"},
        {"from_value": 11, "to_value": None, "per_unit_amount": "0.05", "flat_amount": "0"},
    ]
}
METRIC: dict[str, Any] = {
    "name": "Storage",
    "code": "storage",
    "description": "Gigabytes",
    "aggregation_type": "sum_agg",
    "field_name": "gb",
    "recurring": False,
    "expression": None,
    "rounding_function": "round",
    "rounding_precision": 2,
    "weighted_interval": None,
    "filters": [{"key": "region", "values": ["eu", "us"]}],
}
CHARGE: dict[str, Any] = {
    "billable_metric_code": "storage",
    "code": "stored",
    "charge_model": "graduated",
    "pay_in_advance": False,
    "invoiceable": True,
    "prorated": False,
    "min_amount_cents": 5,
    "invoice_display_name": "Storage",
    "properties": RANGES,
    "filters": [
        {"values": {"region": ["eu"]}, "properties": RANGES, "invoice_display_name": "Europe"}
    ],
    "tax_codes": [],
}
PLAN: dict[str, Any] = {
    "name": "Pro",
    "code": "pro",
    "interval": "monthly",
    "amount_cents": 4900,
    "amount_currency": "EUR",
    "pay_in_advance": False,
    "description": "For teams",
    "invoice_display_name": "Professional",
    "trial_period": 3,
    "bill_charges_monthly": None,
    "tax_codes": [],
    "minimum_commitment": {"amount_cents": 10000, "invoice_display_name": "At least"},
    "charges": [CHARGE],
}
CUSTOMER: dict[str, Any] = {
    "external_id": "acme",
    "name": "Acme",
    "currency": "EUR",
    "timezone": "Europe/Paris",
}
SUBSCRIPTION: dict[str, Any] = {
    "external_id": "s",
    "external_customer_id": "acme",
    "plan_code": "pro",
    "billing_time": "calendar",
    "subscription_at": "2026-11-01T00:00:00Z",
    "ending_at": "2027-11-01T00:00:00Z",
}
HOSTILE = (
    *("a/b", "..", ".", "a/../b", "%", "%2F", "%00", "a?b#c", "a&b=c", "a+b c", " a "),
    *("é😀", "e\u0301", "\"'`;--", "<script>alert(1)</script>", "a\nb\tc", "\u0000", "\u202e"),
    *("x" * 2000, "12345678901234567890", "null", "evaluate_expression", "charges"),
)
"""Codes and ids that somebody will have."""

WRONG: tuple[Any, ...] = (
    *(True, -1, 1.5, 12345678901234567890, "", "?", "\ud800", "NaN", "1e999"),
    *([], [None], ["a"], [{}], {}, {"a": {"b": []}}),
)
"""What stands where something else is expected."""


def at(path: str, *names: str) -> str:
    """A path with what names a thing in it: `at("/plans/{}", "a/b")`."""
    return path.format(*(quote(name, safe="") for name in names))


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where there is something in it: every member, and every element of a list."""
    inner: Any = ()
    if isinstance(value, Mapping):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    for step, each in inner:
        yield (*place, step)
        yield from places(each, (*place, step))


def with_at(value: Any, place: tuple[Any, ...], other: Any) -> Any:
    """The same, with something else there."""
    if not place:
        return other
    step, *rest = place
    copy = dict(value) if isinstance(value, Mapping) else list(value)
    copy[step] = with_at(value[step], tuple(rest), other)
    return copy
