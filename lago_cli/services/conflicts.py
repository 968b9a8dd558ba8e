"""What a repeated event has against the stored one, in words."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any, NamedTuple

from lago_cli.domain.batches import EventBatch
from lago_cli.domain.differences import Difference, differences
from lago_cli.domain.instants import format_instant
from lago_cli.domain.stored import Deletion
from lago_cli.stores.base import Duplicate, Holder

NAMED = 5  # differences
LONGEST = 60  # characters of a value


class Conflict(NamedTuple):
    """A repeated event that differs from the stored one, which stays; or that one is deleted."""

    file: str
    line: int
    transaction_id: str
    differs_in: tuple[str, ...]  # fields
    stored: Sequence[Any] = ()  # in the order of `events.FIELDS`, where it differs
    sent: Sequence[Any] = ()
    deletion: Deletion | None = None

    @property
    def said(self) -> str:
        """What is known of the stored one, as a sentence without its end."""
        name = f'transaction "{self.transaction_id}"'
        words = f"{name} is stored already"
        if self.deletion is not None:
            words = f"{name} was deleted on {format_instant(self.deletion.deleted_at)}"
        return f"{words}: {self._differences()}" if self.differs_in else words

    @property
    def is_lost(self) -> bool:
        """Whether it says something new that can never count as long as the other is deleted."""
        return self.deletion is not None and bool(self.differs_in)

    def _differences(self) -> str:
        found = list(differences(self.stored, self.sent))
        if not found:  # they differ in how a number is written that is too long to compare
            return f"different {' and '.join(self.differs_in)}"
        named = "; ".join(map(_in_words, islice(found, NAMED)))
        more = len(found) - NAMED
        return f"{named}; and {more} more" if more > 0 else named


def conflict(file: str, batch: EventBatch, duplicate: Duplicate, holder: Holder | None) -> Conflict:
    """Of a batch that was read from `file`; `holder` is what the store says of the stored one."""
    index, differs_in = duplicate
    place = file, batch.lines[index], batch.transaction_ids[index]
    if holder is None:
        return Conflict(*place, differs_in)
    return Conflict(*place, differs_in, holder.fields, batch.fields(index), holder.deletion)


def _in_words(each: Difference) -> str:
    return f"{each.path}: stored {_cut(each.stored)}, sent {_cut(each.sent)}"


def _cut(written: str | None) -> str:
    if written is None:
        return "nothing"
    return written if len(written) <= LONGEST else f"{written[: LONGEST - 1]}…"
