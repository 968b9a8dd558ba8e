"""What every summary can do, and the simplest of them; `domain.summaries` has the others."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, ClassVar

from lago_cli.domain.aggregations import Units, Window
from lago_cli.domain.readings import Kept

Moment = tuple[int, int]
"""(microseconds since 1970, rank within the microsecond) of an event; see `domain.ranks`."""


class Summary:
    """The number of usable and of unusable events; of a count there is no more to say."""

    __slots__ = ("unusable", "usable")
    form: ClassVar[Any] = tuple[Any, ...]  # in which it takes rows

    def __init__(self, unusable: int = 0, usable: int = 0) -> None:
        self.unusable = unusable
        self.usable = usable

    def take(self, at: int, rank: int, reading: Kept) -> None:  # noqa: ARG002
        """
        Count in one event, with its reading as it is stored.

        It is called for every event that is ingested: each class has it in one piece.
        """
        if reading[0] is None:
            self.unusable += 1
        else:
            self.usable += 1

    def absorb(self, row: Sequence[Any]) -> None:
        """Count in the events of another summary of the same class, given as its `row`."""
        self.unusable += row[0]
        self.usable += row[1]

    def absorb_day(self, day: int, row: Sequence[Any]) -> None:  # noqa: ARG002
        """The same, where all of its events are of that UTC day."""
        self.absorb(row)

    def merge(self, other: Summary) -> None:
        """Count in the events of another summary of the same class."""
        self.absorb(other.row())

    def units(self, window: Window) -> Units:  # noqa: ARG002
        """The figure of `window`, in or before which all the events lie."""
        return Decimal(self.usable)

    def row(self) -> tuple[Any, ...]:
        """What is to be kept, in texts, bytes and integers of 64 bits; `absorb` takes it back."""
        return self.unusable, self.usable

    def said(self) -> object:
        """Equal for summaries that say the same."""
        return self.unusable, self.usable
