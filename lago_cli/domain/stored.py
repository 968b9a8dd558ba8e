"""Events as they are kept: with their reception, their run, and whether they count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from lago_cli.domain.events import Event
from lago_cli.domain.instants import format_instant

Status = Literal["counted", "unmatched", "unusable", "deleted"]
STATUSES: tuple[Status, ...] = ("counted", "unmatched", "unusable", "deleted")


class Deletion(NamedTuple):
    """When an event was taken out of every figure, why, and when it was brought back."""

    deleted_at: int  # microseconds since 1970
    reason: str
    undeleted_at: int | None = None

    def is_in_force(self, as_of: int | None) -> bool:
        """Whether it was at that instant; today, where there is none."""
        if as_of is None:
            return self.undeleted_at is None
        return self.deleted_at <= as_of and (self.undeleted_at is None or as_of < self.undeleted_at)


def told_of(deletion: Deletion, *, until: bool = True) -> str:
    """Half a sentence: when, why, and until when."""
    words = f"deleted on {format_instant(deletion.deleted_at)}, because: {deletion.reason}"
    if deletion.undeleted_at is None or not until:
        return words
    return f"{words}; it was brought back on {format_instant(deletion.undeleted_at)}"


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One event of the store; instants in microseconds since 1970."""

    event: Event
    at: int
    received_at: int
    run: int
    status: Status
    position: int = 0  # in the order of arrival
    deletions: tuple[Deletion, ...] = ()  # in their order

    def deletion(self, as_of: int | None = None) -> Deletion | None:
        """The one that was in force at that instant; today, where there is none."""
        in_force = (each for each in self.deletions if each.is_in_force(as_of))
        return next(in_force, None)


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


Ties = Literal["transaction_id", "arrival"]
"""What comes first of one instant: the least transaction id, or the latest arrival."""


class EventPage(NamedTuple):
    """Some events out of a longer list."""

    total: int  # of the list
    events: Sequence[StoredEvent]
