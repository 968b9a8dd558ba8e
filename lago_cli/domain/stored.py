"""Events as they are kept: with their reception, their run, and whether they count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lago_cli.domain.events import Event

Status = Literal["counted", "unmatched", "unusable"]
STATUSES: tuple[Status, ...] = ("counted", "unmatched", "unusable")


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One event of the store; instants in microseconds since 1970."""

    event: Event
    at: int
    received_at: int
    run: int
    status: Status
    position: int = 0  # in the order of arrival


@dataclass(frozen=True, slots=True)
class EventSelection:
    """Which events to look at; None and empty mean all."""

    customers: tuple[str, ...] = ()
    subscriptions: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    start: int | None = None  # microseconds since 1970, inclusive
    end: int | None = None  # exclusive
    status: Status | None = None
    limit: int | None = None
