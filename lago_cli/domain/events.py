"""
Usage events: what a good one looks like, and why another is refused.

An event is identified, for ever, by (subscription, else customer; transaction_id).
Its properties stay the JSON text that was received. Nothing here asks whether a metric
of that code exists: definitions may come later.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Raw

from lago_cli.domain.json_text import as_written, kind_of, text_of
from lago_cli.domain.numbers import as_plain, parse_decimal
from lago_cli.domain.timestamps import ORDINARY, TimeForm
from lago_cli.errors import refused

FIELDS = (
    "transaction_id",
    "code",
    "external_customer_id",
    "external_subscription_id",
    "timestamp",
    "properties",
    "precise_total_amount_cents",
)
NO_PROPERTIES = "{}"


Subject = tuple[str | None, str | None]
"""(external_customer_id, external_subscription_id); at least one of the two is given."""


@dataclass(frozen=True, slots=True)
class Event:
    """One usage event as it was sent."""

    transaction_id: str
    code: str  # of the billable metric it counts for
    external_customer_id: str | None
    external_subscription_id: str | None
    at: int | None  # microseconds since 1970; None: the instant of its reception
    properties: str = NO_PROPERTIES  # a JSON object, as received
    precise_total_amount_cents: str | None = None  # plain decimal text
    finer: int = 0  # picoseconds after `at`, which order the events of a microsecond


def parse_event(fields: Mapping[str, Raw], times: TimeForm = ORDINARY) -> Event:
    """
    Read an event from the members of a JSON object; unknown members are ignored.

    Raises:
        LagoError: refused, with the code `missing_field`, `empty_field`, `wrong_type`,
            `invalid_timestamp`, `timestamp_out_of_range`, `invalid_properties` or
            `invalid_amount`.
    """
    customer = _identifier(fields, "external_customer_id", required=False)
    subscription = _identifier(fields, "external_subscription_id", required=False)
    transaction_id = _transaction_id(fields)
    code = _identifier(fields, "code", required=True)
    if customer is None and subscription is None:
        raise refused(
            "missing_field",
            "external_customer_id or external_subscription_id is missing",
            "An event names its customer, its subscription, or both.",
            field="external_customer_id",
        )
    return Event(
        transaction_id,
        code or "",
        customer,
        subscription,
        _timestamp(fields.get("timestamp"), times),
        _properties(fields.get("properties")),
        _amount(fields.get("precise_total_amount_cents")),
        times.finer(text_of(fields.get("timestamp")) or ""),
    )


def _present(fields: Mapping[str, Raw], name: str) -> Raw | None:
    token = fields.get(name)
    return None if token is None or kind_of(token) == "null" else token


def _identifier(fields: Mapping[str, Raw], name: str, *, required: bool) -> str | None:
    token = _present(fields, name)
    if token is None:
        if required:
            raise refused("missing_field", f"{name} is missing", field=name)
        return None
    if kind_of(token) != "text":
        raise refused(
            "wrong_type", f"{name} is {_a(kind_of(token))}, not text", _QUOTES, field=name
        )
    text = text_of(token) or ""
    if not text.strip():
        if required:
            raise refused("empty_field", f"{name} is empty", field=name)
        return None
    return text


def _transaction_id(fields: Mapping[str, Raw]) -> str:
    token = _present(fields, "transaction_id")
    if token is None:
        raise refused("missing_field", "transaction_id is missing", _NO_ID, field="transaction_id")
    if kind_of(token) not in ("text", "number"):
        raise refused(
            "wrong_type",
            f"transaction_id is {_a(kind_of(token))}, not text",
            field="transaction_id",
        )
    text = as_written(token) if kind_of(token) == "number" else text_of(token) or ""
    if not text.strip():
        raise refused("empty_field", "transaction_id is empty", _NO_ID, field="transaction_id")
    return text


def _timestamp(token: Raw | None, times: TimeForm) -> int | None:
    if token is None or kind_of(token) == "null":
        return None
    if kind_of(token) not in ("text", "number"):
        raise refused(
            "invalid_timestamp", f"timestamp is {_a(kind_of(token))}", _TIMES, field="timestamp"
        )
    written = text_of(token) if kind_of(token) == "text" else as_written(token)
    return times.read(written or "")


def _properties(token: Raw | None) -> str:
    if token is None or kind_of(token) == "null":
        return NO_PROPERTIES
    if kind_of(token) != "object":
        raise refused(
            "invalid_properties",
            f"properties is {_a(kind_of(token))}, not an object",
            'Write it as {"name": value}.',
            field="properties",
        )
    return as_written(token)


def _amount(token: Raw | None) -> str | None:
    if token is None or kind_of(token) == "null":
        return None
    try:
        if kind_of(token) not in ("text", "number"):
            raise ValueError(f"it is {_a(kind_of(token))}")
        return as_plain(parse_decimal(text_of(token) or ""))
    except ValueError as error:
        raise refused(
            "invalid_amount",
            f"precise_total_amount_cents is no decimal number: {error}",
            field="precise_total_amount_cents",
        ) from None


def _a(kind: str) -> str:
    """`an object`, `a number`; text comes without an article."""
    if kind == "text":
        return kind
    return f"an {kind}" if kind[0] in "ao" else f"a {kind}"


_QUOTES = "Put it in quotes, or read the record with --map, which turns numbers into text."
_NO_ID = "Where the source has none: --map transaction_id=PATH, or --id-from content."
_TIMES = "Use ISO 8601 (2026-11-22T00:00:00Z) or UNIX seconds."


KEPT_ELSEWHERE = ("received_at", "run", "status")
"""Keys of an exported event that are known anew when it comes in again."""


class WireEvent(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """An ordinary event, decoded in one step; what does not fit goes through `parse_event`."""

    transaction_id: str
    code: str
    external_customer_id: str | None = None
    external_subscription_id: str | None = None
    timestamp: Any = None
    properties: Raw = Raw(b"null")
    precise_total_amount_cents: Any = None
    received_at: Raw = Raw(b"null")
    run: Raw = Raw(b"null")
    status: Raw = Raw(b"null")


class WordyEvent(WireEvent, gc=False, forbid_unknown_fields=False):
    """The same with keys that no event has."""


_TIME_LIKE = frozenset(
    ("timestamp", "time", "date", "datetime", "ts", "eventtime", "eventdate", "createdat")
)
_MARKS = re.compile(r"[@_\-\s.]")


def looks_like_time(name: str) -> bool:
    """Whether a key or column of this name may be meant as the time of an event."""
    return _MARKS.sub("", name).casefold() in _TIME_LIKE
