"""A page, and what it is made of: the store, the clock, and what its address asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lago_cli.reports.voice import Heard
from lago_cli.server.pages.query import Query

if TYPE_CHECKING:
    from lago_cli.domain.instants import Window
    from lago_cli.server.gathering import Refusal
    from lago_cli.stores.sqlite.store import SqliteStore

ROWS = 500
"""So many of a long list are on one page; the CSV has all of them."""


DONE = {
    "defined": "The metric is defined. Events of its code that are stored count at once.",
    "changed": "The metric is changed, for past periods too.",
    "plan-defined": "The plan is defined. Subscriptions may have it now.",
    "plan-changed": "The plan is changed, for past periods too.",
    "registered": "It is registered. Events that came before are its own at once.",
    "customer-changed": "The customer is changed, for past periods too.",
    "moved": "The plan of the subscription is changed.",
    "ended": "The subscription ends.",
    "reverted": "The run is taken back: its events count nowhere any more.",
}
"""What is said on the page that is shown after something was done."""


@dataclass(slots=True)
class At:
    """Where a person is: the address with what it asks for, and what the answer is taken from."""

    store: SqliteStore
    now: int
    path: str  # without the ending of data
    query: Query
    name: str = ""  # of the one thing that the page is about
    form: Query = field(default_factory=Query)  # what was sent to be done
    may_write: bool = True
    token: str = ""  # that forms give back
    may_sign_out: bool = False  # they have shown the key
    refusals: Sequence[Refusal] = ()  # of the server that answers
    window: Window | None = None  # that the page shows, where it is bounded
    heard: Heard = field(default_factory=Heard)  # what is said beside the answer

    @property
    def skipped(self) -> int:
        """The rows before those of this page. Raises `LagoError` (wrong usage)."""
        return ((self.query.whole("page", 1) or 1) - 1) * ROWS

    @property
    def address(self) -> str:
        """Of this page."""
        return self.query.address(self.path)


@dataclass(slots=True)
class Page:
    """A page to be written, out of a template."""

    template: str
    title: str
    values: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    has_data: bool = True  # it is there as JSON and CSV, too


@dataclass(slots=True)
class Elsewhere:
    """Something was done, and can be seen there."""

    section: str
    name: str
    done: str  # what, in a word of `DONE`


@dataclass(slots=True)
class Paging:
    """Which rows of how many a page shows, and where the others are."""

    first: int
    last: int
    count: int | None  # None: more than these
    earlier: str | None
    later: str | None


def paging(at: At, rows: int, *, more: bool = False) -> Paging | None:
    """For a list of so many rows, or where there are `more` than those; None where all fit."""
    skipped = at.skipped
    is_last = skipped + ROWS >= rows and not more
    if not skipped and is_last:
        return None
    number = skipped // ROWS + 1

    def to(page: int) -> str:
        return at.query.address(at.path, ("page", str(page) if page > 1 else ""))

    return Paging(
        min(skipped + 1, rows),
        min(skipped + ROWS, rows),
        None if more else rows,
        to(number - 1) if skipped else None,
        None if is_last else to(number + 1),
    )
